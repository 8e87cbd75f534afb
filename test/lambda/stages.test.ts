// Copies that take longer than one stage.
import { TAG } from '../../lib/contract';
import { MINUTE, SECOND, tags, THREE_HOURS, World, type Outcome } from './in-process';

/** Runs a later stage from its event to its answer. The owner keeps its physical ID. */
async function runStage(world: World, stage: number, declared = world.declare(THREE_HOURS)): Promise<Outcome> {
  return world.wait(await world.accept(world.stage(stage, declared)));
}

describe('a copy that takes longer than one stage', () => {
  test('continues from stage to stage, and the stage in which it finishes returns its attributes', async () => {
    const world = new World({ copyDuration: 120 * MINUTE });
    const first = await world.runCreate(THREE_HOURS);
    const [id] = world.copies();
    expect(first.after).toBe(3000);
    expect(first.answer?.PhysicalResourceId).toBe(id);
    expect(first.answer?.Data).toMatchObject({ SnapshotId: id, VolumeSize: '', CompletionTime: '' });
    const second = await runStage(world, 2);
    expect([second.after, second.answer?.PhysicalResourceId]).toEqual([3000, undefined]);
    const third = await runStage(world, 3);
    expect(third.answer?.Data).toMatchObject({ SnapshotId: id, VolumeSize: '8' });
    expect([third.after, third.answer?.PhysicalResourceId]).toEqual([1200, undefined]);
    expect((await runStage(world, 4)).after).toBe(0);
    expect(world.started()).toBe(1);
  });

  test('is deleted at the end of the last stage, and the reason gives the total time of all stages', async () => {
    const world = new World({ copyDuration: 300 * MINUTE });
    await world.runCreate(THREE_HOURS);
    await runStage(world, 2);
    await runStage(world, 3);
    const { failure, after } = await runStage(world, 4);
    expect(after).toBe(1800);
    expect(failure?.message).toContain('was 60% done after 180 minutes; raise "timeout" (now 180 minutes)');
    expect(world.copies()).toEqual([]);
  });

  test.each([
    ['fails', 'Given key ID is bad'],
    ['is deleted', 'was deleted by somebody else'],
  ])('fails the stage in which it %s, and no other copy is started', async (end, reason) => {
    const world = new World({ copyDuration: 80 * MINUTE });
    await world.runCreate(THREE_HOURS);
    const id = world.physicalId ?? '';
    expect(id).toMatch(/^snap-/);
    const event = await world.begin(world.stage(2, world.declare(THREE_HOURS)));
    if (end === 'fails') world.ec2.changeCourse(id, { duration: 0, outcome: 'error', message: reason });
    else world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain(reason);
    expect(world.started()).toBe(1);
  });
});

describe('a copy that finishes in the first stage', () => {
  test('passes through the later stages at once', async () => {
    const world = new World({ copyDuration: 10 * MINUTE });
    await world.runCreate(THREE_HOURS);
    expect(world.physicalId).toMatch(/^snap-/);
    for (const stage of [2, 3, 4]) expect(await runStage(world, stage)).toMatchObject({ after: 0 });
  });
});

describe('a copy that EC2 has no room for in the first stage', () => {
  async function noRoom(declared: Partial<Parameters<World['runCreate']>[0]> = {}): Promise<World> {
    const world = new World({ maxConcurrentCopies: 0, copyDuration: 10 * MINUTE });
    const { answer } = await world.runCreate({ ...THREE_HOURS, ...declared });
    expect(answer).toMatchObject({ IsComplete: true, Data: { SnapshotId: '' } });
    expect(world.copies()).toEqual([]);
    world.ec2.settings.maxConcurrentCopies = 20;
    return world;
  }

  test('is started in a later stage, under the handle of its owner', async () => {
    const world = await noRoom();
    const { answer } = await runStage(world, 2);
    const [id = ''] = world.copies();
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(world.physicalId).toMatch(/^copy-/);
    expect(world.ec2.tagsOf(id)).toMatchObject({ [TAG.handle]: world.physicalId });
  });

  test('is deleted by the Delete of its owner', async () => {
    const world = await noRoom();
    await runStage(world, 2);
    await world.run(world.event('Delete'));
    expect(world.copies()).toEqual([]);
  });

  test('passes through the remaining stages at once, although its owner still has the handle', async () => {
    const world = await noRoom();
    await runStage(world, 2);
    expect((await runStage(world, 3)).after).toBe(0);
  });

  test('gets its declared tags, and an Update changes them in place and keeps the handle', async () => {
    const declared = { DeletionPolicy: 'Retain' as const, Tags: tags({ a: '1' }) };
    const world = await noRoom(declared);
    const handle = world.physicalId;
    const before = world.declare({ ...THREE_HOURS, ...declared });
    await runStage(world, 2, before);
    const [id = ''] = world.copies();
    expect(world.ec2.tagsOf(id)).toMatchObject({ a: '1', [TAG.retain]: 'Retain' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ ...THREE_HOURS, Tags: tags({ b: '2' }) }), before));
    expect(answer).toMatchObject({ PhysicalResourceId: handle, Data: { SnapshotId: id } });
    expect(world.ec2.tagsOf(id)).toMatchObject({ b: '2' });
    expect(world.ec2.tagsOf(id)).not.toHaveProperty('a');
    expect(world.ec2.tagsOf(id)).not.toHaveProperty([TAG.retain]);
  });
});

describe('the end of a stage', () => {
  test('writes the tags of an Update to a copy that is still pending', async () => {
    const world = new World({ copyDuration: 130 * MINUTE });
    const before = world.declare({ ...THREE_HOURS, Tags: tags({ a: '1' }) });
    await world.run(world.event('Create', { ResourceProperties: before }));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '2' }) }, before));
    const [id = ''] = world.copies();
    expect(answer?.PhysicalResourceId).toBe(id);
    expect(world.ec2.stateOf(id)).toBe('pending');
    expect(world.ec2.tagsOf(id)).toHaveProperty('a', '2');
  });

  test('keeps the handle of a copy that was started just before, because it may hide a duplicate', async () => {
    const world = new World({ copyDuration: 80 * MINUTE, maxConcurrentCopies: 0 });
    const event = await world.accept(world.event('Create', { ResourceProperties: world.declare(THREE_HOURS) }));
    await world.wait(event, 48 * MINUTE);
    world.ec2.settings.maxConcurrentCopies = 20;
    const { answer } = await world.wait(event);
    expect(world.copies()).toHaveLength(1);
    expect(answer?.PhysicalResourceId).toBe(event.PhysicalResourceId);
  });
});

test('a later stage starts no copy until everything that the previous stage may have started is visible', async () => {
  const world = new World({ maxConcurrentCopies: 0 });
  await world.runCreate(THREE_HOURS);
  const before = world.started();
  world.ec2.settings.maxConcurrentCopies = 20;
  const event = await world.accept(world.stage(2, world.declare(THREE_HOURS)));
  await world.wait(event, 3 * MINUTE - SECOND);
  expect(world.started()).toBe(before);
  await world.poll(event);
  expect(world.started()).toBe(before + 1);
});

test('the Delete of a later stage does nothing', async () => {
  const world = new World({ copyDuration: 10 * MINUTE });
  await world.runCreate(THREE_HOURS);
  const event = await world.accept(world.stage(2, world.declare(THREE_HOURS), 'Delete'));
  const first = world.calls().length;
  expect(await world.wait(event)).toEqual({ answer: { IsComplete: true }, after: 0 });
  expect(world.calls()).toHaveLength(first);
  expect(world.copies()).toHaveLength(1);
});
