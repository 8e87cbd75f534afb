// Fast snapshot restore of any snapshot, in some zones. Its physical id never changes, so that the zones of another snapshot
// are disabled before those of the new one are enabled: EC2's quota is five snapshots in a Region.
import { DECISION, stageCount, stageSeconds, type FastRestoreProperties } from '../lib/contract';
import type { FastRestore, FastRestoreTarget, StackOperation } from './aws';
import { isAwaited } from './awaited';
import { toAnswer, wait, type Answer, type BasicPoll, type Outcome } from './context';
import { CallError, describeError, Failure, kindOf } from './failure';
import { isAtRest, isRollback } from './ownership';
import { isFinal } from './patience';
import { decodePhysicalId } from './physical-id';
import { hasEnded, notAskedFor, toFailure } from './reasons';
import type { BasicRequest, PollEvent } from './request';
import { elapsed, isOvertimeOver, isStageOver, STALENESS_MS } from './times';

export interface FastRestoreRequest extends BasicRequest {
  readonly wanted: FastRestoreTarget;
  readonly before?: FastRestoreTarget;
  readonly waitsUntilEnabled: boolean;
}

interface FastRestorePoll extends BasicPoll {
  readonly request: FastRestoreRequest;
}

const DONE: Outcome = { answer: { IsComplete: true } };

/** What costs money. */
const ACTIVE = ['enabling', 'optimizing', 'enabled'];

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
    if (request.type === 'Update' && operation && isRollback(operation)) {
      log('left', { reason: failure.message });
      return DONE;
    }
    log(DECISION.fail, { reason: failure.message });
    throw failure;
  }
}

async function remove(poll: FastRestorePoll, operation: StackOperation): Promise<Outcome> {
  const { beganAt, log, memory, request } = poll;
  // A further stage owns nothing.
  if (request.stage > 1) return DONE;
  if (isAtRest(operation.status)) {
    if (memory.doubt(request, beganAt) < beganAt) throw notAskedFor(request);
    return wait('the stack seems to be at rest; the next poll confirms it');
  }
  await disable(poll, request.wanted);
  log('deleted');
  return DONE;
}

async function set(poll: FastRestorePoll, operation: StackOperation): Promise<Outcome> {
  const { aws, beganAt, memory, request } = poll;
  const { requesterId, stackId, wanted } = request;
  if (!(await isAwaited(poll, { operation, requester: () => aws.describeResource(stackId, requesterId) }))) {
    if (memory.doubt(request, beganAt) < beganAt) throw hasEnded(describe(request));
    return wait('CloudFormation seems not to wait for the answer; the next poll confirms it');
  }
  memory.trust(request);
  // What is read later than that shows what was enabled before.
  if (elapsed(poll) < STALENESS_MS) await disableBefore(poll);
  const shown = await aws.describeFastRestores(wanted.region, wanted.snapshotId);
  return enable(poll, (zone) => shown.find((one) => zoneOf(one, wanted) === zone));
}

async function disableBefore(poll: FastRestorePoll): Promise<void> {
  const { before, wanted } = poll.request;
  if (!before) return;
  const isSame = before.snapshotId === wanted.snapshotId && before.region === wanted.region;
  // A zone has a name and an id, and nothing here says which belong together.
  if (isSame && before.areIds !== wanted.areIds) return;
  const zones = before.zones.filter((zone) => !isSame || !wanted.zones.includes(zone));
  if (zones.length > 0) await disable(poll, { ...before, zones });
}

async function enable(poll: FastRestorePoll, find: (zone: string) => FastRestore | undefined): Promise<Outcome> {
  const { log, memory, request } = poll;
  const { isLastStage, wanted, waitsUntilEnabled } = request;
  const states = Object.fromEntries(wanted.zones.map((zone) => [zone, find(zone)?.State ?? 'disabled']));
  failIfRefused(request, wanted.zones.map(find));
  const missing = wanted.zones.filter((zone) => !ACTIVE.includes(states[zone] ?? ''));
  if (missing.length === 0 && (!waitsUntilEnabled || wanted.zones.every((zone) => states[zone] === 'enabled'))) {
    memory.end(request);
    log('complete', { snapshotId: wanted.snapshotId, zones: states });
    return DONE;
  }
  if (isStageOver(poll)) {
    if (isLastStage) throw notEnabled(request, states);
    return DONE;
  }
  if (missing.length > 0) await enableMissing(poll, missing);
  if (missing.length > 0) log('enable fast restore', { snapshotId: wanted.snapshotId, zones: missing });
  return wait('fast restore is being enabled', { snapshotId: wanted.snapshotId, zones: states });
}

async function enableMissing({ aws, ...poll }: FastRestorePoll, zones: readonly string[]): Promise<void> {
  const { wanted } = poll.request;
  try {
    await aws.enableFastRestore({ ...wanted, zones });
  } catch (error) {
    if (kindOf(error) !== 'missing' || elapsed(poll) < STALENESS_MS) throw error;
    throw new Failure(`snapshot ${wanted.snapshotId} was not found in ${wanted.region}; correct "snapshot"`);
  }
}

/** Disables whatever is not disabled yet. A snapshot that is gone has no fast restore. */
async function disable({ aws, log }: FastRestorePoll, target: FastRestoreTarget): Promise<void> {
  const { region, snapshotId, zones } = target;
  try {
    await aws.disableFastRestore(target);
    log('disable fast restore', { snapshotId, zones });
  } catch (error) {
    if (kindOf(error) === 'missing') return;
    // EC2 may refuse what is disabled already. Its state tells.
    const shown = await aws.describeFastRestores(region, snapshotId);
    const isActive = shown.some((one) => zones.includes(zoneOf(one, target)) && ACTIVE.includes(one.State ?? ''));
    if (isActive || !(error instanceof CallError) || kindOf(error) !== 'refused') throw error;
  }
}

/** Reasons of EC2's own, such as a lack of capacity, may pass. */
function failIfRefused(request: FastRestoreRequest, shown: readonly (FastRestore | undefined)[]): void {
  for (const one of shown) {
    const reason = one?.StateTransitionReason ?? '';
    const isOver = !ACTIVE.includes(one?.State ?? 'enabling');
    const isOfRequest = (one?.EnablingTime?.getTime() ?? 0) >= request.startedAt;
    if (isOver && isOfRequest && reason.startsWith('Client.') && !reason.startsWith('Client.UserInitiated')) {
      throw new Failure(`${describe(request)}: EC2 says "${reason}" of ${zoneOf(one ?? {}, request.wanted)}`);
    }
  }
}

function notEnabled(request: FastRestoreRequest, states: Readonly<Record<string, string>>): Failure {
  const shown = Object.entries(states).map(([zone, state]) => `${zone} is ${state}`);
  const minutes = Math.round(request.timeoutSeconds / 60);
  return new Failure(
    `${describe(request)} was not enabled within ${minutes} minutes (${shown.join(', ')}); it takes 60 minutes per TiB: raise "timeout", or remove "waitUntilEnabled"`,
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
