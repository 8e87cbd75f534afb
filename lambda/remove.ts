// Delete: nothing is lost, and nothing is left.
import { TAG } from '../lib/contract';
import type { StackOperation } from './aws';
import { findCopies, isDeleted, isOurs, isStartedUnder, isUnfinished, type Copy } from './copies';
import { describe, elapsed, isAtRest, presentId, settleTimeOf, WAIT, type Answer, type Poll } from './poll';
import { lostTags } from './reasons';
import { isHandle, isSnapshotId, type Request } from './request';
import { deleteCopy, isOfCreate } from './sweep';

export async function remove(poll: Poll): Promise<Answer> {
  const { aws, request, log } = poll;
  const { handle, wanted } = request;
  if (request.stage > 1) return { IsComplete: true };
  if (isSnapshotId(handle)) {
    const copy = await describe(aws, wanted.destinationRegion, handle);
    if (copy && !isDeleted(copy)) {
      if (!isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);
      if (await isLeftBehind(poll, copy)) return { IsComplete: true };
      await deleteCopy(poll, copy, 'delete');
      await removeOthers(poll);
      return { IsComplete: true };
    }
  }
  await removeOthers(poll);
  // A copy that was started just before is not visible yet.
  if (elapsed(poll) < settleTimeOf(poll) && !wanted.dryRun) {
    log('wait', { reason: 'a copy that was begun may still be invisible' });
    return WAIT;
  }
  log('deleted', {});
  return { IsComplete: true };
}

/** An event that is delivered once more, when CloudFormation has retained the copy since. */
async function isLeftBehind({ aws, request, log }: Poll, copy: Copy): Promise<boolean> {
  if (copy.tags[TAG.retain] === undefined) return false;
  const { status } = await aws.describeStack(request.stackId);
  if (isAtRest(status)) log('retained', { snapshotId: copy.id, stack: status });
  return isAtRest(status);
}

/** With the stack, all goes that is not to be retained: also what an operation that failed for good has left. */
async function removeOthers(poll: Poll): Promise<void> {
  const { aws, request } = poll;
  const [copies, operation] = await Promise.all([findCopies(aws, request), aws.describeStack(request.stackId)]);
  const meant = copies.filter((copy) => copy.id !== request.handle && isMeant(copy, request, operation));
  if (meant.length === 0) return;
  const present = await presentId(poll);
  for (const copy of meant) if (copy.id !== present) await deleteCopy(poll, copy, 'delete');
}

/**
 * What a Delete is about, other than the snapshot that its id names: the copies started under that id. Under the id of
 * a copy that had gone, a new one was made, which has an id of its own once it is finished. An id that is not ours was
 * invented for a cancelled create: then, as in the rollback of a new stack, all of the resource, but finished copies that
 * are to be retained even so.
 */
function isMeant(copy: Copy, { handle }: Request, operation: StackOperation): boolean {
  const isMine = isStartedUnder(handle)(copy);
  if (isMine && (isHandle(handle) || isUnfinished(copy))) return true;
  const isInvented = !isHandle(handle) && !isSnapshotId(handle);
  const isCancelled = isInvented || operation.status === 'ROLLBACK_IN_PROGRESS';
  const isLoose = isUnfinished(copy) || copy.tags[TAG.retain] === undefined;
  return (
    (isLoose && (isCancelled || operation.status === 'DELETE_IN_PROGRESS')) ||
    (isCancelled && isOfCreate(copy, operation))
  );
}
