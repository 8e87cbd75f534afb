// What the construct and the handler agree on. Both import this module, so they cannot drift apart.
// Names and values are frozen from the first release on: a deployed stack keeps them for years. A changed one would
// make an upgrade of the library replace copies, or lose track of them.

export const COPY_RESOURCE_TYPE = 'Custom::SnapshotCopy';

/** A further stage: waits on for a copy that takes longer than one resource can wait. Owns nothing. */
export const STAGE_RESOURCE_TYPE = 'Custom::SnapshotCopyStage';

export const DRY_RUN_RESOURCE_TYPE = 'Custom::SnapshotCopyDryRun';

export const FAST_RESTORE_RESOURCE_TYPE = 'Custom::FastSnapshotRestore';

/** A further stage of a fast restore: waits on, and enables nothing that is not declared. */
export const FAST_RESTORE_STAGE_RESOURCE_TYPE = 'Custom::FastSnapshotRestoreStage';

/** What a copy and its dry run ask EC2 for. CloudFormation delivers every scalar as a string; absent is the default. */
export interface DryRunProperties {
  /** Absent with LatestSource. */
  readonly SourceSnapshotId?: string;
  /** The source is the newest snapshot that this finds when the copy is made. */
  readonly LatestSource?: LatestSourceProperties;
  /** Any text. With another text, the handler looks for the latest source again. */
  readonly Refresh?: string;
  readonly SourceRegion: string;
  readonly DestinationRegion: string;
  readonly DestinationOutpostArn?: string;
  readonly DestinationAvailabilityZone?: string;
  readonly Description?: string;
  readonly Encrypted?: 'true';
  /** A key id, an alias name, a key ARN or an alias ARN, as EC2 takes them. */
  readonly KmsKeyId?: string;
  /** ARN of the key, or of an alias of the key, that encrypts the source. */
  readonly SourceKmsKeyArn?: string;
  readonly CompletionDurationMinutes?: string;
  /** Id of the account that must own the source. Absent: any account. */
  readonly SourceOwner?: string;
}

export interface LatestSourceProperties {
  readonly VolumeId?: string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  /** Id of an account. Absent: the account of the stack. */
  readonly Owner?: string;
  readonly MaxAgeSeconds?: string;
}

/** What is done with a finished copy. */
export interface HandoverProperties {
  readonly CopySourceTags?: 'true';
  /** Ids of the accounts that may create volumes from the copy. */
  readonly ShareWith?: readonly string[];
  /** Absent for the standard tier. */
  readonly StorageTier?: 'archive';
  /** Absent: no lock. */
  readonly LockMode?: LockMode;
  readonly LockDurationDays?: string;
  readonly CoolOffPeriodHours?: string;
}

export interface CopyProperties extends DryRunProperties, HandoverProperties {
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  /** How long the copy may take, over all stages. */
  readonly TimeoutSeconds: string;
  /** CloudFormation's DeletionPolicy of the resource. Absent for Delete. */
  readonly DeletionPolicy?: RetainingPolicy;
}

export type LockMode = 'governance' | 'compliance';

/** A stage has the properties of the copy's own resource, and those that say which resource that is. */
export interface StageProperties extends CopyProperties {
  /** Logical id of the resource that owns the copy. */
  readonly CopyLogicalId: string;
  /** Ref of that resource: the id of the copy, or the handle of a copy that is still to be started. */
  readonly CopyId: string;
  /** The number of the stage. The first stage is the copy's own resource, so this counts from 2. */
  readonly Stage: string;
}

export interface FastRestoreProperties {
  readonly SnapshotId: string;
  /** Region of the snapshot. */
  readonly Region: string;
  /** Names of zones, or else their ids. */
  readonly AvailabilityZones?: readonly string[];
  readonly AvailabilityZoneIds?: readonly string[];
  /** Absent: done when fast restore is being enabled. */
  readonly WaitUntilEnabled?: 'true';
  /** How long it may take until fast restore is enabled, over all stages. */
  readonly TimeoutSeconds: string;
  /** The number of the stage, for further stages: they count from 2. */
  readonly Stage?: string;
}

/** The deletion policies under which a finished copy outlives its resource. */
export type RetainingPolicy = 'Retain' | 'RetainExceptOnCreate';

