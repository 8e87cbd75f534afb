import type { CommonSnapshotCopyProps } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { partitionOf } from './validate-regions';

const OUTPOST_ARN = /^arn:(aws[a-z-]*):outposts:([a-z0-9-]+):\d{12}:outpost\/op-[0-9a-f]{17}$/;
const LOCAL_ZONE_SUFFIX = /^-[a-z]{3,5}-\d{1,2}[a-z]$/;

export interface Regions {
  readonly source: string;
  readonly destination: string;
}

export function problemsOfDestination(props: CommonSnapshotCopyProps, regions: Regions): string[] {
  const { destinationOutpostArn: outpost, destinationAvailabilityZone: zone } = props;
  const areBothGiven = outpost !== undefined && zone !== undefined;
  return [
    ...(areBothGiven
      ? [
          `destinationOutpostArn "${outpost}" and destinationAvailabilityZone "${zone}" are mutually exclusive: remove one`,
        ]
      : []),
    ...(outpost === undefined ? [] : problemsOfOutpost(outpost, regions)),
    ...problemsOfZone(zone, regions.destination),
  ];
}

/** An ARN must be in the wanted Region, and in the partition of that Region. */
export function problemsOfArn(prop: string, arn: string, partition: string, region: string, wanted: string): string[] {
  if (isKnown(wanted) && region !== wanted) {
    return [
      `${prop} "${arn}" is in "${region}", but the copy is in "${wanted}": ` +
        'specify an ARN in the destination Region, or change destinationRegion',
    ];
  }
  const expected = partitionOf(region);
  return expected === undefined || expected === partition
    ? []
    : [`${prop} "${arn}" has the partition "${partition}", but ${region} is in the partition "${expected}"`];
}

function problemsOfOutpost(outpost: string, { source, destination }: Regions): string[] {
  const problems: string[] = [];
  if (isKnown(outpost)) {
    const [, partition, region] = OUTPOST_ARN.exec(outpost) ?? [];
    problems.push(
      ...(partition === undefined || region === undefined
        ? [
            `destinationOutpostArn "${outpost}" is not the ARN of an Outpost: specify ` +
              'arn:PARTITION:outposts:REGION:ACCOUNT:outpost/op-…, with an account of 12 digits and ' +
              '17 hexadecimal digits after "op-"',
          ]
        : problemsOfArn('destinationOutpostArn', outpost, partition, region, destination)),
    );
  }
  if (isKnown(source) && isKnown(destination) && source !== destination) {
    problems.push(
      `sourceRegion "${source}" is not the Region of the Outpost, "${destination}": EC2 copies to an Outpost only from ` +
        'its own Region; copy to that Region first, then copy that copy to the Outpost',
    );
  }
  return problems;
}

function problemsOfZone(zone: string | undefined, region: string): string[] {
  if (!isKnown(zone) || !isKnown(region)) return [];
  const isLocalZone = zone.startsWith(region) && LOCAL_ZONE_SUFFIX.test(zone.slice(region.length));
  return isLocalZone
    ? []
    : [
        `destinationAvailabilityZone "${zone}" is not a Local Zone of the destination Region "${region}": specify a ` +
          'name such as "us-west-2-lax-1a", and its Region as destinationRegion; for an ordinary zone, remove it',
      ];
}
