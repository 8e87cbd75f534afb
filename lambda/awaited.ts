// Whether CloudFormation is still waiting for the answer to a request.
import type { StackOperation, StackResource } from './aws';
import { CALL_MS, CLOUDFORMATION_SKEW_MS, DELIVERY_MS, elapsed, type Timing } from './times';

/** The stack statuses in which CloudFormation sends a Create or an Update. */
const SENDERS = {
  Create: ['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS'],
  Update: ['UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS'],
} as const;

/** What CloudFormation shows. */
interface Shown {
  readonly operation: StackOperation;
  /** What CloudFormation shows of the resource that made the request. */
  requester(): Promise<StackResource>;
}

/** False only if CloudFormation shows that it waits for no answer, or for the answer to another request. */
export async function isAwaited(timing: Timing, shown: Shown): Promise<boolean> {
  const { operation, startedAt, type } = timing.request;
  if (type === 'Delete') return true;
  const { operation: now } = shown;
  const { changedAt, status } = await shown.requester();
  if (status !== `${type.toUpperCase()}_IN_PROGRESS` || !SENDERS[type].some((sender) => sender === now.status))
    return false;
  // The resource entered this status well before the request arrived, so the read may be older than the request.
  if (elapsed(timing) < CALL_MS && changedAt < startedAt - DELIVERY_MS) return false;
  // The resource entered its status, or the operation began, after the request arrived: another request is awaited.
  if (changedAt > startedAt + CLOUDFORMATION_SKEW_MS || now.begunAt > startedAt + CLOUDFORMATION_SKEW_MS) return false;
  // onEvent may have read the previous operation. In that case, the resource has not changed since the request arrived.
  return !(changedAt > startedAt && operation !== undefined && !isSame(operation, now));
}

function isSame(one: StackOperation, other: StackOperation): boolean {
  if (one.ids !== undefined && other.ids !== undefined) return one.ids === other.ids;
  return one.status === other.status && one.begunAt === other.begunAt;
}
