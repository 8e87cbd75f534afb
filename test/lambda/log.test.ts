// What an operator reads in the log: one line for each decision, with what it was about and why.
import { DRY_RUN_RESOURCE_TYPE } from '../../lib/contract';
import { Memory } from '../../lambda/memory';
import { MINUTE, SECOND, stale, tags, World } from './in-process';

type Line = Record<string, unknown>;

/** The log from this line on, with only the first of successive lines that differ only in their progress. */
function linesOf(world: World, from = 0): Line[] {
  const isSame = (a: Line | undefined, b: Line): boolean =>
    JSON.stringify({ ...a, progress: 0 }) === JSON.stringify({ ...b, progress: 0 });
  return world.logs.slice(from).filter((line, i, lines) => !isSame(lines[i - 1], line));
}

const ofCreate = (physicalId: unknown): Line => ({ decision: 'accept', physicalId, operation: 'CREATE_IN_PROGRESS' });
const STARTED = 'the copy has been started';
const PENDING = 'EC2 has not completed the copy';
const INPUTS = expect.stringMatching(/^v1-/) as string;

describe('a Create logs', () => {
  test('the start, the progress, and the end of the copy', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const { answer } = await world.runCreate();
    const snapshotId = answer?.PhysicalResourceId;
    expect(linesOf(world)).toEqual([
      ofCreate(expect.stringMatching(/^copy-/)),
      { decision: 'start copy', snapshotId, source: world.declare().SourceSnapshotId, inputs: INPUTS },
      { decision: 'wait', reason: STARTED, snapshotId },
      { decision: 'wait', reason: PENDING, snapshotId, state: 'pending', progress: '12%' },
      { decision: 'complete', snapshotId, seconds: 240 },
    ]);
    expect(world.logs).toHaveLength(3 + 7 + 1);
  });

  test('why no copy is started, and the failure that the user sees', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const { failure } = await world.runCreate({ TimeoutSeconds: '180' });
    expect(linesOf(world, 1)).toEqual([
      { decision: 'wait', reason: expect.stringMatching(/^ResourceLimitExceeded: Too many/) as string },
      {
        decision: 'wait',
        reason: 'the next start window opens when every earlier copy would be visible',
      },
      { decision: 'fail', reason: failure?.message },
    ]);
  });

  test('that it deletes a copy that took too long', async () => {
    const world = new World({ copyDuration: 20 * MINUTE });
    const { failure } = await world.runCreate({ TimeoutSeconds: '300' });
    const [snapshotId] = world.logs.flatMap((line) => line.snapshotId ?? []);
    expect(linesOf(world).slice(-2)).toEqual([
      { decision: 'delete late', snapshotId, state: 'pending' },
      { decision: 'fail', reason: failure?.message },
    ]);
  });

  test('which stage continues in the next one, with or without a copy', async () => {
    const world = new World({ copyDuration: 90 * MINUTE });
    const { answer } = await world.runCreate({ TimeoutSeconds: '6000' });
    const decision = 'continue in next stage';
    expect(world.logs.at(-1)).toEqual({ decision, snapshotId: answer?.PhysicalResourceId, stage: 1 });
    world.ec2.settings.maxConcurrentCopies = 0;
    world.enter('UPDATE_IN_PROGRESS');
    world.physicalId = undefined;
    await world.runCreate({ TimeoutSeconds: '6000', Description: 'other' });
    expect(world.logs.at(-1)).toEqual({ decision, snapshotId: undefined, stage: 1 });
  });

  test('which duplicate it deletes, and that a stale read may hide another', async () => {
    const world = new World({ copyDuration: MINUTE, staleness: stale({ tags: 110 * SECOND }) });
    const event = await world.begin(world.event('Create'));
    world.time += SECOND;
    world.memory = new Memory();
    await world.poll(event);
    const [first, second] = world.copies();
    await world.wait(event);
    expect(world.logs).toContainEqual({ decision: 'delete duplicate', snapshotId: second, state: 'completed' });
    const reason = 'a stale read may still hide a duplicate';
    expect(world.logs).toContainEqual({ decision: 'wait', reason, snapshotId: first, state: 'completed' });
  });

  test('what it deletes after its operation has ended, and why it waits', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    const [snapshotId] = world.copies();
    const from = world.logs.length;
    world.time += 30 * SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    const { failure } = await world.wait(event);
    expect(linesOf(world, from)).toEqual([
      {
        decision: 'wait',
        reason: 'CloudFormation does not seem to wait for the answer; a later poll will confirm it',
      },
      { decision: 'delete begun', snapshotId, state: 'pending' },
      { decision: 'wait', reason: 'the request has ended; a copy that it started may not be visible yet' },
      { decision: 'fail', reason: failure?.message },
    ]);
  });

  test('that it left a copy after a failure', async () => {
    const world = new World({ course: () => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Internal fault' }) });
    const event = await world.accept(world.event('Create'));
    world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'denied' : undefined);
    await world.wait(event);
    const [snapshotId] = world.copies();
    const reason = expect.stringMatching(/^UnauthorizedOperation: /) as string;
    expect(world.logs).toContainEqual({ decision: 'left', snapshotId, state: 'error', reason });
  });

  test('that it could not look for copies to delete after a failure', async () => {
    const world = new World({ course: () => ({ duration: MINUTE, outcome: 'error', message: 'Internal fault' }) });
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += MINUTE;
    // The poll looks once more after it has failed.
    world.services.faults = ({ action }) =>
      action === 'DescribeStacks' && world.calls().at(-2) === 'DescribeSnapshots' ? 'throttled' : undefined;
    await world.wait(event);
    expect(world.logs).toContainEqual({ decision: 'not deleted', reason: 'Throttling: Rate exceeded' });
  });

  test('that it could not read which operation sent it', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'DescribeStacks' ? 'throttled' : undefined);
    const { PhysicalResourceId: physicalId } = await world.accept(world.event('Create'));
    expect(world.logs).toEqual([
      { decision: 'operation unknown', reason: 'Throttling: Rate exceeded' },
      { decision: 'accept', physicalId, operation: undefined },
    ]);
  });
});

