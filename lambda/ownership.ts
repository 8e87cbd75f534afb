// Who owns a copy, what it was made for, and therefore which copies a request may adopt or delete. Tags and times decide.
import { TAG } from '../lib/contract';
import type { StackOperation } from './aws';
import { isFailed, isFinished, isUnfinished, type Copy } from './copies';
import type { Declaration, Request } from './request';
import { CALL_MS } from './times';

export const isRollback = ({ status }: StackOperation): boolean => status.includes('ROLLBACK');

/** Whether the stack is known to be idle, so that CloudFormation waits for no answer. */
export const isAtRest = (status: string | undefined): boolean =>
  status !== undefined && !status.endsWith('_IN_PROGRESS');

/**
 * Whether the copy belongs to the resource. The handler never changes or deletes anything else. Two kinds of snapshots
 * do not belong to it, although their tags say so:
 *
 * - a clone of a copy with all its tags: it carries the ID of the original;
 * - a snapshot that is older than the stack: somebody else tagged it.
 */
export function isOurs({ id, startedAt, tags }: Copy, request: Request, { stackCreatedAt }: StackOperation): boolean {
  const isTagged = tags[TAG.stack] === request.stackId && tags[TAG.resource] === request.logicalId;
  return isTagged && (tags[TAG.id] ?? id) === id && !(startedAt < stackCreatedAt);
}

/** Whether the copy was started under the request's physical ID. */
export const isStartedUnder = ({ tags }: Copy, { physicalId }: Request): boolean =>
  tags[TAG.handle] === physicalId.text;

/** Whether a physical ID names this copy, by its ID or by its handle. */
export const isNamedBy = (physicalId: string | undefined, { id, tags }: Copy): boolean =>
  physicalId !== undefined && (physicalId === id || physicalId === tags[TAG.handle]);

/** Whether the request's physical ID names this copy. */
export const isNamed = (copy: Copy, request: Request): boolean => isNamedBy(request.physicalId.text, copy);

/** Whether the copy was made for the declared inputs, or kept for them because its source was still the latest. */
export const isMadeFor = (copy: Copy, { inputs }: Declaration): boolean =>
  copy.tags[TAG.inputs] === inputs || isKeptFor(copy, inputs);

const isKeptFor = ({ tags }: Copy, inputs: string): boolean => tags[TAG.kept]?.split(' ').includes(inputs) ?? false;

/** Whether the physical ID in the request names the copy. Outside a rollback, that is the present copy. */
export const isCarried = (copy: Copy, { presentId }: Request): boolean => isNamedBy(presentId, copy);

/** Whether CloudFormation has the same copy after the request as before it. */
export const isKept = (copy: Copy, request: Request, operation: StackOperation): boolean =>
  request.keepsCopy || (!isRollback(operation) && isCarried(copy, request));

/** The hashes, besides that of its own inputs, by which later requests and a rollback must be able to find the copy. */
export function keptInputs(copy: Copy, { before, wanted }: Request, operation: StackOperation): string[] {
  const isPast = before !== undefined && !isRollback(operation) && isMadeFor(copy, before);
  const all = isPast ? [before.inputs, wanted.inputs] : [wanted.inputs];
  return [...new Set(all)].filter((inputs) => inputs !== copy.tags[TAG.inputs]);
}

/** Whether this request started the copy, or a duplicate of its event with another RequestId, and so another handle. */
export const isAttemptOf = (copy: Copy, request: Request, { begunAt }: StackOperation): boolean =>
  isNamed(copy, request) || (copy.tags[TAG.inputs] === request.wanted.inputs && copy.startedAt >= begunAt);

export const isRetained = (copy: Copy): boolean => copy.tags[TAG.retain] !== undefined;

/** A finished copy that outlives its resource. */
export const isBackup = (copy: Copy): boolean => isFinished(copy) && isRetained(copy);

/** RetainExceptOnCreate keeps the finished copies of earlier operations, but not the copy of the canceled create. */
function isOfCanceledCreate(copy: Copy, operation: StackOperation): boolean {
  return copy.tags[TAG.retain] === 'RetainExceptOnCreate' && isBegunBy(operation, copy);
}

/**
 * CloudFormation may give a rollback a begin time of its own. A new stack has no earlier copies, so its creation time
 * counts instead.
 */
function isBegunBy({ begunAt, stackCreatedAt, status }: StackOperation, { startedAt }: Copy): boolean {
  return startedAt >= (status === 'ROLLBACK_IN_PROGRESS' ? stackCreatedAt : begunAt);
}

