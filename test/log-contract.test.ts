// The lines that the handler writes, as the library's metric filters read them.
import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { FAST_RESTORE_RESOURCE_TYPE, type LogSubject } from '../lib/contract';
import { SnapshotCopy } from '../lib/snapshot-copy';
import { SnapshotCopyProvider } from '../lib/snapshot-copy-provider';
import type * as Entry from '../lambda/index';
import type { Services } from '../local-aws/services';
import type { Answer } from '../lambda/context';
import type { CloudFormationEvent, PollEvent } from '../lambda/request';
import { Endpoint } from '../local-aws/endpoint';
import { newApp, SOURCE } from './lib/stacks';
import { LOGICAL_ID, MINUTE, SECOND, STACK_ID, World } from './lambda/in-process';

type Line = LogSubject & { readonly decision: string } & Readonly<Record<string, unknown>>;

const SECRET = 'https://cloudformation-custom-resource-response.example/?X-Amz-Signature=secret';

let world: World;
let endpoint: Endpoint;
let lines: Line[];
let entry: typeof Entry;

/** Those of the current test's world. Loading the SDK takes longer than the tests, so the entry is loaded once. */
const services = {
  send: (...call: Parameters<Services['send']>) => world.services.send(...call),
} as Partial<Services> as Services;

beforeAll(async () => {
  endpoint = await Endpoint.start({ services, clock: { now: () => world.time } });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    AWS_SESSION_TOKEN: 'example',
    AWS_LAMBDA_LOG_GROUP_NAME: 'handler-logs',
  });
  entry = jest.requireActual<typeof Entry>('../lambda/index');
});

