// The entry point: wires the handler to the real clients and the real clock, once per process.
import {
  POLL_INTERVAL_SECONDS,
  POLL_INTERVAL_VARIABLE,
  type FastRestoreProperties,
  type LogSubject,
} from '../lib/contract';
import { awsOver } from './aws';
import type { Answer, Log } from './context';
import { reconcileFastRestore } from './fast-restore';
import { decodeFastRestore } from './fast-restore-request';
import { Memory } from './memory';
import { decide, type Decision } from './on-event';
import { reconcile } from './reconcile';
import { decodeRequest, isFastRestore, type CloudFormationEvent, type PollEvent } from './request';
import { sdkCalls } from './sdk';

const now = (): number => Date.now();
const memory = new Memory();
const aws = awsOver(sdkCalls(), now, memory.unreachableSince);
const ownRegion = process.env.AWS_REGION ?? '';
const logGroup = process.env.AWS_LAMBDA_LOG_GROUP_NAME ?? '';
const pollIntervalMs = Number(process.env[POLL_INTERVAL_VARIABLE] ?? POLL_INTERVAL_SECONDS) * 1_000;

export function onEvent(event: CloudFormationEvent): Promise<Decision> {
  return decide({ event, aws, now, ownRegion, log: logger(event) });
}

export function isComplete(event: PollEvent): Promise<Answer> {
  const poll = { aws, now, log: logger(event), logGroup, pollIntervalMs, beganAt: now(), memory };
  if (isFastRestore(event)) {
    const request = decodeFastRestore(event as PollEvent<unknown> as PollEvent<FastRestoreProperties>);
    return reconcileFastRestore({ ...poll, request });
  }
  return reconcile({ ...poll, request: decodeRequest(event, ownRegion) });
}

/**
 * Logs one structured line per decision, in Lambda's JSON format. It logs only the fields named here, because the event
 * contains ResponseURL, which is a secret.
 */
function logger(event: CloudFormationEvent): Log {
  const subject: LogSubject = {
    request: event.RequestType,
    stack: event.StackId,
    logicalId: event.ResourceProperties.CopyLogicalId ?? event.LogicalResourceId,
    physicalId: event.PhysicalResourceId,
  };
  return (decision, details) => {
    console.info({ decision, ...subject, ...details });
  };
}
