// The entry: the real clients and the real clock, made once per process.
import { POLL_INTERVAL_SECONDS, POLL_INTERVAL_VARIABLE } from '../lib/contract';
import { awsOver } from './aws';
import type { Answer, Log } from './context';
import { Memory } from './memory';
import { decide, type Decision } from './on-event';
import { reconcile } from './reconcile';
import { decodeRequest, type CloudFormationEvent, type PollEvent } from './request';
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
  const request = decodeRequest(event, ownRegion);
  return reconcile({ request, aws, now, log: logger(event), logGroup, pollIntervalMs, beganAt: now(), memory });
}

/** One structured line per decision, in Lambda's JSON format. Only what is named here: the event holds ResponseURL. */
function logger({ RequestType, StackId, LogicalResourceId, PhysicalResourceId }: CloudFormationEvent): Log {
  const subject = {
    request: RequestType,
    stack: StackId,
    logicalId: LogicalResourceId,
    physicalId: PhysicalResourceId,
  };
  return (decision, details) => {
    console.info({ decision, ...subject, ...details });
  };
}
