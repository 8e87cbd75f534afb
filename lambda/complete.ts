// The answer that ends a request well.
import type { Snapshot } from './aws';
import type { Answer, Outcome, Poll } from './context';
import { attributesOf } from './copies';

/** A later stage keeps a physical id of its own, so only the first stage answers one. */
export function complete({ request }: Pick<Poll, 'request'>, snapshot: Snapshot, physicalId: string): Outcome {
  const id: Partial<Answer> = request.stage === 1 ? { PhysicalResourceId: physicalId } : {};
  return { answer: { IsComplete: true, ...id, Data: attributesOf(snapshot, request) } };
}
