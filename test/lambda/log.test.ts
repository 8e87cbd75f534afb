// What an operator reads in the log: one line for each decision, with what it was about and why.
import { MINUTE, SECOND, World } from './in-process';

type Line = Record<string, unknown>;

/** The log; of lines that differ in the progress alone, the first. */
function told(world: World): Line[] {
  const same = (a: Line | undefined, b: Line): boolean =>
    JSON.stringify({ ...a, progress: 0 }) === JSON.stringify({ ...b, progress: 0 });
  return world.logs.filter((line, i) => !same(world.logs[i - 1], line));
}

/** The log from here on. */
function forget(world: World): void {
  world.logs.length = 0;
}

describe('the log tells', () => {
  test('of a Create when the copy was started, how far it is, and its end', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const { answer } = await world.run(world.event('Create'));
    const snapshotId = answer?.PhysicalResourceId;
    expect(told(world)).toEqual([
      {
        decision: 'accept',
        physicalId: expect.stringMatching(/^copy-/) as string,
        operation: 'CREATE_IN_PROGRESS',
      },
      { decision: 'start copy', snapshotId, inputs: expect.stringMatching(/^v1-/) as string },
      { decision: 'wait', snapshotId, state: 'pending', progress: '12%' },
      { decision: 'complete', snapshotId },
    ]);
    expect(world.logs).toHaveLength(2 + 7 + 1);
  });

  test('of an Update which tags it has set and removed, and nothing of tags where none has changed', async () => {
    const world = new World();
    const before = world.declare({ Tags: { a: '1', c: '3' } });
    const snapshotId = await world.create(before);
    forget(world);
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = world.declare({ Tags: { b: '2', c: '3' } });
    await world.run(world.update(wanted, before));
    await world.run(world.update(wanted, wanted));
    const accepted = { decision: 'accept', physicalId: snapshotId, operation: 'UPDATE_IN_PROGRESS' };
    expect(told(world)).toEqual([
      accepted,
      { decision: 'tag', snapshotId, set: ['b'], removed: ['a'] },
      { decision: 'complete', snapshotId },
      accepted,
      { decision: 'complete', snapshotId },
    ]);
  });

  test('of a Delete what it deleted, and why it waits where there was nothing', async () => {
    const world = new World();
    const snapshotId = await world.create();
    forget(world);
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    await world.run(world.event('Delete'));
    expect(told(world)).toEqual([
      { decision: 'accept', physicalId: snapshotId, operation: undefined },
      { decision: 'delete', snapshotId, state: 'completed' },
      { decision: 'accept', physicalId: snapshotId, operation: undefined },
      { decision: 'wait', reason: 'a copy that was begun may still be invisible' },
      { decision: 'deleted' },
    ]);
  });

  test('of a late Delete that the copy is retained, since the stack rests', async () => {
    const world = new World();
    const properties = world.declare({ DeletionPolicy: 'Retain' });
    const snapshotId = await world.create(properties);
    forget(world);
    world.enter('DELETE_COMPLETE');
    await world.run(world.event('Delete', { ResourceProperties: properties }));
    expect(told(world).slice(1)).toEqual([{ decision: 'retained', snapshotId, stack: 'DELETE_COMPLETE' }]);
  });

  test('of a Delete nothing of retaining when it deletes a retained copy by its own id', async () => {
    const world = new World();
    const properties = world.declare({ DeletionPolicy: 'Retain' });
    const snapshotId = await world.create(properties);
    forget(world);
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: properties }));
    expect(told(world).slice(1)).toEqual([{ decision: 'delete', snapshotId, state: 'completed' }]);
  });

  test('of a Delete each copy that goes with the stack', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'new' }), before));
    forget(world);
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    expect(told(world).slice(1)).toEqual([
      { decision: 'delete', snapshotId: answer?.PhysicalResourceId, state: 'completed' },
      { decision: 'delete', snapshotId: old, state: 'completed' },
    ]);
  });

  test('why no copy is started, and the failure that the user reads', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const ResourceProperties = world.declare({ TimeoutSeconds: '180' });
    const { failure } = await world.run(world.event('Create', { ResourceProperties }));
    expect(told(world).slice(1)).toEqual([
      { decision: 'wait', reason: expect.stringMatching(/^ResourceLimitExceeded: Too many/) as string },
      {
        decision: 'wait',
        reason: 'the next attempt to start the copy comes when all earlier ones would be visible',
      },
      { decision: 'fail', reason: failure?.message },
    ]);
  });

  test('that a copy is deleted for its deadline', async () => {
    const world = new World({ copyDuration: 20 * MINUTE });
    const ResourceProperties = world.declare({ TimeoutSeconds: '300' });
    const { failure } = await world.run(world.event('Create', { ResourceProperties }));
    const [snapshotId] = world.logs.flatMap((line) => line.snapshotId ?? []);
    expect(told(world).slice(-2)).toEqual([
      { decision: 'delete late', snapshotId, state: 'pending' },
      { decision: 'fail', reason: failure?.message },
    ]);
  });

  test('which stage hands on, with a copy and without one', async () => {
    const ResourceProperties = new World().declare({ TimeoutSeconds: '6000' });
    const world = new World({ copyDuration: 90 * MINUTE });
    const { answer } = await world.run(world.event('Create', { ResourceProperties }));
    expect(told(world).at(-1)).toEqual({ decision: 'hand on', snapshotId: answer?.PhysicalResourceId, stage: 1 });
    world.ec2.settings.maxConcurrentCopies = 0;
    world.enter('UPDATE_IN_PROGRESS');
    world.physicalId = undefined;
    await world.run(world.event('Create', { ResourceProperties: { ...ResourceProperties, Description: 'other' } }));
    expect(told(world).at(-1)).toEqual({ decision: 'hand on', snapshotId: undefined, stage: 1 });
  });

  test('which double was deleted, and that the answer waits for what a stale read hides', async () => {
    const world = new World({ copyDuration: MINUTE, staleness: { ids: 0, tags: 110_000, deletions: 0, writes: 0 } });
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += SECOND;
    await world.poll(event);
    const [first, second] = world.copies();
    await world.wait(event);
    expect(world.logs).toContainEqual({ decision: 'delete stray', snapshotId: second, state: 'completed' });
    const reason = 'what a stale read hides would be visible later';
    expect(world.logs).toContainEqual({ decision: 'wait', snapshotId: first, state: 'completed', reason });
  });

  test('what a rollback deletes of the update', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    const wanted = world.declare({ Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, wanted));
    const snapshotId = answer?.PhysicalResourceId;
    expect(world.logs).toContainEqual({ decision: 'delete other', snapshotId, state: 'completed' });
  });

  test('of a request whose operation has ended what it deletes, and why it waits on', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    const [snapshotId] = world.copies();
    forget(world);
    world.time += 30 * SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    await world.wait(event);
    expect(told(world)).toEqual([
      { decision: 'delete begun', snapshotId, state: 'pending' },
      { decision: 'wait', reason: 'the stack operation has ended; a copy that it began may still be invisible' },
      { decision: 'fail', reason: expect.stringMatching(/^the stack operation that asked for the copy/) as string },
    ]);
  });

  test('that a copy could not be deleted after a failure', async () => {
    const world = new World({ course: () => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Internal fault' }) });
    const event = await world.accept(world.event('Create'));
    world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'denied' : undefined);
    await world.wait(event);
    expect(world.logs).toContainEqual({
      decision: 'not deleted',
      reason: expect.stringMatching(/^UnauthorizedOperation: /) as string,
    });
  });

  test('that a dry run passed, and of which copy', async () => {
    const world = new World();
    const before = world.declare();
    const snapshotId = await world.create(before);
    forget(world);
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare({ DryRun: 'true' }), before));
    expect(told(world).slice(1)).toEqual([{ decision: 'dry run passed', snapshotId }]);
  });

  test('why a rollback to a dry run waits', async () => {
    const world = new World();
    const before = world.declare({ DryRun: 'true' });
    await world.run(world.event('Create', { ResourceProperties: before }));
    forget(world);
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    await world.run(world.update(before, world.declare()));
    expect(told(world).slice(1)).toEqual([
      { decision: 'wait', reason: 'a copy that the update began may still be invisible' },
      { decision: 'dry run passed', snapshotId: undefined },
    ]);
  });

  test('that CloudFormation could not be asked for the operation, which is no failure', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'DescribeStacks' ? 'throttled' : undefined);
    await world.accept(world.event('Create'));
    expect(world.logs).toMatchObject([
      { decision: 'operation unknown', reason: 'Throttling: Rate exceeded' },
      { decision: 'accept', operation: undefined },
    ]);
  });
});
