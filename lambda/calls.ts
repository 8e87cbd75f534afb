// The AWS calls in the SDK's terms: one method per API action, with the SDK's input and output.
import type {
  CopySnapshotCommandInput,
  CopySnapshotResult,
  CreateTagsCommandInput,
  DeleteSnapshotCommandInput,
  DeleteTagsCommandInput,
  DescribeFastSnapshotRestoresCommandInput,
  DescribeFastSnapshotRestoresResult,
  DescribeLockedSnapshotsCommandInput,
  DescribeLockedSnapshotsResult,
  DescribeSnapshotAttributeCommandInput,
  DescribeSnapshotAttributeResult,
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsResult,
  DescribeSnapshotTierStatusCommandInput,
  DescribeSnapshotTierStatusResult,
  DisableFastSnapshotRestoresCommandInput,
  DisableFastSnapshotRestoresResult,
  EnableFastSnapshotRestoresCommandInput,
  EnableFastSnapshotRestoresResult,
  GetEbsEncryptionByDefaultResult,
  LockSnapshotCommandInput,
  ModifySnapshotAttributeCommandInput,
  ModifySnapshotTierCommandInput,
  RestoreSnapshotTierCommandInput,
  UnlockSnapshotCommandInput,
} from '@aws-sdk/client-ec2';
import type { DescribeKeyCommandInput, DescribeKeyResponse } from '@aws-sdk/client-kms';

export interface Calls {
  describeSnapshots(region: string, input: DescribeSnapshotsCommandInput): Promise<DescribeSnapshotsResult>;
  /** Must never be retried: CopySnapshot has no client token. */
  copySnapshot(region: string, input: CopySnapshotCommandInput): Promise<CopySnapshotResult>;
  deleteSnapshot(region: string, input: DeleteSnapshotCommandInput): Promise<unknown>;
  describeLockedSnapshots(
    region: string,
    input: DescribeLockedSnapshotsCommandInput,
  ): Promise<DescribeLockedSnapshotsResult>;
  createTags(region: string, input: CreateTagsCommandInput): Promise<unknown>;
  deleteTags(region: string, input: DeleteTagsCommandInput): Promise<unknown>;
  getEbsEncryptionByDefault(region: string): Promise<GetEbsEncryptionByDefaultResult>;
  describeSnapshotAttribute(
    region: string,
    input: DescribeSnapshotAttributeCommandInput,
  ): Promise<DescribeSnapshotAttributeResult>;
  modifySnapshotAttribute(region: string, input: ModifySnapshotAttributeCommandInput): Promise<unknown>;
  describeSnapshotTierStatus(
    region: string,
    input: DescribeSnapshotTierStatusCommandInput,
  ): Promise<DescribeSnapshotTierStatusResult>;
  modifySnapshotTier(region: string, input: ModifySnapshotTierCommandInput): Promise<unknown>;
  restoreSnapshotTier(region: string, input: RestoreSnapshotTierCommandInput): Promise<unknown>;
  lockSnapshot(region: string, input: LockSnapshotCommandInput): Promise<unknown>;
  unlockSnapshot(region: string, input: UnlockSnapshotCommandInput): Promise<unknown>;
  describeFastSnapshotRestores(
    region: string,
    input: DescribeFastSnapshotRestoresCommandInput,
  ): Promise<DescribeFastSnapshotRestoresResult>;
  enableFastSnapshotRestores(
    region: string,
    input: EnableFastSnapshotRestoresCommandInput,
  ): Promise<EnableFastSnapshotRestoresResult>;
  disableFastSnapshotRestores(
    region: string,
    input: DisableFastSnapshotRestoresCommandInput,
  ): Promise<DisableFastSnapshotRestoresResult>;
  describeKey(region: string, input: DescribeKeyCommandInput): Promise<DescribeKeyResponse>;
  describeStacks(input: { StackName: string }): Promise<{ Stacks?: readonly StackDetail[] }>;
  describeStackResource(input: {
    StackName: string;
    LogicalResourceId: string;
  }): Promise<{ StackResourceDetail?: ResourceDetail }>;
}

export interface StackDetail {
  readonly StackStatus?: string;
  readonly CreationTime?: Date;
  readonly LastUpdatedTime?: Date;
  readonly LastOperations?: readonly { readonly OperationId?: string }[];
}

interface ResourceDetail {
  readonly PhysicalResourceId?: string;
  readonly ResourceStatus?: string;
  readonly LastUpdatedTimestamp?: Date;
}
