// The answer to a request that succeeded.
import type { Snapshot } from './aws';
import type { Answer, Outcome, Poll } from './context';
import { attributesOf } from './copies';

/** Only the first stage returns a physical id: a later stage keeps the one that it has. */
export function complete({ request }: Pick<Poll, 'request'>, snapshot: Snapshot, physicalId: string): Outcome {
  const id: Partial<Answer> = request.stage === 1 ? { PhysicalResourceId: physicalId } : {};
  return { answer: { IsComplete: true, ...id, Data: attributesOf(snapshot, request) } };
}
