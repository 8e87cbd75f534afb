import { MINUTE, SECOND, World } from './in-process';

/** Two finished copies of the same inputs: one of an earlier life that was retained, and the present one. */
async function twins(world: World): Promise<[earlier: string, present: string]> {
  const retained = world.declare({ DeletionPolicy: 'Retain' });
  const earlier = await world.create(retained);
  world.physicalId = undefined;
  world.enter('UPDATE_IN_PROGRESS');
  return [earlier, await world.create(retained)];
}

describe('an Update in place', () => {
  test('is about the present copy, though an older one has the same inputs', async () => {
    const world = new World();
    const [earlier, present] = await twins(world);
    const before = world.declare({ DeletionPolicy: 'Retain' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: { a: '1' } }, before));
    expect(answer?.PhysicalResourceId).toBe(present);
    expect(world.ec2.tagsOf(present)).toHaveProperty('a', '1');
    expect(world.ec2.tagsOf(earlier)).not.toHaveProperty('a');
  });

  test('without a change reads what it needs, and writes nothing', async () => {
    const world = new World();
    const before = world.declare({ Tags: { a: '1' } });
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accept(world.update(before, before));
    const first = world.calls().length;
    await world.poll(event);
    expect(world.calls().slice(first)).toEqual(['DescribeSnapshots', 'DescribeStacks', 'DescribeStackResource']);
  });

  test('makes the copy anew that has gone, also under a handle that stayed', async () => {
    const world = new World();
    const before = world.declare();
    const event = await world.accept(world.event('Create', { ResourceProperties: before }));
    const { answer } = await world.wait(event);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: answer?.PhysicalResourceId });
    world.physicalId = event.PhysicalResourceId;
    world.enter('UPDATE_IN_PROGRESS');
    const again = await world.run(world.update({ ...before, Tags: { a: '1' } }, before));
    expect(again.failure).toBeUndefined();
    expect(world.copies()).toEqual([again.answer?.Data?.SnapshotId]);
  });
});

test('a poll of a pending copy makes two calls', async () => {
  const world = new World();
  const event = await world.accept(world.event('Create'));
  await world.poll(event);
  const first = world.calls().length;
  world.time += 30 * SECOND;
  await world.poll(event);
  expect(world.calls().slice(first)).toEqual(['DescribeSnapshots', 'DescribeStacks']);
});

test('a copy that EC2 has not begun by the deadline is told as such', async () => {
  const world = new World({ copyDuration: 100 * 24 * 60 * MINUTE });
  const ResourceProperties = world.declare({ TimeoutSeconds: '300' });
  const { failure } = await world.run(world.event('Create', { ResourceProperties }));
  expect(failure?.message).toContain('to eu-west-1 was barely begun after 5 minutes; raise "timeout"');
});

describe('the operation that a request is of', () => {
  test('is over when the stack rolls back, though CloudFormation names no later start', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accept(world.update(world.declare({ Description: 'new' }), before));
    await world.poll(event);
    expect(world.copies()).toHaveLength(2);
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.poll(event);
    expect(world.copies()).toEqual([old]);
  });

  test.each([
    ['Create', 'CREATE_IN_PROGRESS', true],
    ['Create', 'UPDATE_IN_PROGRESS', true],
    ['Create', 'UPDATE_ROLLBACK_IN_PROGRESS', false],
    ['Create', 'DELETE_IN_PROGRESS', false],
    ['Create', 'IMPORT_UPDATE_IN_PROGRESS', false],
    ['Create', 'UPDATE_IN_PROGRESS_PAUSED', false],
    ['Update', 'UPDATE_IN_PROGRESS', true],
    ['Update', 'UPDATE_ROLLBACK_IN_PROGRESS', true],
    ['Update', 'CREATE_IN_PROGRESS', false],
    ['Update', 'UPDATE_COMPLETE', false],
    ['Update', 'IMPORT_UPDATE_IN_PROGRESS', false],
    ['Update', 'UPDATE_IN_PROGRESS_PAUSED', false],
    ['Update', 'IMPORT_UPDATE_ROLLBACK_IN_PROGRESS', false],
    ['Update', 'UPDATE_ROLLBACK_IN_PROGRESS_PAUSED', false],
  ] as const)('where onEvent could not ask: a %s may be of %s: %s', async (type, status, expected) => {
    const world = new World();
    world.enter(status);
    world.services.faults = ({ action, count }) =>
      action === 'DescribeStacks' && count === 1 ? 'throttled' : undefined;
    world.physicalId = `copy-${'0'.repeat(32)}`;
    const before = world.declare({ Description: 'old' });
    const event = await world.accept(type === 'Create' ? world.event(type) : world.update(world.declare(), before));
    await world.poll(event);
    expect(world.started()).toBe(expected ? 1 : 0);
  });
});
