// onEvent decides, and creates nothing: if the framework then fails to start its state machine, CloudFormation never
// learns the physical ID that onEvent returned.
import type { Aws, StackOperation } from './aws';
import type { Log } from './context';
import { describeError } from './failure';
import { decidePhysicalId, type Begun, type CloudFormationEvent } from './request';

export interface Decision {
  readonly PhysicalResourceId: string;
  readonly Begun: Begun;
}

export interface Arrival {
  readonly event: CloudFormationEvent;
  readonly aws: Aws;
  readonly now: () => number;
  readonly ownRegion: string;
  readonly log: Log;
}

export async function decide(arrival: Arrival): Promise<Decision> {
  const { event, log, now, ownRegion } = arrival;
  const At = now();
  const PhysicalResourceId = decidePhysicalId(event, ownRegion);
  const Operation = event.RequestType === 'Delete' ? undefined : await presentOperation(arrival);
  log('accept', { physicalId: PhysicalResourceId, operation: Operation?.status });
  return { PhysicalResourceId, Begun: { At, Operation, PresentId: event.PhysicalResourceId } };
}

/** A failed read does not fail the request: without the operation, polls use the time of the resource's status instead. */
async function presentOperation({ event, aws, log }: Arrival): Promise<StackOperation | undefined> {
  try {
    const operation = await aws.describeStack(event.StackId);
    return operation.status.endsWith('_IN_PROGRESS') ? operation : undefined;
  } catch (error) {
    log('operation unknown', { reason: describeError(error) });
    return undefined;
  }
}
