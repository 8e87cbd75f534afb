// The copy is finished, alone, and as declared: answer its attributes.
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

/** A copy that goes by its handle keeps that: for another id, CloudFormation would delete what goes by the handle. */
function physicalIdOf(copy: Copy, request: Request, operation: StackOperation): string {
  const { keepsCopy, physicalId, presentId = copy.id } = request;
  if (!keepsCopy) return isKept(copy, request, operation) ? presentId : copy.id;
  return physicalId.kind === 'handle' && isStartedUnder(copy, request) ? physicalId.text : copy.id;
}

/** How long EC2 took for a copy that the operation made, if EC2 says when it completed it. */
function secondsOf({ snapshot, startedAt }: Copy, { begunAt }: StackOperation): number | undefined {
  const { CompletionTime: completedAt } = snapshot;
  if (completedAt === undefined || startedAt < begunAt) return undefined;
  return Math.round((completedAt.getTime() - startedAt) / 1_000);
}
