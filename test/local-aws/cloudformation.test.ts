import { custom, MINUTE, statuses, topic, World, type Script } from './scripted';

describe('create', () => {
  test('sends the properties with all scalars as strings, and returns the outputs', async () => {
    const world = new World();
    world.script = () => ({ data: { A: 'a' } });
    const resources = { R: custom({ n: 5, yes: true, list: [1, { x: false }], ServiceTimeout: 60 }) };
    const result = await world.create(resources, { outputs: { A: { 'Fn::GetAtt': ['R', 'A'] }, R: { Ref: 'R' } } });
    expect(result).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { A: 'a', R: 'id-R' } });
    expect(world.events).toHaveLength(1);
    expect(world.events[0]).toMatchObject({
      RequestType: 'Create',
      StackId: result.stackId,
      LogicalResourceId: 'R',
      ResourceType: 'Custom::Thing',
      ResourceProperties: {
        ServiceToken: 'arn:f',
        ServiceTimeout: '60',
        n: '5',
        yes: 'true',
        list: ['1', { x: 'false' }],
      },
    });
    expect(world.events[0]).not.toHaveProperty('PhysicalResourceId');
  });

  test('runs in parallel where the graph allows', async () => {
    const world = new World();
    world.script = () => ({ afterSeconds: 600, data: { X: 'x' } });
    const start = world.clock.now();
    const result = await world.create({
      A: custom(),
      B: custom(),
      C: custom({ x: { 'Fn::GetAtt': ['A', 'X'] } }, { DependsOn: 'B' }),
    });
    expect(world.clock.now() - start).toBe(20 * MINUTE);
    expect(statuses(result)).toEqual(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE']);
    expect(world.events[2]?.ResourceProperties.x).toBe('x');
  });

  test('that fails is rolled back: each created resource is deleted before those that it depends on', async () => {
    const world = new World();
    world.script = ({ LogicalResourceId, RequestType }) =>
      LogicalResourceId === 'C' && RequestType === 'Create'
        ? { status: 'FAILED', reason: 'no luck', physicalId: 'c-1' }
        : {};
    const result = await world.create({
      A: custom(),
      B: custom({}, { DependsOn: 'A' }),
      C: custom({}, { DependsOn: 'B' }),
    });
    expect(statuses(result)).toEqual(['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE']);
    expect(result.reason).toContain(
      'Received response status [FAILED] from custom resource. Message returned: no luck',
    );
    expect(world.sent(3)).toEqual(['Delete C c-1', 'Delete B id-B', 'Delete A id-A']);
  });

  test('that fails with rollback disabled stays as it is, and the next update continues', async () => {
    const world = new World();
    world.script = () => ({ status: 'FAILED', physicalId: 'first' });
    const failed = await world.create({ A: custom(), T: topic() }, { disableRollback: true });
    expect(statuses(failed)).toEqual(['CREATE_IN_PROGRESS', 'CREATE_FAILED']);
    world.script = () => ({ physicalId: 'second' });
    const mended = await world.update({ A: custom(), T: topic() });
    expect(mended.status).toBe('UPDATE_COMPLETE');
    expect(world.sent(1)).toEqual(['Create A', 'Delete A first']);
  });

  test('is canceled when a sibling fails: Delete has a made-up ID, and late responses are ignored', async () => {
    const world = new World();
    world.script = ({ RequestType }) => (RequestType === 'Create' ? { afterSeconds: 3000, physicalId: 'late' } : {});
    world.cloudFormation.failNext('T', 'Create', { afterSeconds: 60, reason: 'no topic' });
    const start = world.clock.now();
    const result = await world.create({ A: custom(), T: topic() });
    expect(world.clock.now() - start).toBeLessThan(2 * MINUTE);
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(result.reason).toBe('T: no topic\nA: Resource creation canceled');
    expect(world.sent(1)).toEqual([expect.stringMatching(/^Delete A S-A-[0-9A-F]{13}$/)]);
    await world.clock.settle();
    expect(world.cloudFormation.describeStackResource('S', 'A')).toBeUndefined();
  });
});

