// Requests that cannot succeed: a rollback leaves what it can, and any other request fails with the reason.
import type { CopyProperties } from '../../lib/contract';
import { AwsError, type Fault } from '../../local-aws/faults';
import { MINUTE, SECOND, tags, World, type Outcome } from './in-process';

const REGION = 'eu-west-1';
const MARKED = tags({ a: '1' });

/** A stack with a copy. */
async function stackWithCopy(declared: Partial<CopyProperties> = {}): Promise<[World, CopyProperties, string]> {
  const world = new World();
  const properties = world.declare(declared);
  return [world, properties, await world.create(properties)];
}

/** An Update that changes the tags, and its rollback. */
async function changeTags(world: World, before: CopyProperties): Promise<[forward: Outcome, back: Outcome]> {
  const wanted = { ...before, Tags: MARKED };
  world.enter('UPDATE_IN_PROGRESS');
  const forward = await world.run(world.update(wanted, before));
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  return [forward, await world.run(world.update(before, wanted))];
}

/** The reasons that the log gives for what was left. */
const left = (world: World): unknown[] =>
  world.logs.flatMap(({ decision, reason }) => (decision === 'left' ? [reason] : []));

describe('a rollback answers with the present copy after an Update that failed because', () => {
  test('the source and the copy are gone', async () => {
    const [world, before, id] = await stackWithCopy();
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: before.SourceSnapshotId });
    world.ec2.deleteSnapshot(REGION, { SnapshotId: id });
    const [forward, back] = await changeTags(world, before);
    expect(forward.failure?.message).toMatch(/^source snapshot \S+ was not found in us-east-1/);
    expect(back.answer).toMatchObject({ IsComplete: true, PhysicalResourceId: id, Data: { SnapshotId: id } });
    expect(left(world)).toEqual([expect.stringMatching(/^source snapshot \S+ was not found in us-east-1/)]);
    expect(world.copies()).toEqual([]);
  });

  test('somebody removed the tags of the copy, whose attributes are still known', async () => {
    const [world, before, id] = await stackWithCopy();
    world.ec2.deleteTags(REGION, { Resources: [id] });
    const [forward, back] = await changeTags(world, before);
    const reason = expect.stringContaining(`${id} in ${REGION} does not carry the tags`) as string;
    expect([forward.after, forward.failure?.message]).toEqual([30, reason]);
    expect(back).toMatchObject({
      after: 30,
      answer: { PhysicalResourceId: id, Data: { SnapshotId: id, VolumeSize: '8' } },
    });
    expect(left(world)).toEqual([reason]);
    expect(world.ec2.tagsOf(id)).toEqual({});
  });

  test.each<[string, Fault]>([
    ['the Region of the copy is closed', new AwsError('OptInRequired', 'You are not subscribed to this service.')],
    ['access to the copy is denied', 'denied'],
  ])('%s', async (_, fault) => {
    const [world, before, id] = await stackWithCopy();
    world.services.faults = ({ region }) => (region === REGION ? fault : undefined);
    const [forward, back] = await changeTags(world, before);
    expect(forward.failure?.message).toContain(` in ${REGION}; check`);
    expect(back.answer).toMatchObject({ PhysicalResourceId: id, Data: { SnapshotId: id, VolumeSize: '' } });
    expect(left(world)).toHaveLength(1);
    expect(world.copies()).toEqual([id]);
  });

  test('the tags of the copy cannot be changed', async () => {
    const [world, before, id] = await stackWithCopy();
    world.services.faults = ({ action }) =>
      action === 'CreateTags' || action === 'DeleteTags' ? new AwsError('TagPolicyViolation', 'No.') : undefined;
    const [forward, back] = await changeTags(world, before);
    expect(forward.failure?.message).toContain(
      `tags of ${id} in ${REGION} could not be changed: TagPolicyViolation: No.; correct`,
    );
    expect(back.answer?.PhysicalResourceId).toBe(id);
  });
});

describe('the rollback of an Update', () => {
  /** Rolls back an Update that made another copy, after `resist` gets in the way. */
  async function rollBack(world: World, before: CopyProperties, resist: (id: string) => void): Promise<Outcome> {
    const wanted = { ...before, Description: 'new' };
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    resist(answer?.PhysicalResourceId ?? '');
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    return world.run(world.update(before, wanted));
  }

  test('succeeds, and leaves the new copy if automation has locked it', async () => {
    const [world, before, id] = await stackWithCopy();
    const { answer } = await rollBack(world, before, (other) => {
      world.ec2.snapshot(other).lock = 'governance';
    });
    expect(answer).toMatchObject({ PhysicalResourceId: id, Data: { SnapshotId: id } });
    const [, other = ''] = world.copies();
    expect(left(world)).toEqual([
      expect.stringContaining(`${other} in ${REGION} could not be deleted: SnapshotLocked`),
    ]);
  });

  test('succeeds, and leaves the new copy if a policy denies its deletion', async () => {
    const [world, before, id] = await stackWithCopy();
    const denied = new AwsError('UnauthorizedOperation', 'No, with an explicit deny in a service control policy', 403);
    const { answer } = await rollBack(world, before, () => {
      world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? denied : undefined);
    });
    expect(answer?.PhysicalResourceId).toBe(id);
    expect(world.copies()).toHaveLength(2);
    expect(left(world)).toEqual([expect.stringContaining('could not be deleted: UnauthorizedOperation: No, with an')]);
  });

  test('answers with its own physical ID if the old copy and the source are gone', async () => {
    const [world, before, id] = await stackWithCopy();
    const { answer } = await rollBack(world, before, () => {
      world.ec2.deleteSnapshot('us-east-1', { SnapshotId: before.SourceSnapshotId });
      world.ec2.deleteSnapshot(REGION, { SnapshotId: id });
    });
    const [other = ''] = world.copies();
    expect(answer).toMatchObject({ PhysicalResourceId: other, Data: { SnapshotId: other, VolumeSize: '8' } });
  });

  test('answers with its handle and empty attributes if the copy and the source are gone', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.createUnderHandle(before);
    const handle = world.physicalId;
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: before.SourceSnapshotId });
    world.ec2.deleteSnapshot(REGION, { SnapshotId: id });
    const [, { answer }] = await changeTags(world, before);
    expect(answer).toMatchObject({ PhysicalResourceId: handle, Data: { SnapshotId: '', VolumeSize: '' } });
  });
});

