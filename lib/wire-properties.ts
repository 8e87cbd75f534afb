// Converts the props to the contract: strings, and absent for the default, so that an explicit default is the same
// input.
import { Stack, type TagManager, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { CopyProperties, DryRunProperties, HandoverProperties, LatestSourceProperties } from './contract';
import { ownerOf, sourceOwnerOf } from './copy-needs';
import type { LatestSource } from './latest-source';
import type { CommonSnapshotCopyProps, SnapshotCopyProps } from './snapshot-copy-props';
import { secondsOf } from './durations';
import { StorageTier } from './storage-tier';

export function requestProperties(props: CommonSnapshotCopyProps, scope: IConstruct): DryRunProperties {
  const { region } = Stack.of(scope);
  const kmsKeyId = props.kmsKey?.keyRef.keyArn ?? props.kmsKeyId;
  return withoutUndefined({
    SourceSnapshotId: props.sourceSnapshotId,
    LatestSource: props.latestSource && latestSourceProperties(props.latestSource),
    Refresh: props.refresh,
    SourceRegion: props.sourceRegion ?? region,
    SourceOwner: props.latestSource === undefined ? sourceOwnerOf(props, scope) : undefined,
    DestinationRegion: props.destinationRegion ?? region,
    DestinationOutpostArn: props.destinationOutpostArn,
    DestinationAvailabilityZone: props.destinationAvailabilityZone,
    Description: props.description === '' ? undefined : props.description,
    // A key implies encryption, but a token may resolve to no key, so the handler decides.
    Encrypted: props.encrypted === true ? 'true' : undefined,
    KmsKeyId: kmsKeyId,
    SourceKmsKeyArn: props.sourceKmsKey?.keyRef.keyArn,
    CompletionDurationMinutes:
      props.completionDuration && asText(props.completionDuration.toMinutes({ integral: false })),
  } as const);
}

function latestSourceProperties(latest: LatestSource): LatestSourceProperties {
  const { maxAge, tags = {}, volumeId } = latest;
  return withoutUndefined({
    VolumeId: volumeId,
    Tags: Object.keys(tags).length > 0 ? toWireTags(tags) : undefined,
    Owner: ownerOf(latest),
    MaxAgeSeconds: maxAge && asText(secondsOf(maxAge)),
  });
}

/** The properties that a copy has and a dry run does not. */
export function handoverProperties({
  copySourceTags,
  lock,
  shareWith,
  storageTier,
}: SnapshotCopyProps): HandoverProperties {
  const { LockMode, LockDurationDays, CoolOffPeriodHours } = lock?._properties() ?? {};
  return withoutUndefined({
    CopySourceTags: copySourceTags === true ? 'true' : undefined,
    ShareWith: shareWith !== undefined && shareWith.length > 0 ? shareWith : undefined,
    StorageTier: storageTier === StorageTier.ARCHIVE ? 'archive' : undefined,
    LockMode,
    LockDurationDays: LockDurationDays === undefined ? undefined : asText(LockDurationDays),
    CoolOffPeriodHours: CoolOffPeriodHours === undefined ? undefined : asText(CoolOffPeriodHours),
  } as const);
}

export function asText(value: number): string {
  return Tokenization.stringifyNumber(value);
}

export function tagProperties(tags: TagManager): CopyProperties['Tags'] {
  if (!tags.hasTags()) return undefined;
  return toWireTags(tags.tagValues());
}

function toWireTags(tags: Readonly<Record<string, string>>): NonNullable<CopyProperties['Tags']> {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Saves synthesis time: in each pass through the template, the CDK visits undefined values, too. */
function withoutUndefined<T extends object>(properties: T): T {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as T;
}
