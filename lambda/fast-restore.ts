// Fast snapshot restore of a snapshot in some zones. The physical ID never changes: a change of the snapshot is an update
// that disables the old snapshot's zones before it enables the new one's, because EC2's quota is five snapshots per Region.
import type { FastRestore, FastRestoreTarget, StackOperation } from './aws';
import { isAwaited } from './awaited';
import { toAnswer, wait, type Answer, type Outcome } from './context';
import { describeError, Ended, Failure, kindOf, NotYet } from './failure';
import { disable } from './fast-restore-disable';
import { ACTIVE, isActive, zoneOf, type FastRestorePoll, type FastRestoreRequest } from './fast-restore-request';
import { isAtRest, isRollback } from './ownership';
import { isFinal } from './patience';
import { hasEnded, notAskedFor, toFailure } from './reasons';
import { CALL_MS, elapsed, isOvertimeOver, isStageOver, LAST_CALL_MS, pollAge, STALENESS_MS } from './times';

const DONE: Outcome = { answer: { IsComplete: true } };

const UNDER_WAY = 'a call of an earlier request may still be under way';

const ENABLE = 'enable fast restore';

export async function reconcileFastRestore(poll: FastRestorePoll): Promise<Answer> {
  return toAnswer(await outcomeOf(poll), poll.log);
}

