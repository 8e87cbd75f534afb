// The copy is finished, alone, and as declared: answer its attributes.
import { DECISION } from '../../lib/contract';
import type { StackOperation } from '../aws';
import { complete } from '../complete';
import { chosenCopy, type Outcome, type ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { isStartedUnder } from '../ownership';

export function report(context: ReconcileContext): Outcome {
  const { log, memory, request } = context;
  const { keepsCopy, physicalId } = request;
  const copy = chosenCopy(context);
  memory.end(request);
  log(DECISION.complete, { snapshotId: copy.id, seconds: secondsOf(copy, context.observed.operation) });
  // If the copy goes by its handle, it keeps that: for another id, CloudFormation would delete what goes by the handle.
  const goesByHandle = keepsCopy && physicalId.kind === 'handle' && isStartedUnder(copy, request);
  const id = goesByHandle ? physicalId.text : copy.id;
  return complete(context, copy.snapshot, id);
}

/** How long EC2 took for a copy that the operation made, if EC2 says when it completed it. */
function secondsOf({ snapshot, startedAt }: Copy, { begunAt }: StackOperation): number | undefined {
  const { CompletionTime: completedAt } = snapshot;
  if (completedAt === undefined || startedAt < begunAt) return undefined;
  return Math.round((completedAt.getTime() - startedAt) / 1_000);
}
