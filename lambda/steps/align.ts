// Gives a finished copy what the declaration says beyond its data. Each aspect compares EC2's state with the declaration
// and makes the missing changes. Repeating it does no harm.
import { alignLock } from '../aspects/lock';
import { alignSharing } from '../aspects/sharing';
import { alignStorageTier } from '../aspects/storage-tier';
import { alignTags } from '../aspects/tags';
import { chosenCopy, type ReconcileContext } from '../context';
import { describeError, NotYet } from '../failure';
import { isRollback } from '../ownership';
import { isFinal, mayBeDone } from '../patience';
import { notAligned } from '../reasons';

/** The order matters: EC2 does not share archived copies, and a locked copy could not be deleted after a failure. */
const ASPECTS = [
  { name: 'tags', align: alignTags, isRepeatable: true },
  { name: 'sharing', align: alignSharing, isRepeatable: true },
  { name: 'storage tier', align: alignStorageTier, isRepeatable: false },
  { name: 'lock', align: alignLock, isRepeatable: false },
];

export async function align(context: ReconcileContext): Promise<undefined> {
  const copy = chosenCopy(context);
  for (const aspect of ASPECTS) {
    try {
      await aspect.align(context, copy);
    } catch (error) {
      if (!isFinal(context, error)) throw error;
      if (!aspect.isRepeatable && mayBeDone(context, aspect.name, error)) throw new NotYet(describeError(error));
      if (!isRollback(context.observed.operation)) throw notAligned(context.request, copy, aspect.name, error);
      // A rollback undoes as much as EC2 allows, and never fails over the rest.
      context.log('left', { snapshotId: copy.id, reason: `${aspect.name}: ${describeError(error)}` });
    }
  }
}
