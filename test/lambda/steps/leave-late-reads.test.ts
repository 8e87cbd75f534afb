// What CloudFormation shows may be older than the request, or newer. One read never ends a request.
import { Memory } from '../../../lambda/memory';
import type { PollEvent } from '../../../lambda/request';
import { MINUTE, SECOND, tags, World } from '../in-process';

const DOUBT = 'CloudFormation does not seem to wait for the answer; the next poll will confirm it';
const ENDED = 'has ended, or already has its answer';

const doubts = (world: World): number => world.logs.filter(({ reason }) => reason === DOUBT).length;

/** A Create in an update that is polled so many seconds after it arrived, the resource and the stack being as told. */
async function doubtsAt(seconds: number, change: (world: World, startedAt: number) => void): Promise<boolean> {
  const world = new World();
  world.enter('UPDATE_IN_PROGRESS');
  const event = await world.accept(world.event('Create'));
  change(world, world.time);
  world.time += seconds * SECOND;
  await world.poll(event);
  return doubts(world) > 0;
}

describe('CloudFormation waits for the answer', () => {
  test.each([
    [0, false],
    [-10, false],
    [-10.001, true],
    [2, false],
    [2.001, true],
  ])(
    'if the resource came into its status %d s after the request arrived; the first poll doubts it: %s',
    async (at, doubted) => {
      const change = (world: World, startedAt: number): void => {
        world.resourceSince = startedAt + at * SECOND;
      };
      expect(await doubtsAt(0, change)).toBe(doubted);
    },
  );

  test('also if its resource came into its status long before, as the second poll sees it', async () => {
    const change = (world: World, startedAt: number): void => {
      world.resourceSince = startedAt - 10 * MINUTE;
    };
    expect(await Promise.all([29.999, 30].map((seconds) => doubtsAt(seconds, change)))).toEqual([true, false]);
  });

  test.each([
    [2, false],
    [2.001, true],
  ])('not if the operation began %d s after the request arrived: %s', async (at, doubted) => {
    const change = (world: World, startedAt: number): void => {
      world.stack.LastUpdatedTime = new Date(startedAt + at * SECOND);
    };
    expect(await doubtsAt(0, change)).toBe(doubted);
  });

  test.each([
    [0, false],
    [0.001, true],
  ])('not if the operation has changed, and the resource %d s after the request: %s', async (at, doubted) => {
    const change = (world: World, startedAt: number): void => {
      world.stack.LastUpdatedTime = new Date(startedAt + SECOND);
      world.resourceSince = startedAt + at * SECOND;
    };
    expect(await doubtsAt(0, change)).toBe(doubted);
  });
});

describe('whether the operation is the same is told', () => {
  const operations = (...ids: string[]): World['stack']['LastOperations'] =>
    ids.map((OperationId) => ({ OperationType: 'UPDATE_STACK', OperationId }));

  /** The resource has changed a second after the request, and the poll sees another stack than onEvent did. */
  async function isSame(seen: Partial<World['stack']>, change: Partial<World['stack']>): Promise<boolean> {
    const world = new World();
    world.enter('UPDATE_IN_PROGRESS');
    Object.assign(world.stack, seen);
    const event = await world.accept(world.event('Create'));
    world.resourceSince += SECOND;
    world.stack = { ...world.stack, ...change };
    world.time += SECOND;
    await world.poll(event);
    return doubts(world) === 0;
  }
  const LastUpdatedTime = new Date(Date.UTC(2030, 0, 1) + SECOND);

  test('by the ids of the latest operations, whatever their status and time', async () => {
    const LastOperations = operations('a', 'b');
    expect(await isSame({ LastOperations }, { LastUpdatedTime, LastOperations: operations('b', 'a') })).toBe(true);
    expect(await isSame({ LastOperations }, { LastOperations: operations('b', 'c') })).toBe(false);
  });

  test.each([undefined, operations()])('by status and time if CloudFormation shows no ids (%j)', async (none) => {
    for (const [seen, now] of [
      [none, none],
      [operations('a'), none],
      [none, operations('a')],
    ]) {
      expect(await isSame({ LastOperations: seen }, { LastOperations: now })).toBe(true);
      expect(await isSame({ LastOperations: seen }, { LastOperations: now, LastUpdatedTime })).toBe(false);
      const StackStatus = 'CREATE_IN_PROGRESS';
      expect(await isSame({ LastOperations: seen }, { LastOperations: now, StackStatus })).toBe(false);
    }
  });
});

describe('a read of onEvent that is older than the request', () => {
  test('does not end a Create', async () => {
    const world = new World();
    world.stack.StackStatus = 'UPDATE_COMPLETE';
    world.resourceStatus = 'CREATE_COMPLETE';
    world.lag(1);
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { answer, after } = await world.runCreate();
    expect([answer?.IsComplete, after]).toEqual([true, 600]);
    expect(doubts(world)).toBe(0);
  });

  test.each(['UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_IN_PROGRESS'])(
    'does not end an Update, although it shows another operation (%s)',
    async (status) => {
      const world = new World();
      const before = world.declare();
      await world.create(before);
      world.enter(status);
      world.lag(1);
      world.time += MINUTE;
      world.enter('UPDATE_IN_PROGRESS');
      const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
      expect(answer?.IsComplete).toBe(true);
      expect(doubts(world)).toBe(0);
    },
  );
});

describe('reads of polls that are older than the request', () => {
  /** A Create whose resource had another copy before, and whose first reads, so many in all, are from then. */
  async function late(reads: number): Promise<[World, PollEvent]> {
    const world = new World({ copyDuration: 4 * MINUTE });
    world.stack.StackStatus = 'UPDATE_COMPLETE';
    world.resourceStatus = 'CREATE_COMPLETE';
    world.lag(reads);
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    return [world, await world.accept(world.event('Create'))];
  }

  test('cost a poll and a start window if one poll gets them, and nothing else', async () => {
    const [world, event] = await late(3);
    const { answer, after } = await world.wait(event);
    expect(answer?.IsComplete).toBe(true);
    expect(after).toBe(180 + 240);
    expect([doubts(world), world.started()]).toEqual([1, 1]);
  });

  test('that two polls in a row get end the request, because no read is half a minute old', async () => {
    const [world, event] = await late(1_000);
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(ENDED);
    expect(after).toBe(150);
    expect(world.started()).toBe(0);
  });

  test('in between cost nothing: the copy stays, and the next poll trusts again', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const event = await world.begin(world.event('Create'));
    const [id] = world.copies();
    for (let polls = 0; polls < 3; polls++) {
      const { resourceStatus, stack } = world;
      world.resourceStatus = 'CREATE_COMPLETE';
      world.stack = { ...stack, StackStatus: 'CREATE_COMPLETE' };
      world.time += 30 * SECOND;
      await world.poll(event);
      Object.assign(world, { resourceStatus, stack });
      world.time += 30 * SECOND;
      await world.poll(event);
    }
    expect(doubts(world)).toBe(3);
    expect((await world.wait(event)).answer?.PhysicalResourceId).toBe(id);
  });

  test('do not let a process that has no memory end the request', async () => {
    const [world, event] = await late(5);
    await world.poll(event);
    world.memory = new Memory();
    world.time += 30 * SECOND;
    await world.poll(event);
    expect((await world.wait(event)).answer?.IsComplete).toBe(true);
  });
});
