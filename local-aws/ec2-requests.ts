import type { CopySnapshotRequest, Filter, Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { AwsError } from './faults';
import type { StoredSnapshot, TagMap } from './snapshot';

/** What EC2 refuses at once, and how it says so. */

const MAX_TAGS = 50;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;
const LOCAL_ZONE = /^([a-z]{2}(?:-[a-z]+)+-\d)-[a-z]{3}-\d[a-z]$/;
const OUTPOST = /^arn:aws[a-z-]*:outposts:([a-z0-9-]+):\d{12}:outpost\/op-[0-9a-f]{17}$/;

export function invalidValue(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message);
}

export function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') {
    throw new AwsError('MissingParameter', `The request must contain the parameter ${name}`);
  }
  return value;
}

/** EC2 tells an ID of the wrong form from something that is no ID at all. */
export function checkSnapshotId(id: string): void {
  if (!id.startsWith('snap-')) {
    throw invalidValue(`Value (${id}) for parameter snapshotId is invalid. Expected: 'snap-...'.`);
  }
  if (!/^snap-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) {
    throw new AwsError('InvalidSnapshotID.Malformed', `Invalid id: "${id}"`);
  }
}

/** EC2 does not look at the source here: whether there is one shows later. */
export function checkCopyRequest(region: string, input: CopySnapshotRequest): void {
  checkSnapshotId(required(input.SourceSnapshotId, 'SourceSnapshotId'));
  const sourceRegion = required(input.SourceRegion, 'SourceRegion');
  if (!REGION.test(sourceRegion)) {
    throw new AwsError('InvalidRegion', `Invalid region: ${sourceRegion}`);
  }
  if ((input.Description ?? '').length > 255) {
    throw invalidValue('Value for parameter description is invalid. Length exceeds maximum of 255.');
  }
  checkEncryption(input);
  checkDestination(region, sourceRegion, input);
}

function checkEncryption(input: CopySnapshotRequest): void {
  if (input.Encrypted === false) {
    throw invalidValue('Value (false) for parameter encrypted is invalid. Snapshot copies cannot be decrypted.');
  }
  if (input.KmsKeyId !== undefined && input.Encrypted !== true) {
    throw new AwsError(
      'InvalidParameterDependency',
      'The parameter KmsKeyId requires the parameter Encrypted to be set.',
    );
  }
}

function checkDestination(region: string, sourceRegion: string, input: CopySnapshotRequest): void {
  const { DestinationOutpostArn: outpost, DestinationAvailabilityZone: zone } = input;
  if (outpost !== undefined && zone !== undefined) {
    throw combination('DestinationOutpostArn and DestinationAvailabilityZone may not be used together');
  }
  if (outpost !== undefined && OUTPOST.exec(outpost)?.[1] !== region) {
    throw invalidValue(`Value (${outpost}) for parameter DestinationOutpostArn is invalid.`);
  }
  if (outpost !== undefined && sourceRegion !== region) {
    throw invalidValue('The snapshot must be in the Region of the destination Outpost.');
  }
  if (zone !== undefined && LOCAL_ZONE.exec(zone)?.[1] !== region) {
    throw invalidValue(`Value (${zone}) for parameter DestinationAvailabilityZone is invalid.`);
  }
  checkCompletionDuration(input.CompletionDurationMinutes, outpost ?? zone);
}

function checkCompletionDuration(minutes: number | undefined, special: string | undefined): void {
  if (minutes === undefined) {
    return;
  }
  if (special !== undefined) {
    throw combination('CompletionDurationMinutes is not supported for Outposts and Local Zones');
  }
  if (!Number.isInteger(minutes) || minutes < 15 || minutes > 2880 || minutes % 15 !== 0) {
    throw invalidValue(
      `Value (${minutes}) for parameter CompletionDurationMinutes is invalid. Expected: 15 to 2880 in steps of 15.`,
    );
  }
}

export function combination(message: string): AwsError {
  return new AwsError('InvalidParameterCombination', message);
}

