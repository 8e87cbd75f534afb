// What CloudFormation shows may be older than the request, or newer. One read never ends a request.
import { Memory } from '../../../lambda/memory';
import type { PollEvent } from '../../../lambda/request';
import { MINUTE, SECOND, tags, World } from '../in-process';

const DOUBT = 'CloudFormation does not seem to wait for the answer; a later poll will confirm it';
const ENDED = 'has ended, or already has its answer';

const doubts = (world: World): number => world.logs.filter(({ reason }) => reason === DOUBT).length;

/** Polls a Create in an update this many seconds after it arrived. `change` sets up the resource and the stack. */
async function doubtsAt(seconds: number, change: (world: World, startedAt: number) => void): Promise<boolean> {
  const world = new World();
  world.enter('UPDATE_IN_PROGRESS');
  const event = await world.accept(world.event('Create'));
  change(world, world.time);
  world.time += seconds * SECOND;
  await world.poll(event);
  return doubts(world) > 0;
}

describe('a poll doubts that CloudFormation waits for the answer', () => {
  test.each([
    [0, false],
    [-10, false],
    [-10.001, true],
    [2, false],
    [2.001, true],
  ])('if the resource entered its status %d s after the request arrived: %s', async (at, doubted) => {
    const change = (world: World, startedAt: number): void => {
      world.resourceSince = startedAt + at * SECOND;
    };
    expect(await doubtsAt(0, change)).toBe(doubted);
  });

  test('only in the first half minute if the resource entered its status long before', async () => {
    const change = (world: World, startedAt: number): void => {
      world.resourceSince = startedAt - 10 * MINUTE;
    };
    expect(await Promise.all([29.999, 30].map((seconds) => doubtsAt(seconds, change)))).toEqual([true, false]);
  });

  test.each([
    [2, false],
    [2.001, true],
  ])('if the operation began %d s after the request arrived: %s', async (at, doubted) => {
    const change = (world: World, startedAt: number): void => {
      world.stack.LastUpdatedTime = new Date(startedAt + at * SECOND);
    };
    expect(await doubtsAt(0, change)).toBe(doubted);
  });

  test.each([
    [0, false],
    [0.001, true],
  ])('if the operation changed, and the resource changed %d s after the request: %s', async (at, doubted) => {
    const change = (world: World, startedAt: number): void => {
      world.stack.LastUpdatedTime = new Date(startedAt + SECOND);
      world.resourceSince = startedAt + at * SECOND;
    };
    expect(await doubtsAt(0, change)).toBe(doubted);
  });
});

describe('the handler recognizes the same operation', () => {
  const operations = (...ids: string[]): World['stack']['LastOperations'] =>
    ids.map((OperationId) => ({ OperationType: 'UPDATE_STACK', OperationId }));

  /** The resource changes a second after the request, and the poll sees a different stack than onEvent did. */
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

  test('by the IDs of the latest operations, whatever their order and time', async () => {
    const LastOperations = operations('a', 'b');
    expect(await isSame({ LastOperations }, { LastUpdatedTime, LastOperations: operations('b', 'a') })).toBe(true);
    expect(await isSame({ LastOperations }, { LastOperations: operations('b', 'c') })).toBe(false);
  });

  test.each([undefined, operations()])('by status and time if CloudFormation shows no IDs (%j)', async (none) => {
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

describe('a stale read in onEvent', () => {
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
    'does not end an Update, even if it shows another operation (%s)',
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

describe('stale reads in polls', () => {
  /** A Create whose resource had another copy before. This many of its first reads are still from then. */
  async function late(reads: number): Promise<[World, PollEvent]> {
    const world = new World({ copyDuration: 4 * MINUTE });
    world.stack.StackStatus = 'UPDATE_COMPLETE';
    world.resourceStatus = 'CREATE_COMPLETE';
    world.lag(reads);
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    return [world, await world.accept(world.event('Create'))];
  }

  test('cost only one poll and one start window if one poll gets them', async () => {
    const [world, event] = await late(3);
    const { answer, after } = await world.wait(event);
    expect(answer?.IsComplete).toBe(true);
    expect(after).toBe(180 + 240);
    expect([doubts(world), world.started()]).toEqual([1, 1]);
  });

  test('end the request if two polls in a row get them, because no read is half a minute old', async () => {
    const [world, event] = await late(1_000);
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(ENDED);
    expect(after).toBe(150);
    expect(world.started()).toBe(0);
  });

  test('in between do not delete the copy, and the next poll trusts the request again', async () => {
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

  test('do not let a new process end the request', async () => {
    const [world, event] = await late(5);
    await world.poll(event);
    world.memory = new Memory();
    world.time += 30 * SECOND;
    await world.poll(event);
    expect((await world.wait(event)).answer?.IsComplete).toBe(true);
  });
});
