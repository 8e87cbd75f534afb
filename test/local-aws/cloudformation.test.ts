import { VirtualClock } from '../../local-aws/clock';
import { CloudFormation, type OperationResult } from '../../local-aws/cloudformation';
import type { CustomResourceEvent } from '../../local-aws/custom-resource';
import type { RollbackOptions } from '../../local-aws/stack';
import type { Properties, ResourceDefinition, Value } from '../../local-aws/template';

const MINUTE = 60_000;

interface ScriptedAnswer {
  readonly afterSeconds?: number;
  readonly status?: 'SUCCESS' | 'FAILED';
  readonly reason?: string;
  readonly physicalId?: string;
  readonly data?: Properties;
}

type Script = (event: CustomResourceEvent) => ScriptedAnswer | 'never';

/** A CloudFormation whose only function does what the test says. */
class World {
  readonly clock = new VirtualClock();
  readonly events: CustomResourceEvent[] = [];
  readonly cloudFormation: CloudFormation;
  script: Script = () => ({});

  constructor(options: RollbackOptions = {}) {
    this.cloudFormation = new CloudFormation({
      ...options,
      clock: this.clock,
      accountId: '111122223333',
      nativeResources: {
        put: ({ logicalId, physicalId }) => ({ physicalId: physicalId ?? logicalId, getAtt: (name) => `arn:${name}` }),
        delete: () => undefined,
      },
      invoke: (_, event) => this.answer(event),
    });
  }

  create(resources: Resources, others: { disableRollback?: boolean; outputs?: Record<string, Value> } = {}) {
    return this.clock.run(() => this.cloudFormation.createStack(input(resources, others)));
  }

  update(resources: Resources, others: { disableRollback?: boolean } = {}) {
    return this.clock.run(() => this.cloudFormation.updateStack(input(resources, others)));
  }

  delete() {
    return this.clock.run(() => this.cloudFormation.deleteStack('S'));
  }

  /** The events as "Create A id". */
  sent(from = 0): string[] {
    return this.events
      .slice(from)
      .map(({ RequestType, LogicalResourceId, PhysicalResourceId = '' }) =>
        `${RequestType} ${LogicalResourceId} ${PhysicalResourceId}`.trim(),
      );
  }

  private answer(event: CustomResourceEvent): Promise<void> {
    this.events.push(event);
    const answer = this.script(event);
    if (answer === 'never') return Promise.resolve();
    const { afterSeconds = 0, status = 'SUCCESS', reason, data } = answer;
    const { StackId, RequestId, LogicalResourceId } = event;
    const PhysicalResourceId = answer.physicalId ?? event.PhysicalResourceId ?? `id-${LogicalResourceId}`;
    const response = {
      Status: status,
      Reason: reason,
      StackId,
      RequestId,
      LogicalResourceId,
      PhysicalResourceId,
      Data: data,
    };
    this.clock.at(this.clock.now() + afterSeconds * 1000, () => {
      this.cloudFormation.customResources.respond(event.ResponseURL, JSON.stringify(response));
    });
    return Promise.resolve();
  }
}

type Resources = Record<string, ResourceDefinition>;

function input(resources: Resources, others: { disableRollback?: boolean; outputs?: Record<string, Value> }) {
  const Outputs = Object.fromEntries(Object.entries(others.outputs ?? {}).map(([name, Value]) => [name, { Value }]));
  const { disableRollback } = others;
  return {
    stackName: 'S',
    region: 'us-east-1',
    body: { Resources: resources, Outputs },
    assets: new Map(),
    disableRollback,
  };
}

function custom(properties: Properties = {}, others: Partial<ResourceDefinition> = {}): ResourceDefinition {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: 'arn:f', ...properties }, ...others };
}

function topic(others: Partial<ResourceDefinition> & { readonly name?: string } = {}): ResourceDefinition {
  const { name = 't', ...rest } = others;
  return { Type: 'AWS::SNS::Topic', Properties: { DisplayName: name }, ...rest };
}

function statuses({ events }: OperationResult, logicalId = 'S'): string[] {
  return events.filter((event) => event.logicalId === logicalId).map(({ status }) => status);
}

