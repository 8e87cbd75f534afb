import {
  CfnDeletionPolicy,
  type ICfnResourceOptions,
  RemovalPolicy,
  Token,
  type Duration,
  type Stack,
} from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { MAX_TIMEOUT_SECONDS, MAX_USER_TAGS } from './contract';
import type { SnapshotCopyProps } from './snapshot-copy';

const SNAPSHOT_ID = /^snap-([0-9a-f]{8}|[0-9a-f]{17})$/;
const REGION = /^[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}$/;
const OUTPOST_ARN = /^arn:(aws[a-z-]*):outposts:([a-z0-9-]+):\d{12}:outpost\/op-[0-9a-f]{17}$/;
const LOCAL_ZONE_SUFFIX = /^-[a-z]{3,5}-\d{1,2}[a-z]$/;
const KEY_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;
const ALIAS_NAME = /^alias\/[A-Za-z0-9/_-]{1,250}$/;
const KMS_ARN = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):\d{12}:(.+)$/;
const KEY_ID_FORMS = 'a key id (1234abcd-12ab-34cd-56ef-1234567890ab or mrk-…), alias/NAME';
const KEY_ARN_FORMS =
  'arn:PARTITION:kms:REGION:ACCOUNT:key/ID or arn:PARTITION:kms:REGION:ACCOUNT:alias/NAME, with an account of 12 digits';

const MAX_DESCRIPTION = 255;
const MAX_TAG_KEY = 128;
const MAX_TAG_VALUE = 256;
const MAX_TAGS = 50;
const MAX_TIMEOUT_MINUTES = MAX_TIMEOUT_SECONDS / 60;
const OUR_TAG_PREFIX = 'cdk-ebs-snapshot-copy:';
const MIN_TIMEOUT_SECONDS = 60;
const COMPLETION_STEP_MINUTES = 15;
const MAX_COMPLETION_MINUTES = 48 * 60;

/** What is wrong with the props, one sentence each; tokens are taken as they are. */
export function problemsOfProps(props: SnapshotCopyProps, stack: Stack): string[] {
  const sourceRegion = props.sourceRegion ?? stack.region;
  const destinationRegion = props.destinationRegion ?? stack.region;
  return [
    ...problemsOfSource(props),
    ...problemsOfDestination(props, sourceRegion, destinationRegion),
    ...problemsOfKeys(props, sourceRegion, destinationRegion),
    ...problemsOfDescription(props.description),
    ...problemsOfTimes(props),
    ...problemsOfTags(props.tags ?? {}),
    ...problemsOfRemoval(props.removalPolicy),
  ];
}

/** Also for the tags that Aspects bring, hence apart from the props. */
export function problemsOfTags(tags: Readonly<Record<string, string>>): string[] {
  const keys = Object.keys(tags);
  const tooMany =
    keys.length > MAX_USER_TAGS
      ? [
          `${keys.length} tags are too many: EC2 takes ${MAX_TAGS}, of which the construct needs ` +
            `${MAX_TAGS - MAX_USER_TAGS} to know the copy as its own; take ${keys.length - MAX_USER_TAGS} away ` +
            '(tags of ancestors, by Tags.of, count too)',
        ]
      : [];
  return [...tooMany, ...Object.entries(tags).flatMap(([key, value]) => problemsOfTag(key, value))];
}

export function problemsOfRemoval(policy: RemovalPolicy | undefined): string[] {
  return policy === RemovalPolicy.SNAPSHOT
    ? [
        'removalPolicy "snapshot" is not possible: a snapshot cannot be snapshotted; ' +
          'use DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE',
      ]
    : [];
}

/** What Aspects and escape hatches have made of the resource. */
export function problemsOfPolicies({ deletionPolicy, updateReplacePolicy }: ICfnResourceOptions): string[] {
  if (deletionPolicy === CfnDeletionPolicy.SNAPSHOT) return problemsOfRemoval(RemovalPolicy.SNAPSHOT);
  const isDeleted = deletionPolicy === undefined || deletionPolicy === CfnDeletionPolicy.DELETE;
  return isDeleted && updateReplacePolicy === CfnDeletionPolicy.RETAIN
    ? [
        'updateReplacePolicy "Retain" is not possible without a deletion policy that retains, too: replaced copies ' +
          'would be deleted with the stack; use RETAIN or RETAIN_ON_UPDATE_OR_DELETE',
      ]
    : [];
}

function isKnown(value: string | undefined): value is string {
  return value !== undefined && !Token.isUnresolved(value);
}

function problemsOfSource(props: SnapshotCopyProps): string[] {
  const problems: string[] = [];
  if (isKnown(props.sourceSnapshotId) && !SNAPSHOT_ID.test(props.sourceSnapshotId)) {
    problems.push(
      `sourceSnapshotId "${props.sourceSnapshotId}" is not a snapshot id: ` +
        'give "snap-" and 17 (of old snapshots 8) hexadecimal digits, in lower case',
    );
  }
  if (isKnown(props.sourceRegion) && !REGION.test(props.sourceRegion)) {
    problems.push(notARegion('sourceRegion', props.sourceRegion));
  }
  return problems;
}

