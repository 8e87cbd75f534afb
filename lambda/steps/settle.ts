// The copy is finished. Waits while a stale read could hide a duplicate, then deletes other copies of the operation.
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
  if (isAlone(context, copy)) return true;
  const isPresent = copy.id === context.request.physicalId.text;
  if (!isPresent && mayHideDuplicate(context, copy)) return false;
  return elapsed(context) >= timeToOutwait(context, copy, operation);
}

/**
 * Whether there is no duplicate: this process called CopySnapshot exactly once, in the first start window, it received the
 * answer, a search has shown the copy for a while, and it has shown no other copy of the request. Two other callers remain:
 *
 * - A concurrent poll, if the framework ran this one twice. It called CopySnapshot at about the same time, so its copy
 *   would be visible by now, too.
 * - A second state machine for the same request. It sees in CloudFormation that the request has been answered, and deletes
 *   what it started.
 */
function isAlone({ copies = [], memory, now, observed, request }: ReconcileContext, copy: Copy): boolean {
  const { isOnlyStart = false, snapshotId, visibleSince = Infinity } = memory.sightingOf(request) ?? {};
  const hasDuplicate = copies.some((one) => one !== copy && isAttemptOf(one, request, observed.operation));
  return isOnlyStart && snapshotId === copy.id && !hasDuplicate && now() >= visibleSince + CALL_MS;
}

/**
 * How long to wait after the request's start. An earlier request may just have deleted an adopted copy, and in a rollback,
 * calls of the update may still be under way.
 */
function timeToOutwait(context: ReconcileContext, copy: Copy, operation: StackOperation): number {
  const { request } = context;
  if (request.keepsCopy) return isRollback(operation) ? CALL_MS : 0;
  return isStartedUnder(copy, request) && !isRollback(operation) ? 0 : visibilityDelay(context);
}
