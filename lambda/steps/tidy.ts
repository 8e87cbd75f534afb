// Duplicates of the chosen copy, and leftovers of earlier requests, are in the way.
import type { ReconcileContext } from '../context';
import { deleteCopy } from '../deletions';
import { duplicatesAndLeftovers, isAttemptOf, isPresent } from '../ownership';

export async function tidy(context: ReconcileContext): Promise<undefined> {
  const { copy: chosen, observed, request } = context;
  const { copies, operation } = observed;
  for (const copy of duplicatesAndLeftovers(copies, chosen, request, operation)) {
    if (isPresent(copy, await observed.presentId(), request, operation)) continue;
    await deleteCopy(context, copy, isAttemptOf(copy, request, operation) ? 'delete duplicate' : 'delete leftover');
  }
}
