// What a finished copy must have besides its data. Every aspect looks at what is there, makes the change that is missing,
// and may be repeated.
import { alignLock } from '../aspects/lock';
import { alignSharing } from '../aspects/sharing';
import { alignStorageTier } from '../aspects/storage-tier';
import { alignTags } from '../aspects/tags';
import { chosenCopy, type ReconcileContext } from '../context';
import { describeError, NotYet } from '../failure';
import { isRollback } from '../ownership';
import { isFinal, mayBeDone } from '../patience';
import { notAligned } from '../reasons';

/** In their order: an archived copy cannot be shared, and a locked one cannot be deleted if anything fails. */
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
      // A rollback goes back as far as EC2 lets it.
      context.log('left', { snapshotId: copy.id, reason: `${aspect.name}: ${describeError(error)}` });
    }
  }
}