/** The tags of a creation, checked. */
export function tagsOfSpecifications(specifications: TagSpecification[] = []): TagMap {
  for (const { ResourceType } of specifications) {
    if (ResourceType !== 'snapshot') {
      throw invalidValue(`'${ResourceType ?? ''}' is not a valid taggable resource type for this operation.`);
    }
  }
  const tags = specifications.flatMap(({ Tags = [] }) => Tags);
  const duplicate = tags.find(({ Key }, i) => tags.findIndex((other) => other.Key === Key) !== i);
  if (duplicate) {
    throw invalidValue(`Duplicate tag key '${duplicate.Key ?? ''}' specified.`);
  }
  return withTags(new Map(), tags);
}

export function withTags(present: TagMap, added: Tag[]): TagMap {
  const tags = new Map(present);
  for (const { Key = '', Value = '' } of added) {
    checkTag(Key, Value);
    tags.set(Key, Value);
  }
  if (tags.size > MAX_TAGS) {
    throw new AwsError('TagLimitExceeded', `The maximum number of tags for a resource is ${MAX_TAGS}`);
  }
  return tags;
}

function checkTag(key: string, value: string): void {
  if (key === '') {
    throw invalidValue('Tag key cannot be empty');
  }
  checkTagKey(key);
  if (key.length > 128) {
    throw invalidValue(`Tag key exceeds the maximum length of 128 characters`);
  }
  if (value.length > 256) {
    throw invalidValue(`Tag value exceeds the maximum length of 256 characters`);
  }
}

function checkTagKey(key: string): void {
  if (key.toLowerCase().startsWith('aws:')) {
    throw invalidValue("Tag keys starting with 'aws:' are reserved for internal use");
  }
}

/** DeleteTags: without keys all user tags go; with a value only a tag that has it. */
export function withoutTags(present: TagMap, removed: Tag[] | undefined): TagMap {
  if (removed === undefined || removed.length === 0) {
    return new Map([...present].filter(([key]) => key.startsWith('aws:')));
  }
  const tags = new Map(present);
  for (const { Key = '', Value } of removed) {
    checkTagKey(Key);
    if (Value === undefined || tags.get(Key) === Value) {
      tags.delete(Key);
    }
  }
  return tags;
}

/** One condition of DescribeSnapshots: the values of a snapshot of which one has to match. */
type FilterField = (snapshot: StoredSnapshot, state: string) => string[];

const FILTER_FIELDS: Readonly<Record<string, FilterField>> = {
  'snapshot-id': ({ id }) => [id],
  status: (_, state) => [state],
  'owner-id': ({ ownerId }) => [ownerId],
  description: ({ description }) => [description],
  encrypted: ({ encrypted }) => [String(encrypted)],
  'volume-id': ({ volumeId }) => [volumeId],
  'volume-size': ({ volumeSize }) => [String(volumeSize)],
  'storage-tier': ({ storageTier }) => [storageTier],
};

/** Whether a snapshot, with the tags that a search knows, passes a filter. */
export type Matcher = (snapshot: StoredSnapshot, state: string, tags: TagMap) => boolean;

export function matcherOf(filter: Filter): Matcher {
  const name = required(filter.Name, 'Filter.Name');
  const patterns = (filter.Values ?? []).map(toPattern);
  const some = (values: string[]) => values.some((value) => patterns.some((matches) => matches(value)));
  if (name === 'tag-key') {
    return (_snapshot, _state, tags) => some([...tags.keys()]);
  }
  if (name.startsWith('tag:')) {
    const key = name.slice('tag:'.length);
    return (_snapshot, _state, tags) => {
      const value = tags.get(key);
      return value !== undefined && some([value]);
    };
  }
  const field = FILTER_FIELDS[name];
  if (!field) {
    throw invalidValue(`The filter '${name}' is invalid`);
  }
  return (snapshot, state) => some(field(snapshot, state));
}

/** `*` and `?` are wildcards, a backslash takes their meaning. */
function toPattern(value: string): (text: string) => boolean {
  if (!/[*?\\]/.test(value)) {
    return (text) => text === value;
  }
  const source = value.replace(/\\?[\s\S]/g, (part) => {
    if (part === '*') {
      return '[\\s\\S]*';
    }
    return part === '?' ? '[\\s\\S]' : part.replace(/^\\(?=.)/s, '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  const pattern = new RegExp(`^${source}$`);
  return (text) => pattern.test(text);
}
