import { Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { MIN_FAST_RESTORE_TIMEOUT_SECONDS } from './contract';
import type { FastSnapshotRestoreProps } from './fast-snapshot-restore-props';
import { unlessPlaceholders } from './placeholders';
import type { SnapshotCopy } from './snapshot-copy';
import type { ISnapshotRef } from './snapshot-ref';
import { isKnown } from './tokens';
import { problemsOfTimeout } from './validate-durations';
import { KINDS, problemsOfKinds } from './validate-kinds';

const ZONE_NAME = /^[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}[a-z]$/;
const ZONE_ID = /^[a-z]{2,}(-[a-z]+)?\d{1,2}-az\d{1,2}$/;

export function problemsOfFastRestore(props: FastSnapshotRestoreProps, scope: IConstruct): string[] {
  const kinds = problemsOfKinds(props, KINDS.fastRestore, 'snapshot', 'availabilityZones');
  if (kinds.length > 0) return kinds;
  const { snapshot, timeout } = props;
  return unlessPlaceholders(scope, [
    ...problemsOfSnapshot(snapshot),
    ...problemsOfZones(props),
    ...problemsOfTimeout(timeout, MIN_FAST_RESTORE_TIMEOUT_SECONDS),
  ]);
}

/** Copies of a second installation of this package have another class, with the same members. */
function problemsOfSnapshot(snapshot: ISnapshotRef & Partial<Pick<SnapshotCopy, '_propAgainstFastRestore'>>): string[] {
  const prop = snapshot._propAgainstFastRestore;
  return prop === undefined
    ? []
    : [
        `snapshot "${snapshot.node.path}" has ${prop}, with which EC2 does not support fast restore: remove one of them`,
      ];
}

/** Whether the zones are given as IDs. Tokens count as names. */
export function isZoneId(zones: readonly string[]): boolean {
  return zones.some((zone) => isKnown(zone) && ZONE_ID.test(zone));
}

function problemsOfZones({ availabilityZones: zones, snapshot }: FastSnapshotRestoreProps): string[] {
  if (Token.isUnresolved(zones)) return [];
  if (zones.length === 0) return ['availabilityZones is empty: specify at least one zone'];
  const known = zones.filter(isKnown);
  const { region } = snapshot.env;
  const problems = known
    .filter((zone) => !ZONE_NAME.test(zone) && !ZONE_ID.test(zone))
    .map(
      (zone) => `availabilityZones "${zone}" is not a zone: specify names such as us-east-1a, or IDs such as use1-az1`,
    );
  const elsewhere = known.filter((zone) => ZONE_NAME.test(zone) && isKnown(region) && !zone.startsWith(region));
  problems.push(
    ...elsewhere.map(
      (zone) =>
        `availabilityZones "${zone}" is not in "${region}", the Region of the snapshot: specify zones of that Region`,
    ),
  );
  if (isZoneId(known) && known.some((zone) => ZONE_NAME.test(zone))) {
    problems.push(`availabilityZones "${known.join(', ')}" mixes names and IDs: specify only names or only IDs`);
  }
  return problems;
}
