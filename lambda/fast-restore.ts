// Fast snapshot restore of a snapshot in some zones. The physical ID never changes: a change of the snapshot is an update
// that disables the old snapshot's zones before it enables the new one's, because EC2's quota is five snapshots per Region.
import { stageCount, stageSeconds, type FastRestoreProperties } from '../lib/contract';
import type { FastRestore, FastRestoreTarget, StackOperation } from './aws';
import { isAwaited } from './awaited';
import { toAnswer, wait, type Answer, type BasicPoll, type Outcome } from './context';
import { describeError, Ended, Failure, kindOf, NotYet } from './failure';
import { isAtRest, isRollback } from './ownership';
import { isFinal, mayBeDone } from './patience';
import { decodePhysicalId } from './physical-id';
import { hasEnded, notAskedFor, toFailure } from './reasons';
import type { BasicRequest, PollEvent } from './request';
import { CALL_MS, elapsed, isOvertimeOver, isStageOver, STALENESS_MS } from './times';

export interface FastRestoreRequest extends BasicRequest {
  readonly wanted: FastRestoreTarget;
  readonly before?: FastRestoreTarget;
  readonly waitsUntilEnabled: boolean;
}

interface FastRestorePoll extends BasicPoll {
  readonly request: FastRestoreRequest;
}

const DONE: Outcome = { answer: { IsComplete: true } };

/** The states that cost money. */
const ACTIVE = ['enabling', 'optimizing', 'enabled'];

const isActive = ({ State: state }: FastRestore): boolean => state !== undefined && ACTIVE.includes(state);

const UNDER_WAY = 'a call of an earlier request may still be under way';

export function decodeFastRestore(event: PollEvent<FastRestoreProperties>): FastRestoreRequest {
  const { Begun: begun, OldResourceProperties: before, ResourceProperties: wanted } = event;
  const stage = Number(wanted.Stage ?? '1');
  const timeoutSeconds = Number(wanted.TimeoutSeconds);
  return {
    type: event.RequestType,
    stackId: event.StackId,
    requesterId: event.LogicalResourceId,
    physicalId: decodePhysicalId(event.PhysicalResourceId),
    stage,
    isLastStage: stage >= stageCount(timeoutSeconds),
    stageMs: stageSeconds(timeoutSeconds, stage) * 1_000,
    timeoutSeconds,
    startedAt: begun.At,
    operation: begun.Operation,
    presentId: begun.PresentId,
    wanted: targetIn(wanted),
    before: before && targetIn(before),
    waitsUntilEnabled: wanted.WaitUntilEnabled === 'true',
  };
}

function targetIn({ AvailabilityZoneIds: ids, AvailabilityZones, Region, SnapshotId }: FastRestoreProperties) {
  return { region: Region, snapshotId: SnapshotId, zones: ids ?? AvailabilityZones ?? [], areIds: ids !== undefined };
}

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
  if (elapsed(poll) < CALL_MS) return wait(UNDER_WAY);
  log('deleted');
  return DONE;
}

async function set(poll: FastRestorePoll, operation: StackOperation): Promise<Outcome> {
  const { aws, beganAt, memory, request } = poll;
  const { requesterId, stackId, wanted } = request;
  if (!(await isAwaited(poll, { operation, requester: () => aws.describeResource(stackId, requesterId) }))) {
    if (memory.doubt(request, beganAt) < beganAt) throw hasEnded(describe(request));
    return wait('CloudFormation does not seem to wait for the answer; the next poll will confirm it');
  }
  memory.trust(request);
  // A later stage owns nothing.
  if (request.before && request.stage === 1) await disableBefore(poll, request.before);
  if (isRollback(operation) && elapsed(poll) < CALL_MS) return wait(UNDER_WAY);
  const shown = await aws.describeFastRestores(wanted.region, wanted.snapshotId);
  return enable(poll, (zone) => shown.find((one) => zoneOf(one, wanted) === zone));
}

/** Disables what is no longer declared. In the first minutes, EC2 may not show yet what the request must disable. */
async function disableBefore(poll: FastRestorePoll, before: FastRestoreTarget): Promise<void> {
  const { wanted } = poll.request;
  const isSame = before.snapshotId === wanted.snapshotId;
  const isNew = elapsed(poll) < STALENESS_MS;
  if (isNew && !(isSame && before.areIds !== wanted.areIds)) {
    const zones = before.zones.filter((zone) => !isSame || !wanted.zones.includes(zone));
    if (zones.length > 0) await disable(poll, { ...before, zones });
    return;
  }
  // Only EC2 knows which zone ID belongs to which name.
  const shown = (await poll.aws.describeFastRestores(before.region, before.snapshotId)).filter(isActive);
  const known = shown.map((one) => zoneOf(one, before));
  if (isNew && !before.zones.every((zone) => known.includes(zone))) throw new NotYet('some zones are not visible yet');
  const isWanted = (one: FastRestore): boolean => isSame && wanted.zones.includes(zoneOf(one, wanted));
  const gone = shown.filter((one) => before.zones.includes(zoneOf(one, before)) && !isWanted(one));
  if (gone.length > 0) await disable(poll, { ...before, zones: gone.map((one) => zoneOf(one, before)) });
}

