// The copies that this resource has in EC2, told by their tags; what is written on them and read from them.
import { TAG, type Attributes } from '../lib/contract';
import type { Aws, CopySnapshotCommandInput, Snapshot, Tag } from './aws';
import type { Declaration, Request } from './request';

export interface Copy {
  readonly id: string;
  readonly region: string;
  readonly state: string;
  readonly startedAt: number;
  /** The tags as last read: a read may be two minutes old. */
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

/** All copies of this resource, oldest first, in the Region it wants and in the one it had before. */
export async function findCopies(aws: Aws, request: Request): Promise<Copy[]> {
  const regions = new Set([request.wanted.destinationRegion]);
  if (request.before) regions.add(request.before.destinationRegion);
  const filters = [
    { Name: `tag:${TAG.stack}`, Values: [request.stackId] },
    { Name: `tag:${TAG.resource}`, Values: [request.logicalId] },
  ];
  const found = await Promise.all(
    [...regions].map(async (region) =>
      (await aws.findSnapshots(region, filters)).map((snapshot) => toCopy(snapshot, region)),
    ),
  );
  return found
    .flat()
    .filter((copy) => isOurs(copy, request) && !isDeleted(copy))
    .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
}

/** A copy without our tags is never touched, whatever a filter let through. */
export function isOurs(copy: Copy, request: Request): boolean {
  return copy.tags[TAG.stack] === request.stackId && copy.tags[TAG.resource] === request.logicalId;
}

/** In the Recycle Bin. */
export const isDeleted = ({ state }: Copy): boolean => state === 'recoverable';
export const isFinished = ({ state }: Copy): boolean => state === 'completed';
export const isFailed = ({ state }: Copy): boolean => state === 'error';
/** On its way, or failed: nothing that anybody could have meant to keep. An unknown state is not judged. */
export const isUnfinished = ({ state }: Copy): boolean => state === 'pending' || state === 'error';
export const isStartedUnder =
  (handle: string) =>
  (copy: Copy): boolean =>
    copy.tags[TAG.handle] === handle;

/** The tags whose values follow the declaration, and may change with it. */
export function declaredTags({ tags, retain }: Declaration): Record<string, string> {
  return retain ? { ...tags, [TAG.retain]: retain } : { ...tags };
}

export function toTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** The whole request. PresignedUrl and DestinationRegion are added by the SDK. */
export function copyInput({ wanted, stackId, logicalId, handle }: Request): CopySnapshotCommandInput {
  const tags = {
    ...declaredTags(wanted),
    [TAG.stack]: stackId,
    [TAG.resource]: logicalId,
    [TAG.inputs]: wanted.inputs,
    [TAG.handle]: handle,
  };
  return {
    SourceRegion: wanted.sourceRegion,
    SourceSnapshotId: wanted.sourceSnapshotId,
    DestinationOutpostArn: wanted.destinationOutpostArn,
    DestinationAvailabilityZone: wanted.destinationAvailabilityZone,
    Description: wanted.description,
    Encrypted: wanted.encrypted ? true : undefined,
    KmsKeyId: wanted.kmsKeyId,
    CompletionDurationMinutes: wanted.completionDurationMinutes,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags: toTags(tags) }],
    DryRun: wanted.dryRun ? true : undefined,
  };
}

/** Every attribute, whatever EC2 left out: Fn::GetAtt fails on one that an answer lacks. */
export function attributesOf(snapshot: Snapshot | undefined, { partition, account, wanted }: Request): Attributes {
  const noKey = `arn:${partition}:kms:${wanted.destinationRegion}:${account}:key/none`;
  return {
    SnapshotId: snapshot?.SnapshotId ?? '',
    VolumeSize: String(snapshot?.VolumeSize ?? ''),
    Encrypted: String(snapshot?.Encrypted ?? ''),
    KmsKeyArn: snapshot?.KmsKeyId ?? '',
    KmsKeyGrantArn: snapshot?.KmsKeyId ?? noKey,
    OwnerId: snapshot?.OwnerId ?? '',
    StartTime: snapshot?.StartTime?.toISOString() ?? '',
    CompletionTime: snapshot?.CompletionTime?.toISOString() ?? '',
    FullSnapshotSizeInBytes: String(snapshot?.FullSnapshotSizeInBytes ?? ''),
    TransferType: snapshot?.TransferType ?? '',
  };
}
