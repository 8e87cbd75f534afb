import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isAlias, type KeyReference, referenceOf, referenceOfKeyId } from './key-reference';
import type { LatestSource } from './latest-source';
import type { CommonSnapshotCopyProps, SnapshotCopyProps } from './snapshot-copy-props';
import { StorageTier } from './storage-tier';
import { isFixed, isKnown } from './tokens';

/** What the permissions of the handler depend on for one copy. */
export interface CopyNeeds {
  /** The construct to which warnings about the permissions are attached. */
  readonly scope: IConstruct;
  readonly sourceSnapshotId?: string;
  /** Account that must own the source. If absent, any account may own it. */
  readonly sourceOwner?: string;
  readonly sourceRegion: string;
  readonly destinationRegion: string;
  readonly sourceKey?: KeyReference;
  /**
   * `default`: the default key for EBS, which can be any key of the account. `unknown`: a token, which can have any
   * form.
   */
  readonly key: KeyReference | 'default' | 'unknown';
}

/** What the permissions of the handler for a finished copy depend on. The permissions to undo are always granted. */
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
 * The account that must own the source. A literal ID names one snapshot, so any account may own it. A token or
 * `latestSource` does not, so by default the snapshot must belong to the account of the stack.
 */
export function sourceOwnerOf(props: CommonSnapshotCopyProps, scope: IConstruct): string | undefined {
  const { latestSource, sourceOwner, sourceSnapshotId } = props;
  if (latestSource !== undefined) return ownerOf(latestSource) ?? Stack.of(scope).account;
  return sourceOwner ?? (isKnown(sourceSnapshotId) ? undefined : Stack.of(scope).account);
}

/** Returns `undefined` for the account of the stack. */
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

/** Copies need an explicit dependency on aliases, because the name of an alias is a string without a reference. */
export function aliasesOf({ kmsKey, sourceKmsKey }: CommonSnapshotCopyProps): IConstruct[] {
  return [kmsKey, sourceKmsKey].filter((key) => key !== undefined).filter(isAlias);
}
