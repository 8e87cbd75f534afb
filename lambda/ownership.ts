// Whose a copy is, what it was made for, and so which copies a request may adopt or delete. Tags decide, and times.
import { TAG } from '../lib/contract';
import type { StackOperation } from './aws';
import { isFailed, isFinished, isUnfinished, type Copy } from './copies';
import type { Declaration, Request } from './request';
import { CALL_MS } from './times';

export const isRollback = ({ status }: StackOperation): boolean => status.includes('ROLLBACK');

/** Whether CloudFormation is known not to wait for an answer about a resource. */
export const isAtRest = (status: string | undefined): boolean =>
  status !== undefined && !status.endsWith('_IN_PROGRESS');

/**
 * Whether the copy belongs to the resource. Nothing else is ever changed or deleted. Not ours, although the tags say so:
 *
 * - a snapshot that was cloned from our copy with all its tags, and so with the copy's id;
 * - a snapshot that is older than the stack, and so was tagged by somebody else.
 */
export function isOurs({ id, startedAt, tags }: Copy, request: Request, { stackCreatedAt }: StackOperation): boolean {
  const isTagged = tags[TAG.stack] === request.stackId && tags[TAG.resource] === request.logicalId;
  return isTagged && (tags[TAG.id] ?? id) === id && !(startedAt < stackCreatedAt);
}

/** Whether the copy was started under the request's physical id. */
export const isStartedUnder = ({ tags }: Copy, { physicalId }: Request): boolean =>
  tags[TAG.handle] === physicalId.text;

/** Whether a physical id, if there is one, means this copy. */
export const isNamedBy = (physicalId: string | undefined, { id, tags }: Copy): boolean =>
  physicalId !== undefined && (physicalId === id || physicalId === tags[TAG.handle]);

/** Whether the request's physical id means this copy. */
export const isNamed = (copy: Copy, request: Request): boolean => isNamedBy(request.physicalId.text, copy);

/** Whether the copy was made for the declared inputs, or has been kept for them because its source was still the latest. */
export const isMadeFor = (copy: Copy, { inputs }: Declaration): boolean =>
  copy.tags[TAG.inputs] === inputs || isKeptFor(copy, inputs);

const isKeptFor = ({ tags }: Copy, inputs: string): boolean => tags[TAG.kept]?.split(' ').includes(inputs) ?? false;

/** Whether the copy is the one whose physical id the request carried: going forward, the present copy. */
export const isCarried = (copy: Copy, { presentId }: Request): boolean => isNamedBy(presentId, copy);

/** Whether the request leaves CloudFormation with the copy that it had before. */
export const isKept = (copy: Copy, request: Request, operation: StackOperation): boolean =>
  request.keepsCopy || (!isRollback(operation) && isCarried(copy, request));

/** The hashes of the inputs, other than those it was made for, that the copy must be found by: now, and in a rollback. */
export function keptInputs(copy: Copy, { before, wanted }: Request, operation: StackOperation): string[] {
  const isPast = before !== undefined && !isRollback(operation) && isMadeFor(copy, before);
  const all = isPast ? [before.inputs, wanted.inputs] : [wanted.inputs];
  return [...new Set(all)].filter((inputs) => inputs !== copy.tags[TAG.inputs]);
}

/** A copy of this request. A duplicate of its event, under another RequestId, may have started it under another handle. */
export const isAttemptOf = (copy: Copy, request: Request, { begunAt }: StackOperation): boolean =>
  isNamed(copy, request) || (copy.tags[TAG.inputs] === request.wanted.inputs && copy.startedAt >= begunAt);

export const isRetained = (copy: Copy): boolean => copy.tags[TAG.retain] !== undefined;

/** A finished copy that outlives its resource. */
export const isBackup = (copy: Copy): boolean => isFinished(copy) && isRetained(copy);

