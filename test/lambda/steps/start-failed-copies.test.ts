// How the step "start" handles failed copies.
import type { CopyCourse } from '../../../local-aws/ec2';
import { Memory } from '../../../lambda/memory';
import { MINUTE, SECOND, stale, THREE_HOURS, World } from '../in-process';

const keyFailure = (seconds: number): CopyCourse => ({
  duration: seconds * SECOND,
  outcome: 'error',
  message: 'Given key ID is not accessible',
});

const otherFailure: CopyCourse = { duration: MINUTE, outcome: 'error', message: 'Internal copy fault' };

test('a failed copy fails the request with EC2’s reason, and is deleted', async () => {
  const world = new World({ course: () => otherFailure });
  const { failure, after } = await world.runCreate();
  expect(failure?.message).toMatch(/EC2 says of snap-\w+ "Internal copy fault"; check that the source still exists/);
  expect(after).toBe(60);
  expect(world.copies()).toEqual([]);
});

test('a failed copy of an earlier operation does not fail the next Update', async () => {
  const world = new World({ course: ({ count }) => (count === 2 ? otherFailure : undefined) });
  const before = world.declare();
  await world.create(before);
  world.enter('UPDATE_IN_PROGRESS');
  await world.begin(world.update(world.declare({ Description: 'a' }), before));
  world.time += 5 * MINUTE;
  world.enter('UPDATE_IN_PROGRESS');
  const { answer } = await world.run(world.update(world.declare({ Description: 'b' }), before));
  expect(answer?.IsComplete).toBe(true);
});

test('a second request for the same copy also fails with EC2’s reason', async () => {
  const world = new World({ course: () => keyFailure(10) });
  const first = await world.accept(world.event('Create'));
  const second = await world.accept(world.event('Create'));
  await world.poll(first);
  world.time += 20 * SECOND;
  expect((await world.wait(second)).failure?.message).toContain('Given key ID is not accessible');
});

test('a copy whose named source is deleted during the copy fails the request with EC2’s reason', async () => {
  const world = new World({ course: () => otherFailure });
  const event = await world.begin(world.event('Create'));
  const [source] = world.ec2.all();
  world.ec2.deleteSnapshot('us-east-1', { SnapshotId: source?.id });
  const { failure } = await world.wait(event);
  expect(failure?.message).toContain('"Internal copy fault"; check that the source still exists in us-east-1');
});

describe('a copy that fails because of its key', () => {
  test('is made again in the next start window, because a key policy may not be in effect yet', async () => {
    const world = new World({ course: ({ count }) => (count === 1 ? keyFailure(10) : undefined) });
    const { answer } = await world.runCreate();
    expect(world.started()).toBe(2);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test.each([10, 100, 160, 180])('after %d s is made again in the next start window', async (seconds) => {
    const world = new World({ course: ({ count }) => (count === 1 ? keyFailure(seconds) : undefined) });
    const event = await world.accept(world.event('Create'));
    await world.wait(event, 4 * MINUTE);
    expect(world.started()).toBe(2);
    const { answer } = await world.wait(event);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('five minutes after its start is made again in the next start window', async () => {
    const world = new World({ course: ({ count }) => (count === 1 ? keyFailure(300) : undefined) });
    const { answer } = await world.runCreate();
    expect(world.started()).toBe(2);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('more than eight minutes after its start fails the request at once', async () => {
    const world = new World({ course: () => keyFailure(481) });
    const { failure, after } = await world.runCreate();
    expect(failure?.message).toContain('Given key ID is not accessible');
    expect(after).toBe(510);
    expect(world.started()).toBe(1);
  });

  test('and was started in a later window fails the request at once', async () => {
    const world = new World({ course: () => keyFailure(10) });
    world.services.faults = ({ action, count }) => (action === 'CopySnapshot' && count === 1 ? 'throttled' : undefined);
    const { after } = await world.runCreate();
    expect(after).toBe(210);
    expect(world.started()).toBe(2);
    expect(world.ec2.all().filter(({ source }) => source)).toHaveLength(1);
  });

  test('is made again even if an older duplicate failed for another reason, because the latest decides', async () => {
    const courses = [{ ...otherFailure, duration: 10 * SECOND }, keyFailure(10)];
    const world = new World({
      staleness: stale({ tags: 110 * SECOND }),
      course: ({ count }) => courses[count - 1],
    });
    const event = await world.begin(world.event('Create'));
    world.time += SECOND;
    world.memory = new Memory();
    await world.poll(event);
    world.time += 2 * MINUTE;
    await world.poll(event);
    expect(world.copies().map((id) => world.ec2.stateOf(id))).toEqual(['error', 'error']);
    const { answer } = await world.wait(event);
    expect(world.started()).toBe(3);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('fails the request if the second copy also fails; the reason names the key, and nothing is left', async () => {
    const world = new World({ course: () => keyFailure(10) });
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const { failure, after } = await world.runCreate({ KmsKeyId: key.arn });
    expect(after).toBe(210);
    expect(world.started()).toBe(2);
    expect(failure?.message).toContain(`check that each key (${key.arn} in eu-west-1) is enabled`);
    expect(world.copies()).toEqual([]);
  });

  test('fails the later stage that received the copy, however soon after its start', async () => {
    const world = new World({ maxConcurrentCopies: 0, course: () => keyFailure(6 * 60) });
    const declared = world.declare(THREE_HOURS);
    const event = await world.accept(world.event('Create', { ResourceProperties: declared }));
    await world.wait(event, 43 * MINUTE);
    world.ec2.settings.maxConcurrentCopies = 20;
    world.physicalId = (await world.wait(event)).answer?.PhysicalResourceId;
    expect(world.physicalId).toMatch(/^snap-/);
    const { after, failure } = await world.wait(await world.accept(world.stage(2, declared)));
    expect(failure?.message).toContain('Given key ID is not accessible');
    expect(after).toBe(60);
  });
});
