// The handler's decisions over the simulated EC2, KMS and CloudFormation in one process: what a test sees of one
// custom resource when it plays CloudFormation and the framework by hand, poll by poll.
import { COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE, type CopyProperties } from '../../lib/contract';
import { awsOver, type Calls } from '../../lambda/aws';
import { decide } from '../../lambda/on-event';
import type { Answer, Log } from '../../lambda/context';
import { Memory } from '../../lambda/memory';
import { reconcile } from '../../lambda/reconcile';
import { decodeRequest, type CloudFormationEvent, type PollEvent, type Request } from '../../lambda/request';
import { SimulatedEc2, type Ec2Settings } from '../../local-aws/ec2';
import { Services, type Action, type StackSummary } from '../../local-aws/services';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const STACK_ID = 'arn:aws:cloudformation:us-east-1:111122223333:stack/app/0f8a7d10-0000-11ee-be56-0242ac120002';
export const LOGICAL_ID = 'Copy1A2B3C';

/** The handler's calls over the simulated services, as lambda/sdk.ts makes them over the SDK. */
export function callsOver(services: Services): Calls {
  const home = 'us-east-1';
  return {
    describeSnapshots: (region, input) => services.send(region, 'DescribeSnapshots', input),
    copySnapshot: (region, input) => services.send(region, 'CopySnapshot', input),
    deleteSnapshot: (region, input) => services.send(region, 'DeleteSnapshot', input),
    createTags: (region, input) => services.send(region, 'CreateTags', input),
    deleteTags: (region, input) => services.send(region, 'DeleteTags', input),
    describeLockedSnapshots: (region, input) => services.send(region, 'DescribeLockedSnapshots', input),
    describeKey: (region, input) => services.send(region, 'DescribeKey', input),
    describeStacks: (input) => services.send(home, 'DescribeStacks', input),
    describeStackResource: (input) => services.send(home, 'DescribeStackResource', input),
  };
}

/** The request for a copy, for what is asked about one without a world around it. */
export function requestFor(wanted: Partial<CopyProperties> = {}, before?: Partial<CopyProperties>): Request {
  const event: PollEvent = {
    RequestType: 'Create',
    RequestId: 'request-1',
    StackId: STACK_ID,
    ResourceType: COPY_RESOURCE_TYPE,
    LogicalResourceId: LOGICAL_ID,
    PhysicalResourceId: 'copy-1',
    ResourceProperties: { SourceSnapshotId: 'snap-0123456789abcdef0', DestinationRegion: 'eu-west-1', ...wanted },
    OldResourceProperties: before,
    Begun: { At: Date.UTC(2030, 0, 1) },
  };
  return decodeRequest(event, 'us-east-1');
}

export interface Outcome {
  readonly answer?: Answer;
  readonly failure?: Error;
  /** When it ended, in seconds from its start. */
  readonly after: number;
}

export class World {
  time = Date.UTC(2030, 0, 1);
  readonly ec2: SimulatedEc2;
  readonly services: Services;
  readonly logs: ({ readonly decision: string } & Readonly<Record<string, unknown>>)[] = [];
  /** The stack as CloudFormation describes it. */
  stack = {
    StackStatus: 'CREATE_IN_PROGRESS',
    CreationTime: new Date(this.time),
    LastUpdatedTime: undefined as Date | undefined,
  };
  /** The physical id that CloudFormation has for the resource. */
  physicalId: string | undefined;
  /** The status that CloudFormation has for whatever resource. */
  resourceStatus = 'UPDATE_IN_PROGRESS';
  /** What one process of the handler remembers; a new one is a new process. */
  memory = new Memory();
  private requests = 0;

  constructor(settings: Partial<Ec2Settings> = {}) {
    const clock = { now: () => this.time };
    this.ec2 = new SimulatedEc2({ clock, ...settings });
    const stacks = {
      describeStack: (): StackSummary => ({ StackId: STACK_ID, StackName: 'app', ...this.stack }),
      describeStackResource: (_: string, LogicalResourceId: string) => ({
        LogicalResourceId,
        PhysicalResourceId: this.physicalId,
        ResourceType: 'Custom::SnapshotCopy',
        ResourceStatus: this.resourceStatus,
        LastUpdatedTimestamp: new Date(this.time),
      }),
    };
    this.services = new Services({ clock, ec2: this.ec2, stacks });
  }

  /** A completed, unencrypted source in us-east-1, and the properties of its copy into eu-west-1. */
  declare(more: Partial<CopyProperties> = {}): CopyProperties {
    const [source] = this.ec2.all();
    return {
      SourceSnapshotId: (source ?? this.ec2.addSnapshot({ region: 'us-east-1' })).id,
      SourceRegion: 'us-east-1',
      DestinationRegion: 'eu-west-1',
      TimeoutSeconds: '3000',
      ...more,
    };
  }

