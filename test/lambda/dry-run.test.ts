import { AwsError } from '../../local-aws/faults';
import { MINUTE, World } from './in-process';

describe('a dry run', () => {
  test('fails as the copy would, when EC2 refuses it', async () => {
    const world = new World();
    world.services.faults = ({ action }) =>
      action === 'CopySnapshot' ? new AwsError('SnapshotLimitExceeded', 'You have reached the limit.') : undefined;
    const { failure } = await world.run(
      world.event('Create', { ResourceProperties: world.declare({ DryRun: 'true' }) }),
    );
    expect(failure?.message).toMatch(/^copy of snap-\w+ in eu-west-1: SnapshotLimitExceeded: You have reached/);
  });

  test('fails at its deadline with what it waited for', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 90 * MINUTE } });
    const ResourceProperties = world.declare({
      SourceSnapshotId: source.id,
      TimeoutSeconds: '600',
      DryRun: 'true',
    });
    const { failure, after } = await world.run(world.event('Create', { ResourceProperties }));
    expect(after).toBe(600);
    expect(failure?.message).toMatch(
      /could not be started within 10 minutes: source snapshot \S+ in us-east-1 is pend/,
    );
  });

  test('of a continuation tells of the copy, and keeps the id of the continuation', async () => {
    const world = new World();
    const id = await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    const event = world.stage(2, world.declare({ DryRun: 'true', TimeoutSeconds: '6000' }));
    const { answer } = await world.wait(await world.accept(event));
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(answer?.PhysicalResourceId).toBeUndefined();
  });

  test('without a copy may go to another Region', async () => {
    const world = new World();
    const before = world.declare({ DryRun: 'true' });
    await world.run(world.event('Create', { ResourceProperties: before }));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, DestinationRegion: 'eu-west-2' }, before));
    expect(answer?.IsComplete).toBe(true);
  });

  test('names no copy of an earlier life of its resource', async () => {
    const world = new World();
    const retained = world.declare({ DeletionPolicy: 'Retain' });
    await world.create(retained);
    world.physicalId = undefined;
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.event('Create', { ResourceProperties: { ...retained, DryRun: 'true' } }));
    expect(answer?.PhysicalResourceId).toBeUndefined();
    expect(answer?.Data?.SnapshotId).toBe('');
  });
});

describe('the rollback to a dry run', () => {
  /** Two finished copies: the first is that of the resource, the second is left of an update. */
  async function twoCopies(world: World): Promise<[first: string, second: string]> {
    const before = world.declare();
    const first = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'new' }), before));
    world.physicalId = first;
    world.time += 5 * MINUTE;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    return [first, answer?.PhysicalResourceId ?? ''];
  }

  test('names the copy whose id it carries, whatever is younger', async () => {
    const world = new World();
    const [first] = await twoCopies(world);
    const dry = world.declare({ DryRun: 'true' });
    const { answer, after } = await world.run(world.update(dry, { ...dry, Description: 'x' }));
    expect(answer?.PhysicalResourceId).toBe(first);
    expect(after).toBe(180);
  });

  test('names no other for a copy that has gone', async () => {
    const world = new World();
    const [first, second] = await twoCopies(world);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: first });
    const dry = world.declare({ DryRun: 'true' });
    const { answer } = await world.run(world.update(dry, { ...dry, Description: 'x' }));
    expect(answer?.PhysicalResourceId).toBeUndefined();
    expect(world.copies()).toEqual([second]);
  });
});
