import { Memory } from '../../../lambda/memory';
import type { PollEvent } from '../../../lambda/request';
import { MINUTE, SECOND, stale, tags, THREE_HOURS, World } from '../in-process';

describe('a copy that only this process started is reported', () => {
  test.each([
    [20, 60],
    [60, 60],
    [61, 90],
    [240, 240],
    [30 * 60, 30 * 60],
  ])('if EC2 takes %d s: after %d s', async (seconds, after) => {
    const world = new World({ copyDuration: seconds * SECOND });
    expect((await world.runCreate()).after).toBe(after);
    expect(world.started()).toBe(1);
  });

  test('as soon as a search has shown it for half a minute', async () => {
    const world = new World({ copyDuration: 20 * SECOND, staleness: stale({ tags: 50 * SECOND }) });
    expect((await world.runCreate()).after).toBe(90);
  });

  test('just as soon by an Update that replaces a copy, or makes one again that is gone', async () => {
    const world = new World();
    const before = world.declare();
    const gone = await world.create(before);
    world.ec2.settings.copyDuration = MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = { ...before, Description: 'new' };
    expect((await world.run(world.update(wanted, before))).after).toBe(60);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: world.physicalId });
    world.time += 5 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update({ ...wanted, Tags: tags({ a: '1' }) }, wanted))).after).toBe(60);
    expect(world.copies()).toContain(gone);
  });
});

describe('a request waits out the visibility delay', () => {
  const quick = { copyDuration: 20 * SECOND };

  test('if the answer to CopySnapshot was lost', async () => {
    const world = new World(quick);
    world.services.faults = ({ action, count }) =>
      action === 'CopySnapshot' && count === 1 ? 'lost-response' : undefined;
    expect((await world.runCreate()).after).toBe(180);
    expect(world.started()).toBe(1);
  });

  test('if this process did not start the copy', async () => {
    const world = new World(quick);
    const event = await world.begin(world.event('Create'));
    world.memory = new Memory();
    expect((await world.wait(event)).after).toBe(180);
  });

  test('if this process has called CopySnapshot twice', async () => {
    const world = new World(quick);
    world.services.faults = ({ action, count }) => (action === 'CopySnapshot' && count === 1 ? 'throttled' : undefined);
    const event = await world.begin(world.event('Create'));
    world.time += 10 * SECOND;
    expect((await world.wait(event)).after).toBe(180);
    expect(world.started()).toBe(2);
  });

  test('if the copy was not started in the first start window', async () => {
    const world = new World(quick);
    const event = await world.accept(world.event('Create'));
    world.time += 3 * MINUTE;
    expect((await world.wait(event)).after).toBe(180);
  });

  test('in a later stage, because an earlier one may have started a copy', async () => {
    const world = new World({ ...quick, maxConcurrentCopies: 0 });
    const declared = world.declare(THREE_HOURS);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    world.ec2.settings.maxConcurrentCopies = 20;
    expect((await world.wait(await world.accept(world.stage(2, declared)))).after).toBe(180 + 180);
  });

  test('if a search shows another copy of the request', async () => {
    const world = new World(quick);
    const event = await world.begin(world.event('Create'));
    world.duplicate();
    const [, duplicate = ''] = world.copies();
    world.ec2.snapshot(duplicate).lock = 'compliance';
    expect((await world.wait(event)).after).toBe(180);
  });
});

describe('the visibility delay', () => {
  test('does not delay an Update in place of the present copy, however new the copy is', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const copy = world.ec2.snapshot(id);
    Object.assign(copy, { startTime: world.time - 20 * SECOND, course: { ...copy.course, duration: 0 } });
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before))).after).toBe(0);
  });

  test('delays an Update in place of a new copy that CloudFormation knows by its handle', async () => {
    const world = new World({ copyDuration: MINUTE });
    const before = world.declare();
    const event = await world.accept(world.event('Create', { ResourceProperties: before }));
    await world.wait(event);
    world.physicalId = event.PhysicalResourceId;
    world.time += 10 * SECOND;
    world.enter('UPDATE_IN_PROGRESS');
    expect((await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before))).after).toBe(120);
  });

  test('delays an Update that finds a copy of an earlier request, which may already be deleted', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    const other = world.declare({ Description: 'other' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(other, before));
    world.time += 5 * MINUTE;
    world.ec2.settings.staleness = stale({ ids: MINUTE, tags: MINUTE, deletions: MINUTE });
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: answer?.PhysicalResourceId });
    [world.physicalId] = world.copies();
    world.enter('UPDATE_IN_PROGRESS');
    const again = await world.run(world.update(other, before));
    expect(again.answer?.PhysicalResourceId).not.toBe(answer?.PhysicalResourceId);
    expect(world.ec2.stateOf(again.answer?.PhysicalResourceId ?? '')).toBe('completed');
  });

  test('delays a rollback to the old copy, because the canceled update may have started another', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { after } = await world.run(world.update(before, world.declare({ Description: 'new' })));
    expect(after).toBe(180);
  });

  test('does not delay a rollback in place, which only waits out a call of the canceled update', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    expect((await world.run(world.update(before, { ...before, Tags: tags({ a: '1' }) }))).after).toBe(30);
  });
});

