// Delete: nothing is lost, and nothing is left behind.
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteCopy } from '../deletions';
import { isAtRest, isRetained, shouldDelete } from '../ownership';
import { elapsed, visibilityDelay } from '../times';

const DONE: Outcome = { answer: { IsComplete: true } };

export async function deleteOwnCopies(context: ReconcileContext): Promise<Outcome> {
  const { log, observed, request } = context;
  const { kind, text } = request.physicalId;
  const named = kind === 'snapshot' ? await observed.copyById(text) : undefined;
  // An event that is delivered once more, when CloudFormation has retained the copy since.
  if (named && isRetained(named) && isAtRest(observed.operation.status)) {
    log('retained', { snapshotId: text, stack: observed.operation.status });
    return DONE;
  }
  if (named) await deleteCopy(context, named, 'delete');
  await deleteOthers(context);
  // A copy that was started just before is not visible yet.
  if (!named && elapsed(context) < visibilityDelay(context))
    return wait('a copy that was begun may still be invisible');
  log('deleted');
  return DONE;
}

async function deleteOthers(context: ReconcileContext): Promise<void> {
  const { observed, request } = context;
  for (const copy of observed.copies.filter(({ id }) => id !== request.physicalId.text)) {
    const isWanted = !shouldDelete(copy, request, observed.operation) || copy.id === (await observed.presentId());
    if (!isWanted) await deleteCopy(context, copy, 'delete');
  }
}
