// Accounts with many snapshots. EC2 pages before it filters, so a search by tags takes many calls and a long time.
import { MINUTE, SECOND, stale, tags, World } from './in-process';

const isSearch = (input: unknown): boolean => 'Filters' in (input as object);

/** Makes every search take this many seconds. */
function slowDown(world: World, seconds: number): void {
  world.services.delays = ({ input }) => (isSearch(input) ? seconds * SECOND : 0);
}

/** When CopySnapshot was called, in seconds since the request. */
const startsOf = (world: World): number[] =>
  world.services.calls.flatMap(({ action, time }) =>
    action === 'CopySnapshot' ? [(time - world.resourceSince) / SECOND] : [],
  );

const ec2Calls = (world: World): number => world.services.calls.filter(({ service }) => service === 'ec2').length;

describe('in an account of 100,000 snapshots', () => {
  test('a 30-minute copy takes at most 400 EC2 calls, and is reported at once', async () => {
    const world = new World({ copyDuration: 30 * MINUTE, crowd: 100_000 });
    expect((await world.runCreate()).after).toBe(30 * 60);
    expect(ec2Calls(world)).toBeLessThanOrEqual(400);
  });

  test('an Update in place takes one search', async () => {
    const world = new World({ crowd: 100_000 });
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const first = ec2Calls(world);
    await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(ec2Calls(world) - first).toBe(101 + 1);
  });

  test('a Delete takes one search', async () => {
    const world = new World({ crowd: 100_000 });
    await world.create();
    world.enter('DELETE_IN_PROGRESS');
    const first = ec2Calls(world);
    await world.run(world.event('Delete'));
    expect(ec2Calls(world) - first).toBe(2 + 100);
  });
});

describe.each([16, 31, 60, 90, 91, 151, 239])('where a search takes %d s', (seconds) => {
  test('the first poll starts the only copy, which is reported soon after it ends', async () => {
    const world = new World({ copyDuration: 20 * MINUTE });
    slowDown(world, seconds);
    const { answer, after } = await world.runCreate();
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
    expect(startsOf(world)).toEqual([seconds]);
    // After the copy ends come the rest of an interval and one search.
    expect(after).toBeLessThanOrEqual(seconds + 20 * 60 + 30 + seconds);
  });

  test('a copy that EC2 throttles at first is started later, and only once', async () => {
    const world = new World({ copyDuration: 10 * MINUTE, staleness: stale({ ids: 110 * SECOND, tags: 110 * SECOND }) });
    slowDown(world, seconds);
    const begun = world.time;
    world.services.faults = ({ action, time }) =>
      action === 'CopySnapshot' && time - begun < 10 * MINUTE ? 'throttled' : undefined;
    const { answer } = await world.runCreate();
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
    expect(world.ec2.all().filter(({ source }) => source)).toHaveLength(1);
  });

  test('a lost answer does not lead to a second copy', async () => {
    const world = new World({ copyDuration: MINUTE, staleness: stale({ ids: 110 * SECOND, tags: 110 * SECOND }) });
    slowDown(world, seconds);
    world.services.faults = ({ action, count }) =>
      action === 'CopySnapshot' && count === 1 ? 'lost-response' : undefined;
    const { answer } = await world.runCreate();
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
    expect(startsOf(world)).toHaveLength(1);
  });
});

describe('where a search would take five minutes', () => {
  const slow = (): World => {
    const world = new World({ crowd: 100_000 });
    slowDown(world, 3);
    return world;
  };

  test('a poll ends before its function times out', async () => {
    const world = slow();
    const event = await world.accept(world.event('Create'));
    for (let polls = 0; polls < 5; polls++) {
      const begun = world.time;
      expect(await world.poll(event)).toEqual({ IsComplete: false });
      expect(world.time - begun).toBeLessThanOrEqual(4 * MINUTE + 3 * SECOND);
      world.time += 30 * SECOND;
    }
  });

  test('a Create fails within CloudFormation’s limit of an hour, and says why no copy was started', async () => {
    const world = slow();
    const { failure, after } = await world.runCreate();
    expect(after).toBeLessThan(3_600);
    expect(failure?.message).toContain('EC2 takes too long to list the snapshots in eu-west-1');
    expect(world.started()).toBe(0);
  });

  test('the Delete of a copy that was never made succeeds', async () => {
    const world = slow();
    await world.runCreate();
    world.enter('ROLLBACK_IN_PROGRESS');
    const { answer, after } = await world.run(world.event('Delete'));
    expect(answer).toEqual({ IsComplete: true });
    expect(after).toBeLessThan(3_600);
    const reason = expect.stringContaining('EC2 takes too long to list the snapshots') as string;
    expect(world.logs).toContainEqual({ decision: 'left', reason });
  });
});
