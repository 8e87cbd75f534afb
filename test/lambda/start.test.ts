import { TAG } from '../../lib/contract';
import { MINUTE, SECOND, World } from './in-process';

const LONG = { TimeoutSeconds: String(3 * 3600) };
const notYet = (id: string): object => ({ decision: 'wait', reason: `${id} is not to be seen at present` });

describe('a copy that fails over its key', () => {
  const failsAfter = (seconds: number): object => ({
    duration: seconds * SECOND,
    outcome: 'error',
    message: 'Given key ID is not accessible',
  });

  test('shortly before the next window is made once more in that window', async () => {
    const world = new World({ course: ({ count }) => (count === 1 ? failsAfter(160) : undefined) });
    const event = await world.accept(world.event('Create'));
    await world.wait(event, 4 * MINUTE);
    expect(world.started()).toBe(2);
    const { answer } = await world.wait(event);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('when the next window comes too late is the end, five minutes after the request', async () => {
    const world = new World({ course: ({ count }) => (count === 1 ? failsAfter(230) : undefined) });
    const { failure, after } = await world.run(world.event('Create'));
    expect(failure?.message).toContain('Given key ID is not accessible');
    expect(after).toBe(300);
    expect(world.started()).toBe(1);
  });
});

describe('a poll whose calls hang', () => {
  test.each([
    [15_000, 1],
    [15_001, 0],
  ])('for %i ms in all has started %i copies', async (ms, copies) => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    const source = event.ResourceProperties.SourceSnapshotId;
    world.services.faults = ({ input }) => {
      if (JSON.stringify(input).includes(`["${source}"]`)) world.time += ms;
      return undefined;
    };
    await world.poll(event);
    expect(world.started()).toBe(copies);
    const reason = 'this poll took too long to start a copy safely';
    expect(world.logs.some((line) => line.reason === reason)).toBe(copies === 0);
  });
});

describe('a copy that has been seen and is missing', () => {
  test('was deleted by somebody else only when a stale read cannot be why', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += 30 * SECOND;
    await world.poll(event);
    const [id = ''] = world.copies();
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(`${id} was deleted by somebody else before it was complete`);
    expect(after).toBe(120);
    expect(world.logs).toContainEqual(notYet(id));
  });

  test('is not believed to be deleted while EC2 still shows it by its id', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += 30 * SECOND;
    await world.poll(event);
    world.ec2.settings.staleness.tags = 60 * MINUTE;
    expect((await world.wait(event, 2.5 * MINUTE)).failure).toBeUndefined();
    world.ec2.settings.staleness.tags = 0;
    expect((await world.wait(event)).answer?.PhysicalResourceId).toMatch(/^snap-/);
  });

  test('is waited for by a continuation, which starts no other', async () => {
    const world = new World({ copyDuration: 80 * MINUTE });
    const declared = world.declare(LONG);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    const [id = ''] = world.copies();
    const event = await world.accept(world.stage(2, declared));
    world.ec2.settings.staleness.tags = 3 * 60 * MINUTE;
    expect((await world.wait(event, 10 * MINUTE)).failure).toBeUndefined();
    expect(world.logs.slice(-1)).toEqual([notYet(id)]);
    world.ec2.settings.staleness.tags = 0;
    expect((await world.wait(event)).answer?.Data?.SnapshotId).toBe(id);
    expect(world.started()).toBe(1);
  });
});

describe('at the deadline of a copy that was never started', () => {
  test('a look at the source and the keys gives the reason in its own words', async () => {
    const world = new World();
    const ResourceProperties = world.declare({ SourceSnapshotId: 'snap-0123456789abcdef0', TimeoutSeconds: '60' });
    const { failure, after } = await world.run(world.event('Create', { ResourceProperties }));
    expect(failure?.message).toMatch(/^source snapshot snap-0123456789abcdef0 was not found in us-east-1: /);
    expect(after).toBe(60);
  });

  test('an error of that look is the reason', async () => {
    const world = new World();
    const ResourceProperties = world.declare({ TimeoutSeconds: '60' });
    const id = ResourceProperties.SourceSnapshotId;
    world.services.faults = ({ input }) => (JSON.stringify(input).includes(`["${id}"]`) ? 'throttled' : undefined);
    const { failure } = await world.run(world.event('Create', { ResourceProperties }));
    expect(failure?.message).toContain(
      'could not be started within 1 minute: RequestLimitExceeded: Request limit exceeded.; raise "timeout" (now 1 minute)',
    );
  });
});

test('a copy in the Recycle Bin is deleted, whoever has put it there', async () => {
  const world = new World({ recycleBin: 'visible' });
  const event = await world.accept(world.event('Create'));
  await world.poll(event);
  world.time += 30 * SECOND;
  await world.poll(event);
  const [id = ''] = world.copies();
  world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.stack }] });
  world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
  expect((await world.wait(event)).failure?.message).toContain('was deleted by somebody else');
});
