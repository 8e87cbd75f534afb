import type {
  CopySnapshotRequest,
  CopySnapshotResult,
  CreateTagsRequest,
  DeleteSnapshotRequest,
  DeleteTagsRequest,
  DescribeLockedSnapshotsRequest,
  DescribeLockedSnapshotsResult,
  DescribeSnapshotAttributeRequest,
  DescribeSnapshotAttributeResult,
  DescribeSnapshotsRequest,
  DescribeSnapshotsResult,
  DescribeSnapshotTierStatusRequest,
  DescribeSnapshotTierStatusResult,
  DescribeFastSnapshotRestoresRequest,
  DescribeFastSnapshotRestoresResult,
  DisableFastSnapshotRestoresRequest,
  DisableFastSnapshotRestoresResult,
  EnableFastSnapshotRestoresRequest,
  EnableFastSnapshotRestoresResult,
  GetEbsEncryptionByDefaultResult,
  LockSnapshotRequest,
  ModifySnapshotAttributeRequest,
  ModifySnapshotTierRequest,
  RestoreSnapshotTierRequest,
  UnlockSnapshotRequest,
} from '@aws-sdk/client-ec2';
import type { DescribeKeyRequest, DescribeKeyResponse } from '@aws-sdk/client-kms';
import type { SimulatedEc2 } from './ec2';
import { AwsError, ConnectionReset, errorOf, type Call, type Clock, type FaultHook, type Service } from './faults';

/** What the handler can ask CloudFormation, answered by the simulated one. */
export interface StackDirectory {
  describeStack(idOrName: string): StackSummary | undefined;
  describeStackResource(stackIdOrName: string, logicalId: string): StackResourceSummary | undefined;
}

export interface StackSummary {
  readonly StackId: string;
  readonly StackName: string;
  readonly StackStatus: string;
  readonly CreationTime: Date;
  readonly LastUpdatedTime?: Date;
  readonly LastOperations?: { readonly OperationType: string; readonly OperationId: string }[];
}

export interface StackResourceSummary {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceStatus: string;
  readonly LastUpdatedTimestamp: Date;
}

/** The calls there are, with the SDK's inputs and outputs. */
export interface Inputs {
  CopySnapshot: CopySnapshotRequest;
  DescribeSnapshots: DescribeSnapshotsRequest;
  DeleteSnapshot: DeleteSnapshotRequest;
  CreateTags: CreateTagsRequest;
  DeleteTags: DeleteTagsRequest;
  DescribeLockedSnapshots: DescribeLockedSnapshotsRequest;
  GetEbsEncryptionByDefault: object;
  DescribeSnapshotAttribute: DescribeSnapshotAttributeRequest;
  ModifySnapshotAttribute: ModifySnapshotAttributeRequest;
  DescribeSnapshotTierStatus: DescribeSnapshotTierStatusRequest;
  ModifySnapshotTier: ModifySnapshotTierRequest;
  RestoreSnapshotTier: RestoreSnapshotTierRequest;
  LockSnapshot: LockSnapshotRequest;
  UnlockSnapshot: UnlockSnapshotRequest;
  EnableFastSnapshotRestores: EnableFastSnapshotRestoresRequest;
  DisableFastSnapshotRestores: DisableFastSnapshotRestoresRequest;
  DescribeFastSnapshotRestores: DescribeFastSnapshotRestoresRequest;
  DescribeKey: DescribeKeyRequest;
  DescribeStacks: { StackName?: string };
  DescribeStackResource: { StackName?: string; LogicalResourceId?: string };
}

interface Outputs {
  CopySnapshot: CopySnapshotResult;
  DescribeSnapshots: DescribeSnapshotsResult;
  DeleteSnapshot: object;
  CreateTags: object;
  DeleteTags: object;
  DescribeLockedSnapshots: DescribeLockedSnapshotsResult;
  GetEbsEncryptionByDefault: GetEbsEncryptionByDefaultResult;
  DescribeSnapshotAttribute: DescribeSnapshotAttributeResult;
  ModifySnapshotAttribute: object;
  DescribeSnapshotTierStatus: DescribeSnapshotTierStatusResult;
  ModifySnapshotTier: object;
  RestoreSnapshotTier: object;
  LockSnapshot: object;
  UnlockSnapshot: object;
  EnableFastSnapshotRestores: EnableFastSnapshotRestoresResult;
  DisableFastSnapshotRestores: DisableFastSnapshotRestoresResult;
  DescribeFastSnapshotRestores: DescribeFastSnapshotRestoresResult;
  DescribeKey: DescribeKeyResponse;
  DescribeStacks: { Stacks: StackSummary[] };
  DescribeStackResource: { StackResourceDetail: StackResourceSummary };
}

export type Action = keyof Inputs;

type Operations = { [A in Action]: (region: string, input: Inputs[A]) => Outputs[A] };

export const SERVICE_OF: Readonly<Record<Action, Service>> = {
  CopySnapshot: 'ec2',
  DescribeSnapshots: 'ec2',
  DeleteSnapshot: 'ec2',
  CreateTags: 'ec2',
  DeleteTags: 'ec2',
  DescribeLockedSnapshots: 'ec2',
  GetEbsEncryptionByDefault: 'ec2',
  DescribeSnapshotAttribute: 'ec2',
  ModifySnapshotAttribute: 'ec2',
  DescribeSnapshotTierStatus: 'ec2',
  ModifySnapshotTier: 'ec2',
  RestoreSnapshotTier: 'ec2',
  LockSnapshot: 'ec2',
  UnlockSnapshot: 'ec2',
  EnableFastSnapshotRestores: 'ec2',
  DisableFastSnapshotRestores: 'ec2',
  DescribeFastSnapshotRestores: 'ec2',
  DescribeKey: 'kms',
  DescribeStacks: 'cloudformation',
  DescribeStackResource: 'cloudformation',
};

