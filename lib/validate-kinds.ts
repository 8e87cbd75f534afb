// Checks that each value has the kind that its type declares. Types do not protect JavaScript code or values of type
// `any`, such as context: a missing value would count as the default, and the string "true" would not count as a
// boolean.
import { RemovalPolicy, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { closest } from './misspelt';
import { StorageTier } from './storage-tier';

interface Kind {
  readonly is: (value: unknown) => boolean;
  /** Completes "specify …". */
  readonly wanted: string;
  /** Whether users may pass a string from the context instead. */
  readonly canBeText?: boolean;
}

type Kinds = Readonly<Record<string, Kind>>;

const TEXT: Kind = { is: (value) => typeof value === 'string', wanted: 'a string' };
const BOOLEAN: Kind = { is: (value) => typeof value === 'boolean', wanted: 'true or false', canBeText: true };
const NUMBER: Kind = { is: (value) => typeof value === 'number', wanted: 'a number', canBeText: true };
const duration = (example: string): Kind => ({
  is: (value) => has(value, 'toSeconds'),
  wanted: `a Duration, such as Duration.${example}`,
  canBeText: true,
});
const KEY: Kind = { is: (value) => has(value, 'keyRef'), wanted: 'a key construct, such as kms.Key.fromKeyArn(…)' };
const CONSTRUCT: Kind = { is: (value) => Construct.isConstruct(value), wanted: 'a construct' };
const CONSTRUCTS: Kind = {
  is: (value) => Array.isArray(value) && value.length > 0 && value.every((each) => Construct.isConstruct(each)),
  wanted: 'a list of constructs',
};
const OBJECT: Kind = {
  is: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  wanted: 'an object',
  canBeText: true,
};
const REMOVAL_POLICY: Kind = {
  is: (value) => Object.values<unknown>(RemovalPolicy).includes(value),
  wanted: 'a RemovalPolicy, such as RemovalPolicy.RETAIN',
};

const TEXTS: Kind = { is: (value) => Array.isArray(value) && value.every(TEXT.is), wanted: 'a list of strings' };
const STORAGE_TIER: Kind = {
  is: (value) => Object.values<unknown>(StorageTier).includes(value),
  wanted: 'a StorageTier, such as StorageTier.ARCHIVE',
};
const SNAPSHOT: Kind = {
  is: (value) => has(value, 'snapshotRef'),
  wanted: 'a snapshot construct, such as SnapshotCopy.fromSnapshotId(…)',
};
const LOCK: Kind = { is: (value) => has(value, '_problems'), wanted: 'a SnapshotLock' };

/** The kind of each prop, for each object of props. */
export const KINDS = {
  copy: {
    sourceSnapshotId: TEXT,
    latestSource: OBJECT,
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
    completionDuration: duration('minutes(15)'),
    timeout: duration('hours(2)'),
    tags: OBJECT,
    removalPolicy: REMOVAL_POLICY,
    copySourceTags: BOOLEAN,
    shareWith: TEXTS,
    storageTier: STORAGE_TIER,
    lock: LOCK,
  },
  latestSource: { volumeId: TEXT, tags: OBJECT, owner: TEXT, maxAge: duration('hours(36)') },
  lock: { duration: duration('days(30)'), coolOff: duration('hours(24)') },
  fastRestore: {
    snapshot: SNAPSHOT,
    availabilityZones: TEXTS,
    waitUntilEnabled: BOOLEAN,
    timeout: duration('hours(2)'),
  },
  import: { snapshotId: TEXT, region: TEXT, encryptionKey: KEY },
  grants: { encryptionKey: KEY },
  sharing: { accountIds: TEXTS },
  settings: {
    logGroup: CONSTRUCT,
    stateMachineLogGroup: CONSTRUCT,
    tracing: BOOLEAN,
    vpc: CONSTRUCT,
    vpcSubnets: OBJECT,
    securityGroups: CONSTRUCTS,
    pollInterval: duration('seconds(30)'),
    maxConcurrentCopies: NUMBER,
  },
} satisfies Readonly<Record<string, Kinds>>;

/** If it finds no problem, the values have the types that they declare. */
export function problemsOfKinds(props: object, kinds: Kinds, ...required: readonly string[]): string[] {
  const given = new Map<string, unknown>(Object.entries(props).filter(([, value]) => value !== undefined));
  const names = Object.keys(kinds);
  const missing = required.filter((name) => !given.has(name));
  return [
    ...[...given.keys()].filter((name) => !names.includes(name)).flatMap((name) => problemsOfName(name, names, given)),
    ...missing.map((name) => `${name} is undefined: specify ${kinds[name]?.wanted}`),
    ...names.filter((name) => given.has(name)).flatMap((name) => problemOf(name, given.get(name), kinds[name])),
  ];
}

/** Reports only likely typos. Other unknown names may be deliberate: users may pass an object with more members. */
function problemsOfName(name: string, names: readonly string[], given: ReadonlyMap<string, unknown>): string[] {
  const meant = closest(name, names);
  return meant === undefined || given.has(meant) ? [] : [`${name} is not a prop: did you mean ${meant}?`];
}

/** The problems of the value of a tag. */
export function problemsOfTagKind(key: string, value: unknown): string[] {
  return problemOf(`the value of tag "${key}"`, value, TEXT);
}

function problemOf(name: string, value: unknown, kind = TEXT): string[] {
  if (kind.is(value)) return [];
  if (kind === TEXTS && Array.isArray(value))
    return value.flatMap((each: unknown, index) => problemOf(`${name}[${index}]`, each));
  return [`${name} ${inWords(value)}: specify ${kind.wanted}${hintFor(value, kind)}`];
}

function hintFor(value: unknown, kind: Kind): string {
  if (Token.isUnresolved(value)) return kind === TEXT ? ' (Token.asString converts any token to a string)' : '';
  if (typeof value === 'number' && kind === TEXT) return ' (put it in quotes)';
  return typeof value === 'string' && kind.canBeText ? ' (context values from -c are strings: convert them)' : '';
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