describe('create', () => {
  test('sends the properties with all scalars as strings, and answers with the outputs', async () => {
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

  test('is parallel where the graph allows', async () => {
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

  test('stays as it is with rollback disabled, and the next update goes on', async () => {
    const world = new World();
    world.script = () => ({ status: 'FAILED', physicalId: 'first' });
    const failed = await world.create({ A: custom(), T: topic() }, { disableRollback: true });
    expect(statuses(failed)).toEqual(['CREATE_IN_PROGRESS', 'CREATE_FAILED']);
    world.script = () => ({ physicalId: 'second' });
    const mended = await world.update({ A: custom(), T: topic() });
    expect(mended.status).toBe('UPDATE_COMPLETE');
    expect(world.sent(1)).toEqual(['Create A', 'Delete A first']);
  });

  test('is not waited for when a sibling fails: Delete has an invented id, and late answers go unheard', async () => {
    const world = new World();
    world.script = ({ RequestType }) => (RequestType === 'Create' ? { afterSeconds: 3000, physicalId: 'late' } : {});
    world.cloudFormation.failNext('T', 'Create', { afterSeconds: 60, reason: 'no topic' });
    const start = world.clock.now();
    const result = await world.create({ A: custom(), T: topic() });
    expect(world.clock.now() - start).toBeLessThan(2 * MINUTE);
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(result.reason).toBe('T: no topic\nA: Resource creation cancelled');
    expect(world.sent(1)).toEqual([expect.stringMatching(/^Delete A S-A-[0-9A-F]{13}$/)]);
    await world.clock.settle();
    expect(world.cloudFormation.describeStackResource('S', 'A')).toBeUndefined();
  });
});

describe('update', () => {
  test('reaches only what has changed', async () => {
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

  test('that names another id has the old one deleted afterwards, by the old properties', async () => {
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

  test('succeeds although the clean-up fails', async () => {
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

describe('rollback of an update', () => {
  const byNumber: Script = ({ ResourceProperties: { n } }) => ({ physicalId: `id-${n as string}` });

  async function replaceThenFail(options: RollbackOptions): Promise<World> {
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

  test('sends the properties the other way round, with the new id, and deletes what the update has made', async () => {
    const world = await replaceThenFail({ rollbackPhysicalId: 'new' });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-2', 'Delete A id-2']);
    expect(world.events[2]).toMatchObject({ ResourceProperties: { n: '1' }, OldResourceProperties: { n: '2' } });
    expect(world.events[3]?.ResourceProperties).toMatchObject({ n: '2' });
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-1');
  });

  test('or with the old id', async () => {
    const world = await replaceThenFail({ rollbackPhysicalId: 'old' });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-1', 'Delete A id-2']);
  });

  test('or with the old id, and the new one forgotten', async () => {
    const world = await replaceThenFail({ rollbackPhysicalId: 'old', rollbackCleansUp: false });
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-1']);
  });

  test('comes after a failed update too, with the id that the failure named', async () => {
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

  test('does not wait for an update that was under way', async () => {
    const world = new World();
    world.script = ({ ResourceProperties: { n } }) => ({
      physicalId: `id-${n as string}`,
      afterSeconds: n === '2' ? 3000 : 0,
    });
    await world.create({ A: custom({ n: 1 }), T: topic() });
    world.cloudFormation.failNext('T', 'Update', { afterSeconds: 30 });
    const result = await world.update({ A: custom({ n: 2 }), T: topic({ name: 'new' }) });
    expect(result.events).toContainEqual(
      expect.objectContaining({ logicalId: 'A', status: 'UPDATE_FAILED', reason: 'Resource update cancelled' }),
    );
    expect(world.sent(1)).toEqual(['Update A id-1', 'Update A id-1']);
    await world.clock.settle();
    expect(world.cloudFormation.describeStackResource('S', 'A')?.PhysicalResourceId).toBe('id-1');
  });

  test('deletes what the update has created', async () => {
    const world = new World();
    await world.create({ T: topic() });
    world.cloudFormation.failNext('T', 'Update', { afterSeconds: 60 });
    await world.update({ A: custom(), T: topic({ name: 'new' }) });
    expect(world.sent()).toEqual(['Create A', 'Delete A id-A']);
  });

  test('can fail itself', async () => {
    const world = new World();
    await world.create({ A: custom({ n: 1 }) });
    world.script = ({ RequestType }) => ({ status: RequestType === 'Update' ? 'FAILED' : 'SUCCESS' });
    const result = await world.update({ A: custom({ n: 2 }) });
    expect(result.status).toBe('UPDATE_ROLLBACK_FAILED');
    await expect(world.update({ A: custom({ n: 3 }) })).rejects.toThrow('is in UPDATE_ROLLBACK_FAILED state');
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('is left out when disabled, and the next update goes on', async () => {
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
    'DeletionPolicy %s sends no Delete with the stack',
    async (DeletionPolicy) => {
      const world = new World();
      await world.create({ A: custom({}, { DeletionPolicy }) });
      const result = await world.delete();
      expect(statuses(result, 'A')).toEqual(['DELETE_SKIPPED']);
      expect(world.sent(1)).toEqual([]);
    },
  );

  test('the policy of the last template counts, although its change alone reaches nobody', async () => {
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
  test('that fails leaves what it depends on, and can be tried again', async () => {
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

test('a stack cannot be updated or deleted while another operation is under way', async () => {
  const world = new World();
  world.script = () => ({ afterSeconds: 60 });
  const creating = world.create({ A: custom() });
  const others = Promise.allSettled([world.update({ A: custom({ n: 1 }) }), world.delete()]);
  expect((await creating).status).toBe('CREATE_COMPLETE');
  const reasons = (await others).map((other) => (other.status === 'rejected' ? String(other.reason) : ''));
  expect(reasons[0]).toContain('is in CREATE_IN_PROGRESS state and can not be updated.');
  expect(reasons[1]).toContain('cannot be deleted while in status CREATE_IN_PROGRESS');
});

describe('answers', () => {
  test.each<[string, Script, string]>([
    ['longer than 4096 bytes', () => ({ data: { x: 'x'.repeat(4096) } }), 'Response object is too long.'],
    ['with an id longer than a kilobyte', () => ({ physicalId: 'x'.repeat(1025) }), 'Invalid PhysicalResourceId'],
  ])('%s fail the resource', async (_, script, message) => {
    const world = new World();
    world.script = (event) => (event.RequestType === 'Create' ? script(event) : {});
    expect((await world.create({ A: custom() })).reason).toBe(`A: ${message}`);
  });

  test.each([
    ['an hour', {}, 60],
    ['the ServiceTimeout', { ServiceTimeout: 600 }, 10],
  ])('are waited for until %s has passed', async (_, properties, minutes) => {
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

  test('must carry each attribute that is read', async () => {
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
    ['a RequestId of its own', true],
  ])('have %s, and the first answer counts', async (_, newRequestId) => {
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

describe('what the handler can ask', () => {
  test('the stack: its status, and when it was created and updated', async () => {
    const world = new World();
    const seen: unknown[] = [];
    world.script = ({ StackId }) => {
      seen.push(world.cloudFormation.describeStack(StackId));
      return {};
    };
    const { stackId } = await world.create({ A: custom({ n: 1 }) });
    const created = new Date(world.clock.now());
    await world.clock.run(() => world.clock.sleep(MINUTE));
    await world.update({ A: custom({ n: 2 }) });
    await world.delete();
    const stack = { StackId: stackId, StackName: 'S', CreationTime: created };
    const LastUpdatedTime = new Date(created.getTime() + MINUTE);
    expect(stackId).toMatch(
      /^arn:aws:cloudformation:us-east-1:111122223333:stack\/S\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
    expect(seen).toEqual([
      { ...stack, StackStatus: 'CREATE_IN_PROGRESS' },
      { ...stack, StackStatus: 'UPDATE_IN_PROGRESS', LastUpdatedTime },
      { ...stack, StackStatus: 'DELETE_IN_PROGRESS', LastUpdatedTime },
    ]);
    expect(world.cloudFormation.describeStack('S')).toBeUndefined();
    expect(world.cloudFormation.describeStack(stackId)?.StackStatus).toBe('DELETE_COMPLETE');
  });

  test('a resource: its present id, the old one while an update is under way', async () => {
    const world = new World();
    const seen: (string | undefined)[] = [];
    world.script = ({ StackId, ResourceProperties: { n } }) => {
      seen.push(world.cloudFormation.describeStackResource(StackId, 'A')?.PhysicalResourceId);
      return { physicalId: `id-${n as string}` };
    };
    await world.create({ A: custom({ n: 1 }) });
    await world.update({ A: custom({ n: 2 }) });
    expect(seen).toEqual([undefined, 'id-1', 'id-2']);
  });
});