describe('update', () => {
  test('reaches only what changed', async () => {
    const world = new World();
    await world.create({ A: custom({ n: 1 }), B: custom({ n: 1 }) });
    const result = await world.update({ A: custom({ n: 1 }), B: custom({ n: 2 }) });
    expect(world.sent(2)).toEqual(['Update B id-B']);
    expect(world.events[2]).toMatchObject({ ResourceProperties: { n: '2' }, OldResourceProperties: { n: '1' } });
    expect(statuses(result)).toEqual(['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_COMPLETE']);
  });

  test('without a change is refused', async () => {
    const world = new World();
    await world.create({ A: custom() });
    await expect(world.update({ A: custom() })).rejects.toThrow('No updates are to be performed.');
  });

  test('that returns another ID is followed by a Delete of the old one with the old properties', async () => {
    const world = new World();
    world.script = ({ ResourceProperties: { n } }) => ({ physicalId: `id-${n as string}` });
    await world.create({ A: custom({ n: 1 }) });
    const result = await world.update({ A: custom({ n: 2 }) });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Delete A id-1']);
    expect(world.events[2]?.ResourceProperties).toMatchObject({ n: '1' });
    expect(result.events.map(({ status, logicalId }) => `${logicalId} ${status}`)).toEqual([
      ...['S UPDATE_IN_PROGRESS', 'A UPDATE_IN_PROGRESS', 'A UPDATE_COMPLETE', 'S UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'],
      ...['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE', 'S UPDATE_COMPLETE'],
    ]);
  });

  test('succeeds even if the cleanup fails', async () => {
    const world = new World();
    world.script = ({ RequestType, ResourceProperties: { n } }) =>
      RequestType === 'Delete' ? { status: 'FAILED' } : { physicalId: `id-${n as string}` };
    await world.create({ A: custom({ n: 1 }) });
    const result = await world.update({ A: custom({ n: 2 }) });
    expect(result.status).toBe('UPDATE_COMPLETE');
    expect(statuses(result, 'A')).toContain('DELETE_FAILED');
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-2');
  });

  test('deletes what is no longer in the template', async () => {
    const world = new World();
    await world.create({ A: custom(), T: topic() });
    await world.update({ T: topic() });
    expect(world.sent(1)).toEqual(['Delete A id-A']);
    expect(world.cloudFormation.describeStackResource('S', 'A')).toBeUndefined();
  });

  test('may not change the service token', async () => {
    const world = new World();
    await world.create({ A: custom() });
    const result = await world.update({ A: custom({ ServiceToken: 'arn:g' }) });
    expect(result.reason).toContain('A: Modifying service token is not allowed.');
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  });
});

describe('policies', () => {
  test.each([
    ['Retain', []],
    ['RetainExceptOnCreate', ['Delete A id-A']],
    ['Delete', ['Delete A id-A']],
  ])('DeletionPolicy %s when a create is rolled back', async (DeletionPolicy, deleted) => {
    const world = new World();
    world.cloudFormation.failNext('T', 'Create');
    await world.create({ A: custom({}, { DeletionPolicy }), T: topic({ DependsOn: 'A' }) });
    expect(world.sent(1)).toEqual(deleted);
  });

  test.each(['Retain', 'RetainExceptOnCreate'])(
    'DeletionPolicy %s sends no Delete when the stack is deleted',
    async (DeletionPolicy) => {
      const world = new World();
      await world.create({ A: custom({}, { DeletionPolicy }) });
      const result = await world.delete();
      expect(statuses(result, 'A')).toEqual(['DELETE_SKIPPED']);
      expect(world.sent(1)).toEqual([]);
    },
  );

  test('the last template’s policy counts, although changing it alone sends no event', async () => {
    const world = new World();
    await world.create({ A: custom() });
    await world.update({ A: custom({}, { DeletionPolicy: 'Retain' }) });
    await world.delete();
    expect(world.sent(1)).toEqual([]);
  });

  test('UpdateReplacePolicy Retain keeps what is replaced', async () => {
    const world = new World();
    world.script = ({ ResourceProperties: { n } }) => ({ physicalId: `id-${n as string}` });
    const UpdateReplacePolicy = 'Retain';
    await world.create({ A: custom({ n: 1 }, { UpdateReplacePolicy }) });
    await world.update({ A: custom({ n: 2 }, { UpdateReplacePolicy }) });
    expect(world.sent(1)).toEqual(['Update A id-1']);
  });
});

