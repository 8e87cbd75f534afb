import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { isAlias, type KeyReference, referenceOf, referenceOfKeyId } from './key-reference';
import type { CommonSnapshotCopyProps } from './snapshot-copy-props';
import { isFixed } from './tokens';

/** What the handler must be permitted for one copy. */
export interface CopyNeeds {
  /** Warnings about the permissions appear here. */
  readonly scope: IConstruct;
  readonly sourceSnapshotId: string;
  readonly sourceRegion: string;
  readonly destinationRegion: string;
  readonly sourceKey?: KeyReference;
  /** `default`: the account's default key for EBS, which may be any of its keys. `unknown`: any form of a token. */
  readonly key: KeyReference | 'default' | 'unknown';
}

export function needsOf(scope: IConstruct, props: CommonSnapshotCopyProps): CopyNeeds {
  const { region, account } = Stack.of(scope);
  const { sourceSnapshotId, sourceRegion = region, destinationRegion = region, kmsKey, kmsKeyId, sourceKmsKey } = props;
  const keyRegion = isFixed(destinationRegion, Stack.of(scope)) ? destinationRegion : '*';
  const keyOfId = kmsKeyId === undefined ? 'default' : referenceOfKeyId(kmsKeyId, keyRegion, account);
  return {
    scope,
    sourceSnapshotId,
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