test('a rollback that must remake its copy succeeds even if the new copy fails, and deletes it', async () => {
  const [world, before, id] = await stackWithCopy();
  world.ec2.deleteSnapshot(REGION, { SnapshotId: id });
  world.ec2.settings.course = () => ({ duration: MINUTE, outcome: 'error', message: 'Internal fault' });
  const wanted = { ...before, Tags: MARKED };
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  const { answer } = await world.run(world.update(before, wanted));
  expect(answer).toMatchObject({ PhysicalResourceId: id, Data: { SnapshotId: id } });
  expect(left(world)).toEqual([expect.stringContaining('Internal fault')]);
  expect(world.copies()).toEqual([]);
});

describe('the failure of an Update in its first half minute', () => {
  test('waits for the next poll, which may show a rollback', async () => {
    const [world, before, id] = await stackWithCopy();
    world.ec2.deleteTags(REGION, { Resources: [id] });
    world.enter('UPDATE_IN_PROGRESS');
    world.resourceStatus = 'UPDATE_IN_PROGRESS';
    world.resourceSince = world.time;
    world.lag(3);
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    const { answer, after } = await world.run(world.update(before, { ...before, Tags: MARKED }));
    expect([answer?.PhysicalResourceId, after]).toEqual([id, 30]);
    const reason = expect.stringMatching(
      /^to be confirmed by the next poll: snap-\w+ in eu-west-1 does not carry the tags/,
    ) as string;
    expect(world.logs).toContainEqual({ decision: 'wait', reason });
  });

  test.each([
    ['Update', 30],
    ['Create', 0],
  ] as const)('is final after half a minute, or at once in a Create: %s fails after %d s', async (type, seconds) => {
    const [world, before] = await stackWithCopy();
    world.services.faults = ({ action }) =>
      action === 'DescribeSnapshots' ? new AwsError('InvalidRegion', 'No such Region.') : undefined;
    world.enter('UPDATE_IN_PROGRESS');
    const { failure, after } = await world.run(
      world.event(type, { ResourceProperties: before, OldResourceProperties: before }),
    );
    expect([failure?.message, after]).toEqual([expect.stringContaining('InvalidRegion: No such Region.'), seconds]);
  });
});

describe('a request that cannot succeed', () => {
  test('logs the same reason that the user sees', async () => {
    const world = new World();
    const { failure } = await world.runCreate({ SourceSnapshotId: 'none' });
    expect(world.logs.at(-1)).toEqual({ decision: 'fail', reason: failure?.message });
    expect(left(world)).toEqual([]);
  });

  test('fails if it is a Create that is polled again in the rollback', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    world.time += 30 * SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    expect((await world.wait(event)).failure?.message).toContain('has ended, or already has its answer');
    expect(left(world)).toEqual([]);
  });

  test('fails in a rollback if it already has its answer', async () => {
    const [world, before] = await stackWithCopy();
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const event = await world.accept(world.update(before, { ...before, Tags: MARKED }));
    world.resourceStatus = 'UPDATE_COMPLETE';
    expect((await world.wait(event)).failure?.message).toContain('has ended, or already has its answer');
    expect(left(world)).toEqual([]);
  });

  test('succeeds in a rollback that only onEvent could see', async () => {
    const [world, before, id] = await stackWithCopy();
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const event = await world.accept(world.update(before, { ...before, Tags: MARKED }));
    world.services.faults = ({ action }) => (action === 'DescribeStacks' ? 'denied' : undefined);
    const { after, answer } = await world.wait(event);
    expect([after, answer?.PhysicalResourceId]).toEqual([300, id]);
    expect(left(world)).toEqual([expect.stringContaining('AccessDenied')]);
  });

  test('forgets the copy that it saw, so the next request of the resource does not expect it', async () => {
    const [world, before, id] = await stackWithCopy();
    world.ec2.deleteTags(REGION, { Resources: [id] });
    await changeTags(world, before);
    world.ec2.deleteSnapshot(REGION, { SnapshotId: id });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: MARKED }, before));
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });
});
