// A history over the whole local AWS: synthesized stacks, the bundled handler in processes of its own over HTTP, the
// framework's functions and the waiter's state machine. It has to end as in one process.
import { isDeepStrictEqual } from 'node:util';
import { App, CfnResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as fc from 'fast-check';
import { SnapshotCopy, SnapshotCopyDryRun, SnapshotLock, type SnapshotCopyProps, StorageTier } from '../../lib';
import type { CopyProperties } from '../../lib/contract';
import type { CloudFormationEvent, PollEvent } from '../../lambda/request';
import { LocalAws, type Invocation as FunctionRun, type InvocationResult } from '../../local-aws';
import type { CustomResourceEvent } from '../../local-aws/custom-resource';
import type { Fault } from '../../local-aws/faults';
import { histories, runHistory, type Account, type AccountOptions, type History, type Report } from './history';
import { faultNamed } from './kinds';
import { HOME, STACK, type CallFault, type HandlerFunction, type Hooks, type Invocation } from './machine';
import { DRY_RUN, SIBLING, wireOf, type Declarations, type Declared, type Scenery } from './model';

/** Replays some histories that can be replayed. Whether all ended alike. */
export async function replaySample(seed: number, count: number): Promise<boolean> {
  let isFine = true;
  for (const [index, history] of sample(seed, count).entries()) {
    const difference = await replay(history);
    if (difference === undefined) continue;
    isFine = false;
    console.error(`history ${index} of the sample with seed ${seed} ends otherwise over the local AWS: ${difference}`);
    console.error(JSON.stringify(history));
  }
  console.info(`${count} histories were replayed over the local AWS${isFine ? ', with the same outcome' : ''}`);
  return isFine;
}

export function sample(seed: number, count: number): History[] {
  return fc.sample(histories.filter(canReplay), { seed, numRuns: count });
}

/** The local AWS has a plan of its own for duplicated events, and no calls that arrive after their answer was lost. */
function canReplay({ steps }: History): boolean {
  return steps.every(({ faults }) =>
    faults.every(({ fault }) => {
      const { means } = faultNamed(fault);
      return means.at !== 'delivery' && !(means.at === 'call' && means.fault === 'late');
    }),
  );
}

/** What differs, if anything. */
export async function replay(history: History): Promise<string | undefined> {
  const fast = await runHistory(history);
  let aws: LocalAws | undefined;
  const whole = await runHistory(history, async (options) => {
    aws = await start(options);
    return accountOf(aws);
  }).finally(() => aws?.stop());
  if (isDeepStrictEqual(outcome(fast), outcome(whole))) return undefined;
  return `${JSON.stringify(outcome(whole))} instead of ${JSON.stringify(outcome(fast))}\n${whole.story.join('\n')}`;
}

function outcome({ statuses, remaining, violations }: Report): unknown {
  return { statuses, remaining, violations: violations.length };
}

async function start({ copyDuration, hooks, ...options }: AccountOptions): Promise<LocalAws> {
  const aws = await LocalAws.start({ ...options, ec2: { copyDuration }, onEvent: hooks.onStackEvent });
  new Intruder(aws, hooks);
  return aws;
}

/** What the provider takes, of which the copies wait for the last policy. */
const SET_UP_SECONDS = 40;

function accountOf(aws: LocalAws): Account {
  const { clock, ec2, cloudFormation, services } = aws;
  return {
    ...{ clock, ec2, cloudFormation, services, setUpSeconds: SET_UP_SECONDS },
    deploy: (...declared) => aws.deploy(stackOf(...declared)),
    destroy: () => aws.destroy(STACK),
  };
}

/** Lets the faults in where the local AWS has doors for them. */
class Intruder {
  /** Invocations of the handler take turns. */
  private current?: Invocation;

  constructor(
    private readonly aws: LocalAws,
    private readonly hooks: Hooks,
  ) {
    aws.lambda.interceptor = (run, invoke) => this.intercept(run, invoke);
    aws.services.faults = (call) => {
      const fault = this.current && hooks.call?.(call, this.current);
      return this.asFault(fault);
    };
  }

  private async intercept(run: FunctionRun, invoke: () => Promise<InvocationResult>): Promise<InvocationResult> {
    const [file, name] = run.handler.split('.');
    if (file === 'framework') {
      if (name === 'onEvent') this.hooks.delivery?.(run.payload as CustomResourceEvent);
      return invoke();
    }
    const handler = name as HandlerFunction;
    const event = run.payload as CloudFormationEvent;
    const fault = this.hooks.invocation?.(handler, event);
    this.current = { function: handler, event, calls: 0, isDead: false, die: () => undefined };
    const result = await invoked(fault, invoke);
    this.current = undefined;
    this.note(handler, event, result);
    return result;
  }

  private note(
    handler: HandlerFunction,
    event: CloudFormationEvent,
    { payload, functionError }: InvocationResult,
  ): void {
    const answer = JSON.parse(payload) as { errorType?: string; errorMessage?: string };
    if (answer.errorType === 'SnapshotCopyFailed') this.hooks.thrown?.(event, new Error(answer.errorMessage));
    if (functionError || handler !== 'onEvent') return;
    if (this.hooks.startExecution?.({ ...event, ...answer } as PollEvent)) this.aws.stepFunctions.failNextStart();
  }

  private asFault(fault: CallFault | undefined): Fault | undefined {
    if (fault === 'late' || typeof fault !== 'object' || !('killed' in fault)) return fault as Fault | undefined;
    // Before the far side answers, there is nobody any more.
    this.aws.lambda.kill();
    return fault.killed === 'before' ? 'refused-connection' : 'lost-response';
  }
}

async function invoked(
  fault: ReturnType<NonNullable<Hooks['invocation']>>,
  invoke: () => Promise<InvocationResult>,
): Promise<InvocationResult> {
  switch (fault) {
    case undefined:
      return invoke();
    case 'killed':
      return KILLED;
    case 'killed at the end':
      await invoke();
      return KILLED;
    case 'refused':
    case 'refused for good':
      throw new Error('TooManyRequestsException: Rate Exceeded.');
    case 'answer lost':
      await invoke();
      return invoke();
    case 'twice at once': {
      const [first] = await Promise.all([invoke(), invoke()]);
      return first;
    }
  }
}

const KILLED: InvocationResult = {
  payload: JSON.stringify({
    errorType: 'Runtime.ExitError',
    errorMessage: 'Runtime exited with error: signal: killed',
  }),
  functionError: 'Unhandled',
};

function stackOf(declarations: Declarations, scenery: Scenery, version: number): Stack {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false }), STACK, { env: { region: HOME } });
  for (const [name, copy] of Object.entries(declarations)) addCopy(stack, name, copy, scenery);
  new CfnResource(stack, SIBLING, { type: 'AWS::SNS::Topic', properties: { DisplayName: `v${version}` } });
  return stack;
}

