// Delete: nothing is lost, and nothing is left behind.
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteCopy, deleteOther } from '../deletions';
import { isAtRest, isStillReferenced, outdated, shouldDelete } from '../ownership';
import { decodePhysicalId } from '../physical-id';
import { notAskedFor } from '../reasons';
import { CALL_MS, elapsed, visibilityDelay } from '../times';

const DONE: Outcome = { answer: { IsComplete: true } };

export async function deleteOwnCopies(context: ReconcileContext): Promise<Outcome> {
  const { beganAt, log, memory, observed, request } = context;
  const { kind, text } = request.physicalId;
  if (isAtRest(observed.operation.status)) {
    // Somebody invoked the function, or the event was delivered once more. One read never decides.
    if (memory.doubt(request, beganAt) < beganAt) throw notAskedFor(request);
    return wait('the stack seems to be at rest; the next poll confirms it');
  }
  memory.trust(request);
  const named = kind === 'snapshot' ? await observed.copyById(text) : undefined;
  if (named) await deleteCopy(context, named, 'delete');
  if (!(await deleteOthers(context))) return wait('what CloudFormation shows may be older than the request');
  const [unreadable] = observed.unreadable.values();
  if (unreadable !== undefined && memory.sightingOf(request)) throw unreadable;
  // A copy that was started just before is not visible yet.
  if (!named && unreadable === undefined && elapsed(context) < visibilityDelay(context)) {
    return wait('a copy that was begun may still be invisible');
  }
  log('deleted');
  return DONE;
}

/** Returns whether it has decided on all copies. */
async function deleteOthers(context: ReconcileContext): Promise<boolean> {
  const { observed, request } = context;
  const others = (await observed.search()).filter(({ id }) => id !== request.physicalId.text);
  if (others.length === 0) return true;
  const { physicalId = '' } = await observed.owner();
  const isUpToDate = elapsed(context) > CALL_MS;
  // If CloudFormation has another id by now, the resource stays, and this Delete is about what it has replaced.
  const resourceGoes = physicalId === request.physicalId.text && isUpToDate;
  const hasReplaced = decodePhysicalId(physicalId).kind === 'snapshot' && isUpToDate;
  const earlier = hasReplaced ? outdated(others, observed.operation) : [];
  let isDecided = true;
  for (const copy of others) {
    const isMeant = earlier.includes(copy) || shouldDelete(copy, request, observed.operation, resourceGoes);
    if (isMeant && copy.id !== physicalId) await deleteOther(context, copy, 'delete');
    else isDecided &&= isUpToDate || isStillReferenced(copy, physicalId);
  }
  return isDecided;
}