describe('a request that another poll has answered', () => {
  test('deletes nothing', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = world.declare({ Description: 'new' });
    const late = await world.begin(world.update(before, wanted));
    const { answer } = await world.run(world.update(wanted, before));
    world.physicalId = answer?.PhysicalResourceId;
    world.resourceStatus = 'UPDATE_COMPLETE';
    expect((await world.wait(late)).failure?.message).toContain('has ended, or already has its answer');
    expect(world.copies()).toContain(world.physicalId);
  });

  test('writes no tags', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: 'new' }) });
    const id = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = world.update(world.declare({ Tags: tags({ a: 'old' }) }), before);
    world.resourceStatus = 'UPDATE_COMPLETE';
    const { failure } = await world.run(event);
    expect(failure?.message).toContain('has ended, or already has its answer');
    expect(world.ec2.tagsOf(id)).toMatchObject({ a: 'new' });
  });
});

test('a second waiter deletes the copy that it started if the first one reports without seeing that copy', async () => {
  const world = new World({ copyDuration: 20 * SECOND, staleness: stale({ tags: 30 * SECOND }) });
  const first = world.memory;
  const second = new Memory();
  const event = await world.begin(world.event('Create'));
  world.time += 29 * SECOND;
  world.memory = second;
  await world.poll(event);
  const [reported, other] = world.copies();
  world.memory = first;
  world.time += SECOND;
  await world.poll(event);
  world.time += 30 * SECOND;
  world.ec2.settings.staleness = stale({ tags: 45 * SECOND });
  expect((await world.poll(event)).PhysicalResourceId).toBe(reported);
  expect(world.copies()).toEqual([reported, other]);
  world.physicalId = reported;
  world.resourceStatus = 'CREATE_COMPLETE';
  world.memory = second;
  expect((await world.wait(event)).failure?.message).toContain('has ended, or already has its answer');
  expect(world.copies()).toEqual([reported]);
});

describe('two requests of one operation', () => {
  /** Two Updates to different copies, the second one second after the first. */
  async function twoUpdates(world: World): Promise<[old: string, first: PollEvent, second: PollEvent]> {
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const first = await world.begin(world.update(world.declare({ Description: 'a' }), before));
    world.time += SECOND;
    return [old, first, await world.begin(world.update(world.declare({ Description: 'b' }), before))];
  }

  test('leave finished copies that are older than their own, and delete newer ones', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const [old, first, second] = await twoUpdates(world);
    const [, firstCopy, secondCopy] = world.copies();
    expect((await world.wait(second)).answer?.PhysicalResourceId).toBe(secondCopy);
    expect(world.copies()).toEqual([old, firstCopy, secondCopy]);
    expect((await world.wait(first)).answer?.PhysicalResourceId).toBe(firstCopy);
    expect(world.copies()).toEqual([old, firstCopy]);
  });

  test('do not mistake the deletion of each other’s copies for a deletion by somebody else', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const [, first, second] = await twoUpdates(world);
    world.time += MINUTE;
    await world.poll(second);
    await world.wait(first);
    expect(world.copies()).toHaveLength(2);
    expect((await world.wait(second)).answer?.PhysicalResourceId).toMatch(/^snap-/);
  });
});

describe('a rollback', () => {
  test.each([
    ['has the begin time of the update', false],
    ['has its own begin time', true],
  ])('that %s deletes the finished copy of the failed update, which may get no Delete', async (_, moves) => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    const wanted = world.declare({ Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(wanted, before));
    world.physicalId = old;
    world.time += MINUTE;
    if (moves) world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    else world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, wanted));
    expect(world.copies()).toEqual([old]);
  });

  test('deletes the finished copy of the failed update even if it must make its own copy again', async () => {
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

  test('leaves the finished copy of the failed update if the copy is retained', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    const wanted = world.declare({ Description: 'new', DeletionPolicy: 'RetainExceptOnCreate' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, wanted));
    expect(world.copies()).toEqual([old, answer?.PhysicalResourceId]);
  });
});