describe('an Update logs', () => {
  test('which tags it sets and removes, and nothing about tags if none changed', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1', c: '3' }) });
    const snapshotId = await world.create(before);
    const from = world.logs.length;
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = world.declare({ Tags: tags({ b: '2', c: '3' }) });
    await world.run(world.update(wanted, before));
    await world.run(world.update(wanted, wanted));
    const accepted = { decision: 'accept', physicalId: snapshotId, operation: 'UPDATE_IN_PROGRESS' };
    expect(linesOf(world, from)).toEqual([
      accepted,
      { decision: 'tag', snapshotId, set: ['b'], removed: ['a'] },
      { decision: 'complete', snapshotId },
      accepted,
      { decision: 'complete', snapshotId },
    ]);
  });

  test('which leftover of an earlier operation it deletes', async () => {
    const world = new World({ copyDuration: 30 * MINUTE });
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    await world.begin(world.update(world.declare({ Description: 'a' }), before));
    const [, snapshotId] = world.copies();
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.begin(world.update(world.declare({ Description: 'b' }), before));
    expect(world.logs).toContainEqual({ decision: 'delete leftover', snapshotId, state: 'pending' });
  });

  test('which copy it deletes in a rollback', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    const wanted = world.declare({ Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, wanted));
    const snapshotId = answer?.PhysicalResourceId;
    expect(world.logs).toContainEqual({ decision: 'delete superseded', snapshotId, state: 'completed' });
  });
});

describe('a Delete logs', () => {
  test('what it deletes, or why it waits if there is nothing', async () => {
    const world = new World();
    const snapshotId = await world.create();
    const from = world.logs.length;
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    await world.run(world.event('Delete'));
    const accepted = { decision: 'accept', physicalId: snapshotId, operation: undefined };
    expect(linesOf(world, from)).toEqual([
      accepted,
      { decision: 'delete', snapshotId, state: 'completed' },
      { decision: 'deleted' },
      accepted,
      { decision: 'wait', reason: 'a copy that was just started may not be visible yet' },
      { decision: 'deleted' },
    ]);
  });

  test('each copy that it deletes with the stack', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'new' }), before));
    const from = world.logs.length;
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    expect(linesOf(world, from + 1)).toEqual([
      { decision: 'delete', snapshotId: answer?.PhysicalResourceId, state: 'completed' },
      { decision: 'delete', snapshotId: old, state: 'completed' },
      { decision: 'deleted' },
    ]);
  });

  test('that the stack is idle, so nobody requested it', async () => {
    const world = new World();
    await world.create();
    const from = world.logs.length;
    const { failure } = await world.run(world.forge('Delete'));
    expect(linesOf(world, from).slice(1)).toEqual([
      { decision: 'wait', reason: 'the stack seems to be idle; a later poll will confirm it' },
      { decision: 'fail', reason: failure?.message },
    ]);
  });
});

test('a dry run logs that it passed', async () => {
  const world = new World();
  const { PhysicalResourceId } = await world.accept(world.event('Create', { ResourceType: DRY_RUN_RESOURCE_TYPE }));
  await world.run(world.event('Create', { ResourceType: DRY_RUN_RESOURCE_TYPE }));
  expect(linesOf(world, 1)).toEqual([ofCreate(PhysicalResourceId), { decision: 'dry run passed' }]);
});
