// The props that apply to the finished copy: sharing, lock and storage tier.
import { Annotations, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { RetainingPolicy } from './contract';
import { isAlias } from './key-reference';
import type { SnapshotCopyProps } from './snapshot-copy-props';
import type { SnapshotLock } from './snapshot-lock';
import { StorageTier } from './storage-tier';
import { isKnown } from './tokens';

const ACCOUNT = /^\d{12}$/;
const OWN_KEY = 'specify a customer managed key as kmsKey or kmsKeyId';

export function problemsOfHandover(props: SnapshotCopyProps, scope: IConstruct): string[] {
  return [...problemsOfSharing(props, Stack.of(scope).account), ...problemsOfTier(props), ...problemsOfLock(props)];
}

/** Runs at the end of synthesis, because an Aspect may change the policy. */
export function problemsOfLockedRemoval(lock: SnapshotLock | undefined, policy: RetainingPolicy | undefined): string[] {
  return lock !== undefined && policy === undefined
    ? [
        'lock requires a removal policy that retains the copy, because CloudFormation cannot delete a locked copy: ' +
          'set removalPolicy to RETAIN_ON_UPDATE_OR_DELETE or RETAIN, or remove lock',
      ]
    : [];
}

export function warnOfArchive(scope: IConstruct, { storageTier }: SnapshotCopyProps): void {
  if (storageTier !== StorageTier.ARCHIVE) return;
  Annotations.of(scope).addWarningV2(
    'cdk-ebs-snapshot-copy:archive',
    'EC2 bills an archived copy for at least 90 days, and makes the next copy of its volume a full one. If this ' +
      'stack creates a volume from the copy, that may fail, because the copy may already be archived.',
  );
}

function problemsOfSharing(props: SnapshotCopyProps, own: string): string[] {
  const { shareWith = [] } = props;
  if (Token.isUnresolved(shareWith)) return [];
  const problems = shareWith.filter(isKnown).flatMap((account) => problemsOfAccount('shareWith', account, own));
  return shareWith.length > 0 ? [...problems, ...problemsOfSharedKey(props)] : problems;
}

/** EC2 does not share snapshots that are encrypted with the AWS managed key, which can be the default key for EBS. */
function problemsOfSharedKey({ encrypted, kmsKey, kmsKeyId, sourceKmsKey }: SnapshotCopyProps): string[] {
  const alias = kmsKey !== undefined && isAlias(kmsKey) ? kmsKey.aliasName : kmsKeyId;
  if (isKnown(alias) && /(^|:)alias\/aws\//.test(alias)) {
    return [
      `shareWith and "${alias}" are mutually exclusive, because EC2 does not share snapshots that are encrypted with an ` +
        `AWS managed key: ${OWN_KEY}`,
    ];
  }
  const isEncrypted = encrypted === true || sourceKmsKey !== undefined;
  if (!isEncrypted || kmsKey !== undefined || kmsKeyId !== undefined) return [];
  const cause = encrypted === true ? 'encrypted is true' : 'its source is encrypted';
  return [
    'shareWith requires the key of an encrypted copy, because EC2 does not share snapshots that are encrypted with the ' +
      `AWS managed key, and ${cause}: ${OWN_KEY}`,
  ];
}

export function problemsOfAccount(prop: string, account: string, own?: string): string[] {
  if (!ACCOUNT.test(account)) return [`${prop} "${account}" is not an account ID: specify 12 digits`];
  return account === own ? [`${prop} "${account}" is the account of the stack, which owns the copy: remove it`] : [];
}

function problemsOfTier({ storageTier, ...others }: SnapshotCopyProps): string[] {
  if (storageTier !== StorageTier.ARCHIVE) return [];
  const { destinationAvailabilityZone, destinationOutpostArn, shareWith } = others;
  return Object.entries({ shareWith, destinationOutpostArn, destinationAvailabilityZone })
    .filter(([, value]) => value !== undefined && value.length > 0)
    .map(([prop]) => `storageTier "archive" and ${prop} are mutually exclusive: remove one`);
}

function problemsOfLock({ destinationOutpostArn, lock }: SnapshotCopyProps): string[] {
  if (lock === undefined) return [];
  const problems = lock._problems();
  if (destinationOutpostArn !== undefined) {
    problems.push(
      'lock and destinationOutpostArn are mutually exclusive, because EC2 cannot lock snapshots on Outposts: remove one',
    );
  }
  return problems;
}

/** The prop that rules out fast restore for a copy. */
export function propAgainstFastRestore(props: SnapshotCopyProps): string | undefined {
  const { destinationAvailabilityZone, destinationOutpostArn, storageTier } = props;
  if (storageTier === StorageTier.ARCHIVE) return 'storageTier "archive"';
  if (destinationOutpostArn !== undefined) return 'destinationOutpostArn';
  return destinationAvailabilityZone === undefined ? undefined : 'destinationAvailabilityZone';
}
