// What is done with the finished copy: sharing, lock and storage tier.
import { Annotations, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { RetainingPolicy } from './contract';
import type { SnapshotCopyProps } from './snapshot-copy-props';
import type { SnapshotLock } from './snapshot-lock';
import { StorageTier } from './storage-tier';
import { isKnown } from './tokens';

const ACCOUNT = /^\d{12}$/;

export function problemsOfHandover(props: SnapshotCopyProps, scope: IConstruct): string[] {
  return [...problemsOfSharing(props, Stack.of(scope).account), ...problemsOfTier(props), ...problemsOfLock(props)];
}

/** An Aspect may have changed the policy. */
export function problemsOfLockedRemoval(lock: SnapshotLock | undefined, policy: RetainingPolicy | undefined): string[] {
  return lock !== undefined && policy === undefined
    ? [
        'lock needs a removal policy that retains, because CloudFormation cannot delete a locked copy: set removalPolicy to ' +
          'RETAIN_ON_UPDATE_OR_DELETE or RETAIN, or remove lock',
      ]
    : [];
}

export function warnOfArchive(scope: IConstruct, { storageTier }: SnapshotCopyProps): void {
  if (storageTier !== StorageTier.ARCHIVE) return;
  Annotations.of(scope).addWarningV2(
    'cdk-ebs-snapshot-copy:archive',
    'EC2 bills an archived copy for 90 days at least, and makes the next copy of its volume a full one. A volume of this ' +
      'stack that is made from the copy may find it archived.',
  );
}

function problemsOfSharing({ encrypted, kmsKey, kmsKeyId, shareWith = [] }: SnapshotCopyProps, own: string): string[] {
  if (Token.isUnresolved(shareWith)) return [];
  const problems = shareWith.filter(isKnown).flatMap((account) => problemsOfAccount(account, own));
  if (shareWith.length > 0 && encrypted === true && kmsKey === undefined && kmsKeyId === undefined) {
    problems.push(
      'shareWith needs a key of an encrypted copy, because EC2 does not share what is encrypted under the AWS managed key: ' +
        'give kmsKey or kmsKeyId',
    );
  }
  return problems;
}

function problemsOfAccount(account: string, own: string): string[] {
  if (!ACCOUNT.test(account)) return [`shareWith "${account}" is not the id of an account: give 12 digits`];
  return account === own ? [`shareWith "${account}" is the account of the stack, which owns the copy: remove it`] : [];
}

function problemsOfTier({ storageTier, ...others }: SnapshotCopyProps): string[] {
  if (storageTier !== StorageTier.ARCHIVE) return [];
  const { destinationAvailabilityZone, destinationOutpostArn, shareWith } = others;
  return Object.entries({ shareWith, destinationOutpostArn, destinationAvailabilityZone })
    .filter(([, value]) => value !== undefined && value.length > 0)
    .map(([prop]) => `storageTier "archive" and ${prop} exclude each other: remove one`);
}

function problemsOfLock({ destinationOutpostArn, lock }: SnapshotCopyProps): string[] {
  if (lock === undefined) return [];
  const problems = lock._problems();
  if (destinationOutpostArn !== undefined) {
    problems.push(
      'lock and destinationOutpostArn exclude each other, because EC2 locks no snapshots on Outposts: remove one',
    );
  }
  return problems;
}
