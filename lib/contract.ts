// The contract between the construct and the handler. Both import this module, so they cannot drift apart. Names and
// values are frozen from the first release on, because deployed stacks keep them for years. After a change, an upgrade
// of the library would replace copies, or lose track of them.

export const COPY_RESOURCE_TYPE = 'Custom::SnapshotCopy';

/** A further stage: continues to wait for a copy that takes longer than one resource can wait. It owns nothing. */
export const STAGE_RESOURCE_TYPE = 'Custom::SnapshotCopyStage';

export const DRY_RUN_RESOURCE_TYPE = 'Custom::SnapshotCopyDryRun';

export const FAST_RESTORE_RESOURCE_TYPE = 'Custom::FastSnapshotRestore';

/** A further stage of a fast restore: continues to wait, and enables only what is declared. */
export const FAST_RESTORE_STAGE_RESOURCE_TYPE = 'Custom::FastSnapshotRestoreStage';

/**
 * The input for EC2 that a copy and its dry run share. CloudFormation sends every scalar as a string. Absent means
 * default.
 */
export interface DryRunProperties {
  /** Absent if LatestSource is present. */
  readonly SourceSnapshotId?: string;
  /** Selects the source: the newest snapshot that matches when the copy is made. */
  readonly LatestSource?: LatestSourceProperties;
  /** Any text. If it changes, the handler searches for the latest source again. */
  readonly Refresh?: string;
  readonly SourceRegion: string;
  readonly DestinationRegion: string;
  readonly DestinationOutpostArn?: string;
  readonly DestinationAvailabilityZone?: string;
  readonly Description?: string;
  readonly Encrypted?: 'true';
  /** A key ID, an alias name, a key ARN or an alias ARN, as EC2 accepts them. */
  readonly KmsKeyId?: string;
  /** ARN of the key, or of an alias of the key, that encrypts the source. */
  readonly SourceKmsKeyArn?: string;
  readonly CompletionDurationMinutes?: string;
  /** ID of the account that must own the source. If absent, any account may own it. */
  readonly SourceOwner?: string;
}

export interface LatestSourceProperties {
  readonly VolumeId?: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  /** Account ID. Absent for the account of the stack. */
  readonly Owner?: string;
  readonly MaxAgeSeconds?: string;
}

/** The properties that apply to a finished copy. */
export interface HandoverProperties {
  readonly CopySourceTags?: 'true';
  /** IDs of the accounts that may create volumes from the copy. */
  readonly ShareWith?: readonly string[];
  /** Absent for the standard tier. */
  readonly StorageTier?: 'archive';
  /** Absent if there is no lock. */
  readonly LockMode?: LockMode;
  readonly LockDurationDays?: string;
  readonly CoolOffPeriodHours?: string;
}

export interface CopyProperties extends DryRunProperties, HandoverProperties {
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  /** Maximum time that the copy may take, over all stages. */
  readonly TimeoutSeconds: string;
  /** CloudFormation's DeletionPolicy of the resource. Absent for Delete. */
  readonly DeletionPolicy?: RetainingPolicy;
}

export type LockMode = 'governance' | 'compliance';

/**
 * A further stage has the properties of the resource that owns the copy, and properties that identify that resource.
 */
export interface StageProperties extends CopyProperties {
  /** Logical ID of the resource that owns the copy. */
  readonly CopyLogicalId: string;
  /** Ref of that resource: the ID of the copy, or the handle of a copy that has not been started yet. */
  readonly CopyId: string;
  /** The number of the stage, from 2. The first stage is the resource that owns the copy. */
  readonly Stage: string;
}

export interface FastRestoreProperties {
  readonly SnapshotId: string;
  /** Region of the snapshot. */
  readonly Region: string;
  /** Zone names. If absent, AvailabilityZoneIds has zone IDs. */
  readonly AvailabilityZones?: readonly string[];
  readonly AvailabilityZoneIds?: readonly string[];
  /** If absent, the request is done as soon as EC2 has started to enable fast restore. */
  readonly WaitUntilEnabled?: 'true';
  /** Maximum time until fast restore is enabled, over all stages. */
  readonly TimeoutSeconds: string;
  /** The number of a further stage, from 2. */
  readonly Stage?: string;
}

/** The deletion policies under which a finished copy outlives its resource. */
export type RetainingPolicy = 'Retain' | 'RetainExceptOnCreate';

