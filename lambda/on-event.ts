// onEvent decides and creates nothing: if the framework then fails to start its waiter, the id answered here is lost.
import type { Aws } from './aws';
import { inWords } from './failure';
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
  readonly log: (decision: string, details?: Record<string, unknown>) => void;
}

export async function decide({ event, aws, now, ownRegion, log }: Arrival): Promise<Decision> {
  const At = new Date(now()).toISOString();
  const PhysicalResourceId = decidePhysicalId(event, ownRegion);
  const Operation = event.RequestType === 'Delete' ? undefined : await presentOperation(event.StackId, aws, log);
  log('accept', { physicalId: PhysicalResourceId, operation: Operation?.status });
  return { PhysicalResourceId, Begun: { At, Operation } };
}

/** Not worth a failure: without it, a poll judges by the time at which the stack's operation began. */
async function presentOperation(stackId: string, aws: Aws, log: Arrival['log']): Promise<Begun['Operation']> {
  try {
    const operation = await aws.describeStack(stackId);
    return operation.status.endsWith('_IN_PROGRESS') ? operation : undefined;
  } catch (error) {
    log('operation unknown', { reason: inWords(error) });
    return undefined;
  }
}
