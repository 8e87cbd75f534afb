// Anyone who may tag snapshots can put our tags on any snapshot. The handler must neither report nor delete it.
import { TAG, type CopyProperties } from '../../lib/contract';
import { Memory } from '../../lambda/memory';
import { decodeRequest, type PollEvent } from '../../lambda/request';
import type { NewSnapshot } from '../../local-aws/ec2';
import { MINUTE, SECOND, tags, THREE_HOURS, World } from './in-process';
import { copyFor } from './requests';

const OTHER_HANDLE = `copy-${'2'.repeat(32)}`;

/** The tags of a copy that the request would start. */
const tagsFor = (event: PollEvent): Record<string, string> => copyFor(decodeRequest(event, 'us-east-1')).tags;

/** Somebody puts the tags on another snapshot, by default a finished one of the size of the source. */
function forge(world: World, forged: Record<string, string>, snapshot: Partial<NewSnapshot> = {}): string {
  return world.ec2.addSnapshot({ region: 'eu-west-1', startTime: world.time, tags: forged, ...snapshot }).id;
}

/** The tags of a copy, except its own ID, which would reveal a clone. */
const tagsOf = (world: World, id: string): Record<string, string> =>
  Object.fromEntries(Object.entries(world.ec2.tagsOf(id)).filter(([key]) => key !== TAG.id));

const created = (world: World, declared: Partial<CopyProperties> = {}): Promise<PollEvent> =>
  world.accept(world.event('Create', { ResourceProperties: world.declare(declared) }));

/** The reasons for which the log says that a snapshot is not the copy. */
const reasons = (world: World): unknown[] => [
  ...new Set(world.logs.flatMap(({ decision, reason }) => (decision === 'not this copy' ? [reason] : []))),
];

describe('a snapshot with the handle of the copy is left alone', () => {
  test('when the request has ended and its copy is deleted', async () => {
    const world = new World();
    const event = await created(world);
    const forged = forge(world, tagsFor(event), { volumeSize: 9 });
    await world.poll(event);
    world.enter('ROLLBACK_IN_PROGRESS');
    world.time += MINUTE;
    await world.wait(event);
    expect(world.logs).toContainEqual(expect.objectContaining({ decision: 'delete begun' }));
    expect(world.copies()).toEqual([]);
    expect(world.ec2.stateOf(forged)).toBe('completed');
    expect(reasons(world)).toEqual(['its size is 9 GiB, not 8 GiB']);
  });

  test('when the request fails and its copy is deleted', async () => {
    const world = new World();
    world.ec2.settings.course = () => ({ outcome: 'error', duration: 10 * SECOND, message: 'Internal fault' });
    const event = await created(world);
    const forged = forge(world, tagsFor(event), { volumeSize: 9 });
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain('Internal fault');
    expect(world.copies()).toEqual([]);
    expect(world.ec2.stateOf(forged)).toBe('completed');
  });
});

test('a snapshot with the tags of an earlier copy that an Update could adopt is judged once per poll', async () => {
  const world = new World();
  const before = world.declare();
  const id = await world.create(before);
  const wanted = world.declare({ Description: 'new' });
  world.enter('UPDATE_IN_PROGRESS');
  const event = await world.accept(world.update(wanted, before));
  const snapshotId = forge(
    world,
    { ...tagsFor(event), [TAG.handle]: OTHER_HANDLE },
    { startTime: world.time - SECOND },
  );
  await world.poll(event);
  expect(world.logs.filter(({ decision }) => decision === 'not this copy')).toEqual([
    { decision: 'not this copy', snapshotId, reason: 'EC2 does not show it as a copy' },
  ]);
  expect(world.copies()).toHaveLength(2);
  expect(world.copies()).toContain(id);
});

test('a snapshot with the handle of a copy survives the Delete of that handle', async () => {
  const world = new World();
  const id = await world.createUnderHandle();
  const forged = forge(world, tagsOf(world, id));
  world.enter('DELETE_IN_PROGRESS');
  await world.run(world.event('Delete'));
  expect(world.copies()).toEqual([]);
  expect(world.ec2.stateOf(forged)).toBe('completed');
  expect(reasons(world)).toEqual(['EC2 does not show it as a copy']);
});

test('a snapshot with the tags of a copy survives a Delete whose DeleteSnapshot got no answer', async () => {
  const world = new World();
  const before = world.declare();
  const id = await world.create(before);
  const forged = forge(world, tagsOf(world, id));
  world.memory = new Memory();
  world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'lost-response' : undefined);
  world.enter('DELETE_IN_PROGRESS');
  const event = await world.begin(world.event('Delete', { ResourceProperties: before }));
  world.services.faults = undefined;
  await world.wait(event);
  expect(world.copies()).toEqual([]);
  expect(world.ec2.stateOf(forged)).toBe('completed');
});

