// The copy is finished, alone, and as declared: answer its attributes.
import { complete } from '../answers';
import { chosenCopy, type Outcome, type ReconcileContext } from '../context';

export function report(context: ReconcileContext): Outcome {
  const { log, request, sightings } = context;
  const { keepsCopy, physicalId } = request;
  const copy = chosenCopy(context);
  sightings.delete(physicalId.text);
  log('complete', { snapshotId: copy.id });
  // If the handle is the present id, it stays: for another id, CloudFormation would delete what goes by the old one.
  const id = keepsCopy && physicalId.kind === 'handle' ? physicalId.text : copy.id;
  return complete(context, copy.snapshot, id);
}
