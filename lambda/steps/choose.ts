// Chooses the copy that the request is about.
import type { ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { NotYet } from '../failure';
import { flawOf } from '../genuine';
import { latestSourceOf } from '../latest-source';
import { chooseCopy, isRollback } from '../ownership';
import { elapsed, STALENESS_MS } from '../times';

/** While a known copy is under way, its ID is enough. A search is only needed before a start and before a report. */
export async function choose(context: ReconcileContext): Promise<undefined> {
  const underWay = await copyUnderWay(context);
  if (underWay) {
    context.copy = underWay;
    return;
  }
  await chooseGenuine(context);
  if (context.copy || !(await looksForSource(context))) return;
  context.source = await latestSourceOf(context);
  await chooseGenuine(context);
}

async function chooseGenuine(context: ReconcileContext): Promise<void> {
  const { log, observed, request } = context;
  const copies = await observed.search();
  let candidates = copies;
  for (;;) {
    const copy = chooseCopy(candidates, request, observed.operation, context.source?.SnapshotId);
    const flaw = copy && !isVouchedFor(context, copy) ? await flawOf(context, copy, 'adopt') : undefined;
    if (flaw === undefined) {
      Object.assign(context, { copy, copies });
      return;
    }
    log('not this copy', { snapshotId: copy?.id, reason: flaw });
    candidates = candidates.filter((one) => one !== copy);
  }
}

/** Whether CloudFormation has the ID of the copy, so that the copy needs no further proof. */
function isVouchedFor({ observed, request }: ReconcileContext, copy: Copy): boolean {
  const isPresent = copy.id === request.presentId && !isRollback(observed.operation);
  return copy.id === request.physicalId.text || isPresent;
}

async function copyUnderWay({ memory, observed, request }: ReconcileContext): Promise<Copy | undefined> {
  const sighting = memory.sightingOf(request);
  // Until a search has returned the copy, a duplicate may still be invisible.
  if (sighting?.visibleSince === undefined) return undefined;
  const copy = await observed.copyById(sighting.snapshotId);
  return copy?.state === 'pending' ? copy : undefined;
}

/** Whether an Update, outside a rollback, may find that the latest source is still that of the present copy. */
async function looksForSource(context: ReconcileContext): Promise<boolean> {
  const { memory, observed, request } = context;
  const { keepsCopy, physicalId, stage, type, wanted } = request;
  if (!wanted.latestSource || type !== 'Update' || stage > 1 || isRollback(observed.operation)) return false;
  if (memory.sightingOf(request)) return false;
  if (keepsCopy && physicalId.kind === 'snapshot' && elapsed(context) < STALENESS_MS) {
    const isThere = (await observed.copyById(physicalId.text)) !== undefined;
    if (isThere) throw new NotYet(`EC2 may not show yet for which inputs ${physicalId.text} was kept`);
  }
  return true;
}
