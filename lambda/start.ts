// From no copy to one: when it may be started, and why it is not.
import { handOn, refuseIfAnswered } from './answer';
import { copyInput, isDeleted, isOurs, type Copy } from './copies';
import { Failure, inWords, NotYet } from './failure';
import { describe, elapsed, GRACE_MS, isInWindow, isLate, settleTimeOf, WAIT, type Answer, type Poll } from './poll';
import { preflight, STALE_MS } from './preflight';
import { copyFailed, describeCopy, howToWaitLonger, isKeyFailure, lostTags, minutes } from './reasons';
import { isSnapshotId, type Request } from './request';

/** A call that is made later than this after its poll began could outlive its window. */
const MAX_POLL_AGE_MS = 15_000;

export async function start(poll: Poll, failed: Copy[]): Promise<Answer> {
  const { aws, request, log, now } = poll;
  const pollBegan = now();
  const secondWindow = request.startedAt + settleTimeOf(poll);
  const last = failed.at(-1);
  // A key policy may still be on its way: a copy that failed over its key early on is made once more.
  const again =
    mayStart(request) && failed.every(({ startedAt }) => startedAt < secondWindow) && elapsed(poll) < GRACE_MS;
  if (last && !(again && isKeyFailure(last))) throw copyFailed(request, last);
  if (!last) await missCopy(poll);
  if (!mayStart(request)) throw new NotYet(`${request.handle} is not to be seen at present`);
  if (isLate(poll) && request.isLastStage) throw await neverStarted(poll);
  if (isLate(poll)) return handOn(poll);
  if (!isInWindow(poll)) {
    log('wait', { reason: 'the next attempt to start the copy comes when all earlier ones would be visible' });
    return WAIT;
  }
  await preflight(aws, request, elapsed(poll));
  await refuseIfAnswered(poll);
  if (now() - pollBegan > MAX_POLL_AGE_MS) throw new NotYet('this poll took too long to start a copy safely');
  const snapshotId = await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request));
  log('start copy', { snapshotId, inputs: request.wanted.inputs });
  return WAIT;
}

/** A continuation that was handed a snapshot waits for that one. */
const mayStart = ({ stage, handle }: Request): boolean => stage === 1 || !isSnapshotId(handle);

/** A copy that this process has seen, and that is not there any more, was deleted: not by us, and not for us to redo. */
async function missCopy({ aws, request, now, sightings }: Poll): Promise<void> {
  const { handle, startedAt } = request;
  // The stage before has seen the copy that it names.
  const named = mayStart(request) ? undefined : { snapshotId: handle, at: startedAt };
  const seen = sightings.get(handle) ?? named;
  if (!seen) return;
  const { destinationRegion: region } = request.wanted;
  const copy = await describe(aws, region, seen.snapshotId);
  if (copy && !isDeleted(copy) && !isOurs(copy, request)) throw lostTags(seen.snapshotId, region);
  if (now() - seen.at < STALE_MS) throw new NotYet(`${seen.snapshotId} is not to be seen at present`);
  if (copy && !isDeleted(copy)) return;
  throw new Failure(
    `${describeCopy(request)}: ${seen.snapshotId} was deleted by somebody else before it was complete; find out who, then deploy again`,
  );
}

export async function neverStarted({ aws, request }: Poll): Promise<Failure> {
  let reason = 'EC2 accepted no further copy (most likely the quota of concurrent copies of the destination Region)';
  try {
    await preflight(aws, request, Infinity);
  } catch (error) {
    if (error instanceof Failure) return error;
    reason = error instanceof NotYet ? error.message : inWords(error);
  }
  return new Failure(
    `${describeCopy(request)} could not be started within ${minutes(request)}: ${reason}; ${howToWaitLonger(request)}`,
  );
}