/**
 * Returns the copy that the request is about:
 *
 * 1. The present copy, if the request keeps it. Its ID or its handle is the physical ID. After a rollback that could not
 *    reach it, the physical ID may name the failed update’s copy, which has other inputs.
 * 2. For an Update, a finished copy from an earlier operation; see `earlierCopy`.
 * 3. The oldest copy that this request started, or that is unfinished. Every poll finds the same one.
 *
 * `sourceId` is the latest source, if a poll has looked for it.
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
 * Returns the finished copy of an earlier operation that an Update adopts. A Create adopts none: a copy with its logical
 * ID may belong to a resource that was removed from the template and retained.
 *
 * - In a rollback: the copy that the resource had before the update. It was made or kept for the wanted inputs.
 * - The present copy, if only the source may differ, and the copy is of the wanted source.
 * - With a named source: the latest copy that was made for the wanted inputs.
 * - With the latest source: the latest such copy that is of the source that was found.
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
 * Returns duplicates of the chosen copy, and leftovers of earlier requests. Without a chosen copy, failed copies of this
 * request stay for now, because they are the record of its attempts.
 */
export function duplicatesAndLeftovers(
  copies: readonly Copy[],
  chosen: Copy | undefined,
  request: Request,
  operation: StackOperation,
): Copy[] {
  // Outside a rollback, a copy that was started during the operation may belong to a late duplicate of the event. The two
  // requests must not delete each other's copies.
  const until = isRollback(operation) ? request.startedAt + CALL_MS : operation.begunAt;
  return copies.filter((copy) => {
    if (copy === chosen) return false;
    if (isAttemptOf(copy, request, operation)) return chosen !== undefined;
    return isUnfinished(copy) && copy.startedAt < until;
  });
}

/**
 * Whether CloudFormation relies on a copy that looks like a leftover:
 *
 * - A stale read may show the present copy as unfinished.
 * - The present copy may be unfinished while its physical ID is its handle. A rollback goes back to the copy before it.
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
 * Returns the copies that the operation made for other requests, including finished ones. In a rollback, that is the copy
 * of the failed update, which CloudFormation does not always delete. Otherwise, it is the copy of a late duplicate of
 * another request.
 */
export function superseded(copies: readonly Copy[], kept: Copy, request: Request, operation: StackOperation): Copy[] {
  const others = copies.filter((copy) => copy !== kept && !isAttemptOf(copy, request, operation) && !isBackup(copy));
  if (!isRollback(operation)) {
    const since = Math.max(operation.begunAt, kept.startedAt);
    return others.filter(({ startedAt }) => startedAt >= since);
  }
  // The rollback may have a begin time of its own, later than the update's.
  const isOfUpdate = ({ tags }: Copy): boolean => tags[TAG.inputs] === request.before?.inputs;
  return others.filter((copy) => copy.startedAt >= operation.begunAt || isOfUpdate(copy));
}

/** Returns the copies that this request began. */
export function begunBy(copies: readonly Copy[], request: Request): Copy[] {
  return copies.filter((copy) => isStartedUnder(copy, request));
}

/** Whether the rollback of a Create deletes the copy, even if it is CloudFormation's physical ID. */
export const isTakenByRollback = (copy: Copy, { type }: Request, operation: StackOperation): boolean =>
  type === 'Create' && isRollback(operation) && isOfCanceledCreate(copy, operation);

/** Whether the copy is CloudFormation's physical ID, or a retained copy that CloudFormation may have left behind. */
export const isStillReferenced = (copy: Copy, presentId: string | undefined): boolean =>
  isBackup(copy) || isNamedBy(presentId, copy);

/**
 * Whether a Delete by a handle or an unknown ID fails if it cannot delete the copy. Otherwise, it may leave the copy. An
 * unknown ID stands for what a canceled Create began, which may be earlier than the rollback's begin time. An unfinished
 * copy always belongs to that Create.
 */
export function isMeantByDelete(copy: Copy, request: Request, operation: StackOperation): boolean {
  const isOfNow = isUnfinished(copy) || isBegunBy(operation, copy);
  const isOfCreate = request.physicalId.kind === 'unknown' && isOfNow;
  return request.type === 'Delete' && (isStartedUnder(copy, request) || isOfCreate);
}

/**
 * Whether a Delete deletes the copy. The snapshot that its physical ID names is handled elsewhere. Deleted are:
 *
 * 1. Copies with that ID as their handle. If it is the ID of a deleted snapshot, only unfinished ones: once the copy that
 *    replaced the snapshot is finished, it has a physical ID of its own.
 * 2. For an unknown ID, which stands for a canceled Create, and in the rollback of a new stack: all copies of the
 *    resource, except retained ones that earlier operations finished.
 * 3. When the stack or the resource is deleted: all copies of the resource, except finished ones that are retained.
 */
export function shouldDelete(copy: Copy, request: Request, operation: StackOperation, resourceGoes: boolean): boolean {
  const { kind } = request.physicalId;
  if (isStartedUnder(copy, request) && (kind === 'handle' || isUnfinished(copy))) return true;
  const isCanceled = kind === 'unknown' || operation.status === 'ROLLBACK_IN_PROGRESS';
  const isLoose = isUnfinished(copy) || !isRetained(copy);
  if (isLoose) return isCanceled || resourceGoes || operation.status === 'DELETE_IN_PROGRESS';
  return isCanceled && isOfCanceledCreate(copy, operation);
}
