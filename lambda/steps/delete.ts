// Delete: nothing is lost, and nothing is left behind.
import { TAG } from '../../lib/contract';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteCopy, deleteOther } from '../deletions';
import { isAtRest, shouldDelete } from '../ownership';
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
  await deleteOthers(context);
  const [unreadable] = observed.unreadable.values();
  if (unreadable !== undefined && memory.sightingOf(request)) throw unreadable;
  // A copy that was started just before is not visible yet.
  if (!named && unreadable === undefined && elapsed(context) < visibilityDelay(context)) {
    return wait('a copy that was begun may still be invisible');
  }
  log('deleted');
  return DONE;
}

async function deleteOthers(context: ReconcileContext): Promise<void> {
  const { observed, request } = context;
  const others = (await observed.search()).filter(({ id }) => id !== request.physicalId.text);
  if (others.length === 0) return;
  const { physicalId } = await observed.owner();
  // If CloudFormation has another id by now, the resource stays, and this Delete is about what it has replaced.
  const resourceGoes = physicalId === request.physicalId.text && elapsed(context) > CALL_MS;
  const hasOther = physicalId !== undefined && physicalId !== request.physicalId.text;
  for (const copy of others) {
    const isPresent = hasOther && [copy.id, copy.tags[TAG.handle]].includes(physicalId);
    if (!isPresent && shouldDelete(copy, request, observed.operation, resourceGoes))
      await deleteOther(context, copy, 'delete');
  }
}
