// The copy is finished. Could a stale read still hide a duplicate, or a copy that the operation made besides?
import type { StackOperation } from '../aws';
import { failIfAnswered } from '../answers';
import { chosenCopy, wait, type Outcome, type ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { deleteCopy } from '../deletions';
import { isRollback, isStartedUnder, superseded } from '../ownership';
import { CALL_MS, elapsed, mayHideDuplicate, visibilityDelay } from '../times';

export async function settle(context: ReconcileContext): Promise<Outcome | undefined> {
  const { observed, request } = context;
  const copy = chosenCopy(context);
  if (!isSettled(context, copy, observed.operation)) {
    return wait('a stale read may still hide a duplicate', { snapshotId: copy.id, state: copy.state });
  }
  await failIfAnswered(context);
  for (const other of superseded(observed.copies, copy, request, observed.operation)) {
    await deleteCopy(context, other, 'delete superseded');
  }
  return undefined;
}

function isSettled(context: ReconcileContext, copy: Copy, operation: StackOperation): boolean {
  const { keepsCopy, physicalId } = context.request;
  const isPresent = keepsCopy && copy.id === physicalId.text;
  if (!isPresent && mayHideDuplicate(context, copy)) return false;
  return elapsed(context) >= timeToOutwait(context, copy, operation);
}

/** A copy of an earlier request may have been deleted a moment ago; a rollback outwaits what the update may still do. */
function timeToOutwait(context: ReconcileContext, copy: Copy, operation: StackOperation): number {
  const { request } = context;
  if (request.keepsCopy) return isRollback(operation) ? CALL_MS : 0;
  return isStartedUnder(copy, request) && !isRollback(operation) ? 0 : visibilityDelay(context);
}
