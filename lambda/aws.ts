// The few AWS calls in use, as a narrow interface, and the real one over the SDK.
import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CopySnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  paginateDescribeSnapshots,
  type CopySnapshotCommandInput,
  type Filter,
  type Snapshot,
  type Tag,
} from '@aws-sdk/client-ec2';
import { DescribeKeyCommand, KMSClient, type KeyMetadata } from '@aws-sdk/client-kms';
import { fromEnv } from '@aws-sdk/credential-provider-env';

export type { CopySnapshotCommandInput, KeyMetadata, Snapshot, Tag };

/** The operation that a stack is in, or was in last. */
export interface StackOperation {
  readonly status: string;
  /** When it began, ISO 8601. */
  readonly begunAt: string;
}

export interface StackResource {
  readonly physicalId?: string;
  readonly status?: string;
}

export interface Aws {
  describeSnapshot(region: string, snapshotId: string): Promise<Snapshot | undefined>;
  findSnapshots(region: string, filters: Filter[]): Promise<Snapshot[]>;
  /** Never sent twice: CopySnapshot has no ClientToken. Answers the new snapshot's id. */
  copySnapshot(region: string, input: CopySnapshotCommandInput): Promise<string>;
  deleteSnapshot(region: string, snapshotId: string): Promise<void>;
  createTags(region: string, snapshotId: string, tags: Tag[]): Promise<void>;
  deleteTags(region: string, snapshotId: string, keys: string[]): Promise<void>;
  describeKey(region: string, keyId: string): Promise<KeyMetadata>;
  describeStack(stackId: string): Promise<StackOperation>;
  /** What CloudFormation has for a resource now; empty where it does not know the resource (any more). */
  describeResource(stackId: string, logicalId: string): Promise<StackResource>;
}

// A call that hangs must not outlive the function, whose death CloudFormation would take for a failure.
const requestHandler = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };
// As Lambda gives them. The SDK's search for others (files, SSO, roles) is then left out of the bundle.
const shared = { requestHandler, credentials: fromEnv() };

export function sdk(): Aws {
  const perRegion = <Client>(make: (region: string) => Client): ((region: string) => Client) => {
    const clients = new Map<string, Client>();
    return (region) => {
      const client = clients.get(region) ?? make(region);
      clients.set(region, client);
      return client;
    };
  };
  const ec2 = perRegion((region) => new EC2Client({ region, ...shared }));
  const ec2Once = perRegion((region) => new EC2Client({ region, ...shared, maxAttempts: 1 }));
  const kms = perRegion((region) => new KMSClient({ region, ...shared }));
  const cloudFormation = new CloudFormationClient(shared);

  return {
    async describeSnapshot(region, snapshotId) {
      const { Snapshots } = await ec2(region).send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId] }));
      return Snapshots?.[0];
    },
    async findSnapshots(region, Filters) {
      const found: Snapshot[] = [];
      for await (const page of paginateDescribeSnapshots(
        { client: ec2(region), pageSize: 1000 },
        { Filters, OwnerIds: ['self'] },
      )) {
        found.push(...(page.Snapshots ?? []));
      }
      return found;
    },
    async copySnapshot(region, input) {
      const { SnapshotId } = await ec2Once(region).send(new CopySnapshotCommand(input));
      return SnapshotId ?? '';
    },
    async deleteSnapshot(region, SnapshotId) {
      await ec2(region).send(new DeleteSnapshotCommand({ SnapshotId }));
    },
    async createTags(region, snapshotId, Tags) {
      await ec2(region).send(new CreateTagsCommand({ Resources: [snapshotId], Tags }));
    },
    async deleteTags(region, snapshotId, keys) {
      const Tags = keys.map((Key) => ({ Key }));
      await ec2(region).send(new DeleteTagsCommand({ Resources: [snapshotId], Tags }));
    },
    async describeKey(region, KeyId) {
      const { KeyMetadata } = await kms(region).send(new DescribeKeyCommand({ KeyId }));
      return KeyMetadata ?? { KeyId };
    },
    async describeStack(StackName) {
      const answer = await unlessGone(cloudFormation.send(new DescribeStacksCommand({ StackName })));
      const stack = answer?.Stacks?.[0];
      const begunAt = stack?.LastUpdatedTime ?? stack?.CreationTime;
      return { status: stack?.StackStatus ?? '', begunAt: begunAt?.toISOString() ?? '' };
    },
    async describeResource(StackName, LogicalResourceId) {
      const command = new DescribeStackResourceCommand({ StackName, LogicalResourceId });
      const detail = (await unlessGone(cloudFormation.send(command)))?.StackResourceDetail;
      return { physicalId: detail?.PhysicalResourceId, status: detail?.ResourceStatus };
    },
  };
}

/** CloudFormation answers ValidationError for a stack or a resource that does not exist (any more). */
async function unlessGone<Output>(sent: Promise<Output>): Promise<Output | undefined> {
  try {
    return await sent;
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && error.message.includes('not exist'))
      return undefined;
    throw error;
  }
}
