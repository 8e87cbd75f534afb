import { TAG } from '../../lib/contract';
import { AwsError } from '../../local-aws/faults';
import { MINUTE, SECOND, World } from './in-process';

const LONG = { TimeoutSeconds: String(3 * 3600) };

describe('the end of a stage', () => {
  test('comes without a copy where there was no room, whatever tags are declared', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const ResourceProperties = world.declare({ ...LONG, Tags: { a: '1' } });
    const { answer } = await world.run(world.event('Create', { ResourceProperties }));
    expect(answer).toMatchObject({ IsComplete: true, Data: { SnapshotId: '' } });
  });

  test('writes the tags of an Update that finds the copy still pending', async () => {
    const world = new World({ copyDuration: 130 * MINUTE });
    const before = world.declare({ ...LONG, Tags: { a: '1' } });
    await world.run(world.event('Create', { ResourceProperties: before }));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: { a: '2' } }, before));
    const [id = ''] = world.copies();
    expect(answer?.PhysicalResourceId).toBe(id);
    expect(world.ec2.stateOf(id)).toBe('pending');
    expect(world.ec2.tagsOf(id)).toHaveProperty('a', '2');
  });

  test('is no wait for a continuation whose copy is finished, by whatever id its owner goes', async () => {
    const world = new World({ maxConcurrentCopies: 0, copyDuration: 10 * MINUTE });
    const declared = world.declare(LONG);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    expect(world.physicalId).toMatch(/^copy-/);
    world.ec2.settings.maxConcurrentCopies = 20;
    await world.wait(await world.accept(world.stage(2, declared)));
    expect((await world.wait(await world.accept(world.stage(3, declared)))).after).toBe(0);
  });
});

describe('a copy is waited for until its doubles would be seen', () => {
  test('if an Update in place made it anew', async () => {
    const world = new World();
    const before = world.declare();
    const gone = await world.create(before);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: gone });
    world.ec2.settings.copyDuration = 20 * SECOND;
    world.enter('UPDATE_IN_PROGRESS');
    const { after } = await world.run(world.update({ ...before, Tags: { a: '1' } }, before));
    expect(after).toBe(180);
  });

  test('but not if it is the present one, however young', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const copy = world.ec2.snapshot(id);
    Object.assign(copy, { startTime: world.time - 20 * SECOND, course: { ...copy.course, duration: 0 } });
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update({ ...before, Tags: { a: '1' } }, before))).after).toBe(0);
  });
});

describe('tags', () => {
  test('are written to a copy that EC2 does not find at first', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const missing = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
    world.services.faults = ({ action, count }) => (action === 'CreateTags' && count < 4 ? missing : undefined);
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update({ ...before, Tags: { a: '1' } }, before))).after).toBe(90);
    expect(world.ec2.tagsOf(id)).toHaveProperty('a', '1');
  });

  test('that are declared and that somebody has changed are put right, in one call', async () => {
    const world = new World();
    const before = world.declare({ Tags: { a: '1', b: '2', c: '3' } });
    const id = await world.create(before);
    world.ec2.createTags('eu-west-1', { Resources: [id], Tags: [{ Key: 'a', Value: 'x' }] });
    world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: 'b' }] });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update({ ...before, TimeoutSeconds: '600' }, before));
    expect(world.ec2.tagsOf(id)).toMatchObject({ a: '1', b: '2', c: '3' });
    expect(world.calls('CreateTags')).toHaveLength(1);
    expect(world.calls('DeleteTags')).toHaveLength(0);
  });

  test('are removed from a copy that is adopted, but for its retained mark', async () => {
    const world = new World();
    const tagged = world.declare({ Tags: { a: '1' }, DeletionPolicy: 'Retain' });
    const first = await world.create(tagged);
    const other = { ...tagged, Description: 'other' };
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(other, tagged));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare(), other));
    expect(answer?.PhysicalResourceId).toBe(first);
    expect(world.ec2.tagsOf(first)).not.toHaveProperty('a');
    expect(world.ec2.tagsOf(first)).toHaveProperty([TAG.retain], 'Retain');
  });

  test('leave the retained mark of a copy that an Update in place adopts for the one that has gone', async () => {
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
