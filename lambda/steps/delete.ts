// A Delete: deletes every copy that belongs to it, and no other.
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteCopy, deleteOther } from '../deletions';
import type { Copy } from '../copies';
import { isAtRest, isNamedBy, isStartedUnder, shouldDelete } from '../ownership';
import { notAskedFor } from '../reasons';
import { CALL_MS, elapsed, visibilityDelay } from '../times';

const DONE: Outcome = { answer: { IsComplete: true } };

export async function deleteOwnCopies(context: ReconcileContext): Promise<Outcome> {
  const { beganAt, log, memory, observed, request } = context;
  const { kind, text } = request.physicalId;
  if (isAtRest(observed.operation.status)) {
    // Somebody invoked the function, or the event was delivered twice.
    if (memory.doubt(request, beganAt)) throw notAskedFor(request);
    return wait('the stack seems to be idle; a later poll will confirm it');
  }
  memory.trust(request);
  const named = kind === 'snapshot' ? await observed.copyById(text) : undefined;
  if (named) await deleteCopy(context, named, 'delete');
  if (!(await deleteOthers(context))) return wait('CloudFormation’s state may be older than the request');
  const [unreadable] = observed.unreadable.values();
  if (unreadable !== undefined && memory.sightingOf(request)) throw unreadable;
  // A copy that was started just before the Delete may not be visible yet.
  if (!named && unreadable === undefined && elapsed(context) < visibilityDelay(context)) {
    return wait('a copy that was just started may not be visible yet');
  }
  log('deleted');
  return DONE;
}

/** Returns false if it must decide on some copies later, because CloudFormation's state may be older than the request. */
async function deleteOthers(context: ReconcileContext): Promise<boolean> {
  const { observed, request } = context;
  const { operation } = observed;
  const others = (await observed.search()).filter(({ id }) => id !== request.physicalId.text);
  if (others.length === 0) return true;
  const { physicalId } = await observed.owner();
  // If CloudFormation has another physical ID, the resource stays, and this Delete is about a copy that was replaced.
  const resourceGoes = physicalId === request.physicalId.text;
  const stackGoes = ['DELETE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'].includes(operation.status);
  const isPresent = (copy: Copy): boolean => !resourceGoes && !stackGoes && isNamedBy(physicalId, copy);
  const meant = others.filter((copy) => !isPresent(copy) && shouldDelete(copy, request, operation, resourceGoes));
  const isUpToDate = stackGoes || elapsed(context) > CALL_MS;
  const decided = meant.filter((copy) => isUpToDate || isStartedUnder(copy, request));
  for (const copy of decided) await deleteOther(context, copy, 'delete');
  return decided.length === meant.length;
}
