import { TAG } from '../../../lib/contract';
import { Memory } from '../../../lambda/memory';
import { AwsError } from '../../../local-aws/faults';
import { LOGICAL_ID, MINUTE, SECOND, STACK_ID, stale, tags, THREE_HOURS, World } from '../in-process';

const notVisible = (id: string): object => ({
  decision: 'wait',
  reason: `EC2 does not return ${id} at the moment; if that lasts, check that it exists and has its tags`,
});

const HAS_ENDED = 'has ended, or already has its answer';

describe('the copy that a request starts', () => {
  test('carries its owner, inputs, handle, and the declared tags from its creation on', async () => {
    const world = new World();
    const declared = world.declare({ Tags: tags({ team: 'storage' }), DeletionPolicy: 'Retain' });
    const event = await world.begin(world.event('Create', { ResourceProperties: declared }));
    const [id = ''] = world.copies();
    expect(world.ec2.tagsOf(id)).toEqual({
      team: 'storage',
      [TAG.stack]: STACK_ID,
      [TAG.resource]: LOGICAL_ID,
      [TAG.inputs]: expect.stringMatching(/^v1-[0-9a-f]{32}$/) as string,
      [TAG.handle]: event.PhysicalResourceId,
      [TAG.source]: declared.SourceSnapshotId,
      [TAG.retain]: 'Retain',
    });
    expect(event.PhysicalResourceId).toMatch(/^copy-[0-9a-f]{32}$/);
  });

  test('is requested in the destination Region, with every declared parameter and no other', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const declared = world.declare({ Description: 'nightly', KmsKeyId: key.arn, CompletionDurationMinutes: '30' });
    await world.begin(world.event('Create', { ResourceProperties: declared }));
    const call = world.services.calls.find(({ action }) => action === 'CopySnapshot');
    expect(call?.region).toBe('eu-west-1');
    expect(call?.input).toEqual({
      SourceRegion: 'us-east-1',
      SourceSnapshotId: declared.SourceSnapshotId,
      Description: 'nightly',
      Encrypted: true,
      KmsKeyId: key.arn,
      CompletionDurationMinutes: 30,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: expect.any(Array) as unknown[] }],
    });
  });

  test('is the only one, even if the answer to CopySnapshot is lost and reads are stale', async () => {
    const world = new World({ staleness: stale({ ids: 110 * SECOND, tags: 110 * SECOND }) });
    world.services.faults = ({ action, count }) =>
      action === 'CopySnapshot' && count === 1 ? 'lost-response' : undefined;
    const { answer } = await world.runCreate();
    expect(world.started()).toBe(1);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('is awaited while it may not be visible yet, even if its key is disabled by then', async () => {
    const world = new World({ staleness: stale({ ids: 110 * SECOND, tags: 110 * SECOND }) });
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? 'lost-response' : undefined);
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const event = await world.begin(
      world.event('Create', { ResourceProperties: world.declare({ KmsKeyId: key.arn }) }),
    );
    key.state = 'Disabled';
    world.time += 30 * SECOND;
    const { answer, failure } = await world.wait(event);
    expect(failure).toBeUndefined();
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('is also awaited by a new process, which has met no obstacle', async () => {
    const world = new World({ staleness: stale({ ids: 110 * SECOND, tags: 110 * SECOND }) });
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const event = await world.begin(
      world.event('Create', { ResourceProperties: world.declare({ KmsKeyId: key.arn }) }),
    );
    key.state = 'Disabled';
    world.memory = new Memory();
    world.time += 30 * SECOND;
    const { answer, failure } = await world.wait(event);
    expect(failure).toBeUndefined();
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('is shared by two requests of one operation that want the same copy', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const first = await world.accept(world.event('Create'));
    const second = await world.accept(world.event('Create'));
    await world.poll(first);
    await world.poll(second);
    expect(world.started()).toBe(1);
  });

  test('replaces the old one, which is left for its own Delete', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'new' }), before));
    expect(answer?.PhysicalResourceId).not.toBe(old);
    expect(world.copies()).toEqual([old, answer?.PhysicalResourceId]);
  });

  test('is not started after another poll has answered the request', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    world.resourceStatus = 'CREATE_COMPLETE';
    expect((await world.wait(event)).failure?.message).toContain(HAS_ENDED);
    expect(world.started()).toBe(0);
  });
});