function notARegion(prop: string, value: string): string {
  return `${prop} "${value}" is not a Region: give its code, like "us-east-1", or leave it out for the Region of the stack`;
}

function problemsOfDestination(props: SnapshotCopyProps, sourceRegion: string, destinationRegion: string): string[] {
  const { destinationOutpostArn: outpost, destinationAvailabilityZone: zone } = props;
  const problems: string[] = [];
  if (isKnown(props.destinationRegion) && !REGION.test(props.destinationRegion)) {
    problems.push(notARegion('destinationRegion', props.destinationRegion));
  }
  if (outpost !== undefined && zone !== undefined) {
    problems.push(
      `destinationOutpostArn "${outpost}" and destinationAvailabilityZone "${zone}" exclude each other: keep one of them`,
    );
  }
  if (outpost !== undefined) problems.push(...problemsOfOutpost(outpost, sourceRegion, destinationRegion));
  if (isKnown(zone) && isKnown(destinationRegion)) {
    if (!zone.startsWith(destinationRegion) || !LOCAL_ZONE_SUFFIX.test(zone.slice(destinationRegion.length))) {
      problems.push(
        `destinationAvailabilityZone "${zone}" is not a Local Zone of the destination Region "${destinationRegion}": ` +
          'give a name like "us-west-2-lax-1a", and its Region as destinationRegion; for a usual zone leave it out',
      );
    }
  }
  return problems;
}

function problemsOfOutpost(outpost: string, sourceRegion: string, destinationRegion: string): string[] {
  const problems: string[] = [];
  if (isKnown(outpost)) {
    const [, partition, region] = OUTPOST_ARN.exec(outpost) ?? [];
    if (partition === undefined || region === undefined) {
      problems.push(
        `destinationOutpostArn "${outpost}" is not the ARN of an Outpost: ` +
          'give arn:PARTITION:outposts:REGION:ACCOUNT:outpost/op-…, with an account of 12 digits and 17 hexadecimal digits after "op-"',
      );
    } else {
      problems.push(...problemsOfArnRegion('destinationOutpostArn', outpost, partition, region, destinationRegion));
    }
  }
  if (isKnown(sourceRegion) && isKnown(destinationRegion) && sourceRegion !== destinationRegion) {
    problems.push(
      `sourceRegion "${sourceRegion}" is not the Region of the Outpost, "${destinationRegion}": EC2 copies to an Outpost ` +
        'within its Region only; copy to that Region first, and from there to the Outpost',
    );
  }
  return problems;
}

function problemsOfArnRegion(prop: string, arn: string, partition: string, region: string, wanted: string): string[] {
  if (isKnown(wanted) && region !== wanted) {
    return [
      `${prop} "${arn}" is in "${region}", the copy in "${wanted}": ` +
        'give one of the destination Region, or change destinationRegion',
    ];
  }
  const right = RegionInfo.get(region).partition;
  if (right !== undefined && right !== partition) {
    return [`${prop} "${arn}" names the partition "${partition}": the one of ${region} is "${right}"`];
  }
  return [];
}

function problemsOfKeys(props: SnapshotCopyProps, sourceRegion: string, destinationRegion: string): string[] {
  const { kmsKey, kmsKeyId, sourceKmsKey } = props;
  const problems: string[] = [];
  if (props.encrypted === false) {
    problems.push(
      'encrypted "false" is not possible, EC2 has no way to decrypt a copy: leave it out (the copy is then as its source), or give true',
    );
  }
  if (kmsKey !== undefined && kmsKeyId !== undefined) {
    problems.push(`kmsKey "${kmsKey.node.path}" and kmsKeyId "${kmsKeyId}" exclude each other: keep one of them`);
  }
  if (kmsKey !== undefined) problems.push(...problemsOfKey('kmsKey', kmsKey, 'copy', destinationRegion));
  if (isKnown(kmsKeyId)) problems.push(...problemsOfKeyId(kmsKeyId, destinationRegion));
  if (sourceKmsKey !== undefined) {
    problems.push(...problemsOfKey('sourceKmsKey', sourceKmsKey, 'source snapshot', sourceRegion));
  }
  return problems;
}

function problemsOfKey(prop: string, key: IKey, whose: string, wantedRegion: string): string[] {
  if (isKnown(key.keyArn) && partsOfKmsArn(key.keyArn) === undefined) {
    return [`${prop} "${key.keyArn}" is not the ARN of a key: give ${KEY_ARN_FORMS}`];
  }
  const region = partsOfKmsArn(key.keyArn)?.region ?? key.env.region;
  if (!isKnown(region) || !isKnown(wantedRegion) || region === wantedRegion) return [];
  return [
    `${prop} "${key.node.path}" is in "${region}", the ${whose} in "${wantedRegion}": give a key of that Region ` +
      '(of a multi-Region key, the replica there)',
  ];
}

