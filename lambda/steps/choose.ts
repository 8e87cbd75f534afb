// Which of the copies that are there is the request about?
import type { ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { NotYet } from '../failure';
import { flawOf } from '../genuine';
import { latestSourceOf } from '../latest-source';
import { chooseCopy, isRollback } from '../ownership';
import { elapsed, STALENESS_MS } from '../times';

/** While a copy is known to be under way, its id is enough: the search comes before a start, and before a report. */
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

/** CloudFormation has the id of the copy. */
function isVouchedFor({ observed, request }: ReconcileContext, copy: Copy): boolean {
  const isPresent = copy.id === request.presentId && !isRollback(observed.operation);
  return copy.id === request.physicalId.text || isPresent;
}

async function copyUnderWay({ memory, observed, request }: ReconcileContext): Promise<Copy | undefined> {
  const sighting = memory.sightingOf(request);
  // Until a search has shown the copy, a duplicate may hide.
  if (sighting?.visibleSince === undefined) return undefined;
  const copy = await observed.copyById(sighting.snapshotId);
  return copy?.state === 'pending' ? copy : undefined;
}

/** Going forward, an Update whose source is the latest one may find that this is the source of the present copy. */
async function looksForSource(context: ReconcileContext): Promise<boolean> {
  const { memory, observed, request } = context;
  const { keepsCopy, physicalId, stage, type, wanted } = request;
  if (!wanted.latestSource || type !== 'Update' || stage > 1 || isRollback(observed.operation)) return false;
  if (memory.sightingOf(request)) return false;
  if (keepsCopy && physicalId.kind === 'snapshot' && elapsed(context) < STALENESS_MS) {
    const isThere = (await observed.copyById(physicalId.text)) !== undefined;
    if (isThere) throw new NotYet(`what ${physicalId.text} was kept for is not visible yet`);
  }
  return true;
}
