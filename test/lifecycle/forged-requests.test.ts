// Somebody invokes the functions directly, or reads their logs.
import { Duration } from 'aws-cdk-lib';
import type { Invocation } from '../../local-aws';
import { declare, logicalIdOfCopy } from './declarations';
import { type Deployment } from './deployment';
import { start } from './start';

type Payload = Readonly<Record<string, unknown>> & { readonly ResponseURL?: string };

/** Records every invocation of a function. */
function watch({ aws }: Deployment): Invocation[] {
  const invocations: Invocation[] = [];
  aws.lambda.interceptor = (invocation, invoke) => {
    invocations.push(invocation);
    return invoke();
  };
  return invocations;
}

async function deployed() {
  const deployment = await start();
  const invocations = watch(deployment);
  const props = { sourceSnapshotId: deployment.source(), destinationRegion: 'eu-west-1' };
  await deployment.deploy(declare(props));
  const [id = ''] = deployment.copies();
  const ofHandler = (handler: string): Invocation => {
    const found = invocations.find((one) => one.handler === handler);
    if (!found) throw new Error(`${handler} was not invoked`);
    return found;
  };
  const { PhysicalResourceId: handle } = ofHandler('index.isComplete').payload as Payload;
  return { deployment, id, handle: String(handle), ofHandler };
}

describe('a forged Delete while the stack is idle deletes nothing', () => {
  const IDS = [
    ['the copy’s ID', 'copy'],
    ['its handle', 'handle'],
    ['an unknown ID', 'unknown'],
  ] as const;

  test.each(IDS)('if sent to the handler with %s', async (_, kind) => {
    const { deployment, id, handle, ofHandler } = await deployed();
    const { clock, lambda } = deployment.aws;
    const PhysicalResourceId = { copy: id, handle, unknown: `Test-${logicalIdOfCopy()}-ABC` }[kind];
    const poll = ofHandler('index.isComplete');
    const event = { ...(poll.payload as Payload), RequestType: 'Delete', PhysicalResourceId };
    const answers = await clock.run(async () => {
      const decided = await lambda.invoke(ofHandler('index.onEvent').functionArn, event);
      const begun = { ...event, ...(JSON.parse(decided.payload) as object) };
      const first = await lambda.invoke(poll.functionArn, begun);
      await clock.sleep(30_000);
      return [first, await lambda.invoke(poll.functionArn, begun)];
    });
    expect(answers[0]?.payload).toBe('{"IsComplete":false}');
    expect(answers[1]?.payload).toContain(
      `the stack is idle, so CloudFormation did not request the deletion of ${PhysicalResourceId}`,
    );
    expect(deployment.copies()).toEqual([id]);
    expect(deployment.aws.services.calls.map(({ action }) => action)).not.toContain('DeleteSnapshot');
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });

  test.each(IDS)('if sent to the framework with %s', async (_, kind) => {
    const { deployment, id, handle, ofHandler } = await deployed();
    const { clock, lambda } = deployment.aws;
    const PhysicalResourceId = { copy: id, handle, unknown: `Test-${logicalIdOfCopy()}-ABC` }[kind];
    const { functionArn, payload } = ofHandler('framework.onEvent');
    await clock.run(() =>
      lambda.invoke(functionArn, { ...(payload as Payload), RequestType: 'Delete', PhysicalResourceId }),
    );
    await clock.settle();
    expect(deployment.logged('fail')).toContainEqual(
      expect.objectContaining({ request: 'Delete', reason: expect.stringContaining('the stack is idle') as string }),
    );
    expect(deployment.copies()).toEqual([id]);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  });
});

describe('while the stack is idle, nothing results from', () => {
  /** Polls for 4 minutes, in which every start window opens once. */
  async function expectNothing(change: (event: Payload) => object): Promise<void> {
    const { deployment, id, ofHandler } = await deployed();
    const { clock, ec2, lambda, services } = deployment.aws;
    const { functionArn, payload } = ofHandler('index.isComplete');
    const event = { ...change(payload as Payload), Begun: { At: clock.now() } };
    const tags = ec2.tagsOf(id);
    const first = services.calls.length;
    await clock.run(async () => {
      for (let polls = 0; polls < 8; polls++) {
        const { payload: answer } = await lambda.invoke(functionArn, event);
        expect(answer).not.toContain('"IsComplete":true');
        await clock.sleep(30_000);
      }
    });
    const actions = new Set(services.calls.slice(first).map(({ action }) => action));
    expect([...actions].filter((action) => !action.startsWith('Describe'))).toEqual([]);
    expect(deployment.copies()).toEqual([id]);
    expect(ec2.tagsOf(id)).toEqual(tags);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
  }

  test('a replayed Create', () => expectNothing((event) => event));

  test('a Create of another copy', () =>
    expectNothing((event) => ({ ...event, PhysicalResourceId: `copy-${'2'.repeat(32)}` })));

  test('an Update of the tags', () =>
    expectNothing((event) => {
      const before = event.ResourceProperties as object;
      const ResourceProperties = { ...before, Tags: [{ Key: 'team', Value: 'x' }] };
      return { ...event, RequestType: 'Update', ResourceProperties, OldResourceProperties: before };
    }));
});

test('the five functions never log a ResponseURL, whether requests succeed, fail, or time out', async () => {
  const deployment = await start();
  const invocations: Invocation[] = [];
  let isStuck = false;
  deployment.aws.lambda.interceptor = (invocation, invoke) => {
    invocations.push(invocation);
    const isPoll = invocation.handler === 'index.isComplete';
    return isStuck && isPoll ? Promise.resolve({ payload: '{"IsComplete":false}' }) : invoke();
  };
  const props = {
    sourceSnapshotId: deployment.source(),
    destinationRegion: 'eu-west-1',
    timeout: Duration.minutes(5),
  };
  deployment.aws.ec2.settings.copyDuration = 60_000;
  expect((await deployment.deploy(declare(props))).status).toBe('CREATE_COMPLETE');
  const refused = await deployment.deploy(declare({ ...props, sourceSnapshotId: 'snap-0123456789abcdef0' }));
  expect(refused.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  isStuck = true;
  await deployment.deploy(declare({ ...props, description: 'new' }));
  await deployment.pass(120);
  isStuck = false;
  await deployment.destroy();

  const handlers = [...new Set(invocations.map(({ handler }) => handler))].sort();
  expect(handlers).toEqual([
    'framework.isComplete',
    'framework.onEvent',
    'framework.onTimeout',
    'index.isComplete',
    'index.onEvent',
  ]);
  const urls = new Set(invocations.flatMap(({ payload }) => (payload as Payload).ResponseURL ?? []));
  expect(urls.size).toBeGreaterThan(3);
  const log = JSON.stringify(deployment.aws.lambda.logs);
  expect(log).toContain('"decision":"fail"');
  expect(log).not.toMatch(/ResponseURL|cloudformation-custom-resource-response/);
  for (const url of urls) expect(log).not.toContain(url);
});
