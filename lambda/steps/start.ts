// There is no copy. Starts one, waits until it may be started, or says why it cannot be.
import { DECISION, TAG } from '../../lib/contract';
import type { Snapshot } from '../aws';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { copyInput, isFailed, type Copy } from '../copies';
import { describeError, kindOf, NotYet } from '../failure';
import { latestSourceOf } from '../latest-source';
import { continueInNextStage } from '../next-stage';
import { isAttemptOf, isRollback } from '../ownership';
import { preflight, whyNeverStarted } from '../preflight';
import { copyFailed, copyFromBeforeIsGone, deletedExternally, isKeyFailure } from '../reasons';
import type { Request } from '../request';
import { inheritedTags } from '../source-tags';
import {
  CLOUDFORMATION_SKEW_MS,
  elapsed,
  failedEarly,
  isInFirstWindow,
  isOfFirstWindow,
  isStageOver,
  mayStart,
  STALENESS_MS,
} from '../times';

export async function start(context: ReconcileContext): Promise<Outcome | undefined> {
  const { copies = [], copy, observed, request } = context;
  if (copy) return undefined;
  const unreadable = observed.unreadable.get(request.wanted.destinationRegion);
  if (unreadable !== undefined) throw unreadable;
  const failed = copies.filter((one) => isFailed(one) && isAttemptOf(one, request, observed.operation));
  const last = failed.at(-1);
  if (last && !(await mayTryAgain(context, failed))) throw copyFailed(request, last);
  if (!last) await refuseAnother(context);
  refuseInRollback(context);
  if (isHandedOver(request)) throw notVisible(request.physicalId.text);
  if (isStageOver(context)) {
    if (request.isLastStage) throw await whyNeverStarted(context);
    return continueInNextStage(context);
  }
  return startCopy(context);
}

async function startCopy(context: ReconcileContext): Promise<Outcome> {
  const { aws, log, memory, request } = context;
  try {
    // A missing source fails the request before the next start window, unless a copy may already have been started.
    if (!memory.hasStarted(request)) context.source ??= await latestSourceOf(context);
    if (!mayStart(context)) {
      await lookAgain(context);
      return wait('the next start window opens when every earlier copy would be visible');
    }
    context.source ??= await latestSourceOf(context);
    const source = await preflight(aws, request, elapsed(context), context.source);
    if (!mayStart(context)) throw new NotYet('this poll took too long to start a copy safely');
    const count = memory.countStart(request);
    const snapshotId = await copy(context, source);
    const isOnlyStart = count === 1 && isInFirstWindow(context);
    const since = context.now();
    memory.see(request, { snapshotId, since, at: since, isOnlyStart });
    log(DECISION.start, {
      snapshotId,
      source: source.SnapshotId,
      inputs: request.wanted.inputs,
      ...sourceTagsInLog(request, source),
    });
    return wait('the copy has been started', { snapshotId });
  } catch (error) {
    memory.setObstacle(request, describeError(error));
    throw error;
  }
}

/** Repeats the preflight before the next window: what was an obstacle may now be a definite failure. */
async function lookAgain({ aws, memory, source, ...timing }: ReconcileContext): Promise<void> {
  const { request } = timing;
  const isObstructed = memory.obstacleOf(request) !== undefined && !memory.hasStarted(request);
  if (isObstructed) await preflight(aws, request, elapsed(timing), source);
}

async function copy({ aws, request }: ReconcileContext, source: Snapshot): Promise<string> {
  try {
    return await aws.copySnapshot(request.wanted.destinationRegion, copyInput(request, source));
  } catch (error) {
    const isGone = request.wanted.latestSource !== undefined && kindOf(error) === 'missing';
    throw isGone ? new NotYet(`${source.SnapshotId ?? 'the latest source'} was deleted before it was copied`) : error;
  }
}

/** A rollback goes back to the earlier copy. It never searches for another source. */
function refuseInRollback(context: ReconcileContext): void {
  const { observed, request } = context;
  if (!request.wanted.latestSource || !isRollback(observed.operation)) return;
  if (elapsed(context) < STALENESS_MS) throw new NotYet('the earlier copy is not visible');
  throw copyFromBeforeIsGone(request);
}

function sourceTagsInLog({ account, wanted }: Request, source: Snapshot): object {
  if (!wanted.copySourceTags) return {};
  const sourceTags = Object.keys(inheritedTags(wanted, source)).length;
  return source.OwnerId === account ? { sourceTags } : { sourceTags, note: 'EC2 shows an account its own tags only' };
}

/**
 * Whether failed copies are no reason to fail the request yet:
 *
 * - A key policy may not have taken effect when the copy started. If the copy failed over its key soon after, it is made
 *   again, once.
 * - The latest source was deleted before EC2 had copied it: the handler searches for the latest source again.
 */
async function mayTryAgain(context: ReconcileContext, failed: readonly Copy[]): Promise<boolean> {
  if (isHandedOver(context.request)) return false;
  const isEarly = failed.every((one) => isOfFirstWindow(context, one) && failedEarly(context, one));
  const [last] = failed.slice(-1);
  return last !== undefined && ((isEarly && isKeyFailure(last)) || (await hasLostSource(context, last)));
}

async function hasLostSource({ aws, request }: ReconcileContext, { tags }: Copy): Promise<boolean> {
  const { latestSource, sourceRegion } = request.wanted;
  const id = tags[TAG.source];
  if (!latestSource || id === undefined) return false;
  const source = await aws.describeSnapshot(sourceRegion, id);
  return source === undefined || source.State === 'recoverable';
}

/** Whether an earlier stage has seen the copy, which is then the physical ID. This stage waits for it and starts no other. */
const isHandedOver = ({ stage, physicalId }: Request): boolean => stage > 1 && physicalId.kind === 'snapshot';

/** Refuses to start a second copy while one is known that the search does not return. */
async function refuseAnother(context: ReconcileContext): Promise<void> {
  const { copies = [], memory, observed, request, now } = context;
  const { physicalId, startedAt } = request;
  const named = physicalId.kind === 'snapshot' ? { snapshotId: physicalId.text, at: startedAt } : undefined;
  if (named) {
    const isThere = (await observed.copyById(named.snapshotId)) !== undefined;
    if (isThere && !copies.some(({ id }) => id === named.snapshotId)) throw notVisible(named.snapshotId);
  }
  const sighting = memory.sightingOf(request);
  const seen = sighting ?? (isHandedOver(request) ? named : undefined);
  if (!seen) return;
  const copy = await observed.copyById(seen.snapshotId);
  if (now() - seen.at < STALENESS_MS) throw notVisible(seen.snapshotId);
  // A copy that an earlier operation lost does not fail this one: the handle stays, and a new copy is made under it.
  const isOfEarlierOperation =
    sighting !== undefined && sighting.since < observed.operation.begunAt - CLOUDFORMATION_SKEW_MS;
  if (!copy && !isOfEarlierOperation) throw deletedExternally(request, seen.snapshotId);
}

const notVisible = (id: string): NotYet =>
  new NotYet(`EC2 does not return ${id} at the moment; if that lasts, check that it exists and has its tags`);
