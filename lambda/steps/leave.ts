// Nobody waits for the answer any more: what the request began must not outlive it.
import type { StackOperation } from '../aws';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteBegun } from '../deletions';
import { hasEnded } from '../reasons';
import { CALL_MS, elapsed, isLatestWindowVisible } from '../times';

/** The clocks of CloudFormation and of the handler differ by less than this. */
const SKEW_MS = 2_000;

/** An event arrives this soon after its resource has come into its status; if not, the next poll tells. */
const DELIVERY_MS = 10_000;

export async function leave(context: ReconcileContext): Promise<Outcome | undefined> {
  const { beganAt, memory, observed, request } = context;
  if (!(await isOver(context))) {
    memory.trust(request);
    return undefined;
  }
  // One read never decides: it may be older than the request.
  if (memory.doubt(request, beganAt) === beganAt) {
    return wait('CloudFormation seems not to wait for the answer; the next poll confirms it');
  }
  await deleteBegun(context, observed);
  if (isLatestWindowVisible(context)) throw hasEnded(request);
  return wait('the request has ended; a copy that it began may still be invisible');
}

/** The operations that send a Create, or an Update. */
const SENDERS = {
  Create: ['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS'],
  Update: ['UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS'],
} as const;

/** Whether CloudFormation shows that it waits for nothing, or for the answer to another request. */
async function isOver({ observed, ...timing }: ReconcileContext): Promise<boolean> {
  const { request } = timing;
  const { operation, startedAt, type } = request;
  if (type === 'Delete') return false;
  const { operation: now } = observed;
  const { changedAt, status } = await observed.requester();
  if (status !== `${type.toUpperCase()}_IN_PROGRESS` || !SENDERS[type].some((sender) => sender === now.status))
    return true;
  // The read may be older than the request, which would then not know what it is in.
  if (elapsed(timing) < CALL_MS && changedAt < startedAt - DELIVERY_MS) return true;
  // The resource has come into its status, or the operation has begun, after the request arrived.
  if (changedAt > startedAt + SKEW_MS || now.begunAt > startedAt + SKEW_MS) return true;
  // onEvent may have read the operation before this one; then the resource has not changed since.
  return changedAt > startedAt && operation !== undefined && !isSame(operation, now);
}

function isSame(one: StackOperation, other: StackOperation): boolean {
  if (one.ids !== undefined && other.ids !== undefined) return one.ids === other.ids;
  return one.status === other.status && one.begunAt === other.begunAt;
}
