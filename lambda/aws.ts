// The few AWS calls in use, as a narrow port. What does not exist is `undefined`, not an error.
import type {
  CopySnapshotCommandInput,
  CopySnapshotResult,
  CreateTagsCommandInput,
  DeleteSnapshotCommandInput,
  DeleteTagsCommandInput,
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsResult,
  Filter,
  Snapshot,
  Tag,
} from '@aws-sdk/client-ec2';
import type { DescribeKeyCommandInput, DescribeKeyResponse, KeyMetadata } from '@aws-sdk/client-kms';
import { kindOf } from './failure';

export type { CopySnapshotCommandInput, KeyMetadata, Snapshot, Tag };

/** One method per API action, with the SDK's input and output. */
export interface Calls {
  describeSnapshots(region: string, input: DescribeSnapshotsCommandInput): Promise<DescribeSnapshotsResult>;
  /** Must never be sent twice: CopySnapshot has no client token. */
  copySnapshot(region: string, input: CopySnapshotCommandInput): Promise<CopySnapshotResult>;
  deleteSnapshot(region: string, input: DeleteSnapshotCommandInput): Promise<unknown>;
  createTags(region: string, input: CreateTagsCommandInput): Promise<unknown>;
  deleteTags(region: string, input: DeleteTagsCommandInput): Promise<unknown>;
  describeKey(region: string, input: DescribeKeyCommandInput): Promise<DescribeKeyResponse>;
  describeStacks(input: { StackName: string }): Promise<{ Stacks?: readonly StackTimes[] }>;
  describeStackResource(input: {
    StackName: string;
    LogicalResourceId: string;
  }): Promise<{ StackResourceDetail?: { PhysicalResourceId?: string; ResourceStatus?: string } }>;
}

interface StackTimes {
  readonly StackStatus?: string;
  readonly CreationTime?: Date;
  readonly LastUpdatedTime?: Date;
}

/** The operation that a stack is in, or was in last. */
export interface StackOperation {
  readonly status: string;
  /** When it began. NaN, which compares false with every time, for a stack that is gone. */
  readonly begunAt: number;
}

/** What CloudFormation has for a resource. Empty for a resource that it does not know, or no longer. */
export interface StackResource {
  readonly physicalId?: string;
  readonly status?: string;
}

export interface Aws {
  describeSnapshot(region: string, snapshotId: string): Promise<Snapshot | undefined>;
  findSnapshots(region: string, filters: Filter[]): Promise<Snapshot[]>;
  /** Answers the id of the new snapshot. */
  copySnapshot(region: string, input: CopySnapshotCommandInput): Promise<string>;
  deleteSnapshot(region: string, snapshotId: string): Promise<void>;
  createTags(region: string, snapshotId: string, tags: Tag[]): Promise<void>;
  deleteTags(region: string, snapshotId: string, keys: string[]): Promise<void>;
  describeKey(region: string, keyId: string): Promise<KeyMetadata | undefined>;
  describeStack(stackId: string): Promise<StackOperation>;
  describeResource(stackId: string, logicalId: string): Promise<StackResource>;
}

export function awsOver(calls: Calls): Aws {
  return {
    async describeSnapshot(region, id) {
      const answer = await unlessMissing(calls.describeSnapshots(region, { SnapshotIds: [id] }));
      return answer?.Snapshots?.[0];
    },
    async findSnapshots(region, Filters) {
      const found: Snapshot[] = [];
      let NextToken: string | undefined;
      do {
        const input = { Filters, OwnerIds: ['self'], MaxResults: 1_000, NextToken };
        const page = await calls.describeSnapshots(region, input);
        found.push(...(page.Snapshots ?? []));
        ({ NextToken } = page);
      } while (NextToken);
      return found;
    },
    async copySnapshot(region, input) {
      return (await calls.copySnapshot(region, input)).SnapshotId ?? '';
    },
    async deleteSnapshot(region, SnapshotId) {
      await unlessMissing(calls.deleteSnapshot(region, { SnapshotId }));
    },
    async createTags(region, id, Tags) {
      await calls.createTags(region, { Resources: [id], Tags });
    },
    async deleteTags(region, id, keys) {
      await calls.deleteTags(region, { Resources: [id], Tags: keys.map((Key) => ({ Key })) });
    },
    async describeKey(region, KeyId) {
      const answer = await unlessMissing(calls.describeKey(region, { KeyId }));
      return answer && (answer.KeyMetadata ?? { KeyId });
    },
    async describeStack(StackName) {
      const stack = (await unlessMissing(calls.describeStacks({ StackName })))?.Stacks?.[0];
      const begunAt = (stack?.LastUpdatedTime ?? stack?.CreationTime)?.getTime() ?? NaN;
      return { status: stack?.StackStatus ?? '', begunAt };
    },
    async describeResource(StackName, LogicalResourceId) {
      const answer = await unlessMissing(calls.describeStackResource({ StackName, LogicalResourceId }));
      const { PhysicalResourceId: physicalId, ResourceStatus: status } = answer?.StackResourceDetail ?? {};
      return { physicalId, status };
    },
  };
}

async function unlessMissing<Output>(sent: Promise<Output>): Promise<Output | undefined> {
  try {
    return await sent;
  } catch (error) {
    if (kindOf(error) === 'missing') return undefined;
    throw error;
  }
}
