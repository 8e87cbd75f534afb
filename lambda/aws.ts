// The few AWS calls that the handler makes, as a narrow port. What does not exist is `undefined`, not an error. Every error
// says in which Region it happened.
import type {
  CopySnapshotCommandInput,
  DescribeFastSnapshotRestoreSuccessItem,
  EnableFastSnapshotRestoresCommandInput,
  EnableFastSnapshotRestoresResult,
  Filter,
  LockedSnapshotsInfo,
  LockSnapshotCommandInput,
  Snapshot,
  SnapshotTierStatus,
  Tag,
} from '@aws-sdk/client-ec2';
import type { KeyMetadata } from '@aws-sdk/client-kms';
import type { Calls, StackDetail } from './calls';
import { CallError, kindOf, NotYet } from './failure';

export type { CopySnapshotCommandInput, Filter, KeyMetadata, LockedSnapshotsInfo, Snapshot, Tag, SnapshotTierStatus };

/** The current or latest operation of a stack. For a deleted stack, the times are NaN, so comparisons with them are false. */
export interface StackOperation {
  readonly status: string;
  /** When it began. For a rollback, CloudFormation may show the time of the update that it undoes. */
  readonly begunAt: number;
  /** The IDs of the latest operations, if CloudFormation shows them. */
  readonly ids?: string;
  readonly stackCreatedAt: number;
}

/** A snapshot and the zones for its fast restore, given either by name or by ID. */
export interface FastRestoreTarget {
  readonly region: string;
  readonly snapshotId: string;
  readonly zones: readonly string[];
  readonly areIds: boolean;
}

export type FastRestore = DescribeFastSnapshotRestoreSuccessItem;

/** What CloudFormation knows about a resource. Empty if it does not know the resource. */
export interface StackResource {
  readonly physicalId?: string;
  readonly status?: string;
  /** When the resource entered that status. */
  readonly changedAt: number;
}

export interface Aws {
  describeSnapshot(region: string, snapshotId: string): Promise<Snapshot | undefined>;
  /** The snapshots of an account, or of `self`. Throws NotYet when reading them takes too long. */
  findSnapshots(region: string, owner: string, filters: Filter[], isTooLong: () => boolean): Promise<Snapshot[]>;
  /** Returns the ID of the new snapshot. */
  copySnapshot(region: string, input: CopySnapshotCommandInput): Promise<string>;
  deleteSnapshot(region: string, snapshotId: string): Promise<void>;
  describeLock(region: string, snapshotId: string): Promise<LockedSnapshotsInfo | undefined>;
  lock(region: string, input: LockSnapshotCommandInput): Promise<void>;
  unlock(region: string, snapshotId: string): Promise<void>;
  /** Whether the account encrypts new volumes and copies by default. */
  encryptsByDefault(region: string): Promise<boolean>;
  /** The IDs of the accounts that may create volumes from the snapshot. */
  describeSharing(region: string, snapshotId: string): Promise<string[]>;
  /** At most 500 accounts. */
  changeSharing(region: string, snapshotId: string, change: 'add' | 'remove', accounts: string[]): Promise<void>;
  describeTier(region: string, snapshotId: string): Promise<SnapshotTierStatus>;
  archive(region: string, snapshotId: string): Promise<void>;
  /** Starts to restore an archived snapshot permanently to the standard tier. */
  restore(region: string, snapshotId: string): Promise<void>;
  createTags(region: string, snapshotId: string, tags: Tag[]): Promise<void>;
  deleteTags(region: string, snapshotId: string, keys: string[]): Promise<void>;
  describeFastRestores(region: string, snapshotId: string): Promise<FastRestore[]>;
  /** Throws EC2's error if EC2 did not accept a zone. */
  enableFastRestore(target: FastRestoreTarget): Promise<void>;
  disableFastRestore(target: FastRestoreTarget): Promise<void>;
  describeKey(region: string, keyId: string): Promise<KeyMetadata | undefined>;
  describeStack(stackId: string): Promise<StackOperation>;
  describeResource(stackId: string, logicalId: string): Promise<StackResource>;
}