describe('delete', () => {
  test('that fails leaves what the resource depends on, and can be retried', async () => {
    const world = new World();
    await world.create({ A: custom(), B: custom({}, { DependsOn: 'A' }), C: custom() });
    world.script = ({ LogicalResourceId }) => ({ status: LogicalResourceId === 'B' ? 'FAILED' : 'SUCCESS' });
    const failed = await world.delete();
    expect(failed.status).toBe('DELETE_FAILED');
    expect(world.sent(3)).toEqual(['Delete C id-C', 'Delete B id-B']);
    world.script = () => ({});
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.sent(5)).toEqual(['Delete B id-B', 'Delete A id-A']);
  });
});

test('a stack cannot be updated or deleted while another operation is in progress', async () => {
  const world = new World();
  world.script = () => ({ afterSeconds: 60 });
  const creating = world.create({ A: custom() });
  const others = Promise.allSettled([world.update({ A: custom({ n: 1 }) }), world.delete()]);
  expect((await creating).status).toBe('CREATE_COMPLETE');
  const reasons = (await others).map((other) => (other.status === 'rejected' ? String(other.reason) : ''));
  expect(reasons[0]).toContain('is in CREATE_IN_PROGRESS state and can not be updated.');
  expect(reasons[1]).toContain('cannot be deleted while in status CREATE_IN_PROGRESS');
});

describe('responses', () => {
  test.each<[string, Script, string]>([
    ['longer than 4096 bytes', () => ({ data: { x: 'x'.repeat(4096) } }), 'Response object is too long.'],
    ['with an ID longer than a kilobyte', () => ({ physicalId: 'x'.repeat(1025) }), 'Invalid PhysicalResourceId'],
  ])('%s fail the resource', async (_, script, message) => {
    const world = new World();
    world.script = (event) => (event.RequestType === 'Create' ? script(event) : {});
    expect((await world.create({ A: custom() })).reason).toBe(`A: ${message}`);
  });

  test.each([
    ['an hour', {}, 60],
    ['the ServiceTimeout', { ServiceTimeout: 600 }, 10],
  ])('time out after %s', async (_, properties, minutes) => {
    const world = new World();
    world.script = ({ RequestType }) => (RequestType === 'Create' ? 'never' : {});
    const start = world.clock.now();
    const result = await world.create({ A: custom(properties) });
    expect(world.clock.now() - start).toBe(minutes * MINUTE);
    const id = world.events[0]?.RequestId ?? '';
    expect(result.reason).toContain(
      `CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [${id}].`,
    );
  });

  test('must contain each attribute that is read', async () => {
    const world = new World();
    const result = await world.create({ A: custom(), B: custom({ x: { 'Fn::GetAtt': ['A', 'X'] } }) });
    expect(result.reason).toContain(
      "B: CustomResource attribute error: Vendor response doesn't contain X attribute in",
    );
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    const output = await new World().create({ A: custom() }, { outputs: { X: { 'Fn::GetAtt': ['A', 'X'] } } });
    expect(output.status).toBe('ROLLBACK_COMPLETE');
  });
});

describe('events delivered twice', () => {
  test.each([
    ['the same RequestId', false],
    ['different RequestIds', true],
  ])('have %s, and the first response counts', async (_, newRequestId) => {
    const world = new World();
    let count = 0;
    world.script = () => ({ physicalId: `id-${++count}`, afterSeconds: count === 1 ? 100 : 10 });
    world.cloudFormation.duplicateNext('A', 'Create', { newRequestId, afterSeconds: 5 });
    await world.create({ A: custom() });
    const [first, second] = world.events;
    expect(first?.RequestId === second?.RequestId).toBe(!newRequestId);
    await world.clock.settle();
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-2');
  });
});