function problemsOfKeyId(id: string, destinationRegion: string): string[] {
  if (KEY_ID.test(id) || ALIAS_NAME.test(id)) return [];
  const parts = partsOfKmsArn(id);
  return parts === undefined
    ? [`kmsKeyId "${id}" is not a key: give ${KEY_ID_FORMS} or ${KEY_ARN_FORMS}`]
    : problemsOfArnRegion('kmsKeyId', id, parts.partition, parts.region, destinationRegion);
}

function partsOfKmsArn(arn: string): { partition: string; region: string } | undefined {
  const [, partition, region, resource = ''] = KMS_ARN.exec(arn) ?? [];
  const isKey = resource.startsWith('key/') && KEY_ID.test(resource.slice('key/'.length));
  if (partition === undefined || region === undefined) return undefined;
  return isKey || ALIAS_NAME.test(resource) ? { partition, region } : undefined;
}

function problemsOfDescription(description: string | undefined): string[] {
  return isKnown(description) && description.length > MAX_DESCRIPTION
    ? [
        `description "${description}" has ${description.length} characters: EC2 takes ${MAX_DESCRIPTION}; shorten it, or put the rest into tags`,
      ]
    : [];
}

function problemsOfTimes(props: SnapshotCopyProps): string[] {
  const { timeout, completionDuration } = props;
  return [
    ...(timeout === undefined ? [] : problemsOfTimeout(timeout)),
    ...(completionDuration === undefined ? [] : problemsOfCompletion(completionDuration, props)),
  ];
}

function secondsOf(duration: Duration): number {
  return duration.toSeconds({ integral: false });
}

function problemsOfTimeout(timeout: Duration): string[] {
  if (timeout.isUnresolved()) return [];
  const seconds = secondsOf(timeout);
  return Number.isInteger(seconds) && seconds >= MIN_TIMEOUT_SECONDS && seconds <= MAX_TIMEOUT_MINUTES * 60
    ? []
    : [
        `timeout "${seconds} seconds" is out of range: give 1 minute to ${MAX_TIMEOUT_MINUTES / 60} hours, in whole seconds`,
      ];
}

function problemsOfCompletion(completion: Duration, props: SnapshotCopyProps): string[] {
  const problems: string[] = [];
  if (props.destinationOutpostArn !== undefined || props.destinationAvailabilityZone !== undefined) {
    const prop = props.destinationOutpostArn === undefined ? 'destinationAvailabilityZone' : 'destinationOutpostArn';
    problems.push(
      `completionDuration "${completion.toString()}" does not go with ${prop}: EC2 has time-based copies to Regions only; leave out one of them`,
    );
  }
  if (completion.isUnresolved()) return problems;
  const minutes = secondsOf(completion) / 60;
  if (
    minutes % COMPLETION_STEP_MINUTES !== 0 ||
    minutes < COMPLETION_STEP_MINUTES ||
    minutes > MAX_COMPLETION_MINUTES
  ) {
    problems.push(
      `completionDuration "${minutes} minutes" is not possible: give 15 minutes to 48 hours, in steps of 15 minutes`,
    );
  }
  if (props.timeout === undefined || props.timeout.isUnresolved()) return problems;
  const timeoutMinutes = secondsOf(props.timeout) / 60;
  if (minutes > timeoutMinutes) {
    problems.push(
      `completionDuration "${minutes} minutes" is longer than timeout, ${timeoutMinutes} minutes: ` +
        'give EC2 less time, raise timeout, or leave timeout out',
    );
  }
  return problems;
}

function problemsOfTag(key: string, value: string): string[] {
  const problems: string[] = [];
  if (isKnown(key)) {
    if (key.length < 1 || key.length > MAX_TAG_KEY) {
      problems.push(`tag key "${key}" has ${key.length} characters: EC2 takes 1 to ${MAX_TAG_KEY}; rename it`);
    }
    if (key.toLowerCase().startsWith('aws:')) {
      problems.push(`tag key "${key}" begins with "aws:", which is reserved for AWS: rename it`);
    }
    if (key.startsWith(OUR_TAG_PREFIX)) {
      problems.push(
        `tag key "${key}" begins with "${OUR_TAG_PREFIX}", by which the construct knows its copies: rename it`,
      );
    }
  }
  if (isKnown(value) && value.length > MAX_TAG_VALUE) {
    problems.push(
      `the value "${value}" of tag "${key}" has ${value.length} characters: EC2 takes ${MAX_TAG_VALUE}; shorten it`,
    );
  }
  return problems;
}
