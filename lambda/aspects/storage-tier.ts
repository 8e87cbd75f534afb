// The storage tier of a finished copy. Archiving and restoring take hours and cannot be canceled, so the handler starts
// them and does not wait.
import type { SnapshotTierStatus } from '../aws';
import type { ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { Failure, NotYet } from '../failure';
import { isKept, isRollback } from '../ownership';
import { elapsed, STALENESS_MS } from '../times';

/** Moves the copy, except in a rollback: a restore costs money and time, and an archived copy is billed for at least 90 days. */
export async function alignStorageTier(context: ReconcileContext, copy: Copy): Promise<void> {
  const { log, observed, request } = context;
  const [wanted, before = 'standard'] = [request.wanted.storageTier, request.before?.storageTier];
  const isRestore = wanted === 'standard' && before === 'archive' && isKept(copy, request, observed.operation);
  if (wanted === 'standard' && !isRestore) return;
  if (!isRollback(observed.operation)) await (isRestore ? restore : archive)(context, copy);
  else if (wanted !== before)
    log('left', { snapshotId: copy.id, reason: `a rollback does not move it to the ${wanted} tier` });
}

async function archive(context: ReconcileContext, copy: Copy): Promise<void> {
  const { aws, log, observed, request } = context;
  const { id, region } = copy;
  const tier = await aws.describeTier(region, id);
  const { LastTieringOperationStatus: status = '', LastTieringStartTime: startTime } = tier;
  if (status === 'permanent-restore-in-progress') {
    const reason = `${id} in ${region} is being restored from the archive, which may take EC2 days`;
    if (elapsed(context) < STALENESS_MS) throw new NotYet(reason);
    const wasArchived = request.before?.storageTier === 'archive' && isKept(copy, request, observed.operation);
    if (!wasArchived) throw new Failure(`${reason}; archive it after that, or remove "storageTier"`);
    // Somebody else restores it, or a rollback left it this way. A change of something else must not fail over that.
    log('left', { snapshotId: id, reason });
    return;
  }
  if (tier.StorageTier === 'archive') return;
  if (status === 'archival-in-progress' || status === 'archival-completed') return;
  if (isRestoredForAWhile(tier)) return;
  const isOfThisOperation = (startTime?.getTime() ?? 0) >= observed.operation.begunAt;
  if (status === 'archival-failed' && isOfThisOperation) {
    const detail = tier.LastTieringOperationStatusDetail ?? 'no reason given';
    throw new Failure(`EC2 could not archive ${id} in ${region}: "${detail}"; correct that, or remove "storageTier"`);
  }
  await aws.archive(region, id);
  log('archive', { snapshotId: id });
}

async function restore(context: ReconcileContext, { id, region }: Copy): Promise<void> {
  const { aws, log } = context;
  const tier = await aws.describeTier(region, id);
  const { LastTieringOperationStatus: status } = tier;
  if (status === 'archival-in-progress') throw new NotYet(`${id} is being archived; it can be restored after that`);
  if (tier.StorageTier !== 'archive' && !isRestoredForAWhile(tier)) {
    if (status === undefined && elapsed(context) < STALENESS_MS)
      throw new NotYet(`EC2 may not show yet whether ${id} is being archived`);
    return;
  }
  if (status === 'permanent-restore-in-progress') return;
  await aws.restore(region, id);
  log('restore', { snapshotId: id });
}

/** EC2 shows a temporarily restored snapshot in the standard tier, and later archives it again by itself. */
const isRestoredForAWhile = ({ LastTieringOperationStatus: status, RestoreExpiryTime }: SnapshotTierStatus): boolean =>
  RestoreExpiryTime !== undefined || status === 'temporary-restore-completed';
