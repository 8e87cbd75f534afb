// Fast snapshot restore of a snapshot in some zones. The physical ID never changes: a change of the snapshot is an update
// that disables the old snapshot's zones before it enables the new one's, because EC2's quota is five snapshots per Region.
import type { FastRestore, FastRestoreTarget, StackOperation } from './aws';
import { isAwaited } from './awaited';
import { toAnswer, wait, type Answer, type Outcome } from './context';
import { describeError, Ended, Failure, kindOf, NotYet } from './failure';
import { disable, failIfTooOld } from './fast-restore-disable';
import { ACTIVE, isActive, zoneOf, type FastRestorePoll, type FastRestoreRequest } from './fast-restore-request';
import { isAtRest, isRollback } from './ownership';
import { isFinal } from './patience';
import { hasEnded, notAskedFor, toFailure } from './reasons';
import { elapsed, isOvertimeOver, isStageOver, LAST_CALL_MS, mayMissLastCall, STALENESS_MS } from './times';

const DONE: Outcome = { answer: { IsComplete: true } };

const IN_PROGRESS = 'a call of an earlier request may still be in progress';

const ENABLE = 'enable fast restore';

export async function reconcileFastRestore(poll: FastRestorePoll): Promise<Answer> {
  return toAnswer(await outcomeOf(poll), poll.log);
}

async function outcomeOf(poll: FastRestorePoll): Promise<Outcome> {
  const { aws, log, logGroup, request } = poll;
  // A later stage owns nothing.
  if (request.type === 'Delete' && request.stage > 1) return DONE;
  let { operation } = request;
  try {
    operation = await aws.describeStack(request.stackId);
    return await (request.type === 'Delete' ? remove(poll, operation) : set(poll, operation));
  } catch (error) {
    if (!isFinal(poll, error) && !isOvertimeOver(poll)) return { wait: describeError(error) };
    const failure = toFailure(error, describe(request), request.wanted.region, logGroup);
    if (request.type === 'Delete' && operation === undefined) return removeNothing(poll, failure);
    if (operation && isRollback(operation) && mayLeave(request, error)) {
      log('left', { reason: failure.message });
      return DONE;
    }
    log('fast restore failed', { reason: failure.message });
    throw failure;
  }
}

/**
 * If CloudFormation can be read, a rollback fails in one case only: a Delete finds that fast restore is enabled, costs
 * money, and cannot be disabled. That is a Failure. A Region that cannot be read throws EC2's error instead. A request
 * that has ended is no rollback: CloudFormation no longer waits for its answer.
 */
const mayLeave = ({ type }: FastRestoreRequest, error: unknown): boolean =>
  type === 'Update' ? !(error instanceof Ended) : !(error instanceof Failure);

async function remove(poll: FastRestorePoll, operation: StackOperation): Promise<Outcome> {
  const { beganAt, log, memory, request } = poll;
  if (isAtRest(operation.status)) {
    if (memory.doubt(request, beganAt)) throw notAskedFor(request);
    return wait('the stack seems to be idle; a later poll will confirm it');
  }
  memory.trust(request);
  if (elapsed(poll) < LAST_CALL_MS) return wait(IN_PROGRESS);
  await disable(poll, request.wanted);
  memory.end(request);
  log('deleted');
  return DONE;
}

/** If the stack cannot be read, nobody knows whether it asked for the Delete. That only matters if something is enabled. */
async function removeNothing(poll: FastRestorePoll, failure: Failure): Promise<Outcome> {
  const { aws, log, request } = poll;
  const { wanted } = request;
  if (mayMissLastCall(poll)) return wait(failure.message);
  const shown = await aws.describeFastRestores(wanted.region, wanted.snapshotId).catch(() => undefined);
  const isEnabled = (one: FastRestore): boolean => isActive(one) && wanted.zones.includes(zoneOf(one, wanted));
  if (shown === undefined || shown.some(isEnabled)) {
    log('fast restore failed', { reason: failure.message });
    throw failure;
  }
  log('left', { reason: failure.message });
  return DONE;
}

async function set(poll: FastRestorePoll, operation: StackOperation): Promise<Outcome> {
  const { aws, beganAt, memory, request } = poll;
  const { before, requesterId, stackId, stage, wanted } = request;
  if (!(await isAwaited(poll, { operation, requester: () => aws.describeResource(stackId, requesterId) }))) {
    if (memory.doubt(request, beganAt)) throw hasEnded(describe(request));
    return wait('CloudFormation does not seem to wait for the answer; a later poll will confirm it');
  }
  memory.trust(request);
  if (stage > 1) return enable(poll, false, await aws.describeFastRestores(wanted.region, wanted.snapshotId));
  if (before) {
    if (elapsed(poll) < LAST_CALL_MS) return wait(IN_PROGRESS);
    await disableBefore(poll, before, operation);
  }
  const isStale = mayMissLastCall(poll);
  return enable(poll, isStale, await aws.describeFastRestores(wanted.region, wanted.snapshotId));
}

/** A rollback leaves what it cannot disable, and enables the rest nevertheless. */
async function disableBefore(poll: FastRestorePoll, before: FastRestoreTarget, operation: StackOperation) {
  try {
    await disableOthers(poll, before);
  } catch (error) {
    if (!isRollback(operation) || !isFinal(poll, error)) throw error;
    poll.log('left', { reason: (error as Error).message });
  }
}

