import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { aws_kms } from 'aws-cdk-lib/interfaces';
import type { LatestSource } from './latest-source';
import type { SnapshotLock } from './snapshot-lock';
import type { StorageTier } from './storage-tier';

/**
 * The props that a copy and its dry run share: everything that EC2 checks before it copies. Where changing a value
 * replaces the copy, a dry run checks the new copy.
 */
export interface CommonSnapshotCopyProps {
  /**
   * ID of the snapshot to copy, such as `snap-0123456789abcdef0`: `snap-` followed by 17 hexadecimal digits, or 8 for
   * older snapshots. It can be a token, such as the `snapshotId` of another copy.
   *
   * Changing this value replaces the copy.
   *
   * @default - `latestSource` selects the source; exactly one of the two is required
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly sourceSnapshotId?: string;

  /**
   * Copies the newest snapshot that matches, instead of a snapshot with a given ID. The handler searches when it makes
   * the copy. It considers only snapshots that are completed and in the standard tier, and ignores the copies that this
   * resource made. Copies that other resources made are considered if they have the `tags`; their age counts from the
   * time when they were copied.
   *
   * - The handler keeps the source that it found. Other updates do not search again; see `refresh`.
   * - Changing `volumeId`, `tags` or `owner`, or any prop whose change replaces the copy, makes the handler search
   *   again. If it finds the snapshot that was already copied, and nothing else has changed, it keeps the copy.
   * - A rollback returns to the previous copy without a search.
   *
   * If nothing matches, the deployment fails. Cannot be combined with `sourceOwner`.
   *
   * @default - `sourceSnapshotId` names the source; exactly one of the two is required
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
   */
  readonly latestSource?: LatestSource;

  /**
   * Any text, such as a build number. If you change, add or remove it, the handler searches for `latestSource` again.
   * If it finds a newer source, a new copy replaces the current one. If it finds the same source, it keeps the copy.
   *
   * @default - the handler keeps the source that it found first
   */
  readonly refresh?: string;

  /**
   * ID of the account that must own the source: 12 digits. The handler refuses a source of any other account before EC2
   * copies it.
   *
   * Without this check, whoever controls the value of a token could choose any snapshot that is public or shared with
   * the account.
   *
   * Can be changed in place.
   *
   * @default - any account if `sourceSnapshotId` is a literal, the account of the stack if it is a token;
   * `latestSource` has its own `owner`
   */
  readonly sourceOwner?: string;

  /**
   * Region of the source, such as `us-east-1`.
   *
   * Changing this value replaces the copy.
   *
   * @default - the Region of the stack
   */
  readonly sourceRegion?: string;

  /**
   * Region of the copy, such as `eu-west-1`. It may differ from the Region of the stack.
   *
   * Changing this value replaces the copy.
   *
   * @default - the Region of the stack
   */
  readonly destinationRegion?: string;

  /**
   * ARN of the Outpost that stores the copy: `arn:PARTITION:outposts:REGION:ACCOUNT:outpost/op-…`. The Outpost and the
   * source must be in the destination Region. Cannot be combined with `destinationAvailabilityZone`.
   *
   * Changing this value replaces the copy.
   *
   * @default - the copy is stored in the destination Region
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/snapshots-outposts.html
   */
  readonly destinationOutpostArn?: string;

  /**
   * Local Zone that stores the copy, such as `us-west-2-lax-1a`. It must belong to the destination Region. Cannot be
   * combined with `destinationOutpostArn`.
   *
   * Changing this value replaces the copy.
   *
   * @default - the copy is stored in the destination Region
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly destinationAvailabilityZone?: string;

  /**
   * Description of the copy, at most 255 characters.
   *
   * EC2 cannot change the description of a snapshot, so changing this value replaces the copy.
   *
   * @default - no description
   */
  readonly description?: string;

  /**
   * Whether to encrypt the copy of an unencrypted source. A copy of an encrypted source is always encrypted.
   *
   * `false` has the same effect as no value, because EC2 cannot decrypt a snapshot. It cannot be combined with `kmsKey`
   * or `kmsKeyId`.
   *
   * Changing this value replaces the copy.
   *
   * @default - the copy is encrypted if the source is, or if the account encrypts by default
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html
   */
  readonly encrypted?: boolean;

  /**
   * KMS key that encrypts the copy: a symmetric key in the destination Region. Implies `encrypted`. Cannot be combined
   * with `kmsKeyId`.
   *
   * The library never edits the key policy. The key policy must allow IAM policies of the account to grant access, as
   * the default key policies of the CDK and of the console do.
   *
   * Changing this value replaces the copy.
   *
   * @default - if the copy is encrypted, the account's default key for EBS in the destination Region
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
   */
  readonly kmsKey?: aws_kms.IKeyRef;

  /**
   * KMS key that encrypts the copy, as a string: a key ID, an alias name (`alias/…`), a key ARN or an alias ARN. EC2
   * looks up a key ID or an alias name in this account and the destination Region. A copy keeps its key even if the
   * alias later points to another key. Cannot be combined with `kmsKey`.
   *
   * A token can resolve to any of these forms, so it lets the handler use every key of this account through EC2. For a
   * key of another account that is known only at deployment, use `kmsKey: kms.Key.fromKeyArn(…)`.
   *
   * Changing this value replaces the copy.
   *
   * @default - if the copy is encrypted, the account's default key for EBS in the destination Region
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly kmsKeyId?: string;

  /**
   * KMS key that encrypts the source. Required if it is a customer managed key, in this account or another. It lets the
   * handler use the key through EC2. If another account owns the key, its key policy must also allow this account.
   *
   * Can be changed in place.
   *
   * @default - the source is unencrypted, or encrypted with the AWS managed key for EBS
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
   */
  readonly sourceKmsKey?: aws_kms.IKeyRef;

