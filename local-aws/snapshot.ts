import type { LockedSnapshotsInfo, Snapshot, Tag } from '@aws-sdk/client-ec2';

/** How a copy goes. Its state is computed from the clock; nothing has to tick. */
export interface CopyCourse {
  /** Milliseconds until the outcome. */
  readonly duration: number;
  /** State after that: `completed`, `error`, `pending` for a copy that never ends, or one that EC2 invents some day. */
  readonly outcome: string;
  /** StateMessage of the outcome. */
  readonly message?: string;
  /** Percentage past which the progress does not grow. */
  readonly stallAt?: number;
}

export type TagMap = ReadonlyMap<string, string>;

/** A snapshot with all that EC2 knows of it. What is not readonly may be changed to set a scene. */
export interface StoredSnapshot {
  readonly id: string;
  readonly region: string;
  readonly ownerId: string;
  startTime: number;
  description: string;
  readonly volumeId: string;
  volumeSize: number;
  readonly fullSize: number;
  readonly encrypted: boolean;
  /** ARN of the key, or the wrong ID that a copy was given. */
  readonly kmsKeyId?: string;
  /** Present on a copy. */
  readonly source?: { readonly region: string; readonly id: string };
  readonly completionDurationMinutes?: number;
  readonly outpostArn?: string;
  readonly availabilityZone?: string;
  course: CopyCourse;
  /** What the tags were from which time on, oldest first. */
  readonly tagHistory: { readonly since: number; readonly tags: TagMap }[];
  /** Accounts that it is shared with, or `all`. */
  readonly sharedWith: Set<string>;
  /** What `sharedWith` was from which time on, oldest first, once it has been changed. */
  sharing?: { readonly since: number; readonly accounts: ReadonlySet<string> }[];
  /** The tier that it had at first. */
  storageTier: StorageTier;
  tiering?: Tiering;
  /** A lock, or the state of one that never changes. */
  lock?: Lock | LockState;
  lockBefore?: { readonly lock?: Lock | LockState; readonly until: number };
  /** Managed by AWS Backup. */
  backupManaged: boolean;
  /** The registered AMI that it backs. */
  imageId?: string;
  deletion?: Deletion;
}

export type StorageTier = 'standard' | 'archive';

/** The last change of the tier. */
export interface Tiering {
  readonly kind: 'archival' | 'permanent-restore';
  readonly startedAt: number;
  readonly endsAt: number;
  readonly failure?: string;
}

export type LockState = 'governance' | 'compliance-cooloff' | 'compliance' | 'expired';

export interface Lock {
  readonly mode: 'governance' | 'compliance';
  readonly days: number;
  readonly coolOffHours?: number;
  readonly createdAt: number;
}

export interface Deletion {
  readonly requestedAt: number;
  /** The deletion of a pending copy may wait for its end. */
  readonly whenEnded: boolean;
  /** Kept by a Recycle Bin rule: still to be seen as `recoverable`, or not to be seen at all. */
  readonly recycled: 'visible' | 'hidden' | 'no';
}

export function stateAt(snapshot: StoredSnapshot, time: number): string {
  return time < snapshot.startTime + snapshot.course.duration ? 'pending' : snapshot.course.outcome;
}

/** The state that DescribeSnapshots shows, of a snapshot that it shows. */
export function seenState(snapshot: StoredSnapshot, time: number): string {
  const recoverable = snapshot.deletion?.recycled === 'visible' && goneAt(snapshot) <= time;
  return recoverable ? 'recoverable' : stateAt(snapshot, time);
}

/** When the deletion takes effect. */
export function goneAt(snapshot: StoredSnapshot): number {
  const { deletion, course, startTime } = snapshot;
  if (deletion === undefined) {
    return Infinity;
  }
  const end = course.outcome === 'pending' ? Infinity : startTime + course.duration;
  return deletion.whenEnded ? Math.max(deletion.requestedAt, end) : deletion.requestedAt;
}

