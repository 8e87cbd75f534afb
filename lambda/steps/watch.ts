// A copy is under way: waits, continues in the next stage, or gives up with a reason.
import { TAG } from '../../lib/contract';
import { chosenCopy, wait, type Outcome, type ReconcileContext } from '../context';
import { isFinished, isUnfinished, type Copy } from '../copies';
import { deleteCopy } from '../deletions';
import { continueInNextStage } from '../next-stage';
import { isStartedUnder } from '../ownership';
import { inUnknownState, tookTooLong } from '../reasons';
import { isStageOver } from '../times';

export async function watch(context: ReconcileContext): Promise<Outcome | undefined> {
  const { request } = context;
  const copy = chosenCopy(context);
  remember(context, copy);
  if (isFinished(copy)) return undefined;
  if (!isStageOver(context)) {
    await markWithId(context, copy);
    const { id: snapshotId, state, snapshot } = copy;
    return wait('EC2 has not completed the copy', { snapshotId, state, progress: snapshot.Progress });
  }
  if (!request.isLastStage) return continueInNextStage(context);
  if (!isUnfinished(copy)) throw inUnknownState(request, copy);
  await deleteCopy(context, copy, 'delete late');
  throw tookTooLong(request, copy);
}

/** Remembers only copies of this request's handle. Another request may delete its own copies, which is no failure here. */
function remember({ copies, memory, now, request }: ReconcileContext, copy: Copy): void {
  if (!isStartedUnder(copy, request)) return;
  const before = memory.sightingOf(request);
  const known = before?.snapshotId === copy.id ? before : undefined;
  const visibleSince = known?.visibleSince ?? (copies?.includes(copy) ? now() : undefined);
  const { isOnlyStart = false, since = now() } = known ?? {};
  memory.see(request, { snapshotId: copy.id, since, at: now(), visibleSince, isOnlyStart });
}

/** Once completed, a copy can be cloned with all its tags. Its own ID, tagged before that, tells it from its clones. */
async function markWithId({ aws }: ReconcileContext, { id, region, tags }: Copy): Promise<void> {
  if (tags[TAG.id] === undefined) await aws.createTags(region, id, [{ Key: TAG.id, Value: id }]);
}