  /**
   * Time within which EC2 completes the copy: 15 minutes to 48 hours, in 15-minute increments. This makes it a
   * time-based copy, for which EC2 charges. Only for copies to a Region, not to an Outpost or a Local Zone.
   *
   * It takes effect only when EC2 makes a copy. Changing it does not affect an existing copy.
   *
   * @default - EC2 guarantees no completion time
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/time-based-copies.html
   */
  readonly completionDuration?: Duration;
}

/** Properties of a `SnapshotCopy`. */
export interface SnapshotCopyProps extends CommonSnapshotCopyProps {
  /**
   * Tags of the copy, at most 40. `Tags.of(scope).add(…)` on the copy or any scope above it adds to them. EC2 allows 50
   * tags per snapshot, and the library reserves ten of them.
   *
   * - Keys have 1 to 128 characters, and must not begin with `aws:` or `cdk-ebs-snapshot-copy:`.
   * - Values have at most 256 characters.
   *
   * Can be changed in place.
   *
   * @default - only the tags by which the handler identifies the copy
   * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
   */
  // eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- jsii knows maps in this form only
  readonly tags?: { readonly [key: string]: string };

  /**
   * Maximum time that the copy may take: 1 minute to 48 hours, in whole seconds, and not less than
   * `completionDuration`. If the copy takes longer, the deployment fails and the handler deletes the copy.
   *
   * CloudFormation waits at most one hour for a custom resource. Every 50 minutes beyond the first 50 therefore add one
   * resource to the stack, and a stack can have 500. A token can resolve to at most 50 minutes. Changing the timeout
   * does not affect an existing copy.
   *
   * @default - `completionDuration` plus 10 minutes, but at least 50 minutes and at most 48 hours
   */
  readonly timeout?: Duration;

  /**
   * Whether the copy gets the tags of the source when it is made. If the source and this construct have a tag with the
   * same key, the tag of this construct wins.
   *
   * - Tags that begin with `aws:`, `dlm:` or `cdk-ebs-snapshot-copy:` are not copied.
   * - If the copy would have more than 40 tags, the deployment fails before EC2 copies.
   * - EC2 shows an account only its own tags, so a source of another account contributes none.
   *
   * If you turn it on later, the existing copy gets the tags at that time. If you turn it off, the copy keeps them.
   * Later tag changes on the source are not copied.
   *
   * @default false
   */
  readonly copySourceTags?: boolean;

  /**
   * IDs of the accounts that may create volumes from the copy and copy it: 12 digits each, without the account of the
   * stack. Accounts that were added outside of the stack keep their access.
   *
   * An encrypted copy needs `kmsKey` or `kmsKeyId`, because EC2 does not share snapshots that are encrypted with the
   * AWS managed key. The key policy must also allow the accounts; `SnapshotGrants.keyPolicyForSharing` returns the
   * statements for it. When the copy is replaced, the accounts lose access to the old copy as soon as it is deleted.
   *
   * Can be changed in place.
   *
   * @default - the copy is private
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
   */
  readonly shareWith?: string[];

  /**
   * Storage tier of the copy. The handler starts the move when the copy is completed, and does not wait for it to end.
   *
   * - `ARCHIVE` is billed for at least 90 days, and makes the next copy of the volume a full one. An archived copy
   *   cannot be used until it is restored. Cannot be combined with `shareWith`, `destinationOutpostArn` or
   *   `destinationAvailabilityZone`.
   * - If you change it back to `STANDARD`, EC2 restores the copy permanently, which takes up to 72 hours.
   *
   * Can be changed in place. A rollback does not move the copy.
   *
   * @default StorageTier.STANDARD
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/snapshot-archive.html
   */
  readonly storageTier?: StorageTier;

  /**
   * Lock of the copy, set after everything else is done. Requires a removal policy that retains the copy. Cannot be
   * combined with `destinationOutpostArn`.
   *
   * Can be changed in place, as far as EC2 allows. If you remove it, the handler unlocks the copy where EC2 allows
   * that. An expired lock is set again only if you change this prop.
   *
   * @default - the copy is not locked
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-snapshot-lock.html
   */
  readonly lock?: SnapshotLock;

  /**
   * What happens to the copy when it is replaced or removed from the stack:
   *
   * - `DESTROY` deletes it.
   * - `RETAIN` keeps it, even if the deployment that made it is rolled back.
   * - `RETAIN_ON_UPDATE_OR_DELETE` keeps it, but deletes it if its creation is rolled back. Recommended for backups.
   *
   * Retained copies accumulate, and cost money until you delete them. `SNAPSHOT` is not supported.
   *
   * Can be changed in place.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of a `SnapshotCopyDryRun`: those of the copy to try. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- other languages name the props of a class
export interface SnapshotCopyDryRunProps extends CommonSnapshotCopyProps {}

/** Options for `SnapshotCopy.fromSnapshotId`: what cannot be derived from the ID of the snapshot. */
export interface SnapshotFromIdOptions {
  /**
   * Region of the snapshot.
   *
   * @default - the Region of the stack
   */
  readonly region?: string;

  /**
   * KMS key that encrypts the snapshot. `grants` uses it.
   *
   * @default - the snapshot is unencrypted, or encrypted with the AWS managed key for EBS
   */
  readonly encryptionKey?: aws_kms.IKeyRef;
}
