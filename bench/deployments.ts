// What deployed copies cost in time and calls, on the local AWS in virtual time: counts, the same in every run.
import { App, Stack } from 'aws-cdk-lib';
import type { CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import { SnapshotCopy } from '../lib';
import { COPY_RESOURCE_TYPE, POLL_INTERVAL_SECONDS } from '../lib/contract';
import { Machine } from '../test/faults/machine';
import { LocalAws, type OperationResult } from '../local-aws';
import { priceOf, transitionsOf } from '../local-aws/price';
import type { StackEvent } from '../local-aws/stack';
import type { TemplateBody } from '../local-aws/template';
import { written, type Figure } from './figure';

const MINUTE = 60_000;
const COPY_MINUTES = 30;
const COPIES = 450;
const QUOTA = 20;

/** 450 copies in one stack, EC2 making 20 at once. */
export async function schedule(): Promise<Figure[]> {
  const machine = new Machine({ ec2: { copyDuration: COPY_MINUTES * MINUTE, maxConcurrentCopies: QUOTA } });
  const { id: sourceSnapshotId } = machine.ec2.addSnapshot({ region: 'us-east-1' });
  const result = await machine.deploy(synthesized(COPIES, sourceSnapshotId).template as TemplateBody);
  const made = machine.ec2.remainingCopies().filter(({ id }) => machine.ec2.stateOf(id) === 'completed').length;
  if (result.status !== 'CREATE_COMPLETE' || made !== COPIES) throw new Error(`${made} copies, ${result.status}`);
  const calls = machine.services.calls.filter(({ service }) => service === 'ec2');
  const what = `${COPIES} copies of ${COPY_MINUTES} minutes in one stack, quota ${QUOTA}`;
  return [
    {
      what: `${what}: makespan`,
      baseline: 'the least that the quota allows',
      value: minutesOf(result) / (Math.ceil(COPIES / QUOTA) * COPY_MINUTES),
      unit: '×',
      goal: 1.05,
    },
    { what: `${what}: EC2 calls per copy`, value: calls.length / COPIES, unit: '' },
  ];
}

/** How long after EC2 has finished a copy the stack has it, in the middle between two polls and right after one. */
export async function reports(): Promise<Figure[]> {
  const [middle, end] = [COPY_MINUTES * 60 - 15, COPY_MINUTES * 60];
  const quick = [await secondsUntilReport(45), await secondsUntilReport(60)];
  const slow = [(await secondsUntilReport(middle)) - middle, (await secondsUntilReport(end)) - end];
  return [
    {
      what: 'a copy of up to 60 seconds: seconds from its start to its report',
      value: Math.max(...quick),
      unit: 's',
      goal: 95,
    },
    {
      what: 'a copy of up to 30 minutes: seconds from its end to its report',
      value: Math.max(...slow),
      unit: 's',
      goal: 35,
    },
  ];
}

async function secondsUntilReport(copySeconds: number): Promise<number> {
  const machine = new Machine({ ec2: { copyDuration: copySeconds * 1_000 } });
  const { id } = machine.ec2.addSnapshot({ region: 'us-east-1' });
  await machine.deploy(synthesized(1, id).template as TemplateBody);
  const [copy] = machine.ec2.remainingCopies();
  const isReport = ({ status, type }: StackEvent) => status === 'CREATE_COMPLETE' && type === COPY_RESOURCE_TYPE;
  const reported = machine.cloudFormation.events.find(isReport);
  return Math.round(((reported?.time ?? NaN) - (copy?.startTime ?? NaN)) / 1_000);
}

/** EC2 pages through all snapshots of an account before it filters. */
export async function crowd(): Promise<Figure[]> {
  const machine = new Machine({ ec2: { copyDuration: COPY_MINUTES * MINUTE, crowd: 100_000 } });
  const { id } = machine.ec2.addSnapshot({ region: 'us-east-1' });
  const { status } = await machine.deploy(synthesized(1, id).template as TemplateBody);
  if (status !== 'CREATE_COMPLETE') throw new Error(status);
  const calls = machine.services.calls.filter(({ service }) => service === 'ec2').length;
  return [
    { what: `a ${COPY_MINUTES}-minute copy among 100,000 snapshots: EC2 calls`, value: calls, unit: '', goal: 400 },
  ];
}

/** Of the CDK's Provider. */
const DEFAULT_INTERVAL = 5;

export async function polling(): Promise<Figure[]> {
  const ours = await costs();
  const byDefault = await costs(DEFAULT_INTERVAL);
  const row = (cost: keyof Costs, unit = ''): Figure => ({
    what: `a ${COPY_MINUTES}-minute copy: ${cost}`,
    baseline: `${written(byDefault[cost], unit)} with the framework’s default, ${DEFAULT_INTERVAL} s`,
    value: ours[cost],
    unit,
  });
  return [row('EC2 calls'), row('Lambda invocations'), row('state transitions'), row('price', '$')];
}

interface Costs {
  readonly 'EC2 calls': number;
  readonly 'Lambda invocations': number;
  readonly 'state transitions': number;
  readonly price: number;
}

async function costs(seconds = POLL_INTERVAL_SECONDS): Promise<Costs> {
  const aws = await LocalAws.start({ ec2: { copyDuration: COPY_MINUTES * MINUTE } });
  const artifact = synthesized(1, aws.ec2.addSnapshot({ region: 'us-east-1' }).id);
  pollEvery(seconds, artifact);
  const invoked: string[] = [];
  aws.lambda.interceptor = ({ handler }, invoke) => {
    invoked.push(handler);
    return invoke();
  };
  try {
    const { status } = await aws.deploy(artifact);
    if (status !== 'CREATE_COMPLETE') throw new Error(status);
  } finally {
    await aws.stop();
  }
  return {
    'EC2 calls': aws.services.calls.filter(({ service }) => service === 'ec2').length,
    'Lambda invocations': invoked.length,
    'state transitions': transitionsOf(invoked),
    price: priceOf(invoked, handlerMemory(artifact)),
  };
}

function synthesized(copies: number, sourceSnapshotId: string): CloudFormationStackArtifact {
  const app = new App({ builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'App', { env: { account: '111122223333', region: 'us-east-1' } });
  for (let n = 0; n < copies; n++) {
    new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId, destinationRegion: 'eu-west-1' });
  }
  return app.synth().getStackArtifact(stack.artifactId);
}

