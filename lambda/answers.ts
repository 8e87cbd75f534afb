// The answers that end a request well, and the guard that comes before whatever a request makes or changes.
import type { Answer, Outcome, ReconcileContext } from './context';
import { attributesOf } from './copies';
import type { Snapshot } from './aws';
import { isAtRest } from './ownership';
import { hasEnded } from './reasons';

/** Another poll, or a duplicate of the event, may have answered the request. */
export async function failIfAnswered({ observed, request }: ReconcileContext): Promise<void> {
  if (isAtRest(await observed.requesterStatus())) throw hasEnded(request);
}

/** Ends the request. A later stage keeps a physical id of its own, so only the first stage answers one. */
export function complete({ request }: ReconcileContext, snapshot: Snapshot, physicalId: string): Outcome {
  const id: Partial<Answer> = request.stage === 1 ? { PhysicalResourceId: physicalId } : {};
  return { answer: { IsComplete: true, ...id, Data: attributesOf(snapshot, request) } };
}
