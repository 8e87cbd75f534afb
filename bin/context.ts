import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { SnapshotLock, StorageTier } from '../lib';
import type { SnapshotCopyStackProps } from './snapshot-copy-stack';

type Copy = SnapshotCopyStackProps['copy'];
type Parsed = Partial<Copy> &
  Pick<SnapshotCopyStackProps, 'sourceKmsKeyArn' | 'dryRun'> & {
    readonly latestVolumeId?: string;
    readonly latestTags?: Record<string, string>;
  };

interface Option {
  readonly value: string;
  readonly help: string;
  readonly parse: (text: string) => Parsed;
}

const REMOVAL_POLICIES = new Map([
  ['destroy', RemovalPolicy.DESTROY],
  ['retain', RemovalPolicy.RETAIN],
  ['retain-on-update-or-delete', RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE],
]);

const OPTIONS: Readonly<Record<string, Option>> = {
  sourceSnapshotId: {
    value: 'snap-…',
    help: 'the snapshot to copy',
    parse: (sourceSnapshotId) => ({ sourceSnapshotId }),
  },
  latestVolumeId: {
    value: 'vol-…',
    help: 'instead of sourceSnapshotId: the newest snapshot of this volume',
    parse: (latestVolumeId) => ({ latestVolumeId }),
  },
  latestTags: {
    value: 'JSON',
    help: 'instead of sourceSnapshotId, or with latestVolumeId: the newest snapshot with these tags',
    parse: (text) => ({ latestTags: parseTags('latestTags', text) }),
  },
  refresh: {
    value: 'TEXT',
    help: 'change it to look for the newest snapshot again',
    parse: (refresh) => ({ refresh }),
  },
  sourceRegion: {
    value: 'REGION',
    help: 'Region of the source; default: the Region of the stack',
    parse: (sourceRegion) => ({ sourceRegion }),
  },
  destinationRegion: {
    value: 'REGION',
    help: 'Region of the copy; default: the Region of the stack',
    parse: (destinationRegion) => ({ destinationRegion }),
  },
  destinationOutpostArn: {
    value: 'ARN',
    help: 'Outpost in the destination Region',
    parse: (destinationOutpostArn) => ({ destinationOutpostArn }),
  },
  destinationAvailabilityZone: {
    value: 'ZONE',
    help: 'Local Zone of the destination Region, such as us-west-2-lax-1a',
    parse: (destinationAvailabilityZone) => ({ destinationAvailabilityZone }),
  },
  description: {
    value: 'TEXT',
    help: 'description of the copy, at most 255 characters',
    parse: (description) => ({ description }),
  },
  encrypted: {
    value: 'true',
    help: 'encrypt the copy of an unencrypted source',
    parse: (text) => ({ encrypted: parseBoolean('encrypted', text) }),
  },
  kmsKeyId: {
    value: 'KEY',
    help: 'key of the copy: a key id, alias/NAME, a key ARN or an alias ARN',
    parse: (kmsKeyId) => ({ kmsKeyId }),
  },
  sourceKmsKeyArn: {
    value: 'ARN',
    help: 'customer managed key of an encrypted source',
    parse: (sourceKmsKeyArn) => ({ sourceKmsKeyArn }),
  },
  completionDurationMinutes: {
    value: 'N',
    help: 'time-based copy: 15 to 2880 minutes, in steps of 15',
    parse: (text) => ({ completionDuration: parseMinutes('completionDurationMinutes', text) }),
  },
  tags: {
    value: 'JSON',
    help: 'tags of the copy, such as \'{"team":"storage"}\'',
    parse: (text) => ({ tags: parseTags('tags', text) }),
  },
  timeoutMinutes: {
    value: 'N',
    help: 'how long the copy may take, 1 to 2880 minutes; default: completionDurationMinutes + 10, at least 50',
    parse: (text) => ({ timeout: parseMinutes('timeoutMinutes', text) }),
  },
  removalPolicy: {
    value: 'POLICY',
    help: 'destroy (default), retain or retain-on-update-or-delete',
    parse: (text) => ({ removalPolicy: parseRemovalPolicy(text) }),
  },
  copySourceTags: {
    value: 'true',
    help: 'also give the copy the tags of the source',
    parse: (text) => ({ copySourceTags: parseBoolean('copySourceTags', text) }),
  },
  shareWith: {
    value: 'ACCOUNT,…',
    help: 'accounts that may create volumes from the copy',
    parse: (text) => ({ shareWith: text.split(',').map((account) => account.trim()) }),
  },
  storageTier: {
    value: 'TIER',
    help: 'standard (default) or archive',
    parse: (text) => ({ storageTier: parseStorageTier(text) }),
  },
  lock: {
    value: 'DAYS[,HOURS]',
    help: 'governance lock for DAYS; with HOURS of cool-off, compliance lock; needs a removalPolicy that retains',
    parse: (text) => ({ lock: parseLock(text) }),
  },
  dryRun: {
    value: 'true',
    help: 'only verify that EC2 would make the copy',
    parse: (text) => ({ dryRun: parseBoolean('dryRun', text) }),
  },
};

