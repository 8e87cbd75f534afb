import { TAG, type WireProperties } from '../../lib/contract';
import type { PollEvent } from '../../lambda/request';
import { MINUTE, SECOND, World } from './in-process';

const LONG = { TimeoutSeconds: String(3 * 3600) };
const stale = { ids: 60 * SECOND, tags: 60 * SECOND, deletions: 0, writes: 0 };

/** An Update to this, in the operation that the stack is in, and its first poll, which starts a copy. */
async function begin(
  world: World,
  wanted: Partial<WireProperties>,
  before: Partial<WireProperties>,
): Promise<PollEvent> {
  const event = await world.accept(world.update(wanted, before));
  await world.poll(event);
  return event;
}

/** A finished copy that goes by the handle it was started under, as one does that was started late in its stage. */
async function createUnderHandle(world: World, declared: WireProperties): Promise<string> {
  const event = await world.accept(world.event('Create', { ResourceProperties: declared }));
  const { answer } = await world.wait(event);
  world.physicalId = event.PhysicalResourceId;
  world.enter('CREATE_COMPLETE');
  world.time += 5 * MINUTE;
  return answer?.PhysicalResourceId ?? '';
}

/** What answers of EC2 still show of a copy: it is pending. */
function showAsPending(world: World, id: string): void {
  world.ec2.settings.staleness = stale;
  world.ec2.changeCourse(id, { duration: world.time - world.ec2.snapshot(id).startTime - 10 * SECOND });
}

describe('two requests of one operation, started in the same moment,', () => {
  test('have a copy each if they want different ones, and neither sweeps the other’s', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    await begin(world, world.declare({ Description: 'a' }), before);
    await begin(world, world.declare({ Description: 'b' }), before);
    expect(world.started()).toBe(3);
    expect(world.copies()).toHaveLength(3);
  });

  test('share one if they want the same, the second also when the first has its answer', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const first = await world.accept(world.event('Create'));
    const second = await world.accept(world.event('Create'));
    const { answer } = await world.wait(first);
    expect((await world.wait(second)).answer?.PhysicalResourceId).toBe(answer?.PhysicalResourceId);
    expect(world.started()).toBe(1);
  });

  test('do not delete what the other finished before, and delete what it began after their own', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const a = await begin(world, world.declare({ Description: 'a' }), before);
    world.time += SECOND;
    const b = await begin(world, world.declare({ Description: 'b' }), before);
    const [, copyOfA, copyOfB] = world.copies();
    expect((await world.wait(b)).answer?.PhysicalResourceId).toBe(copyOfB);
    expect(world.copies()).toEqual([old, copyOfA, copyOfB]);
    expect((await world.wait(a)).answer?.PhysicalResourceId).toBe(copyOfA);
    expect(world.copies()).toEqual([old, copyOfA]);
  });

  test('do not take it for a deletion by somebody else when one deletes the other’s copy', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const a = await begin(world, world.declare({ Description: 'a' }), before);
    world.time += SECOND;
    const b = await begin(world, world.declare({ Description: 'b' }), before);
    world.time += MINUTE;
    await world.poll(b);
    await world.wait(a);
    expect(world.copies()).toHaveLength(2);
    expect((await world.wait(b)).answer?.PhysicalResourceId).toMatch(/^snap-/);
  });
});

describe('what an earlier operation left', () => {
  test('unfinished is deleted by the next Update', async () => {
    const world = new World({ copyDuration: 30 * MINUTE });
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    await begin(world, world.declare({ Description: 'a' }), before);
    const [, left = ''] = world.copies();
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await begin(world, world.declare({ Description: 'b' }), before);
    expect(world.ec2.stateOf(left)).toBe('deleted');
    expect(world.ec2.stateOf(old)).toBe('completed');
  });

  test('finished is left alone by an Update in place', async () => {
    const world = new World();
    const before = world.declare();
    const first = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'a' }), before));
    world.physicalId = first;
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare({ Tags: { a: '1' } }), before));
    expect(world.copies()).toEqual([first, answer?.PhysicalResourceId]);
  });

  test('finished is left alone by an Update that fails', async () => {
    const world = new World();
    const before = world.declare();
    const first = await world.create(before);
    const next = world.declare({ Description: 'a' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(next, before));
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update(world.declare({ KmsKeyId: 'alias/nowhere' }), next));
    expect(failure?.message).toContain('does not exist');
    expect(world.copies()).toEqual([first, answer?.PhysicalResourceId]);
  });

  test('failed is no failure of the next Update', async () => {
    const fails = { duration: MINUTE, outcome: 'error', message: 'Internal copy fault' };
    const world = new World({ course: ({ count }) => (count === 2 ? fails : undefined) });
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    await begin(world, world.declare({ Description: 'a' }), before);
    world.time += 5 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'b' }), before));
    expect(answer?.IsComplete).toBe(true);
  });
});

