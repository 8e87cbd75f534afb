// Whether CloudFormation still waits for the answer to a request.
import type { StackOperation, StackResource } from './aws';
import { CALL_MS, CLOUDFORMATION_SKEW_MS, DELIVERY_MS, elapsed, type Timing } from './times';

/** The operations that send a Create, or an Update. */
const SENDERS = {
  Create: ['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS'],
  Update: ['UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS'],
} as const;

/** What CloudFormation shows. */
interface Shown {
  readonly operation: StackOperation;
  /** Of the resource that asks. */
  requester(): Promise<StackResource>;
}

/** Whether CloudFormation may wait for the answer: not if it shows that it waits for nothing, or for another answer. */
export async function isAwaited(timing: Timing, shown: Shown): Promise<boolean> {
  const { operation, startedAt, type } = timing.request;
  if (type === 'Delete') return true;
  const { operation: now } = shown;
  const { changedAt, status } = await shown.requester();
  if (status !== `${type.toUpperCase()}_IN_PROGRESS` || !SENDERS[type].some((sender) => sender === now.status))
    return false;
  // The read may be older than the request, which would then not know what it is in.
  if (elapsed(timing) < CALL_MS && changedAt < startedAt - DELIVERY_MS) return false;
  // The resource has come into its status, or the operation has begun, after the request arrived.
  if (changedAt > startedAt + CLOUDFORMATION_SKEW_MS || now.begunAt > startedAt + CLOUDFORMATION_SKEW_MS) return false;
  // onEvent may have read the operation before this one; then the resource has not changed since.
  return !(changedAt > startedAt && operation !== undefined && !isSame(operation, now));
}

function isSame(one: StackOperation, other: StackOperation): boolean {
  if (one.ids !== undefined && other.ids !== undefined) return one.ids === other.ids;
  return one.status === other.status && one.begunAt === other.begunAt;
}