describe('a Create neither reports nor deletes a snapshot with the tags of the copy if', () => {
  test.each<[string, Partial<CopyProperties>, Partial<NewSnapshot>, string]>([
    ['it is larger', {}, { volumeSize: 9 }, 'its size is 9 GiB, not 8 GiB'],
    ['it is smaller', {}, { volumeSize: 7 }, 'its size is 7 GiB, not 8 GiB'],
    ['it is not encrypted', { Encrypted: 'true' }, {}, 'it is not encrypted'],
  ])('%s', async (_, declared, snapshot, reason) => {
    const world = new World();
    const event = await created(world, declared);
    // These begin before the handler’s own copy, so the oldest one is forged.
    const forged = [
      forge(world, tagsFor(event), snapshot),
      forge(world, { ...tagsFor(event), [TAG.handle]: OTHER_HANDLE }, snapshot),
    ];
    world.time += SECOND;
    const { answer } = await world.wait(event);
    expect(forged).not.toContain(answer?.PhysicalResourceId);
    expect(forged.map((id) => world.ec2.stateOf(id))).toEqual(['completed', 'completed']);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
    expect(reasons(world)).toEqual([reason]);
  });

  test('it has another key', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const other = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const event = await created(world, { KmsKeyId: key.arn });
    const forged = forge(world, tagsFor(event), { kmsKeyId: other.arn });
    const { answer } = await world.wait(event);
    expect(answer?.Data).toMatchObject({ KmsKeyArn: key.arn });
    expect(world.ec2.stateOf(forged)).toBe('completed');
    expect(reasons(world)).toEqual([`its key is ${other.arn}, not ${key.arn}`]);
  });

  test('it began before the request whose handle it carries', async () => {
    const world = new World();
    world.time += 10 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const event = await created(world);
    const forged = forge(world, tagsFor(event), { startTime: world.time - 61 * SECOND });
    const { answer } = await world.wait(event);
    expect(answer?.PhysicalResourceId).not.toBe(forged);
    expect(world.ec2.stateOf(forged)).toBe('completed');
    expect(reasons(world)).toEqual(['it began before the request']);
  });

  test('it is older than the stack', async () => {
    const world = new World();
    const event = await created(world);
    const forged = forge(world, tagsFor(event), { startTime: world.time - SECOND });
    const { answer } = await world.wait(event);
    expect(answer?.PhysicalResourceId).not.toBe(forged);
    expect(world.ec2.stateOf(forged)).toBe('completed');
  });
});

describe('a snapshot with the tags of an earlier copy', () => {
  test('is not adopted by an Update if it does not match the declaration', async () => {
    const world = new World();
    const before = world.declare({ Encrypted: 'true' });
    await world.create(before);
    const wanted = { ...before, Description: 'new' };
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accept(world.update(wanted, before));
    const forged = forge(
      world,
      { ...tagsFor(event), [TAG.handle]: OTHER_HANDLE },
      { startTime: world.time - 3 * MINUTE },
    );
    const { answer } = await world.wait(event);
    expect(answer?.Data).toMatchObject({ Encrypted: 'true' });
    expect(answer?.PhysicalResourceId).not.toBe(forged);
    expect(world.ec2.stateOf(forged)).toBe('completed');
  });

  test('does not replace the present copy, which CloudFormation knows by its ID', async () => {
    const world = new World();
    const before = world.declare(THREE_HOURS);
    const id = await world.create(before);
    forge(world, tagsOf(world, id), { volumeSize: 9, startTime: world.time - 3 * MINUTE });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(answer).toMatchObject({ PhysicalResourceId: id, Data: { VolumeSize: '8' } });
  });
});

describe('when the stack is deleted,', () => {
  test.each<[string, Partial<NewSnapshot>, string | undefined]>([
    ['is larger than the source', { volumeSize: 9 }, 'its size is 9 GiB, not 8 GiB'],
    ['is older than the stack', { startTime: Date.UTC(2029, 11, 31) }, undefined],
  ])('a snapshot with the tags of the copy survives if it %s', async (_, snapshot, reason) => {
    const world = new World();
    const id = await world.create();
    const forged = forge(world, tagsOf(world, id), snapshot);
    world.enter('DELETE_IN_PROGRESS');
    expect((await world.run(world.event('Delete'))).answer).toEqual({ IsComplete: true });
    expect([world.copies(), world.ec2.stateOf(forged)]).toEqual([[], 'completed']);
    expect(reasons(world)).toEqual(reason === undefined ? [] : [reason]);
  });

  test('a snapshot with unknown inputs survives if EC2 does not show it as a copy', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare({ Description: 'new' }), before));
    const forged = forge(world, { ...tagsOf(world, old), [TAG.inputs]: 'v1-other' });
    const wanted = world.declare({ Description: 'new' });
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: wanted }));
    expect([world.copies(), world.ec2.stateOf(forged)]).toEqual([[], 'completed']);
    expect(reasons(world)).toEqual(['EC2 does not show it as a copy']);
  });
});

