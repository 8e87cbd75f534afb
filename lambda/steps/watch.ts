// A copy is under way: wait, continue in the next stage, or give up with a reason.
import { chosenCopy, wait, type Outcome, type ReconcileContext } from '../context';
import { isFinished, isUnfinished } from '../copies';
import { deleteCopy } from '../deletions';
import { continueInNextStage } from '../next-stage';
import { isStartedUnder } from '../ownership';
import { inUnknownState, tookTooLong } from '../reasons';
import { isStageOver } from '../times';

export async function watch(context: ReconcileContext): Promise<Outcome | undefined> {
  const { now, request, sightings } = context;
  const copy = chosenCopy(context);
  // A copy that another request started may be deleted by that request, which is no reason to fail.
  if (isStartedUnder(copy, request)) sightings.set(request.physicalId.text, { snapshotId: copy.id, at: now() });
  if (isFinished(copy)) return undefined;
  if (!isStageOver(context)) {
    const { id: snapshotId, state, snapshot } = copy;
    return wait('EC2 has not completed the copy', { snapshotId, state, progress: snapshot.Progress });
  }
  if (!request.isLastStage) return continueInNextStage(context);
  if (!isUnfinished(copy)) throw inUnknownState(request, copy);
  await deleteCopy(context, copy, 'delete late');
  throw tookTooLong(request, copy);
}
