// onEvent decides and creates nothing: if the framework then fails to start its waiter, the id answered here is lost.
import type { Aws } from './aws';
import type { Log } from './context';
import { describeError } from './failure';
import { isAtRest } from './ownership';
import { decodePhysicalId } from './physical-id';
import { decidePhysicalId, isLaterStage, type Begun, type CloudFormationEvent } from './request';

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
  const begun = event.RequestType === 'Delete' ? {} : await presentOperation(arrival);
  log('accept', { physicalId: PhysicalResourceId, operation: begun.Operation?.status });
  return { PhysicalResourceId, Begun: { At, ...begun } };
}

/** Not worth a failure: without it, a poll judges by the time at which the stack's operation began. */
async function presentOperation({ event, aws, log }: Arrival): Promise<Partial<Begun>> {
  try {
    const operation = await aws.describeStack(event.StackId);
    if (!operation.status.endsWith('_IN_PROGRESS')) return {};
    return { Operation: operation, IsAnswered: await isAnswered(event, aws) };
  } catch (error) {
    log('operation unknown', { reason: describeError(error) });
    return {};
  }
}

/** An event that is delivered once more, late: the resource rests, or has the copy that a Create would make. */
async function isAnswered(event: CloudFormationEvent, aws: Aws): Promise<boolean> {
  const { physicalId = '', status } = await aws.describeResource(event.StackId, event.LogicalResourceId);
  const isOwnersCreate = event.RequestType === 'Create' && !isLaterStage(event);
  return isAtRest(status) || (isOwnersCreate && decodePhysicalId(physicalId).kind === 'snapshot');
}
