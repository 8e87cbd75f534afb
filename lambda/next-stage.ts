// The stage is over, but the copy is not complete: the next stage continues to wait.
import { complete } from './complete';
import type { Outcome, ReconcileContext } from './context';
import { alignTags } from './aspects/tags';
import { mayHideDuplicate } from './times';

/** While a duplicate may still be invisible, the physical ID stays the handle, which finds every copy of the request. */
export async function continueInNextStage(context: ReconcileContext): Promise<Outcome> {
  const { copy, log, request } = context;
  if (copy) await alignTags(context, copy);
  log('continue in next stage', { snapshotId: copy?.id, stage: request.stage });
  const id = copy && !mayHideDuplicate(context, copy) ? copy.id : request.physicalId.text;
  return complete(context, { SnapshotId: copy?.id }, id);
}
