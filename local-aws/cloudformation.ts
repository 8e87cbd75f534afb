// The stacks of one account, and what may be asked of them.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { VirtualClock } from './clock';
import { CustomResources, type CustomResourceEvent, type Duplicate, type RequestType } from './custom-resource';
import type { StackDirectory, StackResourceSummary, StackSummary } from './endpoint';
import { partitionOf } from './kms';
import {
  Stack,
  type NativeResources,
  type PlannedFailure,
  type RollbackOptions,
  type StackEvent,
  type Surroundings,
} from './stack';
import { Template, ValidationError, type TemplateBody } from './template';

export interface StackInput {
  readonly stackName: string;
  readonly region: string;
  readonly body: TemplateBody;
  /** Directories of the assets, by their keys in the bucket. */
  readonly assets: ReadonlyMap<string, string>;
  readonly parameters?: Readonly<Record<string, string>>;
  /** --no-rollback */
  readonly disableRollback?: boolean;
}

export interface OperationResult {
  readonly stackId: string;
  readonly status: string;
  /** Why it failed: the reasons of the resources that did, in their order. */
  readonly reason?: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Of this operation. */
  readonly events: readonly StackEvent[];
}

export interface CloudFormationOptions extends RollbackOptions {
  readonly clock: VirtualClock;
  readonly accountId: string;
  readonly nativeResources: NativeResources;
  /** Runs the function behind a ServiceToken; rejects when it cannot be run or fails. */
  readonly invoke: (functionArn: string, event: CustomResourceEvent) => Promise<void>;
  readonly onEvent?: (event: StackEvent) => void;
  /** Whether DescribeStacks has LastOperations. Default: true. */
  readonly showsOperations?: boolean;
}

/** What DescribeStacks and DescribeStackResource showed from a time on. */
interface Seen<Summary> {
  readonly since: number;
  readonly summary: Summary | undefined;
}

const UPDATABLE = [
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE',
  'CREATE_FAILED',
  'UPDATE_FAILED',
] as const;

export class CloudFormation implements StackDirectory {
  readonly events: StackEvent[] = [];
  readonly customResources: CustomResources;
  /** By how many milliseconds what is described lags; may be changed at any time. */
  staleness = 0;
  private readonly stacks: Stack[] = [];
  private readonly seenStacks = new Map<string, Seen<StackSummary>[]>();
  private readonly seenResources = new Map<string, Seen<StackResourceSummary>[]>();
  private readonly deployed = new Map<Stack, StackInput>();
  private readonly failures = new Map<string, PlannedFailure>();
  private readonly surroundings: Surroundings;
  private ids = 0;

  constructor(private readonly options: CloudFormationOptions) {
    this.customResources = new CustomResources(options.clock, () => this.newId(), options.invoke);
    this.surroundings = {
      ...options,
      customResources: this.customResources,
      emit: (event) => {
        this.events.push(event);
        this.remember(event);
        options.onEvent?.(event);
      },
      newId: () => this.newId(),
      newSuffix: () => this.newId().replaceAll('-', '').slice(0, 13).toUpperCase(),
      takeFailure: (logicalId, action) => this.takeFailure(`${action} ${logicalId}`),
    };
  }

  async createStack(input: StackInput): Promise<OperationResult> {
    if (this.find(input.stackName)) throw new ValidationError(`Stack [${input.stackName}] already exists`);
    const { region, stackName: name } = input;
    const id = `arn:${partitionOf(region)}:cloudformation:${region}:${this.options.accountId}:stack/${name}/${this.newId()}`;
    const template = this.template(input, id);
    const stack = new Stack(id, name, region, this.surroundings);
    this.stacks.push(stack);
    this.deployed.set(stack, input);
    return this.run(stack, () => stack.create(template, input.assets, input.disableRollback ?? false));
  }

