import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { LocalAws, type LocalAwsOptions } from '../../local-aws/index';

// Does what the properties say, so that one bundle serves all tests.
const HANDLER = `
let invocations = 0;
exports.onEvent = async (event, context) => {
  const { Throw, Hang } = event.ResourceProperties;
  const { RequestType, LogicalResourceId } = event;
  console.info({ RequestType, LogicalResourceId, now: new Date().toISOString(), pid: process.pid, count: ++invocations });
  if (Hang === RequestType) await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (Throw && RequestType === 'Create') throw new RangeError(Throw);
  return { PhysicalResourceId: event.PhysicalResourceId ?? 'id-' + context.awsRequestId, Start: Date.now() };
};
exports.isComplete = async ({ RequestType, Start, ResourceProperties: { Minutes, Snapshot } }) => {
  console.info('poll %s', RequestType);
  const done = RequestType === 'Delete' || Date.now() - Start >= Minutes * 60_000;
  if (!done) return { IsComplete: false };
  const begun = Date.now();
  const State = Snapshot ? await stateOf(Snapshot) : '';
  const Took = Date.now() - begun;
  return { IsComplete: true, Data: { State, Took, Env: Object.keys(process.env).sort().join() } };
};
async function stateOf(id) {
  const { EC2Client, DescribeSnapshotsCommand } = require(${JSON.stringify(require.resolve('@aws-sdk/client-ec2'))});
  const client = new EC2Client({ region: 'eu-west-1' });
  return (await client.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }))).Snapshots[0].State;
}
`;

const bundle = mkdtempSync(join(tmpdir(), 'handler-'));
let aws: LocalAws;

beforeAll(() => {
  writeFileSync(join(bundle, 'index.js'), HANDLER);
});

afterAll(() => {
  rmSync(bundle, { recursive: true });
});

afterEach(async () => {
  await aws.stop();
});

/** Without the CDK's own template validation, which takes seconds and is not tested here. */
function app(): App {
  return new App({ builtinCloudFormationValidation: false });
}

async function start(options: LocalAwsOptions = {}): Promise<void> {
  aws = await LocalAws.start(options);
}

interface Thing {
  readonly Minutes?: number;
  readonly Throw?: string;
  readonly Hang?: string;
  readonly Snapshot?: string;
}

/** A stack with one provider and the given custom resources. */
function stackOf(things: Record<string, Thing>, name = 'S'): Stack {
  const stack = new Stack(app(), name);
  const handler = (id: string): lambda.Function =>
    new lambda.Function(stack, id, {
      runtime: lambda.determineLatestNodeRuntime(stack),
      handler: `index.${id}`,
      code: lambda.Code.fromAsset(bundle),
      environment: { MINE: 'yes' },
      loggingFormat: lambda.LoggingFormat.JSON,
      timeout: Duration.seconds(10),
      logGroup: new logs.LogGroup(stack, `${id}Logs`, { logGroupName: `/${name}/${id}` }),
    });
  const { serviceToken } = new Provider(stack, 'Provider', {
    onEventHandler: handler('onEvent'),
    isCompleteHandler: handler('isComplete'),
    queryInterval: Duration.seconds(30),
    totalTimeout: Duration.minutes(55),
  });
  for (const [id, { Minutes = 0, ...others }] of Object.entries(things)) {
    const properties = { Minutes, ...others };
    const thing = new CustomResource(stack, id, { serviceToken, resourceType: 'Custom::Thing', properties });
    for (const attribute of ['State', 'Took', 'Env']) {
      new CfnOutput(stack, `${id}${attribute}`, { value: thing.getAttString(attribute) });
    }
  }
  return stack;
}

function messages<T>(handler: string): T[] {
  return aws.lambda.logs.filter(({ logGroup }) => logGroup.endsWith(handler)).map(({ line }) => line.message as T);
}

interface Started {
  readonly RequestType: string;
  readonly now: string;
  readonly pid: number;
  readonly count: number;
}

test('waiting fifty minutes: the first poll comes immediately, the rest after the interval plus run time', async () => {
  await start();
  const polls: number[] = [];
  aws.lambda.interceptor = ({ handler }, invoke) => {
    if (handler === 'index.isComplete') polls.push(aws.clock.now());
    return invoke();
  };
  const begin = performance.now();
  const result = await aws.deploy(stackOf({ A: { Minutes: 50 } }));
  expect(performance.now() - begin).toBeLessThan(20_000);
  expect(result.status).toBe('CREATE_COMPLETE');
  const [started] = messages<Started>('onEvent');
  const first = polls[0] ?? 0;
  expect(first - Date.parse(started?.now ?? '')).toBe(500);
  expect(polls.slice(0, 3).map((time) => time - first)).toEqual([0, 30_500, 61_000]);
  expect((polls.at(-1) ?? 0) - first).toBeGreaterThanOrEqual(49 * 60_000);
});