/**
 * The services behind one door: every call, over HTTP or in process, passes here, is recorded, and may meet a
 * fault. What sets a scene or looks at the outcome goes to the models directly.
 */
export class Services {
  readonly calls: Call[] = [];
  /** Asked before each call. */
  faults?: FaultHook;
  /** How many milliseconds a call takes, in virtual time, beyond what all of them take. */
  delays?: (call: Pick<Call, 'region' | 'action' | 'input'>) => number;
  stacks?: StackDirectory;
  private readonly clock: Clock;
  private readonly ec2: SimulatedEc2;
  private readonly counts = new Map<Action, number>();

  constructor(options: { clock: Clock; ec2: SimulatedEc2; stacks?: StackDirectory; faults?: FaultHook }) {
    this.clock = options.clock;
    this.ec2 = options.ec2;
    this.stacks = options.stacks;
    this.faults = options.faults;
  }

  /** Makes a call; rejects with an AwsError, or a ConnectionReset. */
  async send<A extends Action>(region: string, action: A, input: Inputs[A]): Promise<Outputs[A]> {
    const call = this.record(region, action, input);
    const fault = this.faults?.(call);
    if (fault === undefined) {
      return this.perform(region, action, input);
    }
    if (fault === 'lost-response') {
      await this.perform(region, action, input).catch(() => undefined);
    }
    if (fault === 'lost-response' || fault === 'refused-connection') {
      throw new ConnectionReset();
    }
    throw errorOf(fault, call, this.ec2.accountId);
  }

  private record(region: string, action: Action, input: unknown): Call {
    const count = (this.counts.get(action) ?? 0) + 1;
    this.counts.set(action, count);
    const call = { service: SERVICE_OF[action], region, action, input, count, time: this.clock.now() };
    this.calls.push(call);
    return call;
  }

  /** Asynchronous, so that what a service refuses is a rejection, whichever way it goes. */
  // eslint-disable-next-line @typescript-eslint/require-await
  private async perform<A extends Action>(region: string, action: A, input: Inputs[A]): Promise<Outputs[A]> {
    return this.operations[action](region, input);
  }

  private readonly operations: Operations = {
    CopySnapshot: (region, input) => this.ec2.copySnapshot(region, input),
    DescribeSnapshots: (region, input) => this.ec2.describeSnapshots(region, input),
    DeleteSnapshot: (region, input) => {
      this.ec2.deleteSnapshot(region, input);
      return {};
    },
    CreateTags: (region, input) => {
      this.ec2.createTags(region, input);
      return {};
    },
    DeleteTags: (region, input) => {
      this.ec2.deleteTags(region, input);
      return {};
    },
    DescribeLockedSnapshots: (region, input) => this.ec2.handover.describeLockedSnapshots(region, input),
    GetEbsEncryptionByDefault: (region) => this.ec2.getEbsEncryptionByDefault(region),
    DescribeSnapshotAttribute: (region, input) => this.ec2.handover.describeSnapshotAttribute(region, input),
    ModifySnapshotAttribute: (region, input) => {
      this.ec2.handover.modifySnapshotAttribute(region, input);
      return {};
    },
    DescribeSnapshotTierStatus: (region, input) => this.ec2.handover.describeSnapshotTierStatus(region, input),
    ModifySnapshotTier: (region, input) => {
      this.ec2.handover.modifySnapshotTier(region, input);
      return {};
    },
    RestoreSnapshotTier: (region, input) => {
      this.ec2.handover.restoreSnapshotTier(region, input);
      return {};
    },
    LockSnapshot: (region, input) => {
      this.ec2.handover.lockSnapshot(region, input);
      return {};
    },
    UnlockSnapshot: (region, input) => {
      this.ec2.handover.unlockSnapshot(region, input);
      return {};
    },
    EnableFastSnapshotRestores: (region, input) => this.ec2.handover.enableFastSnapshotRestores(region, input),
    DisableFastSnapshotRestores: (region, input) => this.ec2.handover.disableFastSnapshotRestores(region, input),
    DescribeFastSnapshotRestores: (region, input) => this.ec2.handover.describeFastSnapshotRestores(region, input),
    DescribeKey: (region, input) => this.ec2.kms.describeKey(region, input),
    DescribeStacks: (_region, input) => ({ Stacks: [this.stack(input.StackName)] }),
    DescribeStackResource: (_region, input) => ({ StackResourceDetail: this.stackResource(input) }),
  };

  private stack(idOrName = ''): StackSummary {
    const stack = this.stacks?.describeStack(idOrName);
    if (!stack) {
      throw new AwsError('ValidationError', `Stack with id ${idOrName} does not exist`);
    }
    return stack;
  }

  private stackResource(input: Inputs['DescribeStackResource']): StackResourceSummary {
    const { StackName: stack = '', LogicalResourceId: logicalId = '' } = input;
    this.stack(stack);
    const resource = this.stacks?.describeStackResource(stack, logicalId);
    if (!resource) {
      throw new AwsError('ValidationError', `Resource ${logicalId} does not exist for stack ${stack}`);
    }
    return resource;
  }
}