/** RetainExceptOnCreate keeps the finished copies of an earlier life, and not the copy of the create that is cancelled. */
function isOfCancelledCreate(copy: Copy, operation: StackOperation): boolean {
  return copy.tags[TAG.retain] === 'RetainExceptOnCreate' && isBegunBy(operation, copy);
}

/** A rollback may have a time of its own. A new stack has no earlier life, so there the time of its creation counts. */
function isBegunBy({ begunAt, stackCreatedAt, status }: StackOperation, { startedAt }: Copy): boolean {
  return startedAt >= (status === 'ROLLBACK_IN_PROGRESS' ? stackCreatedAt : begunAt);
}

/**
 * The copy that the request is about:
 *
 * 1. The present copy, if the request keeps it. Its id or its handle is the physical id. After a rollback that could not
 *    reach it, the physical id may be that of the failed update’s copy, which has other inputs.
 * 2. For an Update, a finished copy that was there before; see `earlierCopy`.
 * 3. The oldest copy that is on its way, which is the same for every poll.
 *
 * `sourceId` is the latest source, if it has been looked for.
 */
export function chooseCopy(
  copies: readonly Copy[],
  request: Request,
  operation: StackOperation,
  sourceId?: string,
): Copy | undefined {
  const { keepsCopy, physicalId, stage } = request;
  const live = copies.filter((copy) => !isFailed(copy) && copy.region === request.wanted.destinationRegion);
  const wanted = live.filter((copy) => isMadeFor(copy, request.wanted));
  const present =
    live.find((copy) => copy.id === physicalId.text && (!copy.tags[TAG.inputs] || wanted.includes(copy))) ??
    wanted.find((copy) => isStartedUnder(copy, request) && isFinished(copy));
  if (present && (keepsCopy || stage > 1)) return present;
  const isAttempt = (copy: Copy): boolean => isAttemptOf(copy, request, operation);
  const earlier = live.filter((copy) => isFinished(copy) && !isAttempt(copy));
  return (
    earlierCopy(earlier, request, operation, sourceId) ?? wanted.find((copy) => isAttempt(copy) || !isFinished(copy))
  );
}

/**
 * The finished copy from before that an Update adopts. A Create takes none, which may be from an earlier life of the
 * resource.
 *
 * - In a rollback, the copy that was present before, which was made or kept for the inputs.
 * - The present copy, if nothing is in question but what its source should be, and it is a copy of that source.
 * - With a named source, the latest copy that was made for the wanted inputs.
 * - With the latest source, such a copy that is of the source that was found.
 */
function earlierCopy(
  earlier: readonly Copy[],
  request: Request,
  operation: StackOperation,
  sourceId: string | undefined,
): Copy | undefined {
  const { before, type, wanted } = request;
  if (type !== 'Update') return undefined;
  const made = earlier.filter((copy) => isMadeFor(copy, wanted));
  if (isRollback(operation)) return made.findLast((copy) => isKeptFor(copy, wanted.inputs)) ?? made.at(-1);
  const id = wanted.sourceSnapshotId ?? sourceId;
  const isOnlySource = before?.inputsBesidesSource === wanted.inputsBesidesSource;
  const isOfSource = ({ tags }: Copy): boolean => id !== undefined && tags[TAG.source] === id;
  const present = earlier.find((copy) => isOnlySource && isOfSource(copy) && isCarried(copy, request));
  return present ?? made.findLast((copy) => !wanted.latestSource || isOfSource(copy));
}

/**
 * Duplicates of the chosen copy, and leftovers of earlier requests. Without a chosen copy, a failed copy of this
 * request stays for now: it tells that there was an attempt.
 */
export function duplicatesAndLeftovers(
  copies: readonly Copy[],
  chosen: Copy | undefined,
  request: Request,
  operation: StackOperation,
): Copy[] {
  // Going forward, a copy that began since the operation did may belong to a late duplicate of the event, which is not
  // to be fought.
  const until = isRollback(operation) ? request.startedAt + CALL_MS : operation.begunAt;
  return copies.filter((copy) => {
    if (copy === chosen) return false;
    if (isAttemptOf(copy, request, operation)) return chosen !== undefined;
    return isUnfinished(copy) && copy.startedAt < until;
  });
}