beforeEach(() => {
  world = new World({ copyDuration: 4 * MINUTE });
  lines = [];
  jest.spyOn(Date, 'now').mockImplementation(() => world.time);
  jest.spyOn(console, 'info').mockImplementation((line: Line) => lines.push(line));
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => endpoint.stop());

/** Runs a request from its event to its answer, as the framework does. */
async function run(event: CloudFormationEvent): Promise<Answer | Error> {
  const whole = { ...event, ResponseURL: SECRET };
  const accepted = { ...whole, ...(await entry.onEvent(whole)) } as PollEvent;
  for (let poll = 0; poll < 200; poll += 1) {
    try {
      const answer = await entry.isComplete(accepted);
      if (answer.IsComplete) return answer;
    } catch (error) {
      return error as Error;
    }
    world.time += 30 * SECOND;
  }
  throw new Error('no answer');
}

/** The values that the metric filters count, by metric name. */
function counted(): Record<string, unknown[]> {
  const stack = new Stack(newApp(), 'Stack');
  const copy = new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
  for (const name of ['metricCopies', 'metricFailures', 'metricDuration'] as const) {
    copy[name]();
    SnapshotCopyProvider[name](stack);
  }
  const filters = Template.fromStack(stack).findResources('AWS::Logs::MetricFilter', { Properties: Match.anyValue() });
  return Object.fromEntries(
    Object.values(filters).map(({ Properties }) => {
      const { FilterPattern: pattern, MetricTransformations: of } = Properties as Filter;
      const [{ Dimensions: dimensions = [], MetricName = '', MetricValue = '' } = {}] = of;
      const selected = lines.filter((message) => matches(patternOf(pattern), { message }));
      const name = [MetricName, ...dimensions.map(({ Key }) => Key)].join(' by ');
      const seen = selected.map((message) => [
        MetricValue.startsWith('$') ? read(MetricValue, { message }) : MetricValue,
        ...dimensions.map(({ Value }) => read(Value, { message })),
      ]);
      return [name, seen];
    }),
  );
}

interface Filter {
  readonly FilterPattern: { readonly 'Fn::Join': [string, (string | object)[]] };
  readonly MetricTransformations: {
    readonly MetricName?: string;
    readonly MetricValue?: string;
    readonly Dimensions?: { readonly Key: string; readonly Value: string }[];
  }[];
}

/** The pattern with the stack ID, which CloudFormation inserts. */
const patternOf = ({ 'Fn::Join': [, parts] }: Filter['FilterPattern']): string =>
  parts.map((part) => (typeof part === 'string' ? part : STACK_ID)).join('');

/** Reads `{ ($.a.b = "x") && ($.a.c >= 0) }` as CloudWatch Logs does: a missing field matches nothing. */
function matches(pattern: string, line: object): boolean {
  const terms = /^\{ (.*) \}$/.exec(pattern)?.[1]?.split(' && ') ?? [];
  return terms.every((term) => {
    const [, field = '', operator, operand = ''] = /^\((\S+) (=|>=) (.*)\)$/.exec(term) ?? [];
    const value = read(field, line);
    if (operator === '=') return value === JSON.parse(operand);
    if (operator === '>=') return typeof value === 'number' && value >= Number(operand);
    throw new Error(`the test does not know "${term}"`);
  });
}

function read(path: string, line: object): unknown {
  const [, ...fields] = path.split('.');
  return fields.reduce<unknown>((value, field) => (value as Record<string, unknown> | undefined)?.[field], line);
}

const SUBJECT = { request: 'Create', stack: STACK_ID, logicalId: LOGICAL_ID };

test('a copy is counted when it starts, and its duration when it is complete', async () => {
  expect(await run(world.event('Create'))).toMatchObject({ IsComplete: true });
  expect(lines.map(({ decision }) => decision)).toEqual(
    expect.arrayContaining(['accept', 'start copy', 'wait', 'complete']),
  );
  for (const line of lines) expect(line).toMatchObject(SUBJECT);
  expect(counted()).toEqual({
    'Copies by Stack': [['1', STACK_ID]],
    'Copies by Stack by Copy': [['1', STACK_ID, LOGICAL_ID]],
    'Failures by Stack': [],
    'Failures by Stack by Copy': [],
    'Duration by Stack': [[240, STACK_ID]],
    'Duration by Stack by Copy': [[240, STACK_ID, LOGICAL_ID]],
  });
});

test('a failure in a later stage is counted under the logical ID of the copy', async () => {
  world.ec2.settings.copyDuration = 120 * MINUTE;
  const properties = world.declare({ TimeoutSeconds: '3600' });
  const handedOn = await run(world.event('Create', { ResourceProperties: properties }));
  world.physicalId = (handedOn as Answer).PhysicalResourceId;
  const failure = (await run(world.stage(2, properties))) as Error;
  expect(failure.message).toContain('after 60 minutes');
  for (const line of lines) expect(line).toMatchObject(SUBJECT);
  const { 'Failures by Stack by Copy': failures, 'Duration by Stack': durations } = counted();
  expect([failures, durations]).toEqual([[['1', STACK_ID, LOGICAL_ID]], []]);
});

test('an Update in place that makes no copy is not counted', async () => {
  await run(world.event('Create'));
  const before = world.declare();
  [world.physicalId] = world.copies();
  world.enter('UPDATE_IN_PROGRESS');
  lines = [];
  expect(await run(world.update({ ...before, Tags: [{ Key: 'a', Value: '1' }] }, before))).toMatchObject({
    IsComplete: true,
  });
  expect(lines.at(-1)).toMatchObject({ decision: 'complete', request: 'Update' });
  expect(Object.values(counted()).flat()).toEqual([]);
});

test('a fast restore is not a copy, and is not counted', async () => {
  const { id } = world.ec2.addSnapshot({ region: 'eu-west-1' });
  const of = (...AvailabilityZones: string[]) =>
    world.event('Create', {
      ResourceType: FAST_RESTORE_RESOURCE_TYPE,
      LogicalResourceId: 'Fast',
      ResourceProperties: { SnapshotId: id, Region: 'eu-west-1', TimeoutSeconds: '3000', AvailabilityZones } as object,
    });
  expect(await run(of('eu-west-1a'))).toEqual({ IsComplete: true });
  expect(Object.values(counted()).flat()).toEqual([]);
  expect(await run(of('us-east-1a'))).toBeInstanceOf(Error);
  expect(Object.values(counted()).flat()).toEqual([]);
});

test('no line contains the ResponseURL of the event', async () => {
  await run(world.event('Create'));
  world.enter('DELETE_IN_PROGRESS');
  [world.physicalId] = world.copies();
  await run(world.event('Delete'));
  expect(lines.length).toBeGreaterThan(5);
  expect(JSON.stringify(lines)).not.toContain('secret');
});