test('a request fails with EC2’s message if CopySnapshot no longer finds its named source', async () => {
  const world = new World();
  const error = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
  world.services.faults = ({ action }) => (action === 'CopySnapshot' ? error : undefined);
  const { failure } = await world.runCreate({ TimeoutSeconds: '600' });
  expect(failure?.message).toContain('InvalidSnapshot.NotFound: The snapshot does not exist.');
});

test('a request over EC2’s copy limit tries once in each start window, and says so at the timeout', async () => {
  const world = new World({ maxConcurrentCopies: 0 });
  const { failure, after } = await world.runCreate({ TimeoutSeconds: '1200' });
  expect(after).toBe(1200);
  expect(failure?.message).toContain(
    'could not be started within 20 minutes: ResourceLimitExceeded: Too many snapshot',
  );
  expect(world.started()).toBe(7);
});

describe('an Update in place whose copy', () => {
  test.each(['its id', 'its handle'])('is gone makes it again if CloudFormation knows it by %s', async (how) => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1' }) });
    const gone = await (how === 'its id' ? world.create(before) : world.createUnderHandle(before));
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: gone });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Tags: tags({ a: '2' }) }), before));
    expect(answer?.Data?.SnapshotId).toMatch(/^snap-/);
    expect(world.copies()).toEqual([answer?.Data?.SnapshotId]);
  });

  test('was made for other inputs makes another, as after a rollback that could not reach the right one', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    world.ec2.createTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.inputs, Value: 'v1-other' }] });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(world.started()).toBe(2);
    expect(world.copies()).toEqual([id, answer?.Data?.SnapshotId]);
  });

  test('is missing from a search waits for it', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    world.ec2.settings.staleness = stale({ tags: 60 * MINUTE });
    const event = await world.begin(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    world.ec2.settings.staleness = stale({});
    expect((await world.wait(event)).answer?.PhysicalResourceId).toBe(id);
    expect(world.started()).toBe(1);
  });

  test('is missing from the search of a new process waits for it', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    world.memory = new Memory();
    world.ec2.settings.staleness = stale({ tags: 60 * MINUTE });
    const event = await world.begin(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(world.started()).toBe(1);
    expect(world.logs).toContainEqual(notVisible(id));
    world.ec2.settings.staleness = stale({});
    expect((await world.wait(event)).answer?.PhysicalResourceId).toBe(id);
  });

  test('lost its tags fails, and does not replace the copy', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1' }) });
    const id = await world.create(before);
    world.ec2.deleteTags('eu-west-1', { Resources: [id] });
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update(world.declare({ Tags: tags({ a: '2' }) }), before));
    expect(failure?.message).toContain(`${id} in eu-west-1 does not carry the tags`);
    expect(world.started()).toBe(1);
  });

  test('is in a Region that cannot be read fails, and does not replace the copy', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const closed = new AwsError('OptInRequired', 'You are not subscribed to this service.');
    world.services.faults = ({ region }) => (region === 'eu-west-1' ? closed : undefined);
    world.enter('UPDATE_IN_PROGRESS');
    const { failure, after } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(failure?.message).toContain('OptInRequired: You are not subscribed to this service. in eu-west-1');
    expect(after).toBe(60);
    expect(world.copies()).toEqual([id]);
  });
});

