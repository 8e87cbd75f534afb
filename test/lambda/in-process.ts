// Runs the handler against the simulated EC2, KMS, and CloudFormation in one process. A test plays CloudFormation and
// the framework by hand, poll by poll, for one custom resource.
import { COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE, TAG, type CopyProperties } from '../../lib/contract';
import { awsOver, type Aws } from '../../lambda/aws';
import { decide } from '../../lambda/on-event';
import type { Answer, Log } from '../../lambda/context';
import { Memory } from '../../lambda/memory';
import { reconcile } from '../../lambda/reconcile';
import { decodeRequest, type CloudFormationEvent, type PollEvent } from '../../lambda/request';
import { SimulatedEc2, type Ec2Settings, type Staleness } from '../../local-aws/ec2';
import { Services, type Action, type StackSummary } from '../../local-aws/services';
import { callsOver } from './calls';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const STACK_ID = 'arn:aws:cloudformation:us-east-1:111122223333:stack/app/0f8a7d10-0000-11ee-be56-0242ac120002';
export const LOGICAL_ID = 'Copy1A2B3C';

/** A timeout that takes four stages. */
export const THREE_HOURS = { TimeoutSeconds: String(3 * 3600) };

/** Tags as CloudFormation sends them. */
export function tags(record: Readonly<Record<string, string>>): NonNullable<CopyProperties['Tags']> {
  return Object.entries(record).map(([Key, Value]) => ({ Key, Value }));
}

/** How stale EC2's answers are: not at all, except for what is named here. */
export function stale(late: Partial<Staleness>): Staleness {
  return { ids: 0, tags: 0, deletions: 0, writes: 0, ...late };
}

/** What CloudFormation shows of the stack and its resource. */
interface Shown {
  readonly stack: Omit<StackSummary, 'StackId' | 'StackName'>;
  readonly physicalId: string | undefined;
  readonly resourceStatus: string;
  readonly resourceSince: number;
}

