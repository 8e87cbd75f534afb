// What the construct and the handler have agreed on: both import this module, so that they cannot drift apart.
// Names and values are frozen from the first release on: a deployed stack keeps them for years, and a changed
// one would make an upgrade of the library replace copies (or lose sight of them).

export const RESOURCE_TYPE = 'Custom::SnapshotCopy';

/**
 * A further stage of waiting for a copy that may take longer than one resource can wait. It has the properties of the
 * copy's own resource, and those that say which one that is.
 */
export const COMPLETION_RESOURCE_TYPE = 'Custom::SnapshotCopyCompletion';

/** The properties as CloudFormation delivers them: every scalar is a string. An absent one is the default. */
export interface WireProperties {
  readonly SourceSnapshotId: string;
  readonly SourceRegion: string;
  readonly DestinationRegion: string;
  readonly DestinationOutpostArn?: string;
  readonly DestinationAvailabilityZone?: string;
  readonly Description?: string;
  readonly Encrypted?: 'true';
  /** A key id, an alias name, a key ARN or an alias ARN, as EC2 takes them. */
  readonly KmsKeyId?: string;
  /** ARN of the key, or of an alias of the key, under which the source snapshot is encrypted. */
  readonly SourceKmsKeyArn?: string;
  readonly CompletionDurationMinutes?: string;
  readonly Tags?: Readonly<Record<string, string>>;
  readonly TimeoutSeconds: string;
  /** CloudFormation's DeletionPolicy of the resource; absent for Delete. */
  readonly DeletionPolicy?: RetainingPolicy;
  readonly DryRun?: 'true';
}

/** The properties of a continuation; it owns nothing, and deleting it does nothing. */
export interface CompletionWireProperties extends WireProperties {
  /** Logical id of the resource that owns the copy. */
  readonly CopyLogicalId: string;
  /** Ref of that resource: the id of the copy, or the handle under which it is still to be started. */
  readonly CopyId: string;
  /** Which stage this is, from 2. There are as many as `TimeoutSeconds` needs. */
  readonly Stage: string;
}

/** The deletion policies under which a finished copy outlives its resource. */
export type RetainingPolicy = 'Retain' | 'RetainExceptOnCreate';

/** What Fn::GetAtt can read: each in every answer, flat, a string, '' where EC2 has no value. */
export const ATTRIBUTES = [
  'SnapshotId',
  'VolumeSize',
  'Encrypted',
  'KmsKeyArn',
  /** KmsKeyArn, or the ARN of no key where the copy has none: an IAM statement may not be empty. */
  'KmsKeyGrantArn',
  'OwnerId',
  'StartTime',
  'CompletionTime',
  'FullSnapshotSizeInBytes',
  'TransferType',
] as const;

export type Attributes = Record<(typeof ATTRIBUTES)[number], string>;

/** The tags that say whose a copy is, set atomically with its creation. */
export const TAG = {
  /** Id (ARN) of the stack. The role may touch only what carries it. */
  stack: 'cdk-ebs-snapshot-copy:stack',
  /** Logical id of the resource in that stack. */
  resource: 'cdk-ebs-snapshot-copy:resource',
  /** Hash of the inputs of which a change needs another copy. */
  inputs: 'cdk-ebs-snapshot-copy:inputs',
  /** The physical id under which the copy was started. */
  handle: 'cdk-ebs-snapshot-copy:handle',
  /** The retaining policy; absent when the copy goes with its resource. Unlike the others it may change. */
  retain: 'cdk-ebs-snapshot-copy:retain',
} as const;

/** The tags that never change: the role may neither change nor remove them. */
export const OWNER_TAGS: readonly string[] = [TAG.stack, TAG.resource, TAG.inputs, TAG.handle];

/** EC2's limit of tags on one resource (Amazon EC2 User Guide, "Tag restrictions"). */
export const MAX_TAGS = 50;

/** How often the framework asks whether a copy is done. */
export const POLL_INTERVAL_SECONDS = 30;

/** How long one resource waits at most: below CloudFormation's hour, which no custom resource can pass. */
export const STAGE_MINUTES = 50;

/** How long a copy may take at most: EC2's longest completion duration. */
export const MAX_TIMEOUT_MINUTES = 48 * 60;
