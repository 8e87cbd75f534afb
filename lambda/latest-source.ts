// Finds the newest snapshot that a selector matches. The handler searches before it makes a copy, never in a rollback.
import { TAG } from '../lib/contract';
import type { Filter, Snapshot } from './aws';
import type { Poll } from './context';
import { Failure, NotYet } from './failure';
import { describeSelector } from './reasons';
import type { LatestSource, Request } from './request';
import { elapsed, pollAge, READING_MS } from './times';

/** Returns nothing if the source is named. If no snapshot can be the source, throws NotYet first, then a Failure. */
export async function latestSourceOf(poll: Poll): Promise<Snapshot | undefined> {
  const { aws, log, memory, request } = poll;
  const { latestSource: selector, sourceRegion } = request.wanted;
  if (!selector) return undefined;
  const isTooLong = (): boolean => pollAge(poll) > READING_MS;
  const found = await aws.findSnapshots(sourceRegion, selector.owner, filtersOf(selector), isTooLong);
  const seen = found.filter((one) => isMatch(one, selector) && !isCopyOf(one, request));
  const [newest, ...older] = seen.filter((one) => !flawOf(one, selector, poll)).sort(newestFirst);
  if (!newest) throw noneFound(poll, selector, seen);
  refuseTie(request, selector, [newest, ...older]);
  const snapshotId = newest.SnapshotId ?? '';
  if (memory.sourceOf(request) !== snapshotId) {
    log('latest source', { source: snapshotId, startTime: newest.StartTime, seen: seen.length });
  }
  memory.chooseSource(request, snapshotId);
  return newest;
}

/** Whether the selector may have matched the snapshot. Ignores its tags, which may have changed since. */
export function isOfOrigin({ OwnerId, VolumeId }: Snapshot, selector: LatestSource, { account }: Request): boolean {
  const owner = selector.owner === 'self' ? account : selector.owner;
  return OwnerId === owner && (selector.volumeId ?? VolumeId) === VolumeId;
}

function filtersOf({ tags, volumeId }: LatestSource): Filter[] {
  const filters = Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [literally(value)] }));
  return volumeId === undefined ? filters : [{ Name: 'volume-id', Values: [volumeId] }, ...filters];
}

/** Escapes the wildcards that EC2 allows in the values of filters. */
const literally = (value: string): string => value.replace(/[\\*?]/g, '\\$&');

function isMatch({ Tags = [], VolumeId }: Snapshot, { tags, volumeId }: LatestSource): boolean {
  const hasTag = ([key, value]: [string, string]) => Tags.some((tag) => tag.Key === key && tag.Value === value);
  return (volumeId ?? VolumeId) === VolumeId && Object.entries(tags).every(hasTag);
}

/**
 * Whether the snapshot is a copy that this resource made, or the same resource of an earlier stack with this name. Such a
 * copy may have the tags of its source.
 */
function isCopyOf({ Tags = [] }: Snapshot, { logicalId, stackId }: Request): boolean {
  const tags = new Map(Tags.map(({ Key, Value }) => [Key, Value]));
  const owner = tags.get(TAG.stack) ?? '';
  return tags.get(TAG.resource) === logicalId && withoutUniqueId(owner) === withoutUniqueId(stackId);
}

/** The ARN of a stack, up to and including its name. */
const withoutUniqueId = (stackId: string): string => stackId.slice(0, stackId.lastIndexOf('/'));

/** Returns why the snapshot cannot be the source, or nothing. */
function flawOf(snapshot: Snapshot, { maxAgeMs = Infinity }: LatestSource, { request, now }: Poll): string | undefined {
  const { OutpostArn, RestoreExpiryTime: expiry, State, StorageTier } = snapshot;
  if (State !== 'completed') return State === 'recoverable' ? 'in the Recycle Bin' : (State ?? 'in no state');
  if (startOf(snapshot) < now() - maxAgeMs) return `older than ${inWords(maxAgeMs)}`;
  if (StorageTier === 'archive') return 'archived';
  if (expiry && expiry.getTime() < now() + request.timeoutSeconds * 1_000) return 'restored for too short a time';
  return OutpostArn ? 'on an Outpost' : undefined;
}

const startOf = ({ StartTime }: Snapshot): number => StartTime?.getTime() ?? 0;

function newestFirst(a: Snapshot, b: Snapshot): number {
  return startOf(b) - startOf(a) || ((a.SnapshotId ?? '') < (b.SnapshotId ?? '') ? 1 : -1);
}

/** The snapshots of one CreateSnapshots call all have the same start time, but different data. */
function refuseTie(request: Request, selector: LatestSource, [newest, ...older]: [Snapshot, ...Snapshot[]]): void {
  const tied = [newest, ...older.filter((one) => startOf(one) === startOf(newest))];
  if (new Set(tied.map(({ VolumeId }) => VolumeId)).size === 1) return;
  const list = tied.map(({ SnapshotId = '', VolumeId = '' }) => `${SnapshotId} of ${VolumeId}`).join(', ');
  throw new Failure(
    `the latest snapshot ${describeSelector(selector)} in ${request.wanted.sourceRegion} is not the only one: ${list} began at the same time; add "volumeId", or tags that tell them apart, to "latestSource"`,
  );
}

function noneFound(poll: Poll, selector: LatestSource, seen: readonly Snapshot[]): Error {
  const { request, pollIntervalMs } = poll;
  const counts = new Map<string, number>();
  for (const one of seen) {
    const flaw = flawOf(one, selector, poll) ?? '';
    counts.set(flaw, (counts.get(flaw) ?? 0) + 1);
  }
  const flaws = [...counts].map(([flaw, count]) => `${count} ${flaw}`).join(', ');
  const found = seen.length === 0 ? 'EC2 shows none' : `EC2 shows ${seen.length}: ${flaws}`;
  const what = `no snapshot ${describeSelector(selector)} in ${request.wanted.sourceRegion} can be copied: ${found}`;
  // A single read never decides.
  if (elapsed(poll) < pollIntervalMs) return new NotYet(what);
  return new Failure(`${what}; make a snapshot, or correct "latestSource"`);
}

const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
  { name: 'second', ms: 1_000 },
];

/** Uses the largest unit that gives a whole number. */
function inWords(ms: number): string {
  const { name, ms: unit } = UNITS.find((one) => ms % one.ms === 0) ?? { name: 'millisecond', ms: 1 };
  return `${ms / unit} ${name}${ms === unit ? '' : 's'}`;
}
