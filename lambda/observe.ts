// What a poll sees of EC2 and CloudFormation. It reads the stack's operation immediately, and everything else on first
// use. It reads nothing twice. A search is expensive: EC2 pages through all snapshots of the account.
import { TAG } from '../lib/contract';
import type { Aws, KeyMetadata, Snapshot, StackOperation, StackResource } from './aws';
import { isDeleted, placeOf, toCopy, type Copy } from './copies';
import { CallError, describeError } from './failure';
import type { Memory } from './memory';
import { isOurs } from './ownership';
import { isFinal } from './patience';
import { lostTags } from './reasons';
import type { Declaration, Request } from './request';
import { isOutOfReach, pollAge, READING_MS, type Timing } from './times';

export interface Observation {
  /** The current or latest operation of the stack. */
  readonly operation: StackOperation;
  /** All copies of the resource, oldest first, in the destination Regions of the new and the old declaration. */
  search(): Promise<readonly Copy[]>;
  /** The Regions that could not be searched, and why. */
  readonly unreadable: ReadonlyMap<string, Error>;
  /** A copy by its ID. Throws a failure if the snapshot exists but is not a copy of this resource. */
  copyById(id: string): Promise<Copy | undefined>;
  /** What CloudFormation knows about the resource that owns the copy. */
  owner(): Promise<StackResource>;
  /** What CloudFormation knows about the resource that made the request. */
  requester(): Promise<StackResource>;
  /** The source of a copy, if EC2 lets the handler read it. */
  sourceOf(declared: Declaration, copy: Copy): Promise<Snapshot | undefined>;
  /** The declared key of a copy, if there is one and KMS lets the handler read it. */
  keyOf(declared: Declaration): Promise<KeyMetadata | undefined>;
}

/** What an observation needs from its poll. */
export interface Observer extends Timing {
  readonly request: Request;
  readonly aws: Aws;
  readonly memory: Memory;
  readonly log: (decision: string, details: Readonly<Record<string, unknown>>) => void;
}

export async function observe(observer: Observer): Promise<Observation> {
  const { aws, request } = observer;
  const { stackId, logicalId, requesterId } = request;
  const operation = await aws.describeStack(stackId);
  const unreadable = new Map<string, Error>();
  const resource = memoized((id) => aws.describeResource(stackId, id));
  const copyById = memoized((id) => describeCopy(observer, operation, id));
  const search = memoized(() => findCopies(observer, operation, unreadable));
  const source = memoized((id, region: string) => ifReadable(observer, aws.describeSnapshot(region, id)));
  const key = memoized((id, region: string) => ifReadable(observer, aws.describeKey(region, id)));
  return {
    operation,
    search,
    unreadable,
    copyById,
    owner: () => resource(logicalId),
    requester: () => resource(requesterId),
    sourceOf: async ({ sourceSnapshotId, sourceRegion }, { tags }) => {
      const id = sourceSnapshotId ?? tags[TAG.source];
      return id === undefined ? undefined : source(id, sourceRegion);
    },
    keyOf: async ({ kmsKeyId, destinationRegion }) =>
      kmsKeyId === undefined ? undefined : key(kmsKeyId, destinationRegion),
  };
}

function memoized<Key extends string[], Value>(read: (...key: Key) => Promise<Value>) {
  const known = new Map<string, Promise<Value>>();
  return (...key: Key): Promise<Value> => {
    const value = known.get(key.join(' ')) ?? read(...key);
    known.set(key.join(' '), value);
    return value;
  };
}

/**
 * Skips a Region that cannot be read. The account may have disabled the old declaration's Region by now, and in a
 * rollback the Region of the copy.
 */
async function findCopies(
  observer: Observer,
  operation: StackOperation,
  unreadable: Map<string, Error>,
): Promise<Copy[]> {
  const { log, request } = observer;
  const regions = new Set([request.wanted.destinationRegion]);
  if (request.before) regions.add(request.before.destinationRegion);
  const found = await Promise.all(
    [...regions].map(async (region) => {
      try {
        return await findCopiesIn(observer, region);
      } catch (error) {
        if (!isLastWord(observer, error)) throw error;
        log('not searched', { region, reason: describeError(error) });
        unreadable.set(region, error as Error);
        return [];
      }
    }),
  );
  return found
    .flat()
    .filter((copy) => isOurs(copy, request, operation) && !isDeleted(copy))
    .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
}

async function findCopiesIn(observer: Observer, region: string): Promise<Copy[]> {
  const { aws, request } = observer;
  const filters = [
    { Name: `tag:${TAG.stack}`, Values: [request.stackId] },
    { Name: `tag:${TAG.resource}`, Values: [request.logicalId] },
  ];
  const isTooLong = (): boolean => pollAge(observer) > READING_MS;
  const snapshots = await aws.findSnapshots(region, 'self', filters, isTooLong);
  return snapshots.map((snapshot) => see(observer, snapshot, region));
}

function see({ memory }: Observer, snapshot: Snapshot, region: string): Copy {
  const copy = toCopy(snapshot, region);
  if (snapshot.TransferType !== undefined) memory.transferTypesIn.add(placeOf(copy));
  return copy;
}

async function describeCopy(observer: Observer, operation: StackOperation, id: string): Promise<Copy | undefined> {
  const { aws, request } = observer;
  const { destinationRegion } = request.wanted;
  const snapshot = await aws.describeSnapshot(destinationRegion, id);
  const copy = snapshot && see(observer, snapshot, destinationRegion);
  if (!copy || isDeleted(copy)) return undefined;
  if (!isOurs(copy, request, operation)) throw lostTags(copy);
  return copy;
}

async function ifReadable<Found>(observer: Observer, read: Promise<Found>): Promise<Found | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isLastWord(observer, error)) return undefined;
    throw error;
  }
}

/** A Region other than the copy's is worth waiting for, but not for long. */
function isLastWord(observer: Observer, error: unknown): boolean {
  if (isFinal(observer, error)) return true;
  const isElsewhere = error instanceof CallError && error.region !== observer.request.wanted.destinationRegion;
  return isElsewhere && isOutOfReach(observer, error.unreachableSince);
}
