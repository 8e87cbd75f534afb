// What a fast restore asks for: a snapshot, and the zones in which it is to be restored fast.
import {
  MIN_FAST_RESTORE_TIMEOUT_SECONDS,
  stageCount,
  stageSeconds,
  type FastRestoreProperties,
} from '../lib/contract';
import type { FastRestore, FastRestoreTarget } from './aws';
import type { BasicPoll } from './context';
import { decodePhysicalId } from './physical-id';
import type { BasicRequest, PollEvent } from './request';

export interface FastRestoreRequest extends BasicRequest {
  readonly wanted: FastRestoreTarget;
  readonly before?: FastRestoreTarget;
  readonly waitsUntilEnabled: boolean;
}

export interface FastRestorePoll extends BasicPoll {
  readonly request: FastRestoreRequest;
}

/** The states that cost money. */
export const ACTIVE = ['enabling', 'optimizing', 'enabled'];

export const isActive = ({ State: state }: FastRestore): boolean => state !== undefined && ACTIVE.includes(state);

export function decodeFastRestore(event: PollEvent<FastRestoreProperties>): FastRestoreRequest {
  const { Begun: begun, OldResourceProperties: before, ResourceProperties: wanted } = event;
  const stage = Number(wanted.Stage ?? '1');
  const timeoutSeconds = Math.max(Number(wanted.TimeoutSeconds), MIN_FAST_RESTORE_TIMEOUT_SECONDS);
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

export function zoneOf(
  { AvailabilityZone: name, AvailabilityZoneId: id }: FastRestore,
  { areIds }: FastRestoreTarget,
): string {
  return (areIds ? id : name) ?? '';
}
