import { custom, statuses, topic, World, type Script, type WorldOptions } from './scripted';

const byNumber: Script = ({ ResourceProperties: { n } }) => ({ physicalId: `id-${n as string}` });

describe('rollback of an update', () => {
  async function replaceThenFail(options: WorldOptions): Promise<World> {
    const world = new World(options);
    world.script = byNumber;
    await world.create({ A: custom({ n: 1 }), T: topic() });
    world.cloudFormation.failNext('T', 'Update');
    const result = await world.update({ A: custom({ n: 2 }), T: topic({ name: 'new', DependsOn: 'A' }) });
    expect(statuses(result).slice(1)).toEqual([
      'UPDATE_ROLLBACK_IN_PROGRESS',
      'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'UPDATE_ROLLBACK_COMPLETE',
    ]);
    return world;
  }

  test('sends the properties in reverse with the new ID, and deletes what the update made', async () => {
    const world = await replaceThenFail({ rollbackPhysicalId: 'new' });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-2', 'Delete A id-2']);
    expect(world.events[2]).toMatchObject({ ResourceProperties: { n: '1' }, OldResourceProperties: { n: '2' } });
    expect(world.events[3]?.ResourceProperties).toMatchObject({ n: '2' });
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-1');
  });

  test('can send the old ID', async () => {
    const world = await replaceThenFail({ rollbackPhysicalId: 'old' });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-1', 'Delete A id-2']);
  });

  test('can send the old ID and forget the new one', async () => {
    const world = await replaceThenFail({ rollbackPhysicalId: 'old', rollbackCleansUp: false });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-1']);
  });

  test('also follows a failed update, with the ID that the failure named', async () => {
    const world = new World();
    world.script = (event) =>
      event.ResourceProperties.n === '2' && event.RequestType === 'Update'
        ? { status: 'FAILED', physicalId: 'half-made' }
        : { physicalId: 'first' };
    await world.create({ A: custom({ n: 1 }) });
    const result = await world.update({ A: custom({ n: 2 }) });
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    world.script = () => ({});
    expect(world.sent(1)).toEqual(['Update A first', 'Update A half-made', 'Delete A half-made']);
  });

  test('does not wait for an update in progress', async () => {
    const world = new World();
    world.script = ({ ResourceProperties: { n } }) => ({
      physicalId: `id-${n as string}`,
      afterSeconds: n === '2' ? 3000 : 0,
    });
    await world.create({ A: custom({ n: 1 }), T: topic() });
    world.cloudFormation.failNext('T', 'Update', { afterSeconds: 30 });
    const result = await world.update({ A: custom({ n: 2 }), T: topic({ name: 'new' }) });
    expect(result.events).toContainEqual(
      expect.objectContaining({ logicalId: 'A', status: 'UPDATE_FAILED', reason: 'Resource update canceled' }),
    );
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-1']);
    await world.clock.settle();
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-1');
  });

  test('deletes what the update created', async () => {
    const world = new World();
    await world.create({ T: topic() });
    world.cloudFormation.failNext('T', 'Update', { afterSeconds: 60 });
    await world.update({ A: custom(), T: topic({ name: 'new' }) });
    expect(world.sent()).toEqual(['Create A', 'Delete A id-A']);
  });

  test('can fail', async () => {
    const world = new World();
    await world.create({ A: custom({ n: 1 }) });
    world.script = ({ RequestType }) => ({ status: RequestType === 'Update' ? 'FAILED' : 'SUCCESS' });
    const result = await world.update({ A: custom({ n: 2 }) });
    expect(result.status).toBe('UPDATE_ROLLBACK_FAILED');
    await expect(world.update({ A: custom({ n: 3 }) })).rejects.toThrow('is in UPDATE_ROLLBACK_FAILED state');
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('is skipped if disabled, and the next update continues', async () => {
    const world = new World();
    world.script = byNumber;
    await world.create({ A: custom({ n: 1 }), T: topic() });
    world.cloudFormation.failNext('T', 'Update');
    const failed = await world.update(
      { A: custom({ n: 2 }), T: topic({ name: 'new', DependsOn: 'A' }) },
      { disableRollback: true },
    );
    expect(failed.status).toBe('UPDATE_FAILED');
    await world.update({ A: custom({ n: 2 }), T: topic({ name: 'new', DependsOn: 'A' }) });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Delete A id-1']);
  });
});

describe('a rollback that failed', () => {
  /** Both resources would be replaced. T fails the update, and then the named resources fail each rollback. */
  async function failedRollback(world: World, failing: string[]): Promise<void> {
    world.script = byNumber;
    await world.create({ A: custom({ n: 1 }), B: custom({ n: 1 }), T: topic() });
    world.script = (event) => {
      const { RequestType, LogicalResourceId, ResourceProperties } = event;
      const isBack = RequestType === 'Update' && ResourceProperties.n === '1';
      return isBack && failing.includes(LogicalResourceId) ? { status: 'FAILED' } : byNumber(event);
    };
    world.cloudFormation.failNext('T', 'Update');
    const result = await world.update({
      A: custom({ n: 2 }),
      B: custom({ n: 2 }),
      T: topic({ name: 'new', DependsOn: ['A', 'B'] }),
    });
    expect(result.status).toBe('UPDATE_ROLLBACK_FAILED');
  }

  test('continues with the resources that are not rolled back yet', async () => {
    const world = new World();
    await failedRollback(world, ['A']);
    world.script = byNumber;
    const first = world.events.length;
    const result = await world.continueRollback();
    expect(statuses(result)).toEqual([
      'UPDATE_ROLLBACK_IN_PROGRESS',
      'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'UPDATE_ROLLBACK_COMPLETE',
    ]);
    expect(world.sent(first)).toContain('Update A id-2');
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-1');
  });

  test('leaves skipped resources unchanged, with their current IDs', async () => {
    const world = new World();
    await failedRollback(world, ['A']);
    const first = world.events.length;
    const result = await world.continueRollback(['A']);
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(statuses(result, 'A')).toEqual(['UPDATE_COMPLETE']);
    expect(world.sent(first).filter((event) => event.includes(' A '))).toEqual([]);
    expect(world.cloudFormation.describeStackResource('S', 'A')).toMatchObject({
      PhysicalResourceId: 'id-2',
      ResourceStatus: 'UPDATE_COMPLETE',
    });
    // It can be updated from there.
    world.script = byNumber;
    expect((await world.update({ A: custom({ n: 3 }), B: custom({ n: 1 }), T: topic() })).status).toBe(
      'UPDATE_COMPLETE',
    );
    expect(world.sent().slice(-2)).toEqual(['Update A id-2', 'Delete A id-2']);
  });

  test('can fail again, and be continued again', async () => {
    const world = new World();
    await failedRollback(world, ['A', 'B']);
    expect((await world.continueRollback(['A'])).status).toBe('UPDATE_ROLLBACK_FAILED');
    expect((await world.continueRollback(['A', 'B'])).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  });

  test('is the only kind that can be continued', async () => {
    const world = new World();
    await world.create({ A: custom() });
    await expect(world.continueRollback()).rejects.toThrow(
      'is in CREATE_COMPLETE state and can not continue a rollback',
    );
  });
});

test('a resource whose Delete fails in a cleanup is forgotten, and gets no other Delete', async () => {
  const world = new World();
  await world.create({ A: custom(), T: topic() });
  world.script = () => ({ status: 'FAILED' });
  const result = await world.update({ T: topic() });
  expect(result.status).toBe('UPDATE_COMPLETE');
  expect(statuses(result, 'A')).toEqual(['DELETE_IN_PROGRESS', 'DELETE_FAILED']);
  expect(world.cloudFormation.describeStackResource('S', 'A')).toBeUndefined();
  expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  expect(world.sent(1)).toEqual(['Delete A id-A']);
});

test.each([true, false])('a rollback moves the stack’s LastUpdatedTime: %s', async (rollbackMovesTime) => {
  const world = new World({ rollbackMovesTime });
  const times: (number | undefined)[] = [];
  world.script = ({ StackId, ResourceProperties: { n } }) => {
    times.push(world.cloudFormation.describeStack(StackId)?.LastUpdatedTime?.getTime());
    return { physicalId: `id-${n as string}` };
  };
  await world.create({ A: custom({ n: 1 }), T: topic() });
  world.cloudFormation.failNext('T', 'Update', { afterSeconds: 60 });
  await world.update({ A: custom({ n: 2 }), T: topic({ name: 'new' }) });
  const [created, updated = 0, rolledBack = 0] = times;
  expect(created).toBeUndefined();
  expect(rolledBack - updated).toBe(rollbackMovesTime ? 60_000 : 0);
});