/** Disables what is no longer declared. At first, EC2 may not show yet what the request must disable. */
async function disableOthers(poll: FastRestorePoll, before: FastRestoreTarget): Promise<void> {
  const { wanted } = poll.request;
  const isSame = before.snapshotId === wanted.snapshotId;
  const isStale = mayMissLastCall(poll);
  if (isStale && !(isSame && before.areIds !== wanted.areIds)) {
    const zones = before.zones.filter((zone) => !isSame || !wanted.zones.includes(zone));
    if (zones.length > 0) await disable(poll, { ...before, zones });
    return;
  }
  // Only EC2 knows which zone ID belongs to which name.
  const shown = (await poll.aws.describeFastRestores(before.region, before.snapshotId)).filter(isActive);
  const known = shown.map((one) => zoneOf(one, before));
  if (isStale && !before.zones.every((zone) => known.includes(zone)))
    throw new NotYet('some zones are not visible yet');
  const isWanted = (one: FastRestore): boolean => isSame && wanted.zones.includes(zoneOf(one, wanted));
  const gone = shown.filter((one) => before.zones.includes(zoneOf(one, before)) && !isWanted(one));
  if (gone.length > 0) await disable(poll, { ...before, zones: gone.map((one) => zoneOf(one, before)) });
}

/**
 * The wanted zones that the previous request may have just disabled, although reads may still show them as enabled. It
 * declared the zones of `before`, so it did not disable those.
 */
function newZones({ before, wanted }: FastRestoreRequest): readonly string[] {
  if (before?.snapshotId !== wanted.snapshotId) return wanted.zones;
  return wanted.zones.filter((zone) => !before.zones.includes(zone));
}

/** @param isStale whether what EC2 has shown may be older than the previous request's last call */
async function enable(poll: FastRestorePoll, isStale: boolean, shown: readonly FastRestore[]): Promise<Outcome> {
  const { log, memory, request } = poll;
  const { isLastStage, wanted, waitsUntilEnabled } = request;
  failIfRefused(request, shown);
  const stateOf = (zone: string): string => shown.find((one) => zoneOf(one, wanted) === zone)?.State ?? 'disabled';
  const states = Object.fromEntries(wanted.zones.map((zone) => [zone, stateOf(zone)]));
  const inDoubt = isStale && !memory.hasAccepted(request, ENABLE) ? newZones(request) : [];
  const missing = wanted.zones.filter((zone) => inDoubt.includes(zone) || !ACTIVE.includes(stateOf(zone)));
  const areEnabled = wanted.zones.every((zone) => stateOf(zone) === 'enabled');
  if (missing.length === 0 && (!waitsUntilEnabled || (areEnabled && !isStale))) {
    memory.end(request);
    log('complete', { snapshotId: wanted.snapshotId, zones: states });
    return DONE;
  }
  if (isStageOver(poll)) {
    if (isLastStage) throw notEnabled(request, states, missing.length > 0 ? memory.obstacleOf(request) : undefined);
    return DONE;
  }
  const mayBeDisabling = missing.some(
    (zone) => stateOf(zone) === 'disabling' || (isStale && stateOf(zone) !== 'disabled'),
  );
  if (missing.length > 0) await enableMissing(poll, missing, mayBeDisabling);
  return wait('fast restore is being enabled', { snapshotId: wanted.snapshotId, zones: states });
}

async function enableMissing(poll: FastRestorePoll, zones: readonly string[], mayBeDisabling: boolean): Promise<void> {
  const { aws, log, memory, request } = poll;
  const { wanted } = request;
  failIfTooOld(poll);
  try {
    await aws.enableFastRestore({ ...wanted, zones });
    memory.accept(request, ENABLE);
    log('enable fast restore', { snapshotId: wanted.snapshotId, zones });
  } catch (error) {
    memory.setObstacle(request, describeError(error));
    // AWS does not document whether EC2 can enable a zone that it is still disabling, so any error may pass.
    if (mayBeDisabling) throw new NotYet(describeError(error));
    if (kindOf(error) !== 'missing' || elapsed(poll) < STALENESS_MS) throw error;
    throw new Failure(`snapshot ${wanted.snapshotId} was not found in ${wanted.region}; correct "snapshot"`);
  }
}

/** A reason that begins with "Client." is final. One of EC2's own, such as a lack of capacity, may pass. */
function failIfRefused(request: FastRestoreRequest, shown: readonly FastRestore[]): void {
  for (const one of shown) {
    const zone = zoneOf(one, request.wanted);
    const { EnablingTime: begunAt, StateTransitionReason: reason = '' } = one;
    const isOfRequest = request.wanted.zones.includes(zone) && (begunAt?.getTime() ?? 0) >= request.startedAt;
    if (isOfRequest && reason.startsWith('Client.') && !reason.startsWith('Client.UserInitiated'))
      throw new Failure(`${describe(request)}: EC2 says "${reason}" of ${zone}`);
  }
}

/** @param obstacle why EC2 has not started to enable it, if so */
function notEnabled(
  request: FastRestoreRequest,
  states: Readonly<Record<string, string>>,
  obstacle: string | undefined,
): Failure {
  const shown = Object.entries(states).map(([zone, state]) => `${zone} is ${state}`);
  const minutes = Math.round(request.timeoutSeconds / 60);
  const why = obstacle ?? 'it takes 60 minutes per TiB: raise "timeout", or remove "waitUntilEnabled"';
  return new Failure(`${describe(request)} was not enabled within ${minutes} minutes (${shown.join(', ')}); ${why}`);
}

function describe({ wanted }: FastRestoreRequest): string {
  return `fast restore of ${wanted.snapshotId} in ${wanted.region}`;
}