  /** The stack goes on to another operation, as it does before its resources hear of it. */
  enter(StackStatus: string): void {
    this.stack = { ...this.stack, StackStatus, LastUpdatedTime: new Date(this.time) };
  }

  event(RequestType: CloudFormationEvent['RequestType'], more: Partial<CloudFormationEvent> = {}): CloudFormationEvent {
    this.requests += 1;
    return {
      RequestType,
      RequestId: `request-${this.requests}`,
      StackId: STACK_ID,
      ResourceType: COPY_RESOURCE_TYPE,
      LogicalResourceId: LOGICAL_ID,
      PhysicalResourceId: RequestType === 'Create' ? undefined : this.physicalId,
      ResourceProperties: this.declare(),
      ...more,
    };
  }

  /** onEvent, and its answer merged into the event, as the framework does. */
  async accept(event: CloudFormationEvent): Promise<PollEvent> {
    const { services } = this;
    const decision = await decide({
      event,
      aws: awsOver(callsOver(services), () => this.time, this.memory.unreachableSince),
      now: () => this.time,
      ownRegion: 'us-east-1',
      log: this.log,
    });
    return JSON.parse(JSON.stringify({ ...event, ...decision })) as PollEvent;
  }

  poll(event: PollEvent): Promise<Answer> {
    return reconcile({
      request: decodeRequest(event, 'us-east-1'),
      aws: awsOver(callsOver(this.services), () => this.time, this.memory.unreachableSince),
      now: () => this.time,
      log: this.log,
      logGroup: 'handler-logs',
      pollIntervalMs: 30 * SECOND,
      beganAt: this.time,
      memory: this.memory,
    });
  }

  /** Polls every half minute until there is an answer, as the waiter does. */
  async wait(event: PollEvent, atMost = 60 * MINUTE): Promise<Outcome> {
    const begun = this.time;
    const outcome = (rest: Partial<Outcome>): Outcome => ({ ...rest, after: (this.time - begun) / SECOND });
    while (this.time - begun < atMost) {
      try {
        const answer = await this.poll(event);
        if (answer.IsComplete) return outcome({ answer });
      } catch (failure) {
        return outcome({ failure: failure as Error });
      }
      this.time += 30 * SECOND;
    }
    return outcome({});
  }

  /** A request from its event to its answer, which CloudFormation takes note of. */
  async run(event: CloudFormationEvent): Promise<Outcome> {
    const accepted = await this.accept(event);
    const outcome = await this.wait(accepted);
    if (event.RequestType !== 'Delete') {
      this.physicalId = outcome.answer?.PhysicalResourceId ?? accepted.PhysicalResourceId;
    }
    return outcome;
  }

  /** Creates the resource, in a stack that then rests. */
  async create(properties: CopyProperties = this.declare()): Promise<string> {
    const { answer, failure } = await this.run(this.event('Create', { ResourceProperties: properties }));
    if (!answer) throw failure ?? new Error('no answer');
    this.enter('CREATE_COMPLETE');
    this.time += 5 * MINUTE;
    return answer.Data?.SnapshotId ?? '';
  }

  update(wanted: Partial<CopyProperties>, before: Partial<CopyProperties>): CloudFormationEvent {
    return this.event('Update', { ResourceProperties: wanted, OldResourceProperties: before });
  }

  /** The request of a continuation, about what the owner's physical id names. */
  stage(
    number: number,
    declared: CopyProperties,
    type: CloudFormationEvent['RequestType'] = 'Create',
  ): CloudFormationEvent {
    return this.event(type, {
      ResourceType: STAGE_RESOURCE_TYPE,
      LogicalResourceId: `Copy${number}`,
      PhysicalResourceId: type === 'Create' ? undefined : `stage-Copy${number}`,
      ResourceProperties: {
        ...declared,
        CopyLogicalId: LOGICAL_ID,
        CopyId: this.physicalId,
        Stage: String(number),
      },
    });
  }

  /** Another copy with the tags of the first one, started a second later. */
  duplicate(): void {
    const [first] = this.ec2.remainingCopies();
    if (!first) throw new Error('there is no copy');
    const twin = this.ec2.copySnapshot(first.region, {
      SourceRegion: 'us-east-1',
      SourceSnapshotId: first.source?.id,
      TagSpecifications: [
        {
          ResourceType: 'snapshot',
          Tags: Object.entries(this.ec2.tagsOf(first.id)).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
    });
    this.ec2.snapshot(twin.SnapshotId ?? '').startTime = first.startTime + SECOND;
  }

  /** The calls of an action, or all. */
  calls(action?: Action): string[] {
    const all = this.services.calls.map((call) => call.action);
    return action ? all.filter((name) => name === action) : all;
  }

  copies(): string[] {
    return this.ec2.remainingCopies().map(({ id }) => id);
  }

  started(): number {
    return this.services.calls.filter(({ action }) => action === 'CopySnapshot').length;
  }

  private readonly log: Log = (decision, details = {}) => {
    this.logs.push({ decision, ...details });
  };
}
