// A dry run makes no copy, and keeps the one that is there.
import type { StackOperation } from './aws';
import { attributesOf, copyInput, findCopies, isFinished, type Copy } from './copies';
import { Failure } from './failure';
import { elapsed, isLate, isRollback, settleTimeOf, WAIT, type Answer, type Poll } from './poll';
import { preflight } from './preflight';
import { isSnapshotId, type Request } from './request';
import { neverStarted } from './start';
import { forgetOthers, sweep } from './sweep';

/** Dry run: the same looks and the same call, but EC2 only says whether it would be allowed. */
export async function proveOnly(poll: Poll): Promise<Answer> {
  const { aws, request, log } = poll;
  if (isLate(poll)) throw await neverStarted(poll);
  await refuseMove(poll);
  await preflight(aws, request, elapsed(poll));
  try {
    await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request));
  } catch (error) {
    if ((error as Error).name !== 'DryRunOperation') throw error;
  }
  const operation = await aws.describeStack(request.stackId);
  const copies = await findCopies(aws, request);
  const kept = keptCopy(copies, request, operation);
  if (isRollback(operation) && !(await hasGoneBack(poll, copies, kept, operation))) return WAIT;
  log('dry run passed', { snapshotId: kept?.id });
  const id = kept && request.stage === 1 ? { PhysicalResourceId: kept.id } : {};
  return { IsComplete: true, ...id, Data: attributesOf(kept?.snapshot, request) };
}

/**
 * The copy that the dry run keeps goes by its id. A rollback may carry another id, as it takes back a request that was to
 * make another copy, or has made it: then it is the last one from before the operation.
 */
function keptCopy(copies: Copy[], { handle }: Request, operation: StackOperation): Copy | undefined {
  const isBefore = ({ startedAt }: Copy): boolean => startedAt < Date.parse(operation.begunAt);
  const named = copies.find(({ id }) => id === handle);
  if (!isRollback(operation) || (named ? isBefore(named) : isSnapshotId(handle))) return named;
  return copies.findLast((copy) => isFinished(copy) && isBefore(copy)) ?? named;
}

/**
 * The Delete that comes some day knows the declared Region only: the copy that is kept must be there. The rollback of
 * an update that was refused for this comes here too, and is where it belongs.
 */
async function refuseMove({ aws, request }: Poll): Promise<void> {
  const { handle, wanted, before, stackId } = request;
  const region = before?.destinationRegion;
  if (!isSnapshotId(handle) || region === undefined || region === wanted.destinationRegion) return;
  if (isRollback(await aws.describeStack(stackId))) return;
  throw new Failure(
    `a dry run keeps ${handle}, and cannot change its Region from ${region} to ${wanted.destinationRegion}; try that with a SnapshotCopy of its own`,
  );
}

/** Whether nothing is left of the update that a rollback to a dry run undoes. */
async function hasGoneBack(
  poll: Poll,
  copies: Copy[],
  kept: Copy | undefined,
  operation: StackOperation,
): Promise<boolean> {
  // What the request goes by is deleted by CloudFormation, once it has read another id.
  const others = copies.filter(({ id }) => id !== poll.request.handle);
  await sweep(poll, others, kept, operation);
  await forgetOthers(poll, others, kept, operation);
  if (elapsed(poll) >= settleTimeOf(poll)) return true;
  poll.log('wait', { reason: 'a copy that the update began may still be invisible' });
  return false;
}
