// Whether each value is of the kind that its type says. To JavaScript, and to values of `any` such as context, types mean
// nothing: what is not there would be taken for the default, and text for no boolean.
import { RemovalPolicy, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { StorageTier } from './storage-tier';

interface Kind {
  readonly is: (value: unknown) => boolean;
  /** Completes "give …". */
  readonly wanted: string;
}

const TEXT: Kind = { is: (value) => typeof value === 'string', wanted: 'a string' };
const BOOLEAN: Kind = { is: (value) => typeof value === 'boolean', wanted: 'true or false' };
const NUMBER: Kind = { is: (value) => typeof value === 'number', wanted: 'a number' };
const DURATION: Kind = { is: (value) => has(value, 'toSeconds'), wanted: 'a Duration, such as Duration.hours(2)' };
const KEY: Kind = { is: (value) => has(value, 'keyRef'), wanted: 'a key construct, such as kms.Key.fromKeyArn(…)' };
const CONSTRUCT: Kind = { is: (value) => Construct.isConstruct(value), wanted: 'a construct' };
const CONSTRUCTS: Kind = {
  is: (value) => Array.isArray(value) && value.length > 0 && value.every((each) => Construct.isConstruct(each)),
  wanted: 'a list of constructs',
};
const OBJECT: Kind = {
  is: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  wanted: 'an object',
};
const REMOVAL_POLICY: Kind = {
  is: (value) => Object.values<unknown>(RemovalPolicy).includes(value),
  wanted: 'a RemovalPolicy',
};

const TEXTS: Kind = { is: (value) => Array.isArray(value) && value.every(TEXT.is), wanted: 'a list of strings' };
const STORAGE_TIER: Kind = {
  is: (value) => Object.values<unknown>(StorageTier).includes(value),
  wanted: 'a StorageTier',
};
const SNAPSHOT: Kind = {
  is: (value) => has(value, 'snapshotRef'),
  wanted: 'a snapshot construct, such as SnapshotCopy.fromSnapshotId(…)',
};
const LOCK: Kind = { is: (value) => has(value, '_problems'), wanted: 'a SnapshotLock' };

/** What text of the context stands for. */
const CONVERTIBLE: readonly Kind[] = [BOOLEAN, NUMBER, DURATION, OBJECT];

/** By the name of the prop. A name means the same wherever it occurs. */
const KINDS: Readonly<Record<string, Kind>> = {
  snapshotId: TEXT,
  region: TEXT,
  encryptionKey: KEY,
  sourceSnapshotId: TEXT,
  latestSource: OBJECT,
  volumeId: TEXT,
  owner: TEXT,
  maxAge: DURATION,
  refresh: TEXT,
  sourceRegion: TEXT,
  sourceOwner: TEXT,
  destinationRegion: TEXT,
  destinationOutpostArn: TEXT,
  destinationAvailabilityZone: TEXT,
  description: TEXT,
  encrypted: BOOLEAN,
  kmsKey: { ...KEY, wanted: 'a key construct, or use kmsKeyId' },
  kmsKeyId: TEXT,
  sourceKmsKey: KEY,
  completionDuration: DURATION,
  tags: OBJECT,
  timeout: DURATION,
  removalPolicy: REMOVAL_POLICY,
  copySourceTags: BOOLEAN,
  shareWith: TEXTS,
  storageTier: STORAGE_TIER,
  lock: LOCK,
  duration: DURATION,
  coolOff: DURATION,
  accountIds: TEXTS,
  snapshot: SNAPSHOT,
  availabilityZones: TEXTS,
  waitUntilEnabled: BOOLEAN,
  logGroup: CONSTRUCT,
  stateMachineLogGroup: CONSTRUCT,
  vpc: CONSTRUCT,
  vpcSubnets: OBJECT,
  securityGroups: CONSTRUCTS,
  pollInterval: DURATION,
  maxConcurrentCopies: NUMBER,
  tracing: BOOLEAN,
};

/** Without a problem here, the values may be read as what their types say. */
export function problemsOfKinds(props: object, ...required: readonly string[]): string[] {
  const given = Object.entries(props).filter(([name, value]) => value !== undefined && KINDS[name] !== undefined);
  const missing = required.filter((name) => !given.some(([each]) => each === name));
  return [
    ...missing.map((name) => `${name} is undefined: give ${KINDS[name]?.wanted}`),
    ...given.flatMap(([name, value]: [string, unknown]) => problemOf(name, value, KINDS[name])),
  ];
}

/** What is wrong with the value of a tag. */
export function problemsOfTagKind(key: string, value: unknown): string[] {
  return problemOf(`the value of tag "${key}"`, value, TEXT);
}

function problemOf(name: string, value: unknown, kind = TEXT): string[] {
  if (kind.is(value)) return [];
  return [`${name} ${inWords(value)}: give ${kind.wanted}${hintFor(value, kind)}`];
}

function hintFor(value: unknown, kind: Kind): string {
  if (Token.isUnresolved(value)) return kind === TEXT ? ' (Token.asString makes one of any token)' : '';
  const isText = typeof value === 'string';
  return isText && CONVERTIBLE.includes(kind) ? ' (context values that -c gives are strings: convert them)' : '';
}

function inWords(value: unknown): string {
  if (value === null || value === undefined) return `is ${value}`;
  if (Token.isUnresolved(value)) return 'is a token of another type';
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : 'is a list';
  if (typeof value === 'object') return 'is an object';
  return `is the ${typeof value} ${JSON.stringify(value)}`;
}

function has(value: unknown, member: string): boolean {
  return typeof value === 'object' && value !== null && member in value;
}
