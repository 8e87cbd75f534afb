// A copy in EC2: what CopySnapshot receives, what DescribeSnapshots returns, and which attributes the handler reports.
import { TAG, type Attributes } from '../lib/contract';
import type { CopySnapshotCommandInput, Snapshot, Tag } from './aws';
import type { Declaration, Request } from './request';
import { inheritedTags } from './source-tags';

export interface Copy {
  readonly id: string;
  readonly region: string;
  readonly state: string;
  readonly startedAt: number;
  /** The tags as last read. EC2's answer may be two minutes old. */
  readonly tags: Readonly<Record<string, string>>;
  readonly snapshot: Snapshot;
}

export function toCopy(snapshot: Snapshot, region: string): Copy {
  return {
    id: snapshot.SnapshotId ?? '',
    region,
    state: snapshot.State ?? '',
    startedAt: snapshot.StartTime?.getTime() ?? 0,
    tags: Object.fromEntries((snapshot.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    snapshot,
  };
}

/** Where the copy is stored: in a Region, on an Outpost, or in a Local Zone. */
export const placeOf = ({ region, snapshot }: Copy): string =>
  [region, snapshot.OutpostArn, snapshot.AvailabilityZone].join(' ');

/** In the Recycle Bin. */
export const isDeleted = ({ state }: Copy): boolean => state === 'recoverable';
export const isFinished = ({ state }: Copy): boolean => state === 'completed';
export const isFailed = ({ state }: Copy): boolean => state === 'error';
/** In a state in which nobody can want to keep the copy. A copy in an unknown state is neither finished nor unfinished. */
export const isUnfinished = ({ state }: Copy): boolean => state === 'pending' || state === 'error';

/** The tags that change with the declaration. */
export function declaredTags({ tags, retain }: Declaration): Record<string, string> {
  return retain ? { ...tags, [TAG.retain]: retain } : { ...tags };
}

export function toTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** The input of CopySnapshot, except PresignedUrl and DestinationRegion. */
export function copyInput(
  { wanted, stackId, logicalId, physicalId, isDryRun }: Request,
  source: Snapshot,
): CopySnapshotCommandInput {
  const sourceSnapshotId = wanted.sourceSnapshotId ?? source.SnapshotId ?? '';
  const tags = {
    ...inheritedTags(wanted, source),
    ...declaredTags(wanted),
    [TAG.stack]: stackId,
    [TAG.resource]: logicalId,
    [TAG.inputs]: wanted.inputs,
    [TAG.handle]: physicalId.text,
    [TAG.source]: sourceSnapshotId,
  };
  return {
    SourceRegion: wanted.sourceRegion,
    SourceSnapshotId: sourceSnapshotId,
    DestinationOutpostArn: wanted.destinationOutpostArn,
    DestinationAvailabilityZone: wanted.destinationAvailabilityZone,
    Description: wanted.description,
    Encrypted: wanted.encrypted ? true : undefined,
    KmsKeyId: wanted.kmsKeyId,
    CompletionDurationMinutes: wanted.completionDurationMinutes,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: toTags(tags) }],
    DryRun: isDryRun ? true : undefined,
  };
}

/** Returns every attribute, even those that EC2 left out: Fn::GetAtt fails on an attribute that the answer lacks. */
export function attributesOf(snapshot: Snapshot, { partition, account, wanted }: Request): Attributes {
  const { tags } = toCopy(snapshot, wanted.destinationRegion);
  const noKey = `arn:${partition}:kms:${wanted.destinationRegion}:${account}:key/none`;
  return {
    SnapshotId: snapshot.SnapshotId ?? '',
    SourceSnapshotId: wanted.sourceSnapshotId ?? tags[TAG.source] ?? '',
    VolumeSize: String(snapshot.VolumeSize ?? ''),
    Encrypted: String(snapshot.Encrypted ?? ''),
    KmsKeyArn: snapshot.KmsKeyId ?? '',
    KmsKeyArnOrNone: snapshot.KmsKeyId ?? noKey,
    OwnerId: snapshot.OwnerId ?? '',
    StartTime: snapshot.StartTime?.toISOString() ?? '',
    CompletionTime: snapshot.CompletionTime?.toISOString() ?? '',
    FullSnapshotSizeInBytes: String(snapshot.FullSnapshotSizeInBytes ?? ''),
    TransferType: snapshot.TransferType ?? '',
  };
}