/** Wraps the SDK's calls, or those of a test. Records since when an endpoint cannot be reached. */
export function awsOver(calls: Calls, now: () => number, unreachableSince: Map<string, number>): Aws {
  const at = accountOf(now, unreachableSince);
  const inEc2 = <Output>(region: string, sent: Promise<Output>) => at(region, region, sent);
  const inHome = <Output>(stackId: string, sent: Promise<Output>) => at('cloudformation', regionOf(stackId), sent);
  return {
    async describeSnapshot(region, id) {
      const answer = await unlessMissing(inEc2(region, calls.describeSnapshots(region, { SnapshotIds: [id] })));
      return answer?.Snapshots?.[0];
    },
    async findSnapshots(region, owner, Filters, isTooLong) {
      const found: Snapshot[] = [];
      let NextToken: string | undefined;
      do {
        if (isTooLong())
          throw new NotYet(
            `EC2 takes too long to list the snapshots in ${region}; delete those that nobody needs, or deploy again when the Region is less busy`,
          );
        const input = { Filters, OwnerIds: [owner], MaxResults: 1_000, NextToken };
        const page = await inEc2(region, calls.describeSnapshots(region, input));
        found.push(...(page.Snapshots ?? []));
        ({ NextToken } = page);
      } while (NextToken);
      return found;
    },
    async copySnapshot(region, input) {
      return (await inEc2(region, calls.copySnapshot(region, input))).SnapshotId ?? '';
    },
    async deleteSnapshot(region, SnapshotId) {
      await unlessMissing(inEc2(region, calls.deleteSnapshot(region, { SnapshotId })));
    },
    async describeLock(region, id) {
      const answer = await inEc2(region, calls.describeLockedSnapshots(region, { SnapshotIds: [id] }));
      return answer.Snapshots?.[0];
    },
    async lock(region, input) {
      await inEc2(region, calls.lockSnapshot(region, input));
    },
    async unlock(region, SnapshotId) {
      await inEc2(region, calls.unlockSnapshot(region, { SnapshotId }));
    },
    async encryptsByDefault(region) {
      return (await inEc2(region, calls.getEbsEncryptionByDefault(region))).EbsEncryptionByDefault ?? false;
    },
    async describeSharing(region, SnapshotId) {
      const input = { SnapshotId, Attribute: 'createVolumePermission' } as const;
      const answer = await inEc2(region, calls.describeSnapshotAttribute(region, input));
      return (answer.CreateVolumePermissions ?? []).map(({ UserId = '' }) => UserId);
    },
    async changeSharing(region, SnapshotId, OperationType, UserIds) {
      const input = { SnapshotId, Attribute: 'createVolumePermission', OperationType, UserIds } as const;
      await inEc2(region, calls.modifySnapshotAttribute(region, input));
    },
    async describeTier(region, id) {
      const input = { Filters: [{ Name: 'snapshot-id', Values: [id] }] };
      const answer = await inEc2(region, calls.describeSnapshotTierStatus(region, input));
      return answer.SnapshotTierStatuses?.[0] ?? {};
    },
    async archive(region, SnapshotId) {
      await inEc2(region, calls.modifySnapshotTier(region, { SnapshotId, StorageTier: 'archive' }));
    },
    async restore(region, SnapshotId) {
      await inEc2(region, calls.restoreSnapshotTier(region, { SnapshotId, PermanentRestore: true }));
    },
    async createTags(region, id, Tags) {
      await inEc2(region, calls.createTags(region, { Resources: [id], Tags }));
    },
    async deleteTags(region, id, keys) {
      await inEc2(region, calls.deleteTags(region, { Resources: [id], Tags: keys.map((Key) => ({ Key })) }));
    },
    async describeFastRestores(region, id) {
      const input = { Filters: [{ Name: 'snapshot-id', Values: [id] }] };
      const answer = await inEc2(region, calls.describeFastSnapshotRestores(region, input));
      return answer.FastSnapshotRestores ?? [];
    },
    async enableFastRestore(target) {
      const sent = calls.enableFastSnapshotRestores(target.region, toInput(target));
      await inEc2(target.region, sent.then(unlessUnsuccessful));
    },
    async disableFastRestore(target) {
      const sent = calls.disableFastSnapshotRestores(target.region, toInput(target));
      await inEc2(target.region, sent.then(unlessUnsuccessful));
    },
    async describeKey(region, KeyId) {
      const answer = await unlessMissing(at(`kms ${region}`, region, calls.describeKey(region, { KeyId })));
      return answer && (answer.KeyMetadata ?? { KeyId });
    },
    async describeStack(StackName) {
      const answer = await unlessMissing(inHome(StackName, calls.describeStacks({ StackName })));
      return toOperation(answer?.Stacks?.[0]);
    },
    async describeResource(StackName, LogicalResourceId) {
      const sent = calls.describeStackResource({ StackName, LogicalResourceId });
      const detail = (await unlessMissing(inHome(StackName, sent)))?.StackResourceDetail;
      const changedAt = detail?.LastUpdatedTimestamp?.getTime() ?? NaN;
      return { physicalId: detail?.PhysicalResourceId, status: detail?.ResourceStatus, changedAt };
    },
  };
}

function toInput({ snapshotId, zones, areIds }: FastRestoreTarget): EnableFastSnapshotRestoresCommandInput {
  return { SourceSnapshotIds: [snapshotId], [areIds ? 'AvailabilityZoneIds' : 'AvailabilityZones']: [...zones] };
}

/** EC2 reports refused zones within a successful answer. Throws a definite refusal rather than an error that may pass. */
function unlessUnsuccessful({ Unsuccessful: refused = [] }: EnableFastSnapshotRestoresResult): void {
  const problems = refused.flatMap(({ FastSnapshotRestoreStateErrors: all = [] }) => all);
  const errors = problems.map(({ AvailabilityZone: zone, AvailabilityZoneId: id, Error: error }) => {
    const message = `${zone ?? id ?? ''}: ${error?.Message ?? 'no reason given'}`;
    return Object.assign(new Error(message), { name: error?.Code ?? 'Error', $metadata: { httpStatusCode: 400 } });
  });
  const worst = errors.find((error) => kindOf(error) === 'refused') ?? errors[0];
  if (worst) throw worst;
}

function toOperation(stack?: StackDetail): StackOperation {
  const ids = stack?.LastOperations?.map(({ OperationId = '' }) => OperationId);
  return {
    status: stack?.StackStatus ?? '',
    begunAt: (stack?.LastUpdatedTime ?? stack?.CreationTime)?.getTime() ?? NaN,
    stackCreatedAt: stack?.CreationTime?.getTime() ?? NaN,
    // Sorted, because CloudFormation does not promise an order.
    ids: ids && ids.length > 0 ? ids.sort().join() : undefined,
  };
}

const regionOf = (stackId: string): string => stackId.split(':')[3] ?? '';

function accountOf(now: () => number, unreachableSince: Map<string, number>) {
  return async <Output>(endpoint: string, region: string, sent: Promise<Output>): Promise<Output> => {
    try {
      const output = await sent;
      unreachableSince.delete(endpoint);
      return output;
    } catch (error) {
      const since = unreachableSince.get(endpoint) ?? now();
      if (kindOf(error) === 'unreachable') unreachableSince.set(endpoint, since);
      else unreachableSince.delete(endpoint);
      throw new CallError(error, region, unreachableSince.get(endpoint));
    }
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
