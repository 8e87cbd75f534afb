import { Annotations } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { IConstruct } from 'constructs';
import type { CommonSnapshotCopyProps } from './snapshot-copy-props';
import { isKnown } from './tokens';

const REGION = /^[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}$/;

/** The Regions that are known at synthesis, with their props. */
function regionsIn({ sourceRegion, destinationRegion }: CommonSnapshotCopyProps): [prop: string, region: string][] {
  return Object.entries({ sourceRegion, destinationRegion }).filter((entry): entry is [string, string] =>
    isKnown(entry[1]),
  );
}

export function problemsOfRegions(props: CommonSnapshotCopyProps, stackRegion: string): string[] {
  const regions = regionsIn(props);
  const known = [stackRegion, ...regions.map(([, region]) => region)].filter(isKnown);
  const home = known.find((region) => partitionOf(region) !== undefined);
  return regions.flatMap(([prop, region]) => [
    ...problemsOfRegion(prop, region),
    ...(home === undefined ? [] : problemsOfPartition(prop, region, home)),
  ]);
}

export function problemsOfRegion(prop: string, region: string | undefined): string[] {
  return isKnown(region) && !REGION.test(region)
    ? [
        `${prop} "${region}" is not a Region: specify a code such as "us-east-1", or remove it to use the Region of the stack`,
      ]
    : [];
}

function problemsOfPartition(prop: string, region: string, home: string): string[] {
  const [partition, expected] = [partitionOf(region), partitionOf(home)];
  return partition === undefined || partition === expected
    ? []
    : [
        `${prop} "${region}" is in the partition "${partition}", but "${home}" is in the partition "${expected}": ` +
          'EC2 copies only within a partition',
      ];
}

/** A Region that the CDK does not know is not an error, because it may be newer than the CDK. */
export function warnOfUnknownRegions(scope: IConstruct, props: CommonSnapshotCopyProps): void {
  for (const [prop, region] of regionsIn(props).filter(([, each]) => partitionOf(each) === undefined)) {
    Annotations.of(scope).addWarningV2(
      'cdk-ebs-snapshot-copy:unknownRegion',
      `The CDK does not know ${prop} "${region}": check its spelling, or acknowledge this warning if the Region is new.`,
    );
  }
}

/** Returns `undefined` for a Region that the CDK does not know. */
export function partitionOf(region: string): string | undefined {
  return RegionInfo.get(region).partition;
}