export const USAGE = [
  'Usage: npx cdk deploy -c sourceSnapshotId=snap-… [-c NAME=VALUE …]',
  '',
  ...Object.entries(OPTIONS).map(([name, { value, help }]) => `  -c ${`${name}=${value}`.padEnd(36)}${help}`),
].join('\n');

/** Throws an error if a value is missing, unknown or of the wrong type. The construct validates the rest. */
export function propsFromContext(context: Readonly<Record<string, unknown>>): SnapshotCopyStackProps {
  const ours = Object.entries(context).filter(([name]) => isOurs(name));
  const { sourceKmsKeyArn, dryRun, latestTags, latestVolumeId, ...copy } = ours
    .map(([name, value]) => parse(name, value))
    .reduce((all, one) => ({ ...all, ...one }), {});
  const isLatest = latestTags !== undefined || latestVolumeId !== undefined;
  if (copy.sourceSnapshotId === undefined && !isLatest) {
    throw new Error('sourceSnapshotId is missing: give the snapshot to copy');
  }
  const latestSource = isLatest ? { volumeId: latestVolumeId, tags: latestTags } : undefined;
  return { copy: { ...copy, latestSource }, sourceKmsKeyArn, dryRun };
}

/** The names of the CDK's own context (`aws:cdk:…`, `@aws-cdk/…`, `cli-…`, lookups) are not plain words. */
function isOurs(name: string): boolean {
  return /^\w+$/.test(name);
}

function parse(name: string, value: unknown): Parsed {
  const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  if (option === undefined) throw new Error(`"${name}" is unknown: use one of the names below`);
  return option.parse(typeof value === 'string' ? value : JSON.stringify(value));
}

function parseBoolean(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error(`${name} "${text}" is neither true nor false`);
  return text === 'true';
}

function parseMinutes(name: string, text: string): Duration {
  if (!/^\d+$/.test(text))
    throw new Error(`${name} "${text}" is not a number of minutes: give a whole number, such as 30`);
  return Duration.minutes(Number(text));
}

function parseRemovalPolicy(text: string): RemovalPolicy {
  const policy = REMOVAL_POLICIES.get(text);
  if (policy === undefined) {
    throw new Error(`removalPolicy "${text}" is not one of ${[...REMOVAL_POLICIES.keys()].join(', ')}`);
  }
  return policy;
}

function parseStorageTier(text: string): StorageTier {
  const tier = Object.values(StorageTier).find((each: string) => each === text);
  if (tier === undefined) {
    throw new Error(`storageTier "${text}" is not one of ${Object.values(StorageTier).join(', ')}`);
  }
  return tier;
}

function parseLock(text: string): SnapshotLock {
  const [, days, hours] = /^(\d+)(?:,(\d+))?$/.exec(text) ?? [];
  if (days === undefined) {
    throw new Error(`lock "${text}" is not a number of days: give one such as 7, or 7,24 for a compliance lock`);
  }
  const duration = Duration.days(Number(days));
  return hours === undefined
    ? SnapshotLock.governance(duration)
    : SnapshotLock.compliance(duration, Duration.hours(Number(hours)));
}

function parseTags(name: string, text: string): Record<string, string> {
  const tags = parseJson(text);
  if (
    typeof tags !== 'object' ||
    tags === null ||
    Array.isArray(tags) ||
    !Object.values(tags).every((value) => typeof value === 'string')
  ) {
    throw new Error(`${name} "${text}" is not a JSON object of strings: give one such as {"team":"storage"}`);
  }
  return tags as Record<string, string>;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
