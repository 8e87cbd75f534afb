import { DRY_RUN_RESOURCE_TYPE, type CopyProperties } from '../../lib/contract';
import type { CloudFormationEvent } from '../../lambda/request';
import { AwsError } from '../../local-aws/faults';
import { MINUTE, World, type Outcome } from './in-process';

const PHYSICAL_ID = 'dry-run-Copy1A2B3C';
const MISSING = 'snap-0123456789abcdef0';

/** Runs a request of a dry run from its event to its answer. */
function run(
  world: World,
  type: CloudFormationEvent['RequestType'],
  declared: Partial<CopyProperties> = {},
): Promise<Outcome> {
  return world.run(
    world.event(type, {
      ResourceType: DRY_RUN_RESOURCE_TYPE,
      PhysicalResourceId: type === 'Create' ? undefined : PHYSICAL_ID,
      ResourceProperties: world.declare(declared),
      OldResourceProperties: type === 'Update' ? world.declare({ Description: 'old' }) : undefined,
    }),
  );
}

describe.each(['Create', 'Update'] as const)('the %s of a dry run', (type) => {
  const status = `${type.toUpperCase()}_IN_PROGRESS`;

  test('asks EC2 whether the copy is allowed, starts none, and returns no attributes', async () => {
    const world = new World();
    world.enter(status);
    expect(await run(world, type, { Description: 'nightly' })).toEqual({ answer: { IsComplete: true }, after: 0 });
    const call = world.services.calls.find(({ action }) => action === 'CopySnapshot');
    expect(call).toMatchObject({ region: 'eu-west-1', input: { DryRun: true, Description: 'nightly' } });
    expect(world.started()).toBe(1);
    expect(world.copies()).toEqual([]);
    expect(world.physicalId).toBe(PHYSICAL_ID);
  });

  test('fails with the reason from the preflight', async () => {
    const world = new World();
    world.enter(status);
    const { failure } = await run(world, type, { SourceSnapshotId: MISSING });
    expect(failure?.message).toContain(`source snapshot ${MISSING} was not found in us-east-1`);
    expect(world.started()).toBe(0);
  });

  test('fails with EC2’s error if EC2 refuses the copy', async () => {
    const world = new World();
    world.enter(status);
    world.services.faults = ({ action }) =>
      action === 'CopySnapshot' ? new AwsError('SnapshotLimitExceeded', 'You have reached the limit.') : undefined;
    const { failure, after } = await run(world, type);
    expect(failure?.message).toMatch(
      /^copy of snap-\w+ from us-east-1 to eu-west-1: SnapshotLimitExceeded: You have reached the limit. in eu-west-1/,
    );
    expect(after).toBe(type === 'Create' ? 0 : 30);
  });

  test('passes at once in a rollback, even if the source is gone', async () => {
    const world = new World();
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    expect(await run(world, type, { SourceSnapshotId: MISSING })).toEqual({ answer: { IsComplete: true }, after: 0 });
    expect(world.started()).toBe(0);
  });
});

describe('a dry run', () => {
  test('waits for a pending source', async () => {
    const world = new World();
    world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 7 * MINUTE } });
    expect(await run(world, 'Create')).toEqual({ answer: { IsComplete: true }, after: 420 });
  });

  test('fails after ten minutes, regardless of the timeout, and does not advise raising it', async () => {
    const world = new World();
    const { id } = world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 90 * MINUTE } });
    const { failure, after } = await run(world, 'Create', { TimeoutSeconds: '9000' });
    expect(after).toBe(600);
    expect(failure?.message).toBe(
      `copy of ${id} from us-east-1 to eu-west-1 could not be started within 10 minutes: source snapshot ${id} in us-east-1 is pending, not completed yet; deploy again (log group handler-logs)`,
    );
  });

  test('waits until policies take effect', async () => {
    const world = new World();
    const begun = world.time;
    world.services.faults = ({ time }) => (time - begun < 4 * MINUTE ? 'denied' : undefined);
    expect(await run(world, 'Create')).toEqual({ answer: { IsComplete: true }, after: 240 });
  });

  test('fails after five minutes if it is denied, and says where to look', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? 'denied' : undefined);
    const { failure, after } = await run(world, 'Create');
    expect(after).toBe(300);
    expect(failure?.message).toMatch(/: UnauthorizedOperation: .* in eu-west-1; check the policies/);
  });

  test('that fails does not look for copies to delete, and is not logged as a failed copy', async () => {
    const world = new World();
    const { failure } = await run(world, 'Create', { SourceSnapshotId: '' });
    expect(world.logs.at(-1)).toEqual({ decision: 'dry run failed', reason: failure?.message });
    expect(world.calls('DescribeSnapshots')).toEqual([]);
    expect(world.calls('DeleteSnapshot')).toEqual([]);
  });

  test('does not touch the copy of a resource that had the same logical ID', async () => {
    const world = new World();
    const id = await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    await run(world, 'Create');
    expect(world.copies()).toEqual([id]);
  });
});

test('a dry run in a rollback that only onEvent could see passes without attributes', async () => {
  const world = new World();
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  const event = await world.accept(
    world.event('Update', { ResourceType: DRY_RUN_RESOURCE_TYPE, PhysicalResourceId: PHYSICAL_ID }),
  );
  world.services.faults = ({ action }) => (action === 'DescribeStacks' ? 'denied' : undefined);
  expect(await world.wait(event)).toEqual({ answer: { IsComplete: true }, after: 300 });
});

test('the Delete of a dry run does nothing', async () => {
  const world = new World();
  world.enter('DELETE_IN_PROGRESS');
  expect(await run(world, 'Delete')).toEqual({ answer: { IsComplete: true }, after: 0 });
  expect(world.calls()).toEqual([]);
});
