import { AwsError, type Fault } from '../../local-aws/faults';
import { World } from './in-process';

const SNAPSHOT = 'snap-0123456789abcdef0';
const AT = Date.UTC(2030, 0, 1);
const OPERATION = { status: 'CREATE_IN_PROGRESS', begunAt: AT, stackCreatedAt: AT };

test('onEvent creates nothing, and calls only CloudFormation', async () => {
  const world = new World();
  await world.accept(world.event('Create'));
  expect(world.copies()).toEqual([]);
  expect(world.calls()).toEqual(['DescribeStacks']);
});

describe('onEvent records', () => {
  test('when the request arrived, and which operation sent it', async () => {
    const world = new World();
    expect((await world.accept(world.event('Create'))).Begun).toEqual({ At: AT, Operation: OPERATION });
  });

  test('the IDs of the latest operations, if CloudFormation shows them', async () => {
    const world = new World();
    world.stack.LastOperations = [{ OperationType: 'CREATE_STACK', OperationId: 'a' }];
    expect((await world.accept(world.event('Create'))).Begun.Operation).toEqual({ ...OPERATION, ids: 'a' });
  });

  test.each(['Update', 'Delete'] as const)('the physical ID in the %s', async (type) => {
    const world = new World();
    world.physicalId = SNAPSHOT;
    const { Begun } = await world.accept(world.event(type));
    expect(Begun.PresentId).toBe(SNAPSHOT);
  });

  test('no operation for a Delete, and makes no call', async () => {
    const world = new World();
    expect((await world.accept(world.event('Delete'))).Begun).toEqual({ At: AT });
    expect(world.calls()).toEqual([]);
  });

  test('no operation if the stack appears to be idle, because that read is stale', async () => {
    const world = new World();
    world.stack.StackStatus = 'CREATE_COMPLETE';
    expect((await world.accept(world.event('Create'))).Begun).toEqual({ At: AT });
  });

  test.each<Fault>([
    'throttled',
    'denied',
    'refused-connection',
    new AwsError('ValidationError', 'Stack does not exist'),
  ])('no operation, and does not fail, if it cannot read the stack (%s)', async (fault) => {
    const world = new World();
    world.services.faults = () => fault;
    expect((await world.accept(world.event('Create'))).Begun).toEqual({ At: AT });
  });
});