describe('a clone of our copy with all its tags', () => {
  /** Somebody copies the copy together with its tags. */
  function clone(world: World, id: string): string {
    const Tags = tags(world.ec2.tagsOf(id));
    const { SnapshotId = '' } = world.ec2.copySnapshot('eu-west-1', {
      SourceRegion: 'eu-west-1',
      SourceSnapshotId: id,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: [...Tags] }],
    });
    return SnapshotId;
  }

  test.each(['at once', 'when it is finished'])('is not deleted as a duplicate %s', async (when) => {
    const world = new World();
    const before = world.declare(THREE_HOURS);
    const id = await world.createUnderHandle(before);
    const cloned = clone(world, id);
    if (when !== 'at once') world.time += 20 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(world.copies()).toEqual([id, cloned]);
  });

  test('is not deleted with the stack', async () => {
    const world = new World();
    const cloned = clone(world, await world.create());
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    expect(world.copies()).toEqual([cloned]);
  });

  test('is not adopted when the copy is gone', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const cloned = clone(world, id);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    world.time += 20 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect([id, cloned]).not.toContain(answer?.PhysicalResourceId);
    expect(world.copies()).toEqual([cloned, answer?.PhysicalResourceId]);
  });
});

describe('an alias that moves to another key', () => {
  const alias = 'alias/mine';

  test('keeps an Update from adopting a copy under the old key', async () => {
    const world = new World();
    world.ec2.kms.addKey({ region: 'eu-west-1', alias });
    const first = world.declare({ KmsKeyId: alias });
    const old = await world.create(first);
    const second = { ...first, Description: 'second' };
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(second, first));
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    world.ec2.kms.addAlias(alias, key);
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(first, second));
    expect(answer?.Data?.KmsKeyArn).toBe(key.arn);
    expect(answer?.PhysicalResourceId).not.toBe(old);
    expect(world.ec2.stateOf(old)).toBe('completed');
  });

  test('does not affect the present copy, which CloudFormation knows by its ID', async () => {
    const world = new World();
    const { arn } = world.ec2.kms.addKey({ region: 'eu-west-1', alias });
    const before = world.declare({ KmsKeyId: alias });
    const id = await world.create(before);
    world.ec2.kms.addAlias(alias, world.ec2.kms.addKey({ region: 'eu-west-1' }));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(answer).toMatchObject({ PhysicalResourceId: id, Data: { KmsKeyArn: arn } });
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: before }));
    expect(world.copies()).toEqual([]);
  });

  test('while the copy is under way causes a new copy, and only that one remains', async () => {
    const world = new World();
    world.ec2.kms.addKey({ region: 'eu-west-1', alias });
    const event = await world.begin(world.event('Create', { ResourceProperties: world.declare({ KmsKeyId: alias }) }));
    world.time += 3 * MINUTE;
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    world.ec2.kms.addAlias(alias, key);
    const { answer } = await world.wait(event);
    expect(answer?.Data?.KmsKeyArn).toBe(key.arn);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  /** A resource whose physical ID is its handle, so CloudFormation does not have the ID of its copy. */
  async function underHandle(): Promise<{ world: World; before: CopyProperties; id: string }> {
    const world = new World();
    world.ec2.kms.addKey({ region: 'eu-west-1', alias });
    const before = world.declare({ KmsKeyId: alias });
    const id = await world.createUnderHandle(before);
    world.ec2.kms.addAlias(alias, world.ec2.kms.addKey({ region: 'eu-west-1' }));
    return { world, before, id };
  }

  test('does not affect an Update that keeps the copy of a handle', async () => {
    const { world, before, id } = await underHandle();
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(world.copies()).toEqual([id]);
  });

  test('does not affect the Delete of a handle', async () => {
    const { world, before } = await underHandle();
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: before }));
    expect(world.copies()).toEqual([]);
  });

  test('does not affect a rollback to the old copy, even if its source is gone', async () => {
    const world = new World();
    world.ec2.kms.addKey({ region: 'eu-west-1', alias });
    const before = world.declare({ KmsKeyId: alias });
    const id = await world.create(before);
    world.ec2.kms.addAlias(alias, world.ec2.kms.addKey({ region: 'eu-west-1' }));
    const wanted = { ...before, Description: 'second' };
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(wanted, before));
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: before.SourceSnapshotId ?? '' });
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { answer } = await world.run(world.update(before, wanted));
    expect(answer?.PhysicalResourceId).toBe(id);
  });
});
