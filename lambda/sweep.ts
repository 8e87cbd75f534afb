// What is deleted besides what CloudFormation asks for: doubles, left-overs, and what a failed request has begun.
import { TAG } from '../lib/contract';
import type { StackOperation } from './aws';
import { findCopies, isFailed, isFinished, isStartedUnder, isUnfinished, type Copy } from './copies';
import { Failure, inWords, kindOf } from './failure';
import { CALL_MS, isRollback, presentId, type Poll } from './poll';
import type { Request } from './request';

export const isOf =
  ({ handle }: Request) =>
  (copy: Copy): boolean =>
    copy.id === handle || isStartedUnder(handle)(copy);

/** Copies of this request, also when its event was delivered once more and another RequestId gave another handle. */
export function isAttemptOf(request: Request, operation: StackOperation): (copy: Copy) => boolean {
  const since = Date.parse(operation.begunAt);
  return (copy) => isOf(request)(copy) || (copy.tags[TAG.inputs] === request.wanted.inputs && copy.startedAt >= since);
}

/** Deletes what is in the way: doubles of the chosen copy, and what earlier requests left unfinished. */
export async function sweep(
  poll: Poll,
  copies: Copy[],
  chosen: Copy | undefined,
  operation: StackOperation,
): Promise<void> {
  const { request } = poll;
  const isMine = isAttemptOf(request, operation);
  // Going forward, what began since the operation did may be of a late duplicate, which is not to be fought.
  const until = isRollback(operation) ? request.startedAt + CALL_MS : Date.parse(operation.begunAt);
  const isLeftOver = (copy: Copy): boolean => isUnfinished(copy) && copy.startedAt < until;
  // Without a chosen copy, a failed one of this request stays for now: it tells that there was an attempt.
  const strays = copies.filter((copy) => copy !== chosen && (isMine(copy) ? chosen !== undefined : isLeftOver(copy)));
  if (strays.length === 0) return;
  const present = await presentId(poll);
  for (const stray of strays) {
    // The present copy may look unfinished in a stale read; under a handle that stays it may be unfinished, until a
    // rollback goes back to the one before.
    const isPresent = stray.id === present || (stray.tags[TAG.handle] === present && !isMine(stray));
    if (!isPresent || (stray.id !== present && isRollback(operation))) await deleteCopy(poll, stray, 'delete stray');
  }
}

/**
 * What the operation has made besides, finished too: in a rollback the copy of the update that failed, which
 * CloudFormation may or may not delete; else that of a late duplicate of another request.
 */
export async function forgetOthers(
  poll: Poll,
  copies: Copy[],
  keep: Copy | undefined,
  operation: StackOperation,
): Promise<void> {
  const begun = Date.parse(operation.begunAt);
  const since = isRollback(operation) || !keep ? begun : Math.max(begun, keep.startedAt);
  for (const copy of copies) {
    const isToBeRetained = isFinished(copy) && copy.tags[TAG.retain] !== undefined;
    if (copy !== keep && copy.startedAt >= since && !isToBeRetained) await deleteCopy(poll, copy, 'delete other');
  }
}

/** Best effort: what remains is found by its tags, by the Delete or the Update that follows every failure. */
export async function discardBegun(poll: Poll): Promise<void> {
  const { aws, request } = poll;
  if (request.type === 'Delete' || request.wanted.dryRun) return;
  try {
    await discard(poll, await findCopies(aws, request));
  } catch (error) {
    poll.log('not deleted', { reason: inWords(error) });
  }
}

/** Deletes what this request has begun, and nobody else counts on. */
export async function discard(poll: Poll, copies: Copy[], operation?: StackOperation): Promise<void> {
  const { handle, type } = poll.request;
  const isCancelled = type === 'Create' && operation !== undefined && isRollback(operation);
  for (const copy of copies.filter(isStartedUnder(handle))) {
    const isUnwanted = isCancelled && isOfCreate(copy, operation);
    if (isUnwanted || !(await isSpokenFor(poll, copy))) await deleteCopy(poll, copy, 'delete begun');
  }
}

/** RetainExceptOnCreate keeps finished copies of an earlier life, and not that of the create that is cancelled. */
export function isOfCreate(copy: Copy, { begunAt }: StackOperation): boolean {
  return copy.tags[TAG.retain] === 'RetainExceptOnCreate' && copy.startedAt >= Date.parse(begunAt);
}

/** A copy that CloudFormation names now, or a finished one that it may have left behind since: a backup. */
async function isSpokenFor(poll: Poll, copy: Copy): Promise<boolean> {
  if (isFailed(copy)) return false;
  if (isFinished(copy) && copy.tags[TAG.retain] !== undefined) return true;
  const present = await presentId(poll);
  return present === copy.id || present === copy.tags[TAG.handle];
}

export async function deleteCopy({ aws, log, request, sightings }: Poll, copy: Copy, decision: string): Promise<void> {
  log(decision, { snapshotId: copy.id, state: copy.state });
  // Nobody is to miss it: another request would fail over a deletion that is ours.
  for (const handle of [request.handle, copy.tags[TAG.handle] ?? '']) sightings.delete(handle);
  try {
    await aws.deleteSnapshot(copy.region, copy.id);
  } catch (error) {
    const kind = kindOf(error);
    if (kind === 'missing') return;
    if (kind !== 'refused') throw error;
    throw new Failure(
      `${copy.id} in ${copy.region} could not be deleted: ${inWords(error)}; deregister the AMI, unlock the snapshot or release what else holds it, then delete again`,
    );
  }
}
