// The copy is finished, has no duplicate, and is as declared: report its attributes.
import { DECISION } from '../../lib/contract';
import type { StackOperation } from '../aws';
import { complete } from '../complete';
import { chosenCopy, type Outcome, type ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { isKept, isStartedUnder } from '../ownership';
import type { Request } from '../request';

export function report(context: ReconcileContext): Outcome {
  const { log, memory, observed, request } = context;
  const copy = chosenCopy(context);
  memory.end(request);
  log(DECISION.complete, { snapshotId: copy.id, seconds: secondsOf(copy, context.observed.operation) });
  return complete(context, copy.snapshot, physicalIdOf(copy, request, observed.operation));
}

/** A copy whose physical ID is its handle keeps it: after a change, CloudFormation would delete the handle's copy. */
function physicalIdOf(copy: Copy, request: Request, operation: StackOperation): string {
  const { keepsCopy, physicalId, presentId = copy.id } = request;
  if (!keepsCopy) return isKept(copy, request, operation) ? presentId : copy.id;
  return physicalId.kind === 'handle' && isStartedUnder(copy, request) ? physicalId.text : copy.id;
}

/** How long EC2 took, if this operation made the copy and EC2 shows the completion time. */
function secondsOf({ snapshot, startedAt }: Copy, { begunAt }: StackOperation): number | undefined {
  const { CompletionTime: completedAt } = snapshot;
  if (completedAt === undefined || startedAt < begunAt) return undefined;
  return Math.round((completedAt.getTime() - startedAt) / 1_000);
}