interface Functions {
  readonly Resources: Record<string, { readonly Type: string; readonly Properties: FunctionProperties }>;
}

interface FunctionProperties {
  readonly Handler?: string;
  readonly MemorySize?: number;
  Environment?: { readonly Variables: Record<string, unknown> };
}

function handlersOf({ template }: CloudFormationStackArtifact): FunctionProperties[] {
  const { Resources } = template as Functions;
  return Object.values(Resources)
    .map(({ Properties }) => Properties)
    .filter(({ Handler }) => Handler?.startsWith('index.'));
}

function handlerMemory(artifact: CloudFormationStackArtifact): number {
  return handlersOf(artifact)[0]?.MemorySize ?? 128;
}

/** In the template, since the library allows no interval as short as the framework's default. */
function pollEvery(seconds: number, artifact: CloudFormationStackArtifact): void {
  const template = artifact.template as Functions;
  const waiter = /"IntervalSeconds\\":\d+,\\"MaxAttempts\\":\d+/g;
  const attempts = Math.round(3600 / seconds);
  const text = JSON.stringify(template.Resources);
  if (!waiter.test(text)) throw new Error('the template has no waiter');
  const changed = text.replace(waiter, `"IntervalSeconds\\":${seconds},\\"MaxAttempts\\":${attempts}`);
  Object.assign(template.Resources, JSON.parse(changed));
  for (const handler of handlersOf(artifact)) {
    handler.Environment = { Variables: { ...handler.Environment?.Variables, POLL_INTERVAL_SECONDS: String(seconds) } };
  }
}

/** From the first event of an operation to its last. */
function minutesOf({ events }: OperationResult): number {
  return ((events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0)) / MINUTE;
}
