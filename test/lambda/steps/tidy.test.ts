import type { CopyProperties } from '../../../lib/contract';
import { Memory } from '../../../lambda/memory';
import { MINUTE, SECOND, stale, tags, THREE_HOURS, World } from '../in-process';

/** From now on, stale reads show this finished copy as pending. */
function showAsPending(world: World, id: string): void {
  world.ec2.settings.staleness = stale({ ids: MINUTE, tags: MINUTE });
  world.ec2.changeCourse(id, { duration: world.time - world.ec2.snapshot(id).startTime - 10 * SECOND });
}

/** An Update from the default copy to this one, and its first poll, which starts a copy. */
function beginUpdate(world: World, wanted: Partial<CopyProperties>): ReturnType<World['begin']> {
  return world.begin(world.update(world.declare(wanted), world.declare()));
}

describe('duplicates', () => {
  test('that concurrent polls started are deleted before the request succeeds, except for the oldest', async () => {
    const world = new World({ copyDuration: MINUTE, staleness: stale({ tags: 110 * SECOND }) });
    const event = await world.begin(world.event('Create'));
    world.time += SECOND;
    world.memory = new Memory();
    await world.poll(event);
    expect(world.copies()).toHaveLength(2);
    const [oldest] = world.copies();
    const { answer } = await world.wait(event);
    expect(answer?.PhysicalResourceId).toBe(oldest);
    expect(world.copies()).toEqual([oldest]);
  });

  test('of a copy known by its handle are deleted by an Update in place', async () => {
    const world = new World({ copyDuration: 10 * MINUTE });
    const before = world.declare(THREE_HOURS);
    const event = await world.begin(world.event('Create', { ResourceProperties: before }));
    world.ec2.settings.staleness = stale({ ids: MINUTE, tags: MINUTE });
    world.time += SECOND;
    world.memory = new Memory();
    await world.poll(event);
    const [oldest, duplicate] = world.copies();
    expect(duplicate).toBeDefined();
    world.ec2.settings.staleness = stale({});
    world.physicalId = event.PhysicalResourceId;
    world.time += 10 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(world.copies()).toEqual([oldest]);
  });
});

describe('two requests of one operation', () => {
  test('each get a copy if they want different ones, and neither deletes the other’s copy', async () => {
    const world = new World();
    await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    await beginUpdate(world, { Description: 'a' });
    await beginUpdate(world, { Description: 'b' });
    expect(world.started()).toBe(3);
    expect(world.copies()).toHaveLength(3);
  });

  test('do not delete each other’s copies, even if one started later', async () => {
    const world = new World();
    await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    const early = await world.accept(world.update(world.declare({ Description: 'a' }), world.declare()));
    world.time += MINUTE;
    await beginUpdate(world, { Description: 'b' });
    world.time += SECOND;
    await world.poll(early);
    expect(world.copies()).toHaveLength(2);
  });
});

describe('leftovers of an earlier operation', () => {
  test('are deleted by the next Update if they are unfinished', async () => {
    const world = new World({ copyDuration: 30 * MINUTE });
    const old = await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    await beginUpdate(world, { Description: 'a' });
    const [, leftover = ''] = world.copies();
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await beginUpdate(world, { Description: 'b' });
    expect(world.ec2.stateOf(leftover)).toBe('deleted');
    expect(world.ec2.stateOf(old)).toBe('completed');
  });

  test('are left alone by an Update in place if they are finished', async () => {
    const world = new World();
    const before = world.declare();
    const first = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'a' }), before));
    world.physicalId = first;
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare({ Tags: tags({ a: '1' }) }), before));
    expect(world.copies()).toEqual([first, answer?.PhysicalResourceId]);
  });

  test('are deleted by a rollback if the canceled update left them unfinished, even in another Region', async () => {
    const world = new World({ staleness: stale({ tags: 110 * SECOND }) });
    const before = world.declare();
    const old = await world.create(before);
    const elsewhere = world.declare({ DestinationRegion: 'eu-central-1' });
    world.ec2.settings.copyDuration = 40 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.begin(world.update(elsewhere, before));
    expect(world.copies()).toHaveLength(2);
    world.time += SECOND;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { answer } = await world.run(world.update(before, elsewhere));
    expect(answer?.PhysicalResourceId).toBe(old);
    expect(world.copies()).toEqual([old]);
  });

  test('are deleted by a rollback if they are unfinished, even if CloudFormation has their handle', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.ec2.settings.copyDuration = 100 * MINUTE;
    const wanted = world.declare({ ...THREE_HOURS, Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    const { PhysicalResourceId } = await world.begin(world.update(wanted, before));
    world.physicalId = PhysicalResourceId;
    world.time += MINUTE;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.begin(world.update(before, wanted));
    expect(world.copies()).toEqual([old]);
  });
});

describe('the present copy that a stale read shows as pending', () => {
  test('is left alone by an Update to another copy', async () => {
    const world = new World({ copyDuration: 5 * MINUTE });
    const id = await world.create();
    showAsPending(world, id);
    world.enter('UPDATE_IN_PROGRESS');
    await beginUpdate(world, { Description: 'new' });
    expect(world.ec2.stateOf(id)).toBe('completed');
  });

  test('is left alone by an Update to another copy, even if CloudFormation has only its handle', async () => {
    const world = new World({ copyDuration: 5 * MINUTE });
    const id = await world.createUnderHandle();
    showAsPending(world, id);
    world.enter('UPDATE_IN_PROGRESS');
    await beginUpdate(world, { Description: 'new' });
    expect(world.ec2.stateOf(id)).toBe('completed');
  });

  test('is left alone by a rollback', async () => {
    const world = new World({ copyDuration: 5 * MINUTE });
    const before = world.declare();
    await world.create(before);
    const wanted = world.declare({ Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    const id = answer?.PhysicalResourceId ?? '';
    showAsPending(world, id);
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.begin(world.update(before, wanted));
    expect(world.ec2.stateOf(id)).toBe('completed');
  });
});