describe('a missing copy that the handler has seen', () => {
  /** A Create whose copy a poll has seen. */
  async function seen(world: World): Promise<[id: string, event: Awaited<ReturnType<World['begin']>>]> {
    const event = await world.begin(world.event('Create'));
    world.time += 30 * SECOND;
    await world.poll(event);
    const [id = ''] = world.copies();
    return [id, event];
  }

  test('counts as deleted by somebody else once no read can be stale, and is not made again', async () => {
    const world = new World();
    const [id, event] = await seen(world);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(`${id} was deleted by somebody else before it was completed`);
    expect(after).toBe(120);
    expect(world.logs).toContainEqual(notVisible(id));
    expect(world.copies()).toEqual([]);
    expect(world.started()).toBe(1);
  });

  test('is made again by a later operation, even if the resource still has the missing copy’s handle', async () => {
    const world = new World();
    const [id, event] = await seen(world);
    const other = new Memory();
    const first = world.memory;
    world.memory = other;
    await world.poll(event);
    world.memory = first;
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    expect((await world.wait(event)).failure).toBeDefined();
    for (const memory of [first, other]) {
      world.memory = memory;
      world.physicalId = event.PhysicalResourceId;
      world.time += 10 * MINUTE;
      world.enter('UPDATE_IN_PROGRESS');
      const before = world.declare();
      const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
      const [made = ''] = world.copies();
      expect(answer?.Data?.SnapshotId).toBe(made);
      world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: made });
    }
  });

  test('is awaited by the rollback of the Update that has just seen it', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.createUnderHandle(before);
    const wanted = { ...before, Tags: tags({ a: '1' }) };
    const tooMany = new AwsError('TagLimitExceeded', 'The maximum number of tags has been reached.');
    world.services.faults = ({ action }) => (action === 'CreateTags' ? tooMany : undefined);
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update(wanted, before))).failure?.message).toContain('TagLimitExceeded');
    world.services.faults = undefined;
    world.time += MINUTE;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    world.ec2.settings.staleness = stale({ tags: 60 * MINUTE });
    const event = await world.begin(world.update(before, wanted));
    world.ec2.settings.staleness = stale({});
    expect((await world.wait(event)).answer?.Data?.SnapshotId).toBe(id);
    expect(world.started()).toBe(1);
  });

  test('counts as deleted by somebody else if it is in the Recycle Bin, even without its tags', async () => {
    const world = new World({ recycleBin: 'visible' });
    const [id, event] = await seen(world);
    world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.stack }] });
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    expect((await world.wait(event)).failure?.message).toContain('was deleted by somebody else');
  });

  test('is awaited as long as EC2 shows it by its ID', async () => {
    const world = new World();
    const [, event] = await seen(world);
    world.ec2.settings.staleness = stale({ tags: 60 * MINUTE });
    expect((await world.wait(event, 2.5 * MINUTE)).failure).toBeUndefined();
    world.ec2.settings.staleness = stale({});
    expect((await world.wait(event)).answer?.PhysicalResourceId).toMatch(/^snap-/);
    expect(world.started()).toBe(1);
  });

  test('fails the request if it lost its tags, and is left alone', async () => {
    const world = new World();
    const [id, event] = await seen(world);
    world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.stack }] });
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(`${id} in eu-west-1 does not carry the tags`);
    expect(after).toBe(0);
    expect(world.copies()).toEqual([id]);
  });

  test('is awaited by a later stage even if its inputs tag was changed, and no other is started', async () => {
    const world = new World({ copyDuration: 80 * MINUTE });
    const declared = world.declare(THREE_HOURS);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    const [id = ''] = world.copies();
    world.ec2.createTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.inputs, Value: 'v1-other' }] });
    world.memory = new Memory();
    const { answer, failure } = await world.wait(await world.accept(world.stage(2, declared)), 10 * MINUTE);
    expect([answer, failure]).toEqual([undefined, undefined]);
    expect(world.logs.slice(-1)).toEqual([notVisible(id)]);
    expect(world.started()).toBe(1);
  });

  test('is awaited by a later stage, which starts no other', async () => {
    const world = new World({ copyDuration: 80 * MINUTE });
    const declared = world.declare(THREE_HOURS);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    const [id = ''] = world.copies();
    const event = await world.accept(world.stage(2, declared));
    world.ec2.settings.staleness = stale({ tags: 3 * 60 * MINUTE });
    expect((await world.wait(event, 10 * MINUTE)).failure).toBeUndefined();
    expect(world.logs.slice(-1)).toEqual([notVisible(id)]);
    world.ec2.settings.staleness = stale({});
    expect((await world.wait(event)).answer?.Data?.SnapshotId).toBe(id);
    expect(world.started()).toBe(1);
  });
});
