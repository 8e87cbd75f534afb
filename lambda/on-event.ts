// onEvent decides and creates nothing: if the framework then fails to start its waiter, the id answered here is lost.
import type { Aws } from './aws';
import { inWords } from './failure';
import { isAtRest } from './poll';
import { decidePhysicalId, isContinuation, isSnapshotId, type Begun, type CloudFormationEvent } from './request';

export interface Decision {
  readonly PhysicalResourceId: string;
  readonly Begun: Begun;
}

export interface Arrival {
  readonly event: CloudFormationEvent;
  readonly aws: Aws;
  readonly now: () => number;
  readonly ownRegion: string;
  readonly log: (decision: string, details?: Record<string, unknown>) => void;
}

export async function decide({ event, aws, now, ownRegion, log }: Arrival): Promise<Decision> {
  const At = new Date(now()).toISOString();
  const PhysicalResourceId = decidePhysicalId(event, ownRegion);
  const Operation = event.RequestType === 'Delete' ? undefined : await presentOperation(event, aws, log);
  log('accept', { physicalId: PhysicalResourceId, operation: Operation?.status });
  return { PhysicalResourceId, Begun: { At, Operation } };
}

/** No operation, so that no poll takes it for its own. */
const ENDED = { status: 'ENDED', begunAt: '' };

/** Not worth a failure: without it, a poll judges by the time at which the stack's operation began. */
async function presentOperation(
  event: CloudFormationEvent,
  aws: Aws,
  log: Arrival['log'],
): Promise<Begun['Operation']> {
  try {
    const operation = await aws.describeStack(event.StackId);
    if (!operation.status.endsWith('_IN_PROGRESS')) return undefined;
    return (await isAnswered(event, aws)) ? ENDED : operation;
  } catch (error) {
    log('operation unknown', { reason: inWords(error) });
    return undefined;
  }
}

/** An event that is delivered once more, later: the resource rests, or has the copy that a Create would make. */
async function isAnswered(event: CloudFormationEvent, aws: Aws): Promise<boolean> {
  const { physicalId = '', status } = await aws.describeResource(event.StackId, event.LogicalResourceId);
  const hasCopy = event.RequestType === 'Create' && !isContinuation(event) && isSnapshotId(physicalId);
  return hasCopy || isAtRest(status);
}
