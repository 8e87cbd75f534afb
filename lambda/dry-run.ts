// A dry run makes no copy, and keeps the one that is there.
import { attributesOf, copyInput, findCopies, type Copy } from './copies';
import { Failure } from './failure';
import { describe, elapsed, isLate, isRollback, settleTimeOf, WAIT, type Answer, type Poll } from './poll';
import { preflight } from './preflight';
import { isSnapshotId } from './request';
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
  const present = isSnapshotId(request.handle)
    ? await describe(aws, request.wanted.destinationRegion, request.handle)
    : undefined;
  if (!(await hasGoneBack(poll, present))) return WAIT;
  log('dry run passed', { snapshotId: present?.id });
  return { IsComplete: true, Data: attributesOf(present?.snapshot, request) };
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
async function hasGoneBack(poll: Poll, present: Copy | undefined): Promise<boolean> {
  const { aws, request, log } = poll;
  const operation = await aws.describeStack(request.stackId);
  if (!isRollback(operation)) return true;
  const copies = await findCopies(aws, request);
  const keep = copies.find(({ id }) => id === present?.id);
  await sweep(poll, copies, keep, operation);
  await forgetOthers(poll, copies, keep, operation);
  if (elapsed(poll) >= settleTimeOf(poll)) return true;
  log('wait', { reason: 'a copy that the update began may still be invisible' });
  return false;
}
