// The copy is finished, alone, and as declared: answer its attributes.
import { complete } from '../complete';
import { chosenCopy, type Outcome, type ReconcileContext } from '../context';
import { isStartedUnder } from '../ownership';

export function report(context: ReconcileContext): Outcome {
  const { log, memory, request } = context;
  const { keepsCopy, physicalId } = request;
  const copy = chosenCopy(context);
  memory.end(request);
  log('complete', { snapshotId: copy.id });
  // If the copy goes by its handle, it keeps that: for another id, CloudFormation would delete what goes by the handle.
  const goesByHandle = keepsCopy && physicalId.kind === 'handle' && isStartedUnder(copy, request);
  const id = goesByHandle ? physicalId.text : copy.id;
  return complete(context, copy.snapshot, id);
}
