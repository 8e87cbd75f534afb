import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isAlias, type KeyReference, referenceOf, referenceOfKeyId } from './key-reference';
import type { LatestSource } from './latest-source';
import type { CommonSnapshotCopyProps, SnapshotCopyProps } from './snapshot-copy-props';
import { StorageTier } from './storage-tier';
import { isFixed, isKnown } from './tokens';

/** What the handler must be permitted for one copy. */
export interface CopyNeeds {
  /** Warnings about the permissions appear here. */
  readonly scope: IConstruct;
  readonly sourceSnapshotId?: string;
  /** Account that must own the source. Absent: any account. */
  readonly sourceOwner?: string;
  readonly sourceRegion: string;
  readonly destinationRegion: string;
  readonly sourceKey?: KeyReference;
  /** `default`: the account's default key for EBS, which may be any of its keys. `unknown`: any form of a token. */
  readonly key: KeyReference | 'default' | 'unknown';
}

/** What the handler must be permitted for a finished copy, and need not undo. */
export interface HandoverNeeds {
  readonly scope: IConstruct;
  readonly shareWith: readonly string[];
  readonly isArchived: boolean;
  readonly isLocked: boolean;
}

export function handoverNeedsOf(scope: IConstruct, props: SnapshotCopyProps): HandoverNeeds {
  const { lock, shareWith = [], storageTier } = props;
  return { scope, shareWith, isArchived: storageTier === StorageTier.ARCHIVE, isLocked: lock !== undefined };
}

/**
 * Whoever writes an id decides on a snapshot. Whoever writes a token, or how to find the latest source, decides on no more
 * than whose snapshot it is.
 */
export function sourceOwnerOf(props: CommonSnapshotCopyProps, scope: IConstruct): string | undefined {
  const { latestSource, sourceOwner, sourceSnapshotId } = props;
  if (latestSource !== undefined) return ownerOf(latestSource) ?? Stack.of(scope).account;
  return sourceOwner ?? (isKnown(sourceSnapshotId) ? undefined : Stack.of(scope).account);
}

/** Absent for the account of the stack. */
export function ownerOf({ owner }: LatestSource): string | undefined {
  return owner === 'self' ? undefined : owner;
}

export function needsOf(scope: IConstruct, props: CommonSnapshotCopyProps): CopyNeeds {
  const { region, account } = Stack.of(scope);
  const { sourceSnapshotId, sourceRegion = region, destinationRegion = region, kmsKey, kmsKeyId, sourceKmsKey } = props;
  const keyRegion = isFixed(destinationRegion, Stack.of(scope)) ? destinationRegion : '*';
  const keyOfId = kmsKeyId === undefined ? 'default' : referenceOfKeyId(kmsKeyId, keyRegion, account);
  return {
    scope,
    sourceSnapshotId,
    sourceOwner: sourceOwnerOf(props, scope),
    sourceRegion,
    destinationRegion,
    sourceKey: sourceKmsKey && referenceOf(sourceKmsKey),
    key: kmsKey === undefined ? (keyOfId ?? 'unknown') : referenceOf(kmsKey),
  };
}

/** The name of an alias is text, so nothing else would make the copy wait for the alias. */
export function aliasesOf({ kmsKey, sourceKmsKey }: CommonSnapshotCopyProps): IConstruct[] {
  return [kmsKey, sourceKmsKey].filter((key) => key !== undefined).filter(isAlias);
}
