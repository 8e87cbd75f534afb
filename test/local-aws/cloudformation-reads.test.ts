// What the handler can read from CloudFormation, and how stale the reads may be.
import { custom, MINUTE, topic, World } from './scripted';

const SECOND = 1_000;

describe('what the handler can read', () => {
  test('the stack: its status, when it was created and updated, and its latest operations', async () => {
    const world = new World();
    const seen: unknown[] = [];
    world.script = ({ StackId }) => {
      seen.push(world.cloudFormation.describeStack(StackId));
      return {};
    };
    const { stackId } = await world.create({ A: custom({ n: 1 }) });
    const created = new Date(world.clock.now());
    await world.clock.run(() => world.clock.sleep(MINUTE));
    await world.update({ A: custom({ n: 2 }) });
    await world.delete();
    const stack = { StackId: stackId, StackName: 'S', CreationTime: created };
    const LastUpdatedTime = new Date(created.getTime() + MINUTE);
    const operations = (...types: string[]): unknown =>
      types.map((OperationType) => ({ OperationType, OperationId: expect.stringMatching(UUID) as string }));
    expect(stackId).toMatch(new RegExp(`^arn:aws:cloudformation:us-east-1:111122223333:stack/S/${UUID.source}$`));
    expect(seen).toEqual([
      { ...stack, StackStatus: 'CREATE_IN_PROGRESS', LastOperations: operations('CREATE_STACK') },
      {
        ...stack,
        StackStatus: 'UPDATE_IN_PROGRESS',
        LastUpdatedTime,
        LastOperations: operations('UPDATE_STACK', 'CREATE_STACK'),
      },
      {
        ...stack,
        StackStatus: 'DELETE_IN_PROGRESS',
        LastUpdatedTime,
        LastOperations: operations('DELETE_STACK', 'UPDATE_STACK', 'CREATE_STACK'),
      },
    ]);
    expect(world.cloudFormation.describeStack('S')).toBeUndefined();
    expect(world.cloudFormation.describeStack(stackId)?.StackStatus).toBe('DELETE_COMPLETE');
  });

  test('a resource: its current ID (the old one during an update), its status, and when it last changed', async () => {
    const world = new World();
    const seen: unknown[] = [];
    world.script = ({ StackId, ResourceProperties: { n } }) => {
      const { PhysicalResourceId, ResourceStatus, LastUpdatedTimestamp } =
        world.cloudFormation.describeStackResource(StackId, 'A') ?? {};
      const since = (LastUpdatedTimestamp?.getTime() ?? NaN) - world.clock.now();
      seen.push([PhysicalResourceId, ResourceStatus, since]);
      return { physicalId: `id-${n as string}` };
    };
    await world.create({ A: custom({ n: 1 }) });
    await world.clock.run(() => world.clock.sleep(MINUTE));
    await world.update({ A: custom({ n: 2 }) });
    expect(seen).toEqual([
      [undefined, 'CREATE_IN_PROGRESS', 0],
      ['id-1', 'UPDATE_IN_PROGRESS', 0],
      ['id-2', 'UPDATE_COMPLETE', 0],
    ]);
  });
});

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

describe('the latest operations of a stack', () => {
  const typesOf = (world: World): unknown =>
    world.cloudFormation.describeStack('S')?.LastOperations?.map(({ OperationType }) => OperationType);

  test('include a rollback as an operation with its own ID', async () => {
    const world = new World();
    await world.create({ T: topic() });
    world.cloudFormation.failNext('T', 'Update');
    await world.update({ T: topic({ name: 'new' }) });
    expect(typesOf(world)).toEqual(['ROLLBACK', 'UPDATE_STACK', 'CREATE_STACK']);
    const ids = world.cloudFormation.describeStack('S')?.LastOperations?.map(({ OperationId }) => OperationId);
    expect(new Set(ids).size).toBe(3);
  });

  test('are the latest five at most', async () => {
    const world = new World();
    await world.create({ T: topic({ name: '0' }) });
    for (let n = 1; n <= 5; n++) await world.update({ T: topic({ name: String(n) }) });
    expect(typesOf(world)).toEqual(Array(5).fill('UPDATE_STACK'));
  });

  test('are not shown if CloudFormation does not show operations', async () => {
    const world = new World({ showsOperations: false });
    await world.create({ T: topic() });
    expect(world.cloudFormation.describeStack('S')).not.toHaveProperty('LastOperations');
  });
});

describe('what the handler is shown', () => {
  /** What it is shown of the stack, of A, and of A's ID this many seconds after its event. */
  async function shownAfter(staleness: number, seconds: number): Promise<unknown[]> {
    const world = new World();
    world.cloudFormation.staleness = staleness * SECOND;
    await world.create({ A: custom({ n: 1 }) });
    await world.clock.run(() => world.clock.sleep(10 * MINUTE));
    const shown: unknown[] = [];
    world.script = ({ StackId, RequestType }) => {
      world.clock.at(world.clock.now() + seconds * SECOND, () => {
        if (RequestType !== 'Update') return;
        const { asSeen } = world.cloudFormation;
        const { ResourceStatus, PhysicalResourceId } = asSeen.describeStackResource(StackId, 'A') ?? {};
        shown.push(asSeen.describeStack(StackId)?.StackStatus, ResourceStatus, PhysicalResourceId);
      });
      return { physicalId: 'id-2', afterSeconds: 60 };
    };
    await world.update({ A: custom({ n: 2 }) });
    return shown;
  }
  const BEFORE = ['CREATE_COMPLETE', 'CREATE_COMPLETE', 'id-A'];
  const DURING = ['UPDATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS', 'id-A'];

  test.each([
    [0, 0, DURING],
    [30, 0, BEFORE],
    [30, 29.999, BEFORE],
    [30, 30, DURING],
    [30, 59, DURING],
  ])('with reads that are %d s stale, %d s after the event: %j', async (staleness, seconds, expected) => {
    expect(await shownAfter(staleness, seconds)).toEqual(expected);
  });

  test('is the first state of what is newer than the staleness, and nothing for what does not exist', async () => {
    const world = new World();
    world.cloudFormation.staleness = MINUTE;
    const { stackId } = await world.create({ A: custom() });
    const { asSeen } = world.cloudFormation;
    expect(asSeen.describeStack(stackId)?.StackStatus).toBe('CREATE_IN_PROGRESS');
    expect(asSeen.describeStackResource(stackId, 'A')?.ResourceStatus).toBe('CREATE_IN_PROGRESS');
    expect(asSeen.describeStack('T')).toBeUndefined();
    expect(asSeen.describeStackResource(stackId, 'B')).toBeUndefined();
    expect(world.cloudFormation.describeStack(stackId)?.StackStatus).toBe('CREATE_COMPLETE');
  });

  test('of a deleted resource is stale, too', async () => {
    const world = new World();
    const { stackId } = await world.create({ A: custom(), T: topic() });
    await world.clock.run(() => world.clock.sleep(10 * MINUTE));
    await world.update({ T: topic() });
    world.cloudFormation.staleness = MINUTE;
    const { asSeen } = world.cloudFormation;
    expect(asSeen.describeStackResource(stackId, 'A')?.ResourceStatus).toBe('CREATE_COMPLETE');
    await world.clock.run(() => world.clock.sleep(2 * MINUTE));
    expect(asSeen.describeStackResource(stackId, 'A')).toBeUndefined();
  });
});
