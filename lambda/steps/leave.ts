// The stack operation that sent the request has ended: what the request began must not outlive it.
import type { StackOperation } from '../aws';
import { wait, type Outcome, type ReconcileContext } from '../context';
import { deleteBegun } from '../deletions';
import { isRollback } from '../ownership';
import { hasEnded } from '../reasons';
import type { Request } from '../request';
import { isLatestWindowVisible } from '../times';

export async function leave(context: ReconcileContext): Promise<Outcome | undefined> {
  const { observed, request } = context;
  if (!request.isAnswered && isInOperation(request, observed.operation)) return undefined;
  await deleteBegun(context, observed);
  if (isLatestWindowVisible(context)) throw hasEnded(request);
  return wait('the stack operation has ended; a copy that it began may still be invisible');
}

/** Whether CloudFormation still wants the answer. If onEvent could not ask, a later operation is told by its start. */
function isInOperation({ type, operation, startedAt }: Request, now: StackOperation): boolean {
  // A Create that is delivered once more while it is already rolled back.
  if (type === 'Create' && isRollback(now)) return false;
  if (operation) return now.status === operation.status && now.begunAt === operation.begunAt;
  const sends = type === 'Create' ? ['CREATE', 'UPDATE'] : ['UPDATE', 'UPDATE_ROLLBACK'];
  return sends.some((word) => now.status === `${word}_IN_PROGRESS`) && now.begunAt <= startedAt;
}
