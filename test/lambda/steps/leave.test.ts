import { Memory } from '../../../lambda/memory';
import type { PollEvent } from '../../../lambda/request';
import type { CopyProperties } from '../../../lib/contract';
import { MINUTE, SECOND, World } from '../in-process';
import { HANDLE } from '../requests';

const ENDED = 'has ended, or already has its answer';

/** Polls twice, so that the second poll confirms what the first one saw. */
async function confirm(world: World, event: PollEvent): Promise<void> {
  await world.poll(event);
  world.time += 30 * SECOND;
  await world.poll(event);
}

interface Scene {
  readonly declared?: Partial<CopyProperties>;
  readonly copyDuration?: number;
}

/** A Create in an update that starts a copy (20 seconds by default) half a minute before the stack is rolled back. */
async function rolledBack({ declared, copyDuration = 20 * SECOND }: Scene = {}): Promise<[World, PollEvent]> {
  const world = new World({ copyDuration });
  world.enter('UPDATE_IN_PROGRESS');
  const event = await world.begin(world.event('Create', { ResourceProperties: world.declare(declared) }));
  world.time += 30 * SECOND;
  world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
  world.resourceStatus = 'CREATE_FAILED';
  return [world, event];
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

  test('deletes its unfinished copy at the second poll that sees this, and nothing at the first', async () => {
    const [world, event] = await rolledBack({ copyDuration: 5 * MINUTE });
    expect(await world.poll(event)).toEqual({ IsComplete: false });
    expect(world.copies()).toHaveLength(1);
    world.time += 30 * SECOND;
    expect(await world.poll(event)).toEqual({ IsComplete: false });
    expect(world.copies()).toEqual([]);
  });

  test('deletes nothing at the first poll of a process', async () => {
    const [world, event] = await rolledBack({ copyDuration: 5 * MINUTE });
    for (let polls = 0; polls < 3; polls++) {
      world.memory = new Memory();
      await world.poll(event);
      world.time += 30 * SECOND;
    }
    expect(world.copies()).toHaveLength(1);
  });

  test('waits until the copies that it may have started are visible, and then fails', async () => {
    const [world, event] = await rolledBack();
    const { failure, after } = await world.wait(event);
    expect(failure?.message).toContain(ENDED);
    expect(after).toBe(120);
  });

  test('deletes its finished copy unless CloudFormation has the ID or handle of the copy', async () => {
    const [world, event] = await rolledBack();
    const [id] = world.copies();
    for (world.physicalId of [id, event.PhysicalResourceId]) {
      await confirm(world, event);
      expect(world.copies()).toEqual([id]);
    }
    world.physicalId = undefined;
    await confirm(world, event);
    expect(world.copies()).toEqual([]);
  });

  test.each(['Retain', 'RetainExceptOnCreate'] as const)(
    'leaves its finished copy alone under %s, because CloudFormation may have retained it',
    async (DeletionPolicy) => {
      const [world, event] = await rolledBack({ declared: { DeletionPolicy } });
      world.enter('UPDATE_ROLLBACK_COMPLETE');
      await confirm(world, event);
      expect(world.copies()).toHaveLength(1);
    },
  );

  test('deletes its unfinished copy under Retain', async () => {
    const [world, event] = await rolledBack({ declared: { DeletionPolicy: 'Retain' }, copyDuration: 5 * MINUTE });
    await confirm(world, event);
    expect(world.copies()).toEqual([]);
  });

  test.each([
    ['deletes', 'a Create', 0],
    ['leaves', 'an Update', 1],
  ] as const)('%s its finished copy under RetainExceptOnCreate if %s is rolled back', async (_, request, left) => {
    const world = new World({ copyDuration: 20 * SECOND });
    const wanted = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    world.physicalId = HANDLE;
    world.enter('UPDATE_IN_PROGRESS');
    const create = world.event('Create', { ResourceProperties: wanted });
    const update = world.update(wanted, { ...wanted, Description: 'old' });
    const event = await world.begin(request === 'a Create' ? create : update);
    world.time += 30 * SECOND;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    world.resourceStatus = 'UPDATE_FAILED';
    await confirm(world, event);
    expect(world.copies()).toHaveLength(left);
  });
});

describe('an Update detects that its operation has ended', () => {
  /** An Update that started a copy a minute ago. */
  async function update(world: World): Promise<[old: string, event: PollEvent]> {
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.begin(world.update(world.declare({ Description: 'new' }), before));
    expect(world.copies()).toHaveLength(2);
    world.time += MINUTE;
    return [old, event];
  }

  test.each([
    ['with the begin time of the update', false],
    ['with its own begin time', true],
  ])('from the failure of its resource in a rollback %s', async (_, moves) => {
    const world = new World();
    const [old, event] = await update(world);
    if (moves) world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    else world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    world.resourceStatus = 'UPDATE_FAILED';
    await confirm(world, event);
    expect(world.copies()).toEqual([old]);
  });

  test('from the Update of the rollback, which changes the resource again', async () => {
    const world = new World();
    const [old, event] = await update(world);
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    world.update(world.declare(), world.declare({ Description: 'new' }));
    await confirm(world, event);
    expect(world.copies()).toEqual([old]);
  });

  test('from another operation of the same kind', async () => {
    const world = new World();
    const [old, event] = await update(world);
    world.enter('UPDATE_IN_PROGRESS');
    await confirm(world, event);
    expect(world.copies()).toEqual([old]);
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
  ] as const)('(%s in %s) starts a copy: %s', async (type, status, isStarted) => {
    const world = new World();
    world.enter(status);
    world.services.faults = ({ action, count }) =>
      action === 'DescribeStacks' && count === 1 ? 'throttled' : undefined;
    world.physicalId = HANDLE;
    const before = world.declare({ Description: 'old' });
    await world.begin(type === 'Create' ? world.event(type) : world.update(world.declare(), before));
    expect(world.started()).toBe(isStarted ? 1 : 0);
  });

  test('is considered ended if another operation began after it arrived', async () => {
    const world = new World();
    world.services.faults = ({ action, count }) =>
      action === 'DescribeStacks' && count === 1 ? 'throttled' : undefined;
    const event = await world.begin(world.event('Create'));
    expect(event.Begun.Operation).toBeUndefined();
    expect(world.started()).toBe(1);
    world.time += 30 * SECOND;
    world.enter('UPDATE_IN_PROGRESS');
    await confirm(world, event);
    expect(world.copies()).toEqual([]);
  });
});

describe('a redelivered event', () => {
  test('starts no copy if it is a Create in a rollback', async () => {
    const world = new World();
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { failure } = await world.run(world.event('Create'));
    expect(failure?.message).toContain(ENDED);
    expect(world.started()).toBe(0);
  });

  test('starts no copy if it is a Create whose resource has a copy', async () => {
    const world = new World();
    const id = await world.create();
    world.resourceStatus = 'CREATE_COMPLETE';
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(
      world.forge('Create', { ResourceProperties: world.declare({ Description: 'x' }) }),
    );
    expect(failure?.message).toContain(ENDED);
    expect(world.copies()).toEqual([id]);
  });

  test('does not delete a copy that CloudFormation has since retained', async () => {
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

  test('deletes its copy if the Create is rolled back, even if the copy is finished and retained', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const ResourceProperties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    await world.accept(world.event('Create', { ResourceProperties }));
    const second = await world.begin(world.event('Create', { ResourceProperties }));
    world.time += MINUTE;
    expect(world.copies().map((id) => world.ec2.stateOf(id))).toEqual(['completed']);
    world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
    await confirm(world, second);
    expect(world.copies()).toEqual([]);
  });
});
