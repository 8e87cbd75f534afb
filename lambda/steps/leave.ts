// If CloudFormation no longer waits for the answer, delete what the request began and end it.
import { isAwaited } from '../awaited';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteBegun } from '../deletions';
import { describeCopy, hasEnded } from '../reasons';
import { isLatestWindowVisible } from '../times';

export async function leave(context: ReconcileContext): Promise<Outcome | undefined> {
  const { beganAt, memory, observed, request } = context;
  if (await isAwaited(context, observed)) {
    memory.trust(request);
    return undefined;
  }
  if (!memory.doubt(request, beganAt))
    return wait('CloudFormation does not seem to wait for the answer; a later poll will confirm it');
  await deleteBegun(context);
  if (isLatestWindowVisible(context)) throw hasEnded(describeCopy(request));
  return wait('the request has ended; a copy that it started may not be visible yet');
}