  async updateStack(input: StackInput): Promise<OperationResult> {
    const stack = this.existing(input.stackName);
    if (!UPDATABLE.some((status) => status === stack.status)) {
      throw new ValidationError(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
    }
    const template = this.template(input, stack.id);
    const { body, parameters } = this.deployed.get(stack) ?? {};
    const isSame = isDeepStrictEqual(body, input.body) && isDeepStrictEqual(parameters, input.parameters);
    if (isSame && stack.status.endsWith('_COMPLETE')) throw new ValidationError('No updates are to be performed.');
    return this.run(stack, async () => {
      await stack.update(template, input.assets, input.disableRollback ?? false);
      if (!stack.status.includes('ROLLBACK')) this.deployed.set(stack, input);
    });
  }

  /** What is skipped counts as rolled back, as it is. */
  async continueUpdateRollback(stackName: string, skipped: readonly string[]): Promise<OperationResult> {
    const stack = this.existing(stackName);
    if (stack.status !== 'UPDATE_ROLLBACK_FAILED') {
      throw new ValidationError(`Stack:${stack.id} is in ${stack.status} state and can not continue a rollback.`);
    }
    return this.run(stack, () => stack.continueRollback(skipped));
  }

  async deleteStack(idOrName: string): Promise<OperationResult> {
    const stack = this.existing(idOrName);
    if (stack.status.endsWith('_IN_PROGRESS')) {
      throw new ValidationError(`Stack [${stack.id}] cannot be deleted while in status ${stack.status}`);
    }
    return this.run(stack, () => stack.delete());
  }

  /** As it is now, no answer being late. */
  describeStack(idOrName: string): StackSummary | undefined {
    const stack = this.find(idOrName);
    if (!stack) return undefined;
    return {
      StackId: stack.id,
      StackName: stack.name,
      StackStatus: stack.status,
      CreationTime: new Date(stack.creationTime),
      ...(stack.lastUpdatedTime !== undefined && { LastUpdatedTime: new Date(stack.lastUpdatedTime) }),
      ...(this.options.showsOperations !== false && { LastOperations: stack.operations }),
    };
  }

  describeStackResource(stackIdOrName: string, logicalId: string): StackResourceSummary | undefined {
    const resource = this.find(stackIdOrName)?.resources.get(logicalId);
    return (
      resource && {
        LogicalResourceId: logicalId,
        PhysicalResourceId: resource.physicalId,
        ResourceType: resource.type,
        ResourceStatus: resource.status,
        LastUpdatedTimestamp: new Date(resource.updatedAt),
      }
    );
  }

  /** What the handler is shown. */
  readonly asSeen: StackDirectory = {
    describeStack: (idOrName) => {
      const now = this.describeStack(idOrName);
      return now && this.lagging(this.seenStacks.get(now.StackId), now);
    },
    describeStackResource: (idOrName, logicalId) => {
      const seen = this.seenResources.get(`${this.find(idOrName)?.id ?? ''} ${logicalId}`);
      return this.lagging(seen, this.describeStackResource(idOrName, logicalId));
    },
  };

  private remember({ stackName, logicalId, time: since }: StackEvent): void {
    const stack = this.find(stackName) ?? this.stacks.findLast(({ name }) => name === stackName);
    if (!stack) return;
    addTo(this.seenStacks, stack.id, { since, summary: this.describeStack(stack.id) });
    addTo(this.seenResources, `${stack.id} ${logicalId}`, {
      since,
      summary: this.describeStackResource(stack.id, logicalId),
    });
  }

  private lagging<Summary>(seen: Seen<Summary>[] = [], now: Summary): Summary {
    if (this.staleness === 0) return now;
    const then = this.options.clock.now() - this.staleness;
    const known = seen.findLast(({ since }) => since <= then) ?? seen[0];
    return known && known !== seen.at(-1) ? (known.summary as Summary) : now;
  }

  /** The next such action on the resource fails, whatever its type, without reaching it. */
  failNext(logicalId: string, action: RequestType, failure: PlannedFailure = {}): void {
    this.failures.set(`${action} ${logicalId}`, failure);
  }

  /** The next such event is delivered twice. */
  duplicateNext(logicalId: string, type: RequestType, duplicate: Duplicate = {}): void {
    this.customResources.duplicateNext(logicalId, type, duplicate);
  }

  private async run(stack: Stack, operation: () => Promise<void>): Promise<OperationResult> {
    const first = this.events.length;
    await operation();
    const events = this.events.slice(first).filter(({ stackName }) => stackName === stack.name);
    const reasons = events.filter(({ status, reason }) => status.endsWith('_FAILED') && reason);
    const reason = reasons.map((event) => `${event.logicalId}: ${event.reason ?? ''}`).join('\n');
    return { stackId: stack.id, status: stack.status, outputs: stack.outputs, events, ...(reason && { reason }) };
  }

  private template({ stackName, region, body, parameters }: StackInput, stackId: string): Template {
    const partition = partitionOf(region);
    const pseudo = {
      'AWS::AccountId': this.options.accountId,
      'AWS::Region': region,
      'AWS::Partition': partition,
      'AWS::URLSuffix': partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
      'AWS::StackId': stackId,
      'AWS::StackName': stackName,
    };
    return new Template(body, pseudo, parameters);
  }

  /** A deleted stack is found by its ID alone. */
  private find(idOrName: string): Stack | undefined {
    return this.stacks.find(
      ({ id, name, status }) => id === idOrName || (name === idOrName && status !== 'DELETE_COMPLETE'),
    );
  }

  private existing(idOrName: string): Stack {
    const stack = this.find(idOrName);
    if (!stack) throw new ValidationError(`Stack [${idOrName}] does not exist`);
    return stack;
  }

  private takeFailure(key: string): PlannedFailure | undefined {
    const failure = this.failures.get(key);
    this.failures.delete(key);
    return failure;
  }

  /** Shaped like a UUID, and the same in every run. */
  private newId(): string {
    const hash = createHash('sha256').update(`id ${++this.ids}`).digest('hex');
    return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-');
  }
}

function addTo<Summary>(seen: Map<string, Seen<Summary>[]>, key: string, one: Seen<Summary>): void {
  const list = seen.get(key) ?? [];
  seen.set(key, list);
  list.push(one);
}