/** The attributes for Fn::GetAtt. Every answer has all of them as strings. The string is empty if EC2 has no value. */
export const ATTRIBUTES = [
  'SnapshotId',
  'SourceSnapshotId',
  'VolumeSize',
  'Encrypted',
  'KmsKeyArn',
  /**
   * KmsKeyArn, or an ARN that matches no key if the copy has none: the resource of an IAM statement cannot be empty.
   */
  'KmsKeyArnOrNone',
  'OwnerId',
  'StartTime',
  'CompletionTime',
  'FullSnapshotSizeInBytes',
  'TransferType',
] as const;

export type Attributes = Record<(typeof ATTRIBUTES)[number], string>;

/** Every tag of the library begins with this prefix, in any case. */
export const TAG_PREFIX = 'cdk-ebs-snapshot-copy:';

/** The tags that identify the owner of a copy. CopySnapshot sets them atomically. */
export const TAG = {
  /** ID (ARN) of the stack. The role may change only snapshots with this tag. */
  stack: `${TAG_PREFIX}stack`,
  /** Logical ID of the resource in that stack. */
  resource: `${TAG_PREFIX}resource`,
  /** Hash of the inputs whose change requires another copy. */
  inputs: `${TAG_PREFIX}inputs`,
  /** The physical ID under which the copy was started. */
  handle: `${TAG_PREFIX}handle`,
  /** ID of the source that was copied. */
  source: `${TAG_PREFIX}source`,
  /** The retaining policy. Absent if the copy is deleted with its resource. It can change. */
  retain: `${TAG_PREFIX}retain`,
  /** Hashes of other inputs for which the copy was kept, because they selected the same source. It can change. */
  kept: `${TAG_PREFIX}kept`,
  /** ID of the copy itself, set when EC2 has returned it. A clone with the same tags has another ID. */
  id: `${TAG_PREFIX}id`,
} as const;

/** The tags that never change. The role may neither change nor remove them. */
export const OWNER_TAGS: readonly string[] = [TAG.stack, TAG.resource, TAG.inputs, TAG.handle, TAG.source];

/** EC2's limit of tags on one resource is 50 (Amazon EC2 User Guide, "Tag restrictions"); the library reserves ten. */
export const MAX_USER_TAGS = 40;

/** The subject in every line of the handler's log. Metric filters read it, and the decisions below. */
export interface LogSubject {
  readonly request: string;
  /** ID (ARN) of the stack. */
  readonly stack: string;
  /** Logical ID of the resource that owns the copy, also in the log lines of further stages. */
  readonly logicalId: string;
  readonly physicalId?: string;
}

/** The decisions in the log that metrics use. */
export const DECISION = {
  /** A copy was started. */
  start: 'start copy',
  /** A copy is finished and reported. The log line contains how many `seconds` EC2 took. */
  complete: 'complete',
  /** A request for a copy failed. Dry runs and fast restores have their own decisions. */
  fail: 'fail',
} as const;

/** The default interval between two polls. */
export const POLL_INTERVAL_SECONDS = 30;

/** The environment variable of the functions for another poll interval. */
export const POLL_INTERVAL_VARIABLE = 'POLL_INTERVAL_SECONDS';

/** Maximum time that one stage waits. It is less than one hour, CloudFormation's limit for a custom resource. */
export const STAGE_SECONDS = 3_000;

/** The shortest and the longest timeout of a copy. The longest is EC2's longest completion duration. */
export const MIN_TIMEOUT_SECONDS = 60;
export const MAX_TIMEOUT_SECONDS = 48 * 3_600;

/** The shortest timeout of a fast restore, which first waits for calls of earlier requests and for policies. */
export const MIN_FAST_RESTORE_TIMEOUT_SECONDS = 600;

/** How long a dry run waits for a source that is still pending, or for permissions that have not propagated yet. */
export const DRY_RUN_TIMEOUT_SECONDS = 600;

/** How many stages a timeout needs. */
export function stageCount(timeoutSeconds: number): number {
  return Math.max(1, Math.ceil(timeoutSeconds / STAGE_SECONDS));
}

/** How long one stage of a timeout waits; `stage` counts from 1. */
export function stageSeconds(timeoutSeconds: number, stage: number): number {
  const left = timeoutSeconds - (stage - 1) * STAGE_SECONDS;
  return Math.min(Math.max(left, MIN_TIMEOUT_SECONDS), STAGE_SECONDS);
}
