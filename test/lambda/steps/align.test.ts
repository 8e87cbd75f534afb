import { TAG } from '../../../lib/contract';
import { AwsError } from '../../../local-aws/faults';
import type { Action } from '../../../local-aws/services';
import { LOGICAL_ID, SECOND, stale, tags, World } from '../in-process';

/** The inputs of the calls to one action, from the call with this number on. */
const sentSince = (world: World, first: number, wanted: Action): unknown[] =>
  world.services.calls.slice(first).flatMap(({ action, input }) => (action === wanted ? [input] : []));

describe('the tags of the present copy', () => {
  test('follow the declaration, and tags that were never declared stay', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ team: 'storage', old: '1' }) });
    const id = await world.create(before);
    world.ec2.createTags('eu-west-1', { Resources: [id], Tags: [{ Key: 'backup', Value: 'weekly' }] });
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = world.declare({ Tags: tags({ team: 'data' }) });
    const { answer, after } = await world.run(world.update(wanted, before));
    expect(answer?.PhysicalResourceId).toBe(id);
    expect(after).toBe(0);
    expect(world.ec2.tagsOf(id)).toMatchObject({ team: 'data', backup: 'weekly', [TAG.resource]: LOGICAL_ID });
    expect(world.ec2.tagsOf(id)).not.toHaveProperty('old');
    expect(world.started()).toBe(1);
  });

  test('are restored by a rollback even if a stale read shows them as declared', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ team: 'storage' }) });
    const id = await world.create(before);
    const wanted = world.declare({ Tags: tags({ team: 'data' }) });
    world.ec2.settings.staleness = stale({ tags: 110 * SECOND });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(wanted, before));
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    await world.run(world.update(before, wanted));
    expect(world.ec2.tagsOf(id)).toMatchObject({ team: 'storage' });
  });

  test('are restored in one call if somebody changed them', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1', b: '2', c: '3' }) });
    const id = await world.create(before);
    world.ec2.createTags('eu-west-1', { Resources: [id], Tags: [{ Key: 'a', Value: 'x' }] });
    world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: 'b' }] });
    world.enter('UPDATE_IN_PROGRESS');
    const first = world.calls().length;
    await world.run(world.update({ ...before, TimeoutSeconds: '600' }, before));
    expect(world.ec2.tagsOf(id)).toMatchObject({ a: '1', b: '2', c: '3' });
    expect(sentSince(world, first, 'CreateTags')).toEqual([{ Resources: [id], Tags: tags({ a: '1', b: '2' }) }]);
    expect(sentSince(world, first, 'DeleteTags')).toEqual([]);
  });

  test('are removed by key only, in one call', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1', b: '2' }) });
    const id = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const first = world.calls().length;
    await world.run(world.update(world.declare(), before));
    const removed = { Resources: [id], Tags: [{ Key: 'a' }, { Key: 'b' }] };
    expect(sentSince(world, first, 'DeleteTags')).toEqual([removed]);
    expect(sentSince(world, first, 'CreateTags')).toEqual([]);
  });

  test.each([
    ['EC2 does not find the copy at first', new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.')],
    ['somebody else is tagging the copy', new AwsError('ConcurrentTagAccess', 'The snapshot is being tagged.')],
  ])('are written even if %s', async (_, error) => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const begun = world.time;
    world.services.faults = ({ action, time }) =>
      action === 'CreateTags' && time - begun < 90 * SECOND ? error : undefined;
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before))).after).toBe(90);
    expect(world.ec2.tagsOf(id)).toHaveProperty('a', '1');
  });
});

describe('the tag with the ID of the copy', () => {
  test('is added even if the copy was finished before a poll could tag it', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const { answer } = await world.runCreate({ Tags: tags({ a: '1' }) });
    const id = answer?.PhysicalResourceId ?? '';
    expect(world.ec2.tagsOf(id)).toMatchObject({ a: '1', [TAG.id]: id });
    expect(sentSince(world, 0, 'CreateTags')).toEqual([{ Resources: [id], Tags: tags({ [TAG.id]: id }) }]);
  });

  test('is restored by an Update in the call that writes the declared tags', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.id }] });
    world.enter('UPDATE_IN_PROGRESS');
    const first = world.calls().length;
    await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    const written = { Resources: [id], Tags: tags({ a: '1', [TAG.id]: id }) };
    expect(sentSince(world, first, 'CreateTags')).toEqual([written]);
  });
});

describe('the retained mark', () => {
  test.each(['its id', 'its handle'])(
    'follows the declaration if CloudFormation knows the present copy by %s',
    async (how) => {
      const world = new World();
      const before = world.declare();
      const id = await (how === 'its id' ? world.create(before) : world.createUnderHandle(before));
      const retained = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
      world.enter('UPDATE_IN_PROGRESS');
      await world.run(world.update(retained, before));
      expect(world.ec2.tagsOf(id)).toMatchObject({ [TAG.retain]: 'RetainExceptOnCreate' });
      await world.run(world.update(before, retained));
      expect(world.ec2.tagsOf(id)).not.toHaveProperty([TAG.retain]);
    },
  );

  test('stays on a copy that an Update adopts, whose other tags follow the declaration', async () => {
    const world = new World();
    const retained = world.declare({ Tags: tags({ a: '1' }), DeletionPolicy: 'Retain' });
    const first = await world.create(retained);
    const other = { ...retained, Description: 'other' };
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(other, retained));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare(), other));
    expect(answer?.PhysicalResourceId).toBe(first);
    expect(world.started()).toBe(2);
    expect(world.ec2.tagsOf(first)).not.toHaveProperty('a');
    expect(world.ec2.tagsOf(first)).toHaveProperty([TAG.retain], 'Retain');
  });

  test('stays on a copy that an Update in place adopts because the present one is gone', async () => {
    const world = new World();
    const retained = world.declare({ DeletionPolicy: 'Retain' });
    const earlier = await world.create(retained);
    world.physicalId = undefined;
    world.enter('UPDATE_IN_PROGRESS');
    const present = await world.create(retained);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: present });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare(), retained));
    expect(answer?.PhysicalResourceId).toBe(earlier);
    expect(world.ec2.tagsOf(earlier)).toHaveProperty([TAG.retain], 'Retain');
  });
});