describe('a present copy that goes by its handle', () => {
  test('is not swept by an Update to another copy, although it still looks pending', async () => {
    const world = new World({ copyDuration: 5 * MINUTE });
    const before = world.declare();
    const id = await createUnderHandle(world, before);
    showAsPending(world, id);
    world.enter('UPDATE_IN_PROGRESS');
    await begin(world, world.declare({ Description: 'new' }), before);
    expect(world.ec2.stateOf(id)).toBe('completed');
  });

  test('loses its doubles to an Update in place', async () => {
    const world = new World({ copyDuration: 10 * MINUTE });
    const before = world.declare(LONG);
    const event = await world.accept(world.event('Create', { ResourceProperties: before }));
    await world.poll(event);
    world.ec2.settings.staleness = stale;
    world.time += SECOND;
    await world.poll(event);
    const [oldest, double = ''] = world.copies();
    expect(double).not.toBe('');
    world.ec2.settings.staleness = { ...stale, ids: 0, tags: 0 };
    world.physicalId = event.PhysicalResourceId;
    world.time += 10 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update({ ...before, Tags: { a: '1' } }, before));
    expect(world.copies()).toEqual([oldest]);
  });

  test('is deleted, unfinished, by the rollback of the Update that began it', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.ec2.settings.copyDuration = 100 * MINUTE;
    const wanted = world.declare({ ...LONG, Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    const { PhysicalResourceId } = await begin(world, wanted, before);
    world.physicalId = PhysicalResourceId;
    world.time += MINUTE;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await begin(world, before, wanted);
    expect(world.copies()).toEqual([old]);
  });
});

test('a rollback does not sweep the finished copy that CloudFormation still names, although it looks pending', async () => {
  const world = new World({ copyDuration: 5 * MINUTE });
  const before = world.declare();
  await world.create(before);
  const wanted = world.declare({ Description: 'new' });
  world.enter('UPDATE_IN_PROGRESS');
  const { answer } = await world.run(world.update(wanted, before));
  const id = answer?.PhysicalResourceId ?? '';
  showAsPending(world, id);
  world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
  await begin(world, before, wanted);
  expect(world.ec2.stateOf(id)).toBe('completed');
});

test('a rollback that has to make its copy anew still deletes the finished one of the update', async () => {
  const world = new World();
  const before = world.declare();
  const old = await world.create(before);
  const wanted = world.declare({ Description: 'new' });
  world.enter('UPDATE_IN_PROGRESS');
  await world.run(world.update(wanted, before));
  world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: old });
  world.time += MINUTE;
  world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
  const { answer } = await world.run(world.update(before, wanted));
  expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
});

describe('after its operation has ended, a request', () => {
  async function ended(more: Partial<WireProperties>, polls: number): Promise<{ world: World; event: PollEvent }> {
    const world = new World({ copyDuration: 20 * SECOND });
    const event = await world.accept(world.event('Create', { ResourceProperties: world.declare(more) }));
    await world.poll(event);
    world.time += polls * 10 * SECOND;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    return { world, event };
  }

  test.each(['Retain', 'RetainExceptOnCreate'] as const)(
    'leaves its finished copy under %s',
    async (DeletionPolicy) => {
      const { world, event } = await ended({ DeletionPolicy }, 3);
      await world.poll(event);
      expect(world.copies()).toHaveLength(1);
    },
  );

  test.each([
    ['Create', 0],
    ['Update', 1],
  ] as const)('a %s that is rolled back, leaves %i finished copies under RetainExceptOnCreate', async (type, left) => {
    const world = new World({ copyDuration: 20 * SECOND });
    const wanted = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    world.physicalId = `copy-${'0'.repeat(32)}`;
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accept(
      type === 'Create'
        ? world.event(type, { ResourceProperties: wanted })
        : world.update(wanted, { ...wanted, Description: 'old' }),
    );
    await world.poll(event);
    world.time += 30 * SECOND;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.poll(event);
    expect(world.copies()).toHaveLength(left);
  });

  test('deletes its unfinished copy under Retain', async () => {
    const { world, event } = await ended({ DeletionPolicy: 'Retain' }, 1);
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });

  test('leaves its copy that CloudFormation names by the handle', async () => {
    const { world, event } = await ended({}, 3);
    world.physicalId = event.PhysicalResourceId;
    await world.poll(event);
    expect(world.copies()).toHaveLength(1);
  });
});

test('a continuation deletes the copy that ends in error, although its owner goes by the handle of it', async () => {
  const world = new World({ maxConcurrentCopies: 0 });
  const declared = world.declare(LONG);
  await world.run(world.event('Create', { ResourceProperties: declared }));
  world.ec2.settings.maxConcurrentCopies = 20;
  world.ec2.settings.course = () => ({ duration: 20 * MINUTE, outcome: 'error', message: 'Internal copy fault' });
  const { failure } = await world.wait(await world.accept(world.stage(2, declared)));
  expect(failure?.message).toContain('Internal copy fault');
  expect(world.copies()).toEqual([]);
});

test('a Delete that fails has tried once, and one that finds the copy gone is done', async () => {
  const world = new World();
  const id = await createUnderHandle(world, world.declare());
  world.ec2.snapshot(id).imageId = 'ami-0123456789abcdef0';
  world.physicalId = undefined;
  const handle = world.ec2.tagsOf(id)[TAG.handle];
  await world.run(world.event('Delete', { PhysicalResourceId: handle }));
  expect(world.calls('DeleteSnapshot')).toHaveLength(1);
  world.ec2.snapshot(id).imageId = undefined;
  world.ec2.settings.staleness.deletions = MINUTE;
  world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
  world.enter('DELETE_IN_PROGRESS');
  expect((await world.run(world.event('Delete', { PhysicalResourceId: id }))).after).toBe(0);
  expect(world.calls('DeleteSnapshot')).toHaveLength(2);
});
