import { TAG } from '../../../lib/contract';
import { MINUTE, SECOND, tags, World } from '../in-process';

describe('a pending copy', () => {
  test('is awaited at every poll', async () => {
    const world = new World({ copyDuration: 20 * MINUTE });
    const event = await world.accept(world.event('Create'));
    for (let polls = 0; polls < 30; polls++) {
      expect(await world.poll(event)).toEqual({ IsComplete: false });
      world.time += 30 * SECOND;
    }
  });

  test('is deleted at the timeout, and the reason gives its progress and the prop to raise', async () => {
    const world = new World({ copyDuration: 25 * MINUTE });
    const declared = world.declare({ TimeoutSeconds: '600' });
    const { failure, after } = await world.run(world.event('Create', { ResourceProperties: declared }));
    expect(after).toBe(600);
    expect(failure?.message).toBe(
      `copy of ${declared.SourceSnapshotId} from us-east-1 to eu-west-1 was 40% done after 10 minutes; raise "timeout" (now 10 minutes), or set "completionDuration" for a faster copy (log group handler-logs)`,
    );
    expect(world.copies()).toEqual([]);
  });

  test('that EC2 has barely begun at the timeout is described as such', async () => {
    const world = new World({ copyDuration: 100 * 24 * 60 * MINUTE });
    const { failure } = await world.runCreate({ TimeoutSeconds: '300' });
    expect(failure?.message).toContain('to eu-west-1 had barely begun after 5 minutes; raise "timeout"');
  });
});

describe('the tag with the ID of the copy', () => {
  const marks = (world: World): unknown[] =>
    world.services.calls.flatMap(({ action, input }) => (action === 'CreateTags' ? [input] : []));

  test('is added once, by the first poll that sees the copy pending', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    const [id = ''] = world.copies();
    expect(marks(world)).toEqual([]);
    for (let polls = 0; polls < 3; polls++) {
      world.time += 30 * SECOND;
      await world.poll(event);
    }
    expect(marks(world)).toEqual([{ Resources: [id], Tags: tags({ [TAG.id]: id }) }]);
    await world.wait(event);
    expect(marks(world)).toHaveLength(1);
  });

  test('is added by a later poll if the first one could not', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    const begun = world.time;
    world.services.faults = ({ action, time }) =>
      action === 'CreateTags' && time - begun < 2 * MINUTE ? 'throttled' : undefined;
    expect((await world.wait(event)).answer?.IsComplete).toBe(true);
    expect(marks(world)).toHaveLength(5);
  });
});

test('a visible pending copy is described by its ID, and not searched for again until it is finished', async () => {
  const world = new World();
  const event = await world.accept(world.event('Create'));
  await world.wait(event);
  const searches = world.services.calls.flatMap(({ action, input, time }) =>
    action === 'DescribeSnapshots' && 'Filters' in (input as object) ? [(time - event.Begun.At) / SECOND] : [],
  );
  // Before the start, until the copy is visible, and before the report.
  expect(searches).toEqual([0, 30, 600]);
});

describe('a copy in an unknown state', () => {
  test('is awaited', async () => {
    const world = new World({ copyDuration: MINUTE });
    const event = await world.begin(world.event('Create'));
    const [id = ''] = world.copies();
    world.ec2.changeCourse(id, { duration: MINUTE, outcome: 'hydrating' });
    expect(await world.wait(event, 20 * MINUTE)).toEqual({ after: 1200 });
    world.ec2.changeCourse(id, { outcome: 'completed' });
    expect((await world.wait(event)).answer?.IsComplete).toBe(true);
  });

  test('fails the request at the timeout, and is left alone', async () => {
    const world = new World();
    const before = world.declare({ TimeoutSeconds: '1200' });
    const id = await world.create(before);
    world.ec2.changeCourse(id, { outcome: 'recovering' });
    world.enter('UPDATE_IN_PROGRESS');
    const { failure, after } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(failure?.message).toContain(`${id} in eu-west-1 was in state "recovering" after 20 minutes`);
    expect(after).toBe(1200);
    expect(world.copies()).toEqual([id]);
  });
});

test('a copy that another request started and deletes does not fail this request', async () => {
  const world = new World();
  world.stack.StackStatus = 'UPDATE_IN_PROGRESS';
  const canceled = await world.begin(world.event('Create'));
  world.time += 30 * SECOND;
  world.enter('UPDATE_IN_PROGRESS');
  const again = await world.begin(world.event('Create'));
  await world.poll(canceled);
  world.time += 30 * SECOND;
  await world.poll(canceled);
  expect(world.copies()).toEqual([]);
  const { answer } = await world.wait(again);
  expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
});
