import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { aws_kms } from 'aws-cdk-lib/interfaces';
import type { LatestSource } from './latest-source';
import type { SnapshotLock } from './snapshot-lock';
import type { StorageTier } from './storage-tier';

/**
 * What a copy and its dry run have in common: everything that EC2 judges before it copies. Where another value makes a new
 * copy, a dry run tries that copy.
 */
export interface CommonSnapshotCopyProps {
  /**
   * Id of the snapshot to copy, such as `snap-0123456789abcdef0`: `snap-` and 17 hexadecimal digits, or 8 for old
   * snapshots. A token is allowed, such as the `snapshotId` of another copy.
   *
   * Another value makes a new copy, which replaces the present one.
   *
   * @default - `latestSource` says what to copy; exactly one of them is needed
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly sourceSnapshotId?: string;

  /**
   * Copies the newest snapshot that matches, instead of one that is named. The handler looks for it when it makes the copy:
   * the newest snapshot that is completed, in the standard tier, and no copy that this resource made. A copy that another
   * resource made counts, from the time when it was copied, if it has the `tags`.
   *
   * - The source that was found is kept: other updates do not look again. See `refresh`.
   * - Another `volumeId`, `tags` or `owner`, or another value of any prop that makes a new copy, looks again. If the present
   *   copy is of the snapshot that is found, and nothing else has changed, it stays.
   * - A rollback goes back to the copy from before, and looks for nothing.
   *
   * If nothing matches, the deployment fails. Excludes `sourceOwner`.
   *
   * @default - `sourceSnapshotId` says what to copy; exactly one of them is needed
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
   */
  readonly latestSource?: LatestSource;

  /**
   * Any text, such as the number of a build. With another text, or when it is added or removed, the handler looks for
   * `latestSource` again. A newer source makes a new copy, which replaces the present one. The same source leaves the
   * present copy as it is.
   *
   * @default - the source that was found first is kept
   */
  readonly refresh?: string;

  /**
   * Id of the account that must own the source: 12 digits. A source of another account is refused before EC2 copies it.
   *
   * Whoever can change what a token becomes could otherwise choose any snapshot that is public or shared with the account.
   *
   * Changes in place.
   *
   * @default - any account if `sourceSnapshotId` is text, the account of the stack if it is a token or if there is
   * `latestSource`, which has an `owner` of its own
   */
  readonly sourceOwner?: string;

  /**
   * Region of the source, such as `us-east-1`.
   *
   * Another value makes a new copy, which replaces the present one.
   *
   * @default - the Region of the stack
   */
  readonly sourceRegion?: string;

  /**
   * Region of the copy, such as `eu-west-1`. It may differ from the Region of the stack.
   *
   * Another value makes a new copy, which replaces the present one.
   *
   * @default - the Region of the stack
   */
  readonly destinationRegion?: string;

  /**
   * ARN of the Outpost that stores the copy: `arn:PARTITION:outposts:REGION:ACCOUNT:outpost/op-…`. The Outpost and the
   * source must be in the destination Region. Excludes `destinationAvailabilityZone`.
   *
   * Another value makes a new copy, which replaces the present one.
   *
   * @default - the destination Region stores the copy
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/snapshots-outposts.html
   */
  readonly destinationOutpostArn?: string;

  /**
   * Local Zone that stores the copy, such as `us-west-2-lax-1a`. It must belong to the destination Region. Excludes
   * `destinationOutpostArn`.
   *
   * Another value makes a new copy, which replaces the present one.
   *
   * @default - the destination Region stores the copy
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly destinationAvailabilityZone?: string;

  /**
   * Description of the copy, at most 255 characters.
   *
   * EC2 cannot change a description, so another value makes a new copy, which replaces the present one.
   *
   * @default - no description
   */
  readonly description?: string;

  /**
   * Whether to encrypt the copy of an unencrypted source. A copy of an encrypted source is always encrypted.
   *
   * `false` means the same as no value, because EC2 cannot decrypt a snapshot. It excludes `kmsKey` and `kmsKeyId`.
   * Another value makes a new copy, which replaces the present one.
   *
   * @default - as the source, unless the account encrypts by default
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html
   */
  readonly encrypted?: boolean;

  /**
   * KMS key that encrypts the copy: a symmetric key in the destination Region. Implies `encrypted`, and excludes
   * `kmsKeyId`.
   *
   * The library never edits the policy of the key. That policy must let IAM policies of the account grant access, as the
   * default key policies of the CDK and of the console do. Another value makes a new copy, which replaces the present
   * one.
   *
   * @default - if the copy is encrypted, the account's default key for EBS in the destination Region
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
   */
  readonly kmsKey?: aws_kms.IKeyRef;

  /**
   * KMS key that encrypts the copy, as text: a key id, an alias name (`alias/…`), a key ARN or an alias ARN. EC2 looks
   * up a key id or an alias name in this account and the destination Region. A copy keeps its key if the alias is later
   * pointed elsewhere. Excludes `kmsKey`.
   *
   * A token may become any of these forms, so it lets the handler use every key of this account through EC2. For a key
   * of another account that is known at deployment only, give `kmsKey: kms.Key.fromKeyArn(…)`. Another value makes a new
   * copy, which replaces the present one.
   *
   * @default - if the copy is encrypted, the account's default key for EBS in the destination Region
   * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
   */
  readonly kmsKeyId?: string;