/**
 * Whether CloudFormation counts on a copy that looks like a leftover. A stale read may show the present copy as
 * unfinished. A copy under a handle that stays may be unfinished, until a rollback goes back to the copy before.
 */
export function isPresent(
  copy: Copy,
  presentId: string | undefined,
  request: Request,
  operation: StackOperation,
): boolean {
  if (presentId === undefined) return false;
  if (copy.id === presentId) return true;
  const isNamedByHandle = copy.tags[TAG.handle] === presentId && !isAttemptOf(copy, request, operation);
  return isNamedByHandle && !isRollback(operation);
}

/**
 * The copies that the operation made for other requests, finished ones too. In a rollback that is the copy of the failed
 * update, which CloudFormation may or may not delete. Otherwise it is the copy of a late duplicate of another request.
 */
export function superseded(copies: readonly Copy[], kept: Copy, request: Request, operation: StackOperation): Copy[] {
  const others = copies.filter((copy) => copy !== kept && !isAttemptOf(copy, request, operation) && !isBackup(copy));
  if (!isRollback(operation)) {
    const since = Math.max(operation.begunAt, kept.startedAt);
    return others.filter(({ startedAt }) => startedAt >= since);
  }
  // The rollback may have a time of its own, later than that of the update.
  const isOfUpdate = ({ tags }: Copy): boolean => tags[TAG.inputs] === request.before?.inputs;
  return others.filter((copy) => copy.startedAt >= operation.begunAt || isOfUpdate(copy));
}

/** The copies that this request began. */
export function begunBy(copies: readonly Copy[], request: Request): Copy[] {
  return copies.filter((copy) => isStartedUnder(copy, request));
}

/** Whether the rollback of a Create takes the copy, although CloudFormation may name it. */
export const isTakenByRollback = (copy: Copy, { type }: Request, operation: StackOperation): boolean =>
  type === 'Create' && isRollback(operation) && isOfCancelledCreate(copy, operation);

/** CloudFormation names the copy now, or may have left it behind since as a backup. */
export const isStillReferenced = (copy: Copy, presentId: string | undefined): boolean =>
  isBackup(copy) || isNamedBy(presentId, copy);

/**
 * Copies that a Delete by a handle or an unknown id must delete, or fail. Others it may leave. An unknown id stands for
 * what a cancelled Create began. That may be before the rollback's own time, but a copy under way is of now.
 */
export function isMeantByDelete(copy: Copy, request: Request, operation: StackOperation): boolean {
  const isOfNow = isUnfinished(copy) || isBegunBy(operation, copy);
  const isOfCreate = request.physicalId.kind === 'unknown' && isOfNow;
  return request.type === 'Delete' && (isStartedUnder(copy, request) || isOfCreate);
}

/**
 * Whether a Delete is about the copy, other than the snapshot that its physical id names:
 *
 * 1. Copies that were started under that id. A copy that was made again under the id of one that had gone has an id of
 *    its own once it is finished.
 * 2. If the id is unknown, it stands for a cancelled Create: then, as in the rollback of a new stack, all copies of the
 *    resource, except finished ones of an earlier life that are retained.
 * 3. If the stack or the resource goes, all copies of the resource, except finished ones that are retained.
 */
export function shouldDelete(copy: Copy, request: Request, operation: StackOperation, resourceGoes: boolean): boolean {
  const { kind } = request.physicalId;
  if (isStartedUnder(copy, request) && (kind === 'handle' || isUnfinished(copy))) return true;
  const isCancelled = kind === 'unknown' || operation.status === 'ROLLBACK_IN_PROGRESS';
  const isLoose = isUnfinished(copy) || !isRetained(copy);
  if (isLoose) return isCancelled || resourceGoes || operation.status === 'DELETE_IN_PROGRESS';
  return isCancelled && isOfCancelledCreate(copy, operation);
}
