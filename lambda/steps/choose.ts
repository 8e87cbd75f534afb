// Which of the copies that are there is the request about?
import type { ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { flawOf } from '../genuine';
import { chooseCopy } from '../ownership';

/** While a copy is known to be under way, its id is enough: the search comes before a start, and before a report. */
export async function choose(context: ReconcileContext): Promise<undefined> {
  context.copy = await copyUnderWay(context);
  if (context.copy) return;
  const { log, observed, request } = context;
  let copies = await observed.search();
  for (;;) {
    const copy = chooseCopy(copies, request, observed.operation);
    const flaw = copy && !isVouchedFor(context, copy) ? await flawOf(context, copy) : undefined;
    if (flaw === undefined) {
      Object.assign(context, { copy, copies });
      return;
    }
    log('not this copy', { snapshotId: copy?.id, reason: flaw });
    copies = copies.filter((one) => one !== copy);
  }
}

/** CloudFormation has the id of the copy. */
const isVouchedFor = ({ request }: ReconcileContext, { id }: Copy): boolean => id === request.physicalId.text;

async function copyUnderWay({ memory, observed, request }: ReconcileContext): Promise<Copy | undefined> {
  const sighting = memory.sightingOf(request);
  // Until a search has shown the copy, a duplicate may hide.
  if (sighting?.visibleSince === undefined) return undefined;
  const copy = await observed.copyById(sighting.snapshotId);
  return copy?.state === 'pending' ? copy : undefined;
}
