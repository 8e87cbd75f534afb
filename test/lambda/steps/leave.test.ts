import type { PollEvent } from '../../../lambda/request';
import type { CopyProperties } from '../../../lib/contract';
import { MINUTE, SECOND, World } from '../in-process';
import { HANDLE } from '../requests';

const ENDED = 'has ended, or has its answer';

/** A Create that has started its copy when its operation is followed by a rollback of the stack. */
async function rolledBack(
  declared: Partial<CopyProperties>,
  seconds: number,
): Promise<{ world: World; event: PollEvent }> {
  const world = new World({ copyDuration: 20 * SECOND });
  const event = await world.begin(world.event('Create', { ResourceProperties: world.declare(declared) }));
  world.time += seconds * SECOND;
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  return { world, event };
}

describe('a request whose operation has ended', () => {
  test('starts no copy', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    world.enter('ROLLBACK_IN_PROGRESS');
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain(ENDED);
    expect(world.started()).toBe(0);
  });

  test('deletes its unfinished copy', async () => {
    const { world, event } = await rolledBack({}, 10);
    expect(await world.poll(event)).toEqual({ IsComplete: false });
    expect(world.copies()).toEqual([]);
  });

  test('waits until the copies that it may have started are visible, and then fails', async () => {
    const { world, event } = await rolledBack({}, 10);
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(ENDED);
    expect(after).toBe(150);
  });

  test('deletes its finished copy unless CloudFormation has the id or the handle of the copy', async () => {
    const { world, event } = await rolledBack({}, 30);
    const [id] = world.copies();
    for (world.physicalId of [id, event.PhysicalResourceId]) {
      await world.poll(event);
      expect(world.copies()).toEqual([id]);
    }
    world.physicalId = undefined;
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });

  test.each(['Retain', 'RetainExceptOnCreate'] as const)(
    'leaves its finished copy alone under %s, because CloudFormation may have retained it',
    async (DeletionPolicy) => {
      const { world, event } = await rolledBack({ DeletionPolicy }, 30);
      await world.poll(event);
      expect(world.copies()).toHaveLength(1);
    },
  );

  test('deletes its unfinished copy under Retain', async () => {
    const { world, event } = await rolledBack({ DeletionPolicy: 'Retain' }, 10);
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });

  test.each([
    ['deletes', 'a Create', 0],
    ['leaves', 'an Update', 1],
  ] as const)(
    '%s its finished copy under RetainExceptOnCreate if it is %s that is rolled back',
    async (_, request, left) => {
      const world = new World({ copyDuration: 20 * SECOND });
      const wanted = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
      world.physicalId = HANDLE;
      world.enter('UPDATE_IN_PROGRESS');
      const create = world.event('Create', { ResourceProperties: wanted });
      const update = world.update(wanted, { ...wanted, Description: 'old' });
      const event = await world.begin(request === 'a Create' ? create : update);
      world.time += 30 * SECOND;
      world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
      await world.poll(event);
      expect(world.copies()).toHaveLength(left);
    },
  );

  test('is known to have ended in a rollback, whose operation began when the update did', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.begin(world.update(world.declare({ Description: 'new' }), before));
    expect(world.copies()).toHaveLength(2);
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.poll(event);
    expect(world.copies()).toEqual([old]);
  });

  test('is known to have ended when another operation of the same kind began', async () => {
    const world = new World();
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.begin(world.event('Create'));
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });
});

describe('a request whose operation is unknown', () => {
  test.each([
    ['Create', 'CREATE_IN_PROGRESS', true],
    ['Create', 'UPDATE_IN_PROGRESS', true],
    ['Create', 'UPDATE_ROLLBACK_IN_PROGRESS', false],
    ['Create', 'DELETE_IN_PROGRESS', false],
    ['Create', 'IMPORT_UPDATE_IN_PROGRESS', false],
    ['Create', 'UPDATE_IN_PROGRESS_PAUSED', false],
    ['Update', 'UPDATE_IN_PROGRESS', true],
    ['Update', 'UPDATE_ROLLBACK_IN_PROGRESS', true],
    ['Update', 'CREATE_IN_PROGRESS', false],
    ['Update', 'UPDATE_COMPLETE', false],
    ['Update', 'IMPORT_UPDATE_IN_PROGRESS', false],
    ['Update', 'UPDATE_IN_PROGRESS_PAUSED', false],
    ['Update', 'IMPORT_UPDATE_ROLLBACK_IN_PROGRESS', false],
    ['Update', 'UPDATE_ROLLBACK_IN_PROGRESS_PAUSED', false],
  ] as const)('if it is a %s and the stack is in %s, starts a copy: %s', async (type, status, isStarted) => {
    const world = new World();
    world.enter(status);
    world.services.faults = ({ action, count }) =>
      action === 'DescribeStacks' && count === 1 ? 'throttled' : undefined;
    world.physicalId = HANDLE;
    const before = world.declare({ Description: 'old' });
    await world.begin(type === 'Create' ? world.event(type) : world.update(world.declare(), before));
    expect(world.started()).toBe(isStarted ? 1 : 0);
  });

  test('has ended when a later operation began after the request arrived', async () => {
    const world = new World();
    world.services.faults = ({ action, count }) =>
      action === 'DescribeStacks' && count === 1 ? 'throttled' : undefined;
    const event = await world.begin(world.event('Create'));
    expect(event.Begun.Operation).toBeUndefined();
    expect(world.started()).toBe(1);
    world.time += 30 * SECOND;
    world.enter('UPDATE_IN_PROGRESS');
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });
});

describe('an event that is delivered again', () => {
  test('starts no copy if it is a Create during the rollback', async () => {
    const world = new World();
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { failure } = await world.run(world.event('Create'));
    expect(failure?.message).toContain(ENDED);
    expect(world.started()).toBe(0);
  });

  test('starts no copy if it is a Create and its resource has a copy', async () => {
    const world = new World();
    const id = await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.runCreate({ Description: 'x' });
    expect(failure?.message).toContain(ENDED);
    expect(world.copies()).toEqual([id]);
  });

  test('leaves the copy alone that CloudFormation retained since', async () => {
    const world = new World();
    const declared = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    const event = await world.accept(world.event('Create', { ResourceProperties: declared }));
    await world.wait(event);
    const copies = world.copies();
    world.enter('DELETE_COMPLETE');
    world.physicalId = undefined;
    expect((await world.wait(event)).failure?.message).toContain(ENDED);
    expect(world.copies()).toEqual(copies);
    expect(copies).toHaveLength(1);
  });

  test('deletes the copy that the Create began, even if it is finished and retained, when it is rolled back', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const ResourceProperties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    await world.accept(world.event('Create', { ResourceProperties }));
    const second = await world.begin(world.event('Create', { ResourceProperties }));
    world.time += MINUTE;
    expect(world.copies().map((id) => world.ec2.stateOf(id))).toEqual(['completed']);
    world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
    await world.poll(second);
    expect(world.copies()).toEqual([]);
  });
});
