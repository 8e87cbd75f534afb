// The accounts that may create volumes from a finished copy.
import type { ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { isKept } from '../ownership';
import type { Request } from '../request';

/** The maximum number of accounts in one call. */
const MAX_CHANGES = 500;

/**
 * Adds the declared accounts, then removes those that are no longer declared. Accounts that somebody else added stay.
 * Writes every change of the declaration, whatever EC2 shows: a read may be older than the last write.
 */
export async function alignSharing(context: ReconcileContext, copy: Copy): Promise<void> {
  const { aws, log, observed, request } = context;
  const [wanted, before] = [accountsIn(request.wanted, request), accountsIn(request.before, request)];
  if (wanted.length + before.length === 0) return;
  const shown = await aws.describeSharing(copy.region, copy.id);
  const added = wanted.filter((account) => !before.includes(account) || !shown.includes(account));
  const isGone = (account: string) => before.includes(account) && !wanted.includes(account);
  const removed = (isKept(copy, request, observed.operation) ? before : shown).filter(isGone);
  for (const accounts of batchesOf(added)) await aws.changeSharing(copy.region, copy.id, 'add', accounts);
  for (const accounts of batchesOf(removed)) await aws.changeSharing(copy.region, copy.id, 'remove', accounts);
  if (added.length + removed.length > 0) log('share', { snapshotId: copy.id, added, removed });
}

/** Without the owner's account: EC2 accepts it, but never returns it. */
function accountsIn(declared: Request['before'], { account: own }: Request): string[] {
  return (declared?.shareWith ?? []).filter((account) => account !== own);
}

function batchesOf(accounts: readonly string[]): string[][] {
  const count = Math.ceil(accounts.length / MAX_CHANGES);
  return Array.from({ length: count }, (_, n) => accounts.slice(n * MAX_CHANGES, (n + 1) * MAX_CHANGES));
}