const POLICIES = {
  Delete: RemovalPolicy.DESTROY,
  Retain: RemovalPolicy.RETAIN,
  RetainExceptOnCreate: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
};

function handoverOf(wire: CopyProperties): Pick<SnapshotCopyProps, 'shareWith' | 'storageTier' | 'lock'> {
  const duration = Duration.days(Number(wire.LockDurationDays));
  const coolOff = Duration.hours(Number(wire.CoolOffPeriodHours));
  return {
    shareWith: wire.ShareWith && [...wire.ShareWith],
    storageTier: wire.StorageTier && StorageTier.ARCHIVE,
    ...(wire.LockMode === 'governance' && { lock: SnapshotLock.governance(duration) }),
    ...(wire.LockMode === 'compliance' && { lock: SnapshotLock.compliance(duration, coolOff) }),
  };
}

const recordOf = (tags: CopyProperties['Tags'] = []): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

function addCopy(stack: Stack, name: string, declared: Declared, scenery: Scenery): void {
  const wire = wireOf(name, declared, scenery);
  const common = {
    sourceSnapshotId: wire.SourceSnapshotId,
    latestSource: wire.LatestSource && { tags: recordOf(wire.LatestSource.Tags) },
    refresh: wire.Refresh,
    sourceRegion: wire.SourceRegion,
    destinationRegion: wire.DestinationRegion,
    description: wire.Description,
    kmsKey: wire.KmsKeyId === undefined ? undefined : kms.Key.fromKeyArn(stack, `${name}Key`, wire.KmsKeyId),
  };
  const construct =
    name === DRY_RUN
      ? new SnapshotCopyDryRun(stack, name, common)
      : new SnapshotCopy(stack, name, {
          ...common,
          tags: recordOf(wire.Tags),
          timeout: Duration.seconds(declared.timeoutSeconds),
          ...handoverOf(wire),
          removalPolicy: POLICIES[declared.retain ?? 'Delete'],
        });
  const resource = construct.node
    .findAll()
    .find((each) => CfnResource.isCfnResource(each) && each.cfnResourceType.startsWith('Custom::'));
  (resource as CfnResource).overrideLogicalId(name);
}