  /**
   * KMS key that encrypts the source, if it is a customer managed key, of this account or another. It lets the handler
   * use the key through EC2. The policy of a key of another account must allow this account, too.
   *
   * Changes in place.
   *
   * @default - the source is not encrypted, or is encrypted under the AWS managed key for EBS
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
   */
  readonly sourceKmsKey?: aws_kms.IKeyRef;

  /**
   * Time in which EC2 completes the copy (a time-based copy, for which EC2 charges): 15 minutes to 48 hours, in steps of
   * 15 minutes. For copies to a Region only, not to an Outpost or a Local Zone.
   *
   * It matters when EC2 makes the copy. Another value changes nothing about a copy that exists.
   *
   * @default - EC2 promises no time
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/time-based-copies.html
   */
  readonly completionDuration?: Duration;
}

/** Properties of a `SnapshotCopy`. */
export interface SnapshotCopyProps extends CommonSnapshotCopyProps {
  /**
   * Tags of the copy, at most 40. `Tags.of(scope).add(…)` on the copy or around it adds to them. EC2 allows 50 tags, and
   * the library reserves ten of them.
   *
   * - Keys have 1 to 128 characters, and begin neither with `aws:` nor with `cdk-ebs-snapshot-copy:`.
   * - Values have at most 256 characters.
   *
   * Tags change in place.
   *
   * @default - only the tags that mark the copy as this resource's own
   * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
   */
  // eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- jsii knows maps in this form only
  readonly tags?: { readonly [key: string]: string };

  /**
   * How long the copy may take: 1 minute to 48 hours, in whole seconds, and at least as long as `completionDuration`. A
   * copy that takes longer fails the deployment, and the handler deletes it.
   *
   * CloudFormation waits an hour for one custom resource. For every 50 minutes beyond the first 50, the stack gets one
   * further resource, of the 500 that it may have. A token may become at most 50 minutes. Another value changes nothing
   * about a copy that exists.
   *
   * @default - `completionDuration` and 10 minutes, but at least 50 minutes and at most 48 hours
   */
  readonly timeout?: Duration;

  /**
   * Whether the copy gets the tags of the source when it is made. Tags of this construct replace those of the source.
   *
   * - Tags that begin with `aws:`, `dlm:` or `cdk-ebs-snapshot-copy:` are left out.
   * - If the copy would have more than 40 tags, the deployment fails before EC2 copies.
   * - EC2 shows an account only its own tags, so a source of another account brings none.
   *
   * Switched on later, the copy gets the tags then. Switched off, it keeps them. Later changes at the source are not
   * followed.
   *
   * @default false
   */
  readonly copySourceTags?: boolean;

  /**
   * Ids of the accounts that may create volumes from the copy and copy it: 12 digits each, not the own account. Accounts
   * that somebody else has added stay.
   *
   * An encrypted copy needs `kmsKey` or `kmsKeyId`: EC2 does not share what is encrypted under the AWS managed key. The
   * policy of that key must allow the accounts, too; `SnapshotGrants.keyPolicyForSharing` has the statements. When the copy
   * is replaced, the accounts lose the old one as soon as it is deleted.
   *
   * Changes in place.
   *
   * @default - the copy is private
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
   */
  readonly shareWith?: string[];

  /**
   * Storage tier of the copy. Moving it is begun when the copy is completed, and not waited for.
   *
   * - `ARCHIVE` costs 90 days at least, and makes the next copy of the volume a full one. Nothing can be made from an
   *   archived copy before it is restored. Excludes `shareWith`, `destinationOutpostArn` and
   *   `destinationAvailabilityZone`.
   * - Back to `STANDARD`, EC2 restores the copy for good, which takes up to 72 hours.
   *
   * Changes in place. A rollback does not move the copy.
   *
   * @default StorageTier.STANDARD
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/snapshot-archive.html
   */
  readonly storageTier?: StorageTier;

  /**
   * Lock of the copy, set when all else is done. Needs a removal policy that retains. Excludes `destinationOutpostArn`.
   *
   * Changes in place, as far as EC2 lets it; without the prop, the copy is unlocked where that is possible. An expired lock
   * is set again only if the declaration changes.
   *
   * @default - the copy is not locked
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-snapshot-lock.html
   */
  readonly lock?: SnapshotLock;

  /**
   * What happens to the copy when it is replaced, or removed from the stack. The policies differ in what they keep:
   *
   * - `DESTROY` deletes it.
   * - `RETAIN` keeps it, even if the deployment that made it is rolled back.
   * - `RETAIN_ON_UPDATE_OR_DELETE` keeps it, but leaves nothing of a creation that is rolled back. Recommended for
   *   backups.
   *
   * Kept copies pile up, and cost money until you delete them. `SNAPSHOT` is not possible. The policy changes in place.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of a `SnapshotCopyDryRun`: those of the copy that it tries. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- other languages name the props of a class
export interface SnapshotCopyDryRunProps extends CommonSnapshotCopyProps {}

/** What the id of a snapshot does not contain. */
export interface SnapshotFromIdOptions {
  /**
   * Region of the snapshot.
   *
   * @default - the Region of the stack
   */
  readonly region?: string;

  /**
   * KMS key that encrypts the snapshot. `grants` needs it.
   *
   * @default - the snapshot is not encrypted, or is encrypted under the AWS managed key for EBS
   */
  readonly encryptionKey?: aws_kms.IKeyRef;
}