async function outcomeOf(poll: FastRestorePoll): Promise<Outcome> {
  const { aws, log, logGroup, request } = poll;
  let { operation } = request;
  try {
    operation = await aws.describeStack(request.stackId);
    return await (request.type === 'Delete' ? remove(poll, operation) : set(poll, operation));
  } catch (error) {
    if (!isFinal(poll, error) && !isOvertimeOver(poll)) return { wait: describeError(error) };
    const failure = toFailure(error, describe(request), request.wanted.region, logGroup);
    // The stack's status may be older than a rollback.
    if (request.type === 'Update' && !(error instanceof Ended) && elapsed(poll) < poll.pollIntervalMs)
      return wait(`to be confirmed by the next poll: ${failure.message}`);
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
 * A rollback fails in one case only: a Delete finds that fast restore is enabled, costs money, and cannot be disabled. That
 * is a Failure. A Region that cannot be read throws EC2's error instead.
 */
const mayLeave = ({ type }: FastRestoreRequest, error: unknown): boolean =>
  type === 'Update' || !(error instanceof Failure);

async function remove(poll: FastRestorePoll, operation: StackOperation): Promise<Outcome> {
  const { beganAt, log, memory, request } = poll;
  // A later stage owns nothing.
  if (request.stage > 1) return DONE;
  if (isAtRest(operation.status)) {
    if (memory.doubt(request, beganAt) < beganAt) throw notAskedFor(request);
    return wait('the stack seems to be idle; the next poll will confirm it');
  }
  await disable(poll, request.wanted);
  if (elapsed(poll) < (isRollback(operation) ? LAST_CALL_MS : CALL_MS)) return wait(UNDER_WAY);
  memory.end(request);
  log('deleted');
  return DONE;
}

/** If the stack cannot be read, nobody knows whether it asked for the Delete. That only matters if something is enabled. */
async function removeNothing(poll: FastRestorePoll, failure: Failure): Promise<Outcome> {
  const { aws, log, request } = poll;
  const { wanted } = request;
  if (elapsed(poll) < STALENESS_MS) return wait(failure.message);
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
    if (memory.doubt(request, beganAt) < beganAt) throw hasEnded(describe(request));
    return wait('CloudFormation does not seem to wait for the answer; the next poll will confirm it');
  }
  memory.trust(request);
  if (pollAge(poll) > CALL_MS) throw new NotYet('this poll took too long to change anything safely');
  // A later stage owns nothing.
  if (before && stage === 1) await disableBefore(poll, before, operation);
  if (isRollback(operation) && elapsed(poll) < LAST_CALL_MS) return wait(UNDER_WAY);
  const shown = await aws.describeFastRestores(wanted.region, wanted.snapshotId);
  const isEarly = stage === 1 && mayReadLate(poll, operation);
  return enable(poll, isEarly, shown);
}

/** Whether a read may be older than the calls of the request before. */
const mayReadLate = (poll: FastRestorePoll, operation: StackOperation): boolean =>
  elapsed(poll) < STALENESS_MS + (isRollback(operation) ? LAST_CALL_MS : 0);

/** A rollback leaves what it cannot disable, and enables the rest nevertheless. */
async function disableBefore(poll: FastRestorePoll, before: FastRestoreTarget, operation: StackOperation) {
  try {
    await disableOthers(poll, before, mayReadLate(poll, operation));
  } catch (error) {
    if (!isRollback(operation) || !isFinal(poll, error)) throw error;
    poll.log('left', { reason: (error as Error).message });
  }
}

/** Disables what is no longer declared. Early on, EC2 may not show yet what the request must disable. */
async function disableOthers(poll: FastRestorePoll, before: FastRestoreTarget, isEarly: boolean): Promise<void> {
  const { wanted } = poll.request;
  const isSame = before.snapshotId === wanted.snapshotId;
  if (isEarly && !(isSame && before.areIds !== wanted.areIds)) {
    const zones = before.zones.filter((zone) => !isSame || !wanted.zones.includes(zone));
    if (zones.length > 0) await disable(poll, { ...before, zones });
    return;
  }
  // Only EC2 knows which zone ID belongs to which name.
  const shown = (await poll.aws.describeFastRestores(before.region, before.snapshotId)).filter(isActive);
  const known = shown.map((one) => zoneOf(one, before));
  if (isEarly && !before.zones.every((zone) => known.includes(zone)))
    throw new NotYet('some zones are not visible yet');
  const isWanted = (one: FastRestore): boolean => isSame && wanted.zones.includes(zoneOf(one, wanted));
  const gone = shown.filter((one) => before.zones.includes(zoneOf(one, before)) && !isWanted(one));
  if (gone.length > 0) await disable(poll, { ...before, zones: gone.map((one) => zoneOf(one, before)) });
}

/** The wanted zones that an earlier request may have just disabled, although reads may still show them as enabled. */
function zonesInDoubt({ before, wanted }: FastRestoreRequest): readonly string[] {
  if (before?.snapshotId !== wanted.snapshotId) return wanted.zones;
  return wanted.zones.filter((zone) => !before.zones.includes(zone));
}

async function enable(poll: FastRestorePoll, isEarly: boolean, shown: readonly FastRestore[]): Promise<Outcome> {
  const { log, memory, request } = poll;
  const { isLastStage, wanted, waitsUntilEnabled } = request;
  failIfRefused(request, shown);
  const stateOf = (zone: string): string => shown.find((one) => zoneOf(one, wanted) === zone)?.State ?? 'disabled';
  const states = Object.fromEntries(wanted.zones.map((zone) => [zone, stateOf(zone)]));
  const isDoubtful = isEarly && !memory.hasAccepted(request, ENABLE);
  const inDoubt = zonesInDoubt(request);
  const missing = wanted.zones.filter(
    (zone) => (isDoubtful && inDoubt.includes(zone)) || !ACTIVE.includes(stateOf(zone)),
  );
  const areEnabled = wanted.zones.every((zone) => stateOf(zone) === 'enabled');
  if (missing.length === 0 && (!waitsUntilEnabled || (areEnabled && !isEarly))) {
    memory.end(request);
    log('complete', { snapshotId: wanted.snapshotId, zones: states });
    return DONE;
  }
  // However short the timeout is, nothing is decided before reads can be trusted.
  if (isStageOver(poll) && !isEarly) {
    if (isLastStage) throw notEnabled(request, states, missing.length > 0 ? memory.obstacleOf(request) : undefined);
    return DONE;
  }
  const mayBeDisabling = missing.some(
    (zone) => stateOf(zone) === 'disabling' || (isEarly && stateOf(zone) !== 'disabled'),
  );
  if (missing.length > 0) await enableMissing(poll, missing, mayBeDisabling);
  return wait('fast restore is being enabled', { snapshotId: wanted.snapshotId, zones: states });
}

async function enableMissing(poll: FastRestorePoll, zones: readonly string[], mayBeDisabling: boolean): Promise<void> {
  const { aws, log, memory, request } = poll;
  const { wanted } = request;
  try {
    await aws.enableFastRestore({ ...wanted, zones });
    memory.accept(request, ENABLE);
    log('enable fast restore', { snapshotId: wanted.snapshotId, zones });
  } catch (error) {
    memory.setObstacle(request, describeError(error));
    // Nothing says whether EC2 enables a zone that it is disabling.
    if (mayBeDisabling) throw new NotYet(describeError(error));
    if (kindOf(error) !== 'missing' || elapsed(poll) < STALENESS_MS) throw error;
    throw new Failure(`snapshot ${wanted.snapshotId} was not found in ${wanted.region}; correct "snapshot"`);
  }
}

/** Only the caller's errors are final. EC2's own, such as a lack of capacity, may pass. */
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