export interface Outcome {
  readonly answer?: Answer;
  readonly failure?: Error;
  /** How many seconds it took. */
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
    LastOperations: undefined as StackSummary['LastOperations'],
  };
  /** The physical ID that CloudFormation has for the resource. */
  physicalId: string | undefined;
  /** The status that CloudFormation has for every resource of the stack, and since when. */
  resourceStatus = '';
  resourceSince = this.time;
  /** What one process of the handler remembers. A new Memory stands for a new process. */
  memory = new Memory();
  private requests = 0;
  private readonly lateReads: Shown[] = [];

  constructor(settings: Partial<Ec2Settings> = {}) {
    const clock = { now: () => this.time };
    this.ec2 = new SimulatedEc2({ clock, ...settings });
    const stacks = {
      describeStack: (): StackSummary => ({ StackId: STACK_ID, StackName: 'app', ...this.shown().stack }),
      describeStackResource: (_: string, LogicalResourceId: string) => {
        const { physicalId: PhysicalResourceId, resourceStatus: ResourceStatus, resourceSince } = this.shown();
        const LastUpdatedTimestamp = new Date(resourceSince);
        const ResourceType = 'Custom::SnapshotCopy';
        return { LogicalResourceId, PhysicalResourceId, ResourceType, ResourceStatus, LastUpdatedTimestamp };
      },
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

  /** The stack enters another operation. CloudFormation shows that before it sends requests to the resources. */
  enter(StackStatus: string): void {
    this.stack = { ...this.stack, StackStatus, LastUpdatedTime: new Date(this.time) };
  }

  /** This many of the next reads of CloudFormation still show what it shows now. */
  lag(reads: number): void {
    const { stack, physicalId, resourceStatus, resourceSince } = this;
    this.lateReads.push(...Array<Shown>(reads).fill({ stack, physicalId, resourceStatus, resourceSince }));
  }

  /** CloudFormation sends a request. A Delete outside an operation begins a cleanup. */
  event(RequestType: CloudFormationEvent['RequestType'], more: Partial<CloudFormationEvent> = {}): CloudFormationEvent {
    this.resourceStatus = `${RequestType.toUpperCase()}_IN_PROGRESS`;
    this.resourceSince = this.time;
    if (RequestType === 'Delete' && !this.stack.StackStatus.endsWith('_IN_PROGRESS')) {
      this.enter('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    }
    return this.forge(RequestType, more);
  }

  /** The same event, but from somebody else who may invoke the function. CloudFormation does not know about it. */
  forge(RequestType: CloudFormationEvent['RequestType'], more: Partial<CloudFormationEvent> = {}): CloudFormationEvent {
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

  /** Calls onEvent, and merges its answer into the event, as the framework does. */
  async accept(event: CloudFormationEvent): Promise<PollEvent> {
    const decision = await decide({
      event,
      aws: this.aws(),
      now: () => this.time,
      ownRegion: 'us-east-1',
      log: this.log,
    });
    return JSON.parse(JSON.stringify({ ...event, ...decision })) as PollEvent;
  }

  poll(event: PollEvent): Promise<Answer> {
    return reconcile({
      request: decodeRequest(event, 'us-east-1'),
      aws: this.aws(),
      now: () => this.time,
      log: this.log,
      logGroup: 'handler-logs',
      pollIntervalMs: 30 * SECOND,
      beganAt: this.time,
      memory: this.memory,
    });
  }

  /** Calls onEvent, and polls once. */
  async begin(event: CloudFormationEvent): Promise<PollEvent> {
    const accepted = await this.accept(event);
    await this.poll(accepted);
    return accepted;
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

  /** Runs a request from its event to its answer. CloudFormation then has the physical ID of the answer. */
  async run(event: CloudFormationEvent): Promise<Outcome> {
    const accepted = await this.accept(event);
    const outcome = await this.wait(accepted);
    if (event.RequestType !== 'Delete') {
      this.physicalId = outcome.answer?.PhysicalResourceId ?? accepted.PhysicalResourceId;
    }
    return outcome;
  }

  /** A Create with these properties in addition to the default ones. */
  runCreate(declared: Partial<CopyProperties> = {}): Promise<Outcome> {
    return this.run(this.event('Create', { ResourceProperties: this.declare(declared) }));
  }

  /** Returns why a Create fails without starting a copy. */
  async refusal(declared: Partial<CopyProperties>): Promise<string> {
    const { failure } = await this.runCreate(declared);
    if (this.started() > 0) throw new Error('a copy was started');
    return failure?.message ?? 'no failure';
  }

  /** Creates the resource. The stack is then idle. */
  async create(properties: CopyProperties = this.declare()): Promise<string> {
    const { answer, failure } = await this.run(this.event('Create', { ResourceProperties: properties }));
    if (!answer) throw failure ?? new Error('no answer');
    this.enter('CREATE_COMPLETE');
    this.time += 5 * MINUTE;
    return answer.Data?.SnapshotId ?? '';
  }

  /** Creates the resource, but keeps the handle as its physical ID, as if the copy had been started late in a stage. */
  async createUnderHandle(properties: CopyProperties = this.declare()): Promise<string> {
    const event = await this.accept(this.event('Create', { ResourceProperties: properties }));
    const { answer } = await this.wait(event);
    this.physicalId = event.PhysicalResourceId;
    this.enter('CREATE_COMPLETE');
    this.time += 5 * MINUTE;
    return answer?.Data?.SnapshotId ?? '';
  }

  update(wanted: Partial<CopyProperties>, before: Partial<CopyProperties>): CloudFormationEvent {
    return this.event('Update', { ResourceProperties: wanted, OldResourceProperties: before });
  }

  /** A request of a later stage for the copy that the owner's physical ID names. */
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

  /** Starts a duplicate of the first copy, with the tags that it was started with, a second later. */
  duplicate(): void {
    const [first] = this.ec2.remainingCopies();
    if (!first) throw new Error('there is no copy');
    const startedWith = Object.entries(this.ec2.tagsOf(first.id)).filter(([key]) => key !== TAG.id);
    const twin = this.ec2.copySnapshot(first.region, {
      SourceRegion: 'us-east-1',
      SourceSnapshotId: first.source?.id,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: [...tags(Object.fromEntries(startedWith))] }],
    });
    this.ec2.snapshot(twin.SnapshotId ?? '').startTime = first.startTime + SECOND;
  }

  /** The names of the calls of one action, or of all calls. */
  calls(action?: Action): string[] {
    const all = this.services.calls.map((call) => call.action);
    return action ? all.filter((name) => name === action) : all;
  }

  /** The IDs of the copies that exist, in the order in which they were started. */
  copies(): string[] {
    return this.ec2.remainingCopies().map(({ id }) => id);
  }

  /** How many copies were started. */
  started(): number {
    return this.services.calls.filter(({ action }) => action === 'CopySnapshot').length;
  }

  private shown(): Shown {
    return this.lateReads.shift() ?? this;
  }

  protected aws(): Aws {
    return awsOver(callsOver(this.calling), () => this.time, this.memory.unreachableSince);
  }

  /** Time passes during a slow call. */
  private readonly calling: Pick<Services, 'send'> = {
    send: async (region, action, input) => {
      const delay = this.services.delays?.({ region, action, input }) ?? 0;
      try {
        return await this.services.send(region, action, input);
      } finally {
        this.time += delay;
      }
    },
  };

  protected readonly log: Log = (decision, details = {}) => {
    this.logs.push({ decision, ...details });
  };
}