test('create, update and delete reach the handler, whose process stays warm', async () => {
  await start();
  await aws.deploy(stackOf({ A: {} }));
  await aws.deploy(stackOf({ A: { Minutes: 1 } }));
  await aws.destroy('S');
  const started = messages<Started>('onEvent');
  expect(started.map(({ RequestType, count }) => [RequestType, count])).toEqual([
    ['Create', 1],
    ['Update', 2],
    ['Delete', 3],
  ]);
  expect(new Set(started.map(({ pid }) => pid)).size).toBe(1);
});

test('the log has the lines and timestamps that Lambda would write', async () => {
  await start();
  await aws.deploy(stackOf({ A: {} }));
  const { logGroup, line } = aws.lambda.logs.at(-1) ?? {};
  expect(logGroup).toBe('/S/isComplete');
  const { time } =
    aws.cloudFormation.events.find(({ logicalId, status }) => logicalId === 'A' && status.endsWith('IN_PROGRESS')) ??
    {};
  expect(line).toMatchObject({ level: 'INFO', message: 'poll Create' });
  expect(line?.timestamp).toBe(new Date((time ?? 0) + 500).toISOString());
});

test('the handler has Lambda’s environment and none of ours', async () => {
  await start();
  const { outputs } = await aws.deploy(stackOf({ A: {} }));
  const names = [
    ...['ACCESS_KEY_ID', 'DEFAULT_REGION', 'ENDPOINT_URL', 'LAMBDA_FUNCTION_MEMORY_SIZE', 'LAMBDA_FUNCTION_NAME'],
    ...['LAMBDA_FUNCTION_VERSION', 'LAMBDA_LOG_FORMAT', 'LAMBDA_LOG_GROUP_NAME', 'REGION', 'SECRET_ACCESS_KEY'],
    'SESSION_TOKEN',
  ].map((name) => `AWS_${name}`);
  expect(outputs.AEnv).toBe([...names, 'HOME', 'LAMBDA_TASK_ROOT', 'MINE', 'TZ', '_HANDLER'].join());
});

test('the SDK in the handler reaches the simulated services of each Region', async () => {
  await start();
  const { id } = aws.ec2.addSnapshot({ region: 'eu-west-1' });
  const { outputs } = await aws.deploy(stackOf({ A: { Snapshot: id } }));
  expect(outputs.AState).toBe('completed');
});

test('a slow call takes virtual time, both in the handler and in its invocation', async () => {
  await start();
  const { id } = aws.ec2.addSnapshot({ region: 'eu-west-1' });
  const timesOf = async (Snapshot: string | undefined): Promise<[took: string | undefined, ms: number]> => {
    const result = await aws.deploy(stackOf({ A: { Snapshot } }, Snapshot === undefined ? 'S' : 'T'));
    const times = result.events.filter(({ logicalId }) => logicalId === 'A').map(({ time }) => time);
    return [result.outputs.ATook, (times.at(-1) ?? 0) - (times[0] ?? 0)];
  };
  const [, without] = await timesOf(undefined);
  aws.services.delays = ({ action }) => (action === 'DescribeSnapshots' ? 7_000 : 0);
  expect(await timesOf(id)).toEqual(['7000', without + 7_000]);
});

test('calls that take longer than the timeout of the function end its invocation', async () => {
  await start();
  const { id } = aws.ec2.addSnapshot({ region: 'eu-west-1' });
  aws.services.delays = ({ action }) => (action === 'DescribeSnapshots' ? 11_000 : 0);
  const { reason } = await aws.deploy(stackOf({ A: { Snapshot: id } }));
  expect(reason).toContain('Task timed out after 10.00 seconds');
});

test('an error that the handler throws becomes the reason, with its stack trace', async () => {
  await start();
  const result = await aws.deploy(stackOf({ A: { Throw: 'out of range' } }));
  expect(result.status).toBe('ROLLBACK_COMPLETE');
  expect(result.reason).toMatch(
    /^A: .*FAILED.*Message returned: out of range\n\nLogs: \/aws\/lambda\/S-onEvent.*\n\n +at /,
  );
  // The framework responds with its marker, so that the Delete does not reach the handler.
  expect(messages<Started>('onEvent')).toHaveLength(1);
});

test('a stack whose create rolled back can be created again', async () => {
  await start();
  await aws.deploy(stackOf({ A: { Throw: 'out of range' } }));
  expect((await aws.deploy(stackOf({ A: {} }))).status).toBe('CREATE_COMPLETE');
});

