// Create and Update: a copy is wanted. From what is there to the one next step, or to the answer.
import { TAG } from '../lib/contract';
import { finish, handOn, isSettled, refuseIfAnswered } from './answer';
import type { StackOperation } from './aws';
import { findCopies, isDeleted, isFailed, isFinished, isOurs, isStartedUnder, isUnfinished, type Copy } from './copies';
import { proveOnly } from './dry-run';
import { Failure } from './failure';
import { describe, elapsed, isLate, isRollback, settleTimeOf, WAIT, windowOf, type Answer, type Poll } from './poll';
import { describeCopy, hasEnded, howToWaitLonger, lostTags, minutes, notJudged } from './reasons';
import { isSnapshotId, type Request } from './request';
import { start } from './start';
import { deleteCopy, discard, forgetOthers, isAttemptOf, sweep } from './sweep';

export async function provide(poll: Poll): Promise<Answer> {
  const { aws, request } = poll;
  if (request.wanted.dryRun) return proveOnly(poll);
  const [copies, operation] = await Promise.all([findCopies(aws, request), aws.describeStack(request.stackId)]);
  if (!isSameOperation(request, operation)) return abandon(poll, copies, operation);
  const copy = choose(copies, request, operation);
  await sweep(poll, copies, copy, operation);
  if (!copy) await refuseUntagged(poll);
  if (!copy) return start(poll, copies.filter(isFailed).filter(isAttemptOf(request, operation)));
  // Another request's copy may be deleted by that request, which is no reason to fail.
  if (isStartedUnder(request.handle)(copy)) poll.sightings.set(request.handle, { snapshotId: copy.id, at: poll.now() });
  if (!isFinished(copy)) return watch(poll, copy);
  if (!isSettled(poll, copy, operation)) return WAIT;
  await refuseIfAnswered(poll);
  await forgetOthers(poll, copies, copy, operation);
  return finish(poll, copy);
}

/** Whether CloudFormation still wants the answer. Without what onEvent saw, a later operation is told by its start. */
function isSameOperation({ type, operation, startedAt }: Request, now: StackOperation): boolean {
  // A Create that is delivered once more while it is already rolled back.
  if (type === 'Create' && isRollback(now)) return false;
  if (operation) return now.status === operation.status && now.begunAt === operation.begunAt;
  const sends =
    type === 'Create' ? /^(CREATE|UPDATE)_IN_PROGRESS$/ : /^UPDATE_IN_PROGRESS$|^UPDATE_ROLLBACK_IN_PROGRESS$/;
  return sends.test(now.status) && Date.parse(now.begunAt) <= startedAt;
}

/**
 * The copy that the request is about: the present one if the request keeps it, which goes by its id or by the handle
 * that stayed. Else an Update takes a finished one that was there, the last, which is the present one when a rollback
 * goes back. Else it is the oldest of those on their way, the same for every poll; a Create takes no finished one, which
 * may be from an earlier life of the resource.
 */
function choose(copies: Copy[], request: Request, operation: StackOperation): Copy | undefined {
  const { handle, inPlace, stage, type, wanted } = request;
  const live = copies.filter((copy) => !isFailed(copy) && copy.region === wanted.destinationRegion);
  const isUnderHandle = (copy: Copy): boolean => isStartedUnder(handle)(copy) && isFinished(copy);
  const present = (inPlace || stage > 1) && (live.find(({ id }) => id === handle) ?? live.find(isUnderHandle));
  if (present) return present;
  const isAttempt = isAttemptOf(request, operation);
  const earlier = live.filter((copy) => copy.tags[TAG.inputs] === wanted.inputs && !isAttempt(copy));
  const finished = type === 'Update' ? earlier.findLast(isFinished) : undefined;
  return finished ?? live.find((copy) => isAttempt(copy) || (earlier.includes(copy) && !isFinished(copy)));
}

/** A present copy that is not found by its tags has gone, or has lost them; the latter is for its owner to mend. */
async function refuseUntagged({ aws, request }: Poll): Promise<void> {
  const { handle, inPlace, wanted } = request;
  if (!inPlace || !isSnapshotId(handle)) return;
  const copy = await describe(aws, wanted.destinationRegion, handle);
  if (copy && !isDeleted(copy) && !isOurs(copy, request)) throw lostTags(handle, wanted.destinationRegion);
}

async function watch(poll: Poll, copy: Copy): Promise<Answer> {
  const { request, log } = poll;
  const { Progress: progress = '' } = copy.snapshot;
  log('wait', { snapshotId: copy.id, state: copy.state, progress });
  if (!isLate(poll)) return WAIT;
  if (!request.isLastStage) return handOn(poll, copy);
  if (!isUnfinished(copy)) throw notJudged(request, copy);
  await deleteCopy(poll, copy, 'delete late');
  throw new Failure(
    `${describeCopy(request)} was ${progress.replace('%', ' %') || 'barely begun'}${progress ? ' done' : ''} after ${minutes(request)}; ${howToWaitLonger(request)}`,
  );
}

/** CloudFormation no longer waits for this request: what it began must not outlive it. */
async function abandon(poll: Poll, copies: Copy[], operation: StackOperation): Promise<Answer> {
  const { request, log } = poll;
  await discard(poll, copies, operation);
  // What the last window started is visible at the end of its cycle.
  if (elapsed(poll) % settleTimeOf(poll) < settleTimeOf(poll) - windowOf(poll)) {
    log('wait', { reason: 'the stack operation has ended; a copy that it began may still be invisible' });
    return WAIT;
  }
  throw hasEnded(request);
}