/** The wanted zones that an earlier request may have just disabled, although reads may still show them as enabled. */
function zonesInDoubt(poll: FastRestorePoll): readonly string[] {
  const { before, stage, wanted } = poll.request;
  if (stage > 1 || elapsed(poll) >= STALENESS_MS) return [];
  const isComparable = before?.snapshotId === wanted.snapshotId && before.areIds === wanted.areIds;
  return isComparable ? wanted.zones.filter((zone) => !before.zones.includes(zone)) : wanted.zones;
}

async function enable(poll: FastRestorePoll, find: (zone: string) => FastRestore | undefined): Promise<Outcome> {
  const { log, memory, request } = poll;
  const { isLastStage, wanted, waitsUntilEnabled } = request;
  const states = Object.fromEntries(wanted.zones.map((zone) => [zone, find(zone)?.State ?? 'disabled']));
  failIfRefused(
    request,
    wanted.zones.flatMap((zone) => find(zone) ?? []),
  );
  const inDoubt = zonesInDoubt(poll);
  const isMissing = (zone: string): boolean =>
    !ACTIVE.includes(states[zone] ?? '') || (inDoubt.includes(zone) && !memory.hasEnabled(request));
  const missing = wanted.zones.filter(isMissing);
  const isEnabled = (zone: string): boolean => states[zone] === 'enabled' && !inDoubt.includes(zone);
  if (missing.length === 0 && (!waitsUntilEnabled || wanted.zones.every(isEnabled))) {
    memory.end(request);
    log('complete', { snapshotId: wanted.snapshotId, zones: states });
    return DONE;
  }
  if (isStageOver(poll)) {
    if (isLastStage) throw notEnabled(request, states, missing.length > 0 ? memory.obstacleOf(request) : undefined);
    return DONE;
  }
  if (missing.length > 0) await enableMissing(poll, missing);
  return wait('fast restore is being enabled', { snapshotId: wanted.snapshotId, zones: states });
}

async function enableMissing(poll: FastRestorePoll, zones: readonly string[]): Promise<void> {
  const { aws, log, memory, request } = poll;
  const { wanted } = request;
  try {
    await aws.enableFastRestore({ ...wanted, zones });
    memory.enable(request);
    log('enable fast restore', { snapshotId: wanted.snapshotId, zones });
  } catch (error) {
    memory.setObstacle(request, describeError(error));
    if (kindOf(error) !== 'missing' || elapsed(poll) < STALENESS_MS) throw error;
    throw new Failure(`snapshot ${wanted.snapshotId} was not found in ${wanted.region}; correct "snapshot"`);
  }
}

/** Disables what is not disabled yet. A deleted snapshot has no fast restore. */
async function disable(poll: FastRestorePoll, target: FastRestoreTarget): Promise<void> {
  const { aws, log } = poll;
  const { region, snapshotId, zones } = target;
  try {
    await aws.disableFastRestore(target);
    log('disable fast restore', { snapshotId, zones });
  } catch (error) {
    if (kindOf(error) === 'missing') return;
    if (!isFinal(poll, error)) throw error;
    const shown = await aws.describeFastRestores(region, snapshotId);
    const active = shown.filter(isActive).map((one) => zoneOf(one, target));
    const rest = zones.filter((zone) => active.includes(zone));
    if (rest.length === 0) return;
    // EC2 may refuse a whole call because some of its zones are already disabled.
    if (rest.length < zones.length) {
      await disable(poll, { ...target, zones: rest });
      return;
    }
    if (mayBeDone(poll, 'disable fast restore', error)) throw new NotYet(describeError(error));
    throw notDisabled(target, error);
  }
}

/** Only the caller's errors are final. EC2's own, such as a lack of capacity, may pass. */
function failIfRefused(request: FastRestoreRequest, shown: readonly FastRestore[]): void {
  for (const one of shown.filter((each) => !isActive(each))) {
    const { EnablingTime: begunAt, StateTransitionReason: reason = '' } = one;
    const isOfRequest = (begunAt?.getTime() ?? 0) >= request.startedAt;
    if (isOfRequest && reason.startsWith('Client.') && !reason.startsWith('Client.UserInitiated')) {
      throw new Failure(`${describe(request)}: EC2 says "${reason}" of ${zoneOf(one, request.wanted)}`);
    }
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

function notDisabled({ region, snapshotId, zones }: FastRestoreTarget, error: unknown): Failure {
  return new Failure(
    `fast restore of ${snapshotId} in ${region} is enabled in ${zones.join(', ')}, costs money, and could not be disabled: ${describeError(error)}; correct that, or disable it yourself`,
  );
}

function describe({ wanted }: FastRestoreRequest): string {
  return `fast restore of ${wanted.snapshotId} in ${wanted.region}`;
}

function zoneOf(
  { AvailabilityZone: name, AvailabilityZoneId: id }: FastRestore,
  { areIds }: FastRestoreTarget,
): string {
  return (areIds ? id : name) ?? '';
}
