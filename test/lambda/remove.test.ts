import { MINUTE, SECOND, World } from './in-process';

/** CloudFormation has some other id for the resource, so that no copy is spoken for. */
const OTHER = 'app-Copy1A2B3C-OTHER';

describe('a Delete by a handle', () => {
  test('leaves the finished copy of another handle alone, also one that nobody names', async () => {
    const world = new World();
    const id = await world.create();
    world.physicalId = OTHER;
    await world.run(world.event('Delete', { PhysicalResourceId: `copy-${'0'.repeat(32)}` }));
    expect(world.copies()).toEqual([id]);
  });
});

describe('a Delete by a snapshot id', () => {
  /** The copy of a resource has gone, and an Update in place begins another under its id. */
  async function replaceGone(world: World): Promise<string> {
    const before = world.declare();
    const gone = await world.create(before);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: gone });
    world.enter('UPDATE_IN_PROGRESS');
    await world.poll(await world.accept(world.update({ ...before, Tags: { a: '1' } }, before)));
    world.physicalId = OTHER;
    return gone;
  }

  test('deletes what was begun under it in place of a copy that had gone', async () => {
    const world = new World();
    const gone = await replaceGone(world);
    expect(world.copies()).toHaveLength(1);
    await world.run(world.event('Delete', { PhysicalResourceId: gone }));
    expect(world.copies()).toEqual([]);
  });

  test('leaves what was finished under it, which has an id of its own', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const gone = await replaceGone(world);
    world.time += MINUTE;
    await world.run(world.event('Delete', { PhysicalResourceId: gone }));
    expect(world.copies()).toHaveLength(1);
  });

  test('deletes it once, though it is still shown, and asks no more than it needs', async () => {
    const world = new World();
    await world.create();
    world.ec2.settings.staleness.deletions = MINUTE;
    world.enter('DELETE_IN_PROGRESS');
    const first = world.calls().length;
    await world.run(world.event('Delete'));
    expect(world.calls().slice(first)).toEqual([
      'DescribeSnapshots',
      'DeleteSnapshot',
      'DescribeSnapshots',
      'DescribeStacks',
    ]);
  });
});

test('a cancelled create under Retain leaves its finished copy behind', async () => {
  const world = new World({ copyDuration: 20 * SECOND });
  const ResourceProperties = world.declare({ DeletionPolicy: 'Retain' });
  await world.poll(await world.accept(world.event('Create', { ResourceProperties })));
  world.time += MINUTE;
  world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
  await world.run(world.event('Delete', { PhysicalResourceId: OTHER, ResourceProperties }));
  expect(world.copies()).toHaveLength(1);
});

describe('a call that goes wrong', () => {
  test('as denied ends a Delete after five minutes, with where to look', async () => {
    const world = new World();
    await world.create();
    world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'denied' : undefined);
    const { failure, after } = await world.run(world.event('Delete'));
    expect(after).toBe(300);
    expect(failure?.message).toMatch(
      /; check the policies, boundaries and key policies that bind the handler’s role \(log group handler-logs\)$/,
    );
  });

  test('as throttled is told as that and no more, when the overtime is over too', async () => {
    const world = new World();
    await world.create();
    world.services.faults = () => 'throttled';
    const ResourceProperties = world.declare({ TimeoutSeconds: '60' });
    const { failure } = await world.run(world.event('Delete', { ResourceProperties }));
    expect(failure?.message).toBe(
      `deletion of ${world.physicalId} in eu-west-1: RequestLimitExceeded: Request limit exceeded. (log group handler-logs)`,
    );
  });
});