export function tierAt({ storageTier, tiering }: StoredSnapshot, time: number): StorageTier {
  if (!tiering || tiering.failure !== undefined) return storageTier;
  const isDone = time >= tiering.endsAt;
  return (tiering.kind === 'archival') === isDone ? 'archive' : 'standard';
}

const HOUR = 3_600_000;

/** In DescribeLockedSnapshots' words. */
export function describeLock(lock: Lock | LockState, time: number): LockedSnapshotsInfo {
  if (typeof lock === 'string') return { LockState: lock };
  const { coolOffHours = 0, createdAt, days, mode } = lock;
  const expiresAt = createdAt + days * 24 * HOUR;
  return {
    LockState: time >= expiresAt ? 'expired' : stateOfValid(mode, time < createdAt + coolOffHours * HOUR),
    LockDuration: days,
    CoolOffPeriod: lock.coolOffHours,
    LockCreatedOn: new Date(createdAt),
    LockExpiresOn: new Date(expiresAt),
  };
}

function stateOfValid(mode: Lock['mode'], isInCoolOff: boolean): LockState {
  return mode === 'compliance' && isInCoolOff ? 'compliance-cooloff' : mode;
}

export function isLockedAt({ lock }: StoredSnapshot, time: number): boolean {
  return lock !== undefined && describeLock(lock, time).LockState !== 'expired';
}

/** The tags at a time; before the first, those of its creation, which are set with it. */
export function tagsAt(snapshot: StoredSnapshot, time: number): TagMap {
  const known = snapshot.tagHistory.findLast(({ since }) => since <= time) ?? snapshot.tagHistory[0];
  return known?.tags ?? new Map();
}

export function toTags(tags: TagMap): Tag[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

/** What DescribeSnapshots shows when it knows the state of one time and the tags of another. */
export function describe(snapshot: StoredSnapshot, time: number, tagTime: number): Snapshot {
  const state = seenState(snapshot, time);
  return {
    SnapshotId: snapshot.id,
    OwnerId: snapshot.ownerId,
    StartTime: new Date(snapshot.startTime),
    Description: snapshot.description,
    VolumeId: snapshot.volumeId,
    State: state as Snapshot['State'],
    Progress: progressAt(snapshot, time),
    StorageTier: tierAt(snapshot, time),
    OutpostArn: snapshot.outpostArn,
    AvailabilityZone: snapshot.availabilityZone,
    Tags: toTags(tagsAt(snapshot, tagTime)),
    ...(state === 'pending' && snapshot.source ? MEANINGLESS : settledFields(snapshot, state)),
  };
}

/** What a pending copy may show, none of it to be believed. */
const MEANINGLESS: Partial<Snapshot> = {
  StateMessage: 'Snapshot copy is not complete',
  VolumeSize: 0,
  Encrypted: false,
};

function settledFields(snapshot: StoredSnapshot, state: string): Partial<Snapshot> {
  const minutes = snapshot.completionDurationMinutes;
  const fields: Partial<Snapshot> = {
    VolumeSize: snapshot.volumeSize,
    Encrypted: snapshot.encrypted,
    KmsKeyId: snapshot.kmsKeyId,
    StateMessage: snapshot.course.outcome === state ? snapshot.course.message : undefined,
  };
  if (state !== 'completed') {
    return fields;
  }
  return {
    ...fields,
    CompletionTime: new Date(snapshot.startTime + snapshot.course.duration),
    FullSnapshotSizeInBytes: snapshot.fullSize,
    ...(snapshot.source && {
      TransferType: minutes === undefined ? 'standard' : 'time-based',
      CompletionDurationMinutes: minutes,
    }),
  };
}

function progressAt(snapshot: StoredSnapshot, time: number): string {
  const { duration, outcome, stallAt = 99 } = snapshot.course;
  const elapsed = Math.max(0, time - snapshot.startTime);
  if (elapsed >= duration && outcome === 'completed') {
    return '100%';
  }
  const percent = Math.min(duration === 0 ? 0 : Math.floor((100 * elapsed) / duration), stallAt, 99);
  return percent === 0 ? '' : `${percent}%`;
}