test('the waiter gives up after its last attempt', async () => {
  await start({ invocationMs: 0 });
  const result = await aws.deploy(stackOf({ A: { Minutes: 59 } }));
  expect(result.reason).toContain('Message returned: Operation timed out');
  expect(messages<string>('isComplete').filter((message) => message === 'poll Create')).toHaveLength(111);
  expect(aws.stepFunctions.executions.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
});

test('if the waiter fails to start, the framework responds with its marker', async () => {
  await start();
  aws.stepFunctions.failNextStart();
  const result = await aws.deploy(stackOf({ A: {} }));
  expect(result.reason).toContain('ThrottlingException: Rate exceeded');
  expect(result.events.find(({ status }) => status === 'DELETE_IN_PROGRESS')?.physicalId).toBe(
    'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED',
  );
});

describe('faults between the framework and the handler', () => {
  test('a lost response: the framework invokes again', async () => {
    await start();
    let lost = false;
    aws.lambda.interceptor = async ({ handler }, invoke) => {
      const result = await invoke();
      if (handler !== 'index.onEvent' || lost) return result;
      lost = true;
      throw new Error('socket hang up');
    };
    expect((await aws.deploy(stackOf({ A: {} }))).status).toBe('CREATE_COMPLETE');
    expect(messages<Started>('onEvent').map(({ count }) => count)).toEqual([1, 2]);
  });

  test('two invocations at the same time have separate processes', async () => {
    await start();
    aws.lambda.interceptor = async ({ handler }, invoke) => {
      const results = await Promise.all(handler === 'index.onEvent' ? [invoke(), invoke()] : [invoke()]);
      return results[0];
    };
    await aws.deploy(stackOf({ A: {} }));
    expect(new Set(messages<Started>('onEvent').map(({ pid }) => pid)).size).toBe(2);
  });

  test('more invocations than processes wait for their turn', async () => {
    await start();
    aws.lambda.interceptor = async ({ handler }, invoke) => {
      const results = await Promise.all(Array.from({ length: handler === 'index.onEvent' ? 9 : 1 }, () => invoke()));
      return results[0] ?? invoke();
    };
    await aws.deploy(stackOf({ A: {} }));
    const pids = messages<Started>('onEvent').map(({ pid }) => pid);
    expect([pids.length, new Set(pids).size]).toEqual([9, 4]);
  });

  test('a process killed at work: the invocation fails, and the next one has a new process', async () => {
    await start({
      onLog: ({ line }) => {
        const { RequestType, count } = line.message as Partial<Started>;
        if (RequestType === 'Update' && count === 2) aws.lambda.kill();
      },
    });
    await aws.deploy(stackOf({ A: {} }));
    const result = await aws.deploy(stackOf({ A: { Hang: 'Update' } }));
    expect(result.reason).toContain('Runtime exited with error');
    expect(result.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(messages<Started>('onEvent').map(({ count }) => count)).toEqual([1, 2, 1]);
  });

  test('an invocation that hangs times out', async () => {
    await start({ hangingMs: 300 });
    const result = await aws.deploy(stackOf({ A: { Hang: 'Create' } }));
    expect(result.reason).toContain('Task timed out after 10.00 seconds');
  });

  test('Lambda runs a failed framework function again a minute later', async () => {
    await start();
    const failures = [new Error('throttled')];
    aws.lambda.interceptor = ({ handler }, invoke) => {
      const failure = handler === 'framework.onEvent' ? failures.pop() : undefined;
      return failure ? Promise.reject(failure) : invoke();
    };
    const result = await aws.deploy(stackOf({ A: {} }));
    const [from, to] = result.events.filter(({ logicalId }) => logicalId === 'A').map(({ time }) => time);
    expect((to ?? 0) - (from ?? 0)).toBe(61_000);
  });
});

test('concurrent stacks do not affect each other', async () => {
  await start();
  const other = await LocalAws.start({ region: 'eu-west-1' });
  try {
    const [first, second, third] = await Promise.all([
      aws.deploy(stackOf({ A: { Minutes: 10 } })),
      aws.deploy(stackOf({ A: { Minutes: 20 } }, 'T')),
      other.deploy(stackOf({ A: { Minutes: 5 } })),
    ]);
    expect([first.status, second.status, third.status]).toEqual(Array(3).fill('CREATE_COMPLETE'));
    expect(third.stackId).toContain(':eu-west-1:');
    const minutes = [first, second, third].map(
      ({ events }) => ((events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0)) / 60_000,
    );
    for (const [index, least] of [10, 20, 5].entries()) {
      expect(minutes[index]).toBeGreaterThan(least);
      expect(minutes[index]).toBeLessThan(least + 2);
    }
  } finally {
    await other.stop();
  }
});

test('a volume can be created only from a completed snapshot', async () => {
  await start();
  const volume = (snapshotId: string): Stack => {
    const stack = new Stack(app(), 'V');
    new ec2.Volume(stack, 'Volume', { availabilityZone: 'us-east-1a', snapshotId });
    return stack;
  };
  const pending = aws.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 3_600_000 } });
  expect((await aws.deploy(volume(pending.id))).reason).toContain('Snapshot is in invalid state - pending');
  expect((await aws.deploy(volume('snap-0'))).reason).toContain("The snapshot 'snap-0' does not exist");
  const { id } = aws.ec2.addSnapshot({ region: 'us-east-1' });
  expect((await aws.deploy(volume(id))).status).toBe('CREATE_COMPLETE');
});
