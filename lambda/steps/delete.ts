// Delete: nothing is lost, and nothing is left behind.
import { wait, type Outcome, type ReconcileContext } from '../context';
import { isFinished, type Copy } from '../copies';
import { deleteCopy, tryToDeleteCopy } from '../deletions';
import { flawOf } from '../genuine';
import { hasWantedInputs, isAtRest, isStartedUnder, shouldDelete } from '../ownership';
import { notAskedFor } from '../reasons';
import { elapsed, visibilityDelay } from '../times';

const DONE: Outcome = { answer: { IsComplete: true } };

export async function deleteOwnCopies(context: ReconcileContext): Promise<Outcome> {
  const { beganAt, log, memory, observed, request } = context;
  const { kind, text } = request.physicalId;
  if (isAtRest(observed.operation.status)) {
    // Somebody invoked the function, or the event was delivered once more. One read never decides.
    if (memory.doubt(request, beganAt) < beganAt) throw notAskedFor(request);
    return wait('the stack seems to be at rest; the next poll confirms it');
  }
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
  const copies = await observed.search();
  for (const copy of copies.filter(({ id }) => id !== request.physicalId.text)) {
    const isWanted =
      !shouldDelete(copy, request, observed.operation) || copy.id === (await observed.owner()).physicalId;
    if (isWanted || (await isForged(context, copy))) continue;
    const remove = isStartedUnder(copy, request) ? deleteCopy : tryToDeleteCopy;
    await remove(context, copy, 'delete');
  }
}

async function isForged(context: ReconcileContext, copy: Copy): Promise<boolean> {
  const isJudged = isFinished(copy) && hasWantedInputs(copy, context.request);
  const flaw = isJudged ? await flawOf(context, copy) : undefined;
  if (flaw !== undefined) context.log('not this copy', { snapshotId: copy.id, reason: flaw });
  return flaw !== undefined;
}
