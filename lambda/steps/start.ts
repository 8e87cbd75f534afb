// There is no copy: start one, wait until it may be started, or say why it cannot be.
import { failIfAnswered } from '../answers';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { copyInput, isFailed, type Copy } from '../copies';
import { NotYet } from '../failure';
import { continueInNextStage } from '../next-stage';
import { isAttemptOf } from '../ownership';
import { preflight, whyNeverStarted } from '../preflight';
import { copyFailed, deletedExternally, isKeyFailure } from '../reasons';
import type { Request } from '../request';
import {
  elapsed,
  GRACE_MS,
  isInStartWindow,
  isStageOver,
  MAX_POLL_AGE_MS,
  secondWindow,
  STALENESS_MS,
  type Timing,
} from '../times';

export async function start(context: ReconcileContext): Promise<Outcome | undefined> {
  const { copy, observed, request } = context;
  if (copy) return undefined;
  const stepBegan = context.now();
  const failed = observed.copies.filter((one) => isFailed(one) && isAttemptOf(one, request, observed.operation));
  const last = failed.at(-1);
  if (last && !mayTryAgain(context, failed)) throw copyFailed(request, last);
  if (!last) await failIfDeletedExternally(context);
  if (isHandedOver(request)) throw new NotYet(`${request.physicalId.text} is not visible at present`);
  if (isStageOver(context)) {
    if (request.isLastStage) throw await whyNeverStarted(context.aws, request);
    return continueInNextStage(context);
  }
  if (!isInStartWindow(context)) {
    return wait('the next attempt to start the copy comes when all earlier ones would be visible');
  }
  return startCopy(context, stepBegan);
}

async function startCopy(context: ReconcileContext, stepBegan: number): Promise<Outcome> {
  const { aws, log, now, request } = context;
  await preflight(aws, request, elapsed(context));
  await failIfAnswered(context);
  if (now() - stepBegan > MAX_POLL_AGE_MS) throw new NotYet('this poll took too long to start a copy safely');
  const snapshotId = await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request));
  log('start copy', { snapshotId, inputs: request.wanted.inputs });
  return wait('the copy has been started', { snapshotId });
}

/** A key policy may still be on its way: a copy that failed over its key early on is made once more. */
function mayTryAgain(timing: Timing, failed: readonly Copy[]): boolean {
  const isEarly = failed.every(({ startedAt }) => startedAt < secondWindow(timing)) && elapsed(timing) < GRACE_MS;
  return isEarly && failed.slice(-1).every(isKeyFailure) && !isHandedOver(timing.request);
}

/** The stage before has seen the copy that the physical id names. This stage waits for it and starts no other. */
const isHandedOver = ({ stage, physicalId }: Request): boolean => stage > 1 && physicalId.kind === 'snapshot';

/** No copy is visible. If there was one, somebody took its tags or deleted it, and it is not for us to make another. */
async function failIfDeletedExternally({ observed, request, now, sightings }: ReconcileContext): Promise<void> {
  const { keepsCopy, physicalId, startedAt } = request;
  const named = physicalId.kind === 'snapshot' ? { snapshotId: physicalId.text, at: startedAt } : undefined;
  if (keepsCopy && named) await observed.copyById(named.snapshotId);
  const seen = sightings.get(physicalId.text) ?? (isHandedOver(request) ? named : undefined);
  if (!seen) return;
  const copy = await observed.copyById(seen.snapshotId);
  if (now() - seen.at < STALENESS_MS) throw new NotYet(`${seen.snapshotId} is not visible at present`);
  if (!copy) throw deletedExternally(request, seen.snapshotId);
}
