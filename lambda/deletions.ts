// Every deletion of a snapshot, with its line in the log, and what to do about a copy that cannot be deleted.
import { TAG } from '../lib/contract';
import { isLockDeclared, mayUnlock } from './aspects/lock';
import type { LockedSnapshotsInfo } from './aws';
import type { Poll, ReconcileContext } from './context';
import { isFailed, type Copy } from './copies';
import { describeError, NotYet } from './failure';
import { flawOf } from './genuine';
import { observe } from './observe';
import { begunBy, isMeantByDelete, isRollback, isStillReferenced, isTakenByRollback } from './ownership';
import { isFinal, mayBeDone } from './patience';
import { notDeleted } from './reasons';
import { elapsed, STALENESS_MS } from './times';

/** Throws a failure if the copy is there, costs money, and cannot be deleted, but its owner could do something about it. */
export async function deleteCopy(poll: Poll, copy: Copy, decision: string): Promise<void> {
  const { aws, log, memory, request } = poll;
  log(decision, { snapshotId: copy.id, state: copy.state });
  // Another request in this process must not take our deletion for somebody else's.
  for (const handle of [request.physicalId.text, copy.tags[TAG.handle] ?? '']) memory.forget(handle);
  try {
    await aws.deleteSnapshot(copy.region, copy.id);
  } catch (error) {
    if (!isFinal(poll, error)) throw error;
    const lock = await lockOf(poll, copy);
    if (mayUnlock(request, lock)) {
      await unlockAndDelete(poll, copy, lock?.LockState);
      return;
    }
    if (lock === undefined && isLockDeclared(request) && elapsed(poll) < STALENESS_MS)
      throw new NotYet(`the lock of ${copy.id} may not be visible yet`);
    const state = lock?.LockState;
    if (!isFailed(copy) && state !== 'compliance') throw notDeleted(copy, error, state);
    log('left', { snapshotId: copy.id, state: copy.state, lock: state, reason: describeError(error) });
  }
}

/** Only a rollback, and a copy that is no longer to be retained, get here: while a lock is declared, the copy is retained. */
async function unlockAndDelete(poll: Poll, copy: Copy, state: string | undefined): Promise<void> {
  const { aws, log } = poll;
  const { id, region } = copy;
  try {
    await aws.unlock(region, id);
  } catch (error) {
    // A poll beside this one may have unlocked it.
    if (mayBeDone(poll, 'unlock', error)) throw new NotYet(describeError(error));
    throw isFinal(poll, error) ? notDeleted(copy, error, state) : error;
  }
  log('unlock', { snapshotId: id });
  try {
    await aws.deleteSnapshot(region, id);
  } catch (error) {
    // Something else holds it, too.
    throw isFinal(poll, error) ? notDeleted(copy, error, undefined) : error;
  }
}

/** Deletes a copy that is in the way. Leaves a snapshot that only looks like one, and in a rollback whatever resists. */
export async function deleteOther(context: ReconcileContext, copy: Copy, decision: string): Promise<void> {
  const isUrgent =
    !isRollback(context.observed.operation) || isMeantByDelete(copy, context.request, context.observed.operation);
  await deleteGenuine(context, copy, decision, isUrgent ? deleteCopy : tryToDeleteCopy);
}

async function deleteGenuine(
  context: ReconcileContext,
  copy: Copy,
  decision: string,
  deleteIt: typeof deleteCopy,
): Promise<void> {
  const flaw = await flawOf(context, copy, 'delete');
  if (flaw === undefined) await deleteIt(context, copy, decision);
  else context.log('not this copy', { snapshotId: copy.id, reason: flaw });
}

/** Like `deleteCopy`, but leaves whatever cannot be deleted. */
async function tryToDeleteCopy(poll: Poll, copy: Copy, decision: string): Promise<void> {
  try {
    await deleteCopy(poll, copy, decision);
  } catch (error) {
    if (!isFinal(poll, error)) throw error;
    poll.log('left', { snapshotId: copy.id, state: copy.state, reason: describeError(error) });
  }
}

/** Nobody can delete a snapshot that is locked in compliance mode. Unknown if EC2 will not say. */
async function lockOf(poll: Poll, { id, region }: Copy): Promise<LockedSnapshotsInfo | undefined> {
  try {
    return await poll.aws.describeLock(region, id);
  } catch (error) {
    if (!isFinal(poll, error)) throw error;
    return undefined;
  }
}

/** Deletes what the request began, unless CloudFormation counts on it. */
export async function deleteBegun(context: ReconcileContext): Promise<void> {
  const { observed, request } = context;
  for (const copy of begunBy(await observed.search(), request)) {
    const isTaken = isTakenByRollback(copy, request, observed.operation);
    const isReferenced = !isTaken && !isFailed(copy) && isStillReferenced(copy, (await observed.owner()).physicalId);
    if (!isReferenced) await deleteGenuine(context, copy, 'delete begun', tryToDeleteCopy);
  }
}

/** Best effort: what remains has its tags, by which the Delete or the Update that follows every failure finds it. */
export async function deleteBegunAfterFailure(poll: Poll): Promise<void> {
  const { request } = poll;
  if (request.type === 'Delete' || request.isDryRun) return;
  try {
    await deleteBegun({ ...poll, observed: await observe(poll) });
  } catch (error) {
    poll.log('not deleted', { reason: describeError(error) });
  }
}