/** What Fn::GetAtt can read. Every answer has all of them, each a string, '' where EC2 has no value. */
export const ATTRIBUTES = [
  'SnapshotId',
  'SourceSnapshotId',
  'VolumeSize',
  'Encrypted',
  'KmsKeyArn',
  /** KmsKeyArn, or the ARN of no key if the copy has none: the resource of an IAM statement may not be empty. */
  'KmsKeyArnOrNone',
  'OwnerId',
  'StartTime',
  'CompletionTime',
  'FullSnapshotSizeInBytes',
  'TransferType',
] as const;

export type Attributes = Record<(typeof ATTRIBUTES)[number], string>;

/** Every tag of ours begins with this, in whatever case. */
export const TAG_PREFIX = 'cdk-ebs-snapshot-copy:';

/** The tags that say whose a copy is. CopySnapshot sets them atomically. */
export const TAG = {
  /** Id (ARN) of the stack. The role may touch only what carries it. */
  stack: `${TAG_PREFIX}stack`,
  /** Logical id of the resource in that stack. */
  resource: `${TAG_PREFIX}resource`,
  /** Hash of the inputs whose change needs another copy. */
  inputs: `${TAG_PREFIX}inputs`,
  /** The physical id under which the copy was started. */
  handle: `${TAG_PREFIX}handle`,
  /** Id of the source, as it was found when the copy was made. */
  source: `${TAG_PREFIX}source`,
  /** The retaining policy. Absent when the copy goes with its resource. It may change. */
  retain: `${TAG_PREFIX}retain`,
  /** Hashes of other inputs for which the copy was kept, because they have found the same source. It may change. */
  kept: `${TAG_PREFIX}kept`,
  /** The id of the copy itself, set once EC2 has answered it. A clone with all its tags has another id. */
  id: `${TAG_PREFIX}id`,
} as const;

/** The tags that never change: the role may neither change nor remove them. */
export const OWNER_TAGS: readonly string[] = [TAG.stack, TAG.resource, TAG.inputs, TAG.handle, TAG.source];

/** EC2's limit of tags on one resource is 50 (Amazon EC2 User Guide, "Tag restrictions"); the library reserves ten. */
export const MAX_USER_TAGS = 40;

/** What every line of the handler's log says it is about. Metric filters read it, and the decisions below. */
export interface LogSubject {
  readonly request: string;
  /** Id (ARN) of the stack. */
  readonly stack: string;
  /** Logical id of the resource, also in the lines of its further stages. */
  readonly logicalId: string;
  readonly physicalId?: string;
}

/** The decisions in the log that are counted. */
export const DECISION = {
  /** A copy was started. */
  start: 'start copy',
  /** A copy is finished and reported. The line has how many `seconds` EC2 took. */
  complete: 'complete',
  /** A request for a copy failed. Those for dry runs and fast restores have decisions of their own. */
  fail: 'fail',
} as const;

/** How often the framework asks whether a copy is done. */
export const POLL_INTERVAL_SECONDS = 30;

/** The functions' environment variable for another poll interval. */
export const POLL_INTERVAL_VARIABLE = 'POLL_INTERVAL_SECONDS';

/** How long one stage waits at most: less than CloudFormation's hour, which no custom resource can exceed. */
export const STAGE_SECONDS = 3_000;

/** The shortest and the longest time that a copy may be given; the latter is EC2's longest completion duration. */
export const MIN_TIMEOUT_SECONDS = 60;
export const MAX_TIMEOUT_SECONDS = 48 * 3_600;

/** A dry run waits this long for a source that is still pending, or for permissions that are still on their way. */
export const DRY_RUN_TIMEOUT_SECONDS = 600;

/** How many stages a timeout takes. */
export function stageCount(timeoutSeconds: number): number {
  return Math.max(1, Math.ceil(timeoutSeconds / STAGE_SECONDS));
}

/** How long one stage of a timeout waits; `stage` counts from 1. */
export function stageSeconds(timeoutSeconds: number, stage: number): number {
  const left = timeoutSeconds - (stage - 1) * STAGE_SECONDS;
  return Math.min(Math.max(left, MIN_TIMEOUT_SECONDS), STAGE_SECONDS);
}
