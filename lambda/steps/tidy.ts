// Deletes duplicates of the chosen copy and leftovers of earlier requests.
import type { ReconcileContext } from '../context';
import { deleteOther } from '../deletions';
import { duplicatesAndLeftovers, isAttemptOf, isPresent } from '../ownership';

export async function tidy(context: ReconcileContext): Promise<undefined> {
  const { copies = [], copy: chosen, observed, request } = context;
  const { operation } = observed;
  for (const copy of duplicatesAndLeftovers(copies, chosen, request, operation)) {
    const { physicalId } = await observed.owner();
    if (isPresent(copy, physicalId, request, operation)) continue;
    await deleteOther(context, copy, isAttemptOf(copy, request, operation) ? 'delete duplicate' : 'delete leftover');
  }
}
