// Every deletion of a snapshot, with its log line, and what happens to a copy that cannot be deleted.
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

/** Fails if the copy exists, costs money, and cannot be deleted, but its owner could do something about it. */
export async function deleteCopy(poll: Poll, copy: Copy, decision: string): Promise<void> {
  const { aws, log, memory, request } = poll;
  log(decision, { snapshotId: copy.id, state: copy.state });
  // Another request in this process must not mistake this deletion for somebody else's.
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

/** Runs only for a rollback, or for a copy that is no longer retained: a declared lock requires a policy that retains. */
async function unlockAndDelete(poll: Poll, copy: Copy, state: string | undefined): Promise<void> {
  const { aws, log } = poll;
  const { id, region } = copy;
  try {
    await aws.unlock(region, id);
  } catch (error) {
    // A concurrent poll may have unlocked it.
    if (mayBeDone(poll, 'unlock', error)) throw new NotYet(describeError(error));
    throw isFinal(poll, error) ? notDeleted(copy, error, state) : error;
  }
  log('unlock', { snapshotId: id });
  try {
    await aws.deleteSnapshot(region, id);
  } catch (error) {
    // Something else, such as an AMI, holds it, too.
    throw isFinal(poll, error) ? notDeleted(copy, error, undefined) : error;
  }
}

/**
 * Deletes a copy other than the one that the request names. Leaves a snapshot that only looks like a copy, and, in a
 * rollback, a copy that cannot be deleted.
 */
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

/** Like `deleteCopy`, but leaves a copy that cannot be deleted. */
async function tryToDeleteCopy(poll: Poll, copy: Copy, decision: string): Promise<void> {
  try {
    await deleteCopy(poll, copy, decision);
  } catch (error) {
    if (!isFinal(poll, error)) throw error;
    poll.log('left', { snapshotId: copy.id, state: copy.state, reason: describeError(error) });
  }
}

/** The lock of the copy, if EC2 shows one and the handler may read it. */
async function lockOf(poll: Poll, { id, region }: Copy): Promise<LockedSnapshotsInfo | undefined> {
  try {
    return await poll.aws.describeLock(region, id);
  } catch (error) {
    if (!isFinal(poll, error)) throw error;
    return undefined;
  }
}

/** Deletes the copies that the request began, unless CloudFormation still refers to them. */
export async function deleteBegun(context: ReconcileContext): Promise<void> {
  const { observed, request } = context;
  for (const copy of begunBy(await observed.search(), request)) {
    const isTaken = isTakenByRollback(copy, request, observed.operation);
    const isReferenced = !isTaken && !isFailed(copy) && isStillReferenced(copy, (await observed.owner()).physicalId);
    if (!isReferenced) await deleteGenuine(context, copy, 'delete begun', tryToDeleteCopy);
  }
}

/** Best effort: CloudFormation sends a Delete or an Update after every failure, which finds the rest by its tags. */
export async function deleteBegunAfterFailure(poll: Poll): Promise<void> {
  const { request } = poll;
  if (request.type === 'Delete' || request.isDryRun) return;
  try {
    await deleteBegun({ ...poll, observed: await observe(poll) });
  } catch (error) {
    poll.log('not deleted', { reason: describeError(error) });
  }
}
