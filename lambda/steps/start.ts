// There is no copy: start one, wait until it may be started, or say why it cannot be.
import { DECISION } from '../../lib/contract';
import type { Snapshot } from '../aws';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { copyInput, isFailed, type Copy } from '../copies';
import { describeError, NotYet } from '../failure';
import { continueInNextStage } from '../next-stage';
import { isAttemptOf } from '../ownership';
import { preflight, whyNeverStarted } from '../preflight';
import { copyFailed, deletedExternally, isKeyFailure } from '../reasons';
import type { Request } from '../request';
import { inheritedTags } from '../source-tags';
import { elapsed, failedEarly, isInFirstWindow, isOfFirstWindow, isStageOver, mayStart, STALENESS_MS } from '../times';

export async function start(context: ReconcileContext): Promise<Outcome | undefined> {
  const { copies = [], copy, observed, request } = context;
  if (copy) return undefined;
  const unreadable = observed.unreadable.get(request.wanted.destinationRegion);
  if (unreadable !== undefined) throw unreadable;
  const failed = copies.filter((one) => isFailed(one) && isAttemptOf(one, request, observed.operation));
  const last = failed.at(-1);
  if (last && !mayTryAgain(context, failed)) throw copyFailed(request, last);
  if (!last) await failIfDeletedExternally(context);
  if (isHandedOver(request)) throw new NotYet(`${request.physicalId.text} is not visible at present`);
  if (isStageOver(context)) {
    if (request.isLastStage) throw await whyNeverStarted(context);
    return continueInNextStage(context);
  }
  return startCopy(context);
}

async function startCopy(context: ReconcileContext): Promise<Outcome> {
  const { aws, log, memory, request } = context;
  try {
    if (!mayStart(context)) {
      return wait('the next attempt to start the copy comes when all earlier ones would be visible');
    }
    const source = await preflight(aws, request, elapsed(context));
    if (!mayStart(context)) throw new NotYet('this poll took too long to start a copy safely');
    const count = memory.countStart(request);
    const snapshotId = await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request, source));
    const isOnlyStart = count === 1 && isInFirstWindow(context);
    memory.see(request, { snapshotId, at: context.now(), isOnlyStart });
    log(DECISION.start, { snapshotId, inputs: request.wanted.inputs, ...sourceTagsInLog(request, source) });
    return wait('the copy has been started', { snapshotId });
  } catch (error) {
    memory.setObstacle(request, describeError(error));
    throw error;
  }
}

function sourceTagsInLog({ account, wanted }: Request, source: Snapshot): object {
  if (!wanted.copySourceTags) return {};
  const sourceTags = Object.keys(inheritedTags(wanted, source)).length;
  return source.OwnerId === account ? { sourceTags } : { sourceTags, note: 'EC2 shows an account its own tags only' };
}

/** A key policy may still have been on its way: a copy that failed over its key soon after its start is made once more. */
function mayTryAgain(context: ReconcileContext, failed: readonly Copy[]): boolean {
  const isEarly = failed.every((copy) => isOfFirstWindow(context, copy) && failedEarly(context, copy));
  return isEarly && failed.slice(-1).every(isKeyFailure) && !isHandedOver(context.request);
}

/** The stage before has seen the copy that the physical id names. This stage waits for it and starts no other. */
const isHandedOver = ({ stage, physicalId }: Request): boolean => stage > 1 && physicalId.kind === 'snapshot';

/** No copy is visible. If there was one, somebody took its tags or deleted it, and it is not for us to make another. */
async function failIfDeletedExternally({ memory, observed, request, now }: ReconcileContext): Promise<void> {
  const { keepsCopy, physicalId, startedAt } = request;
  const named = physicalId.kind === 'snapshot' ? { snapshotId: physicalId.text, at: startedAt } : undefined;
  if (keepsCopy && named) await observed.copyById(named.snapshotId);
  const seen = memory.sightingOf(request) ?? (isHandedOver(request) ? named : undefined);
  if (!seen) return;
  const copy = await observed.copyById(seen.snapshotId);
  if (now() - seen.at < STALENESS_MS) throw new NotYet(`${seen.snapshotId} is not visible at present`);
  if (!copy) throw deletedExternally(request, seen.snapshotId);
}
