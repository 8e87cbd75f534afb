// The copy is finished. Could a stale read still hide a duplicate, or a copy that the operation made besides?
import type { StackOperation } from '../aws';
import { chosenCopy, wait, type Outcome, type ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { deleteOther } from '../deletions';
import { isAttemptOf, isRollback, isStartedUnder, superseded } from '../ownership';
import { CALL_MS, elapsed, mayHideDuplicate, visibilityDelay } from '../times';

export async function settle(context: ReconcileContext): Promise<Outcome | undefined> {
  const { copies = [], observed, request } = context;
  const { operation } = observed;
  const copy = chosenCopy(context);
  if (!isSettled(context, copy, operation)) {
    return wait('a stale read may still hide a duplicate', { snapshotId: copy.id, state: copy.state });
  }
  for (const other of superseded(copies, copy, request, operation)) {
    await deleteOther(context, other, 'delete superseded');
  }
  return undefined;
}

function isSettled(context: ReconcileContext, copy: Copy, operation: StackOperation): boolean {
  const { keepsCopy, physicalId } = context.request;
  if (isAlone(context, copy)) return true;
  const isPresent = keepsCopy && copy.id === physicalId.text;
  if (!isPresent && mayHideDuplicate(context, copy)) return false;
  return elapsed(context) >= timeToOutwait(context, copy, operation);
}

/**
 * Nothing is hidden if this process called CopySnapshot once, in the first start window, and heard the answer, and if a
 * search has shown the copy for a while. A call beside it (the framework may have run the poll twice) ended a moment
 * after it, and so would show now, too. What a second waiter starts later, that waiter deletes: CloudFormation shows it
 * that the request has its answer.
 */
function isAlone({ copies = [], memory, now, observed, request }: ReconcileContext, copy: Copy): boolean {
  const { isOnlyStart = false, snapshotId, visibleSince = Infinity } = memory.sightingOf(request) ?? {};
  const hasDuplicate = copies.some((one) => one !== copy && isAttemptOf(one, request, observed.operation));
  return isOnlyStart && snapshotId === copy.id && !hasDuplicate && now() >= visibleSince + CALL_MS;
}

/** A copy of an earlier request may have been deleted a moment ago; a rollback outwaits what the update may still do. */
function timeToOutwait(context: ReconcileContext, copy: Copy, operation: StackOperation): number {
  const { request } = context;
  if (request.keepsCopy) return isRollback(operation) ? CALL_MS : 0;
  return isStartedUnder(copy, request) && !isRollback(operation) ? 0 : visibilityDelay(context);
}
