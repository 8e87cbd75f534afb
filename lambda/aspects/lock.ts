// The lock of a finished copy. It comes last, because a locked copy cannot be deleted if a later change fails.
import { isDeepStrictEqual } from 'node:util';
import type { LockedSnapshotsInfo } from '../aws';
import type { ReconcileContext } from '../context';
import type { Copy } from '../copies';
import { Failure, NotYet } from '../failure';
import { isKept, isRollback } from '../ownership';
import type { Lock, Request } from '../request';
import { elapsed, STALENESS_MS } from '../times';

export async function alignLock(context: ReconcileContext, copy: Copy): Promise<void> {
  const { before, wanted } = context.request;
  if (!wanted.lock && !before?.lock) return;
  const present = await context.aws.describeLock(copy.region, copy.id);
  if (mayBeOutdated(context, copy, present)) {
    throw new NotYet(
      `the lock of ${copy.id} already seems to be as declared, but the read may be older than its last change`,
    );
  }
  if (wanted.lock) await lock(context, copy, present, wanted.lock);
  else await unlock(context, copy, present);
}

/**
 * Whether a read that matches the declaration may be older than the last change of the lock, such as one that a rollback
 * undoes. Repeating the call would be wrong: EC2 may restart the duration of an identical lock. So the handler waits.
 */
function mayBeOutdated(context: ReconcileContext, copy: Copy, present: LockedSnapshotsInfo | undefined): boolean {
  const { observed, request } = context;
  const { before, wanted } = request;
  const isAsDeclared = wanted.lock ? hasLock(present, wanted.lock) : present === undefined;
  const isTouched = isKept(copy, request, observed.operation) || isRollback(observed.operation);
  const isChanged = !isDeepStrictEqual(before?.lock, wanted.lock);
  return isAsDeclared && isTouched && isChanged && elapsed(context) < STALENESS_MS;
}

/** Whether a lock that prevents a deletion is a declared one that can be removed. */
export function mayUnlock({ wanted, before }: Request, present: LockedSnapshotsInfo | undefined): boolean {
  const declared = [wanted.lock, before?.lock];
  return isUnlockable(present) && declared.some((one) => one !== undefined && modeOf(present) === one.mode);
}

export const isLockDeclared = ({ wanted, before }: Request): boolean =>
  wanted.lock !== undefined || before?.lock !== undefined;

/** An expired lock has done what was declared: only a changed declaration or a new copy locks again. */
async function lock(
  { aws, log, observed, request }: ReconcileContext,
  copy: Copy,
  present: LockedSnapshotsInfo | undefined,
  wanted: Lock,
): Promise<void> {
  const { id, region } = copy;
  const isNew = !isKept(copy, request, observed.operation);
  const isChanged = isNew || !isDeepStrictEqual(request.before?.lock, wanted);
  const isExpired = present?.LockState === 'expired';
  if (isExpired && (!isChanged || isRollback(observed.operation))) return;
  // EC2 may restart the duration of an identical lock.
  if (!isExpired && hasLock(present, wanted)) return;
  const isFixed = present?.LockState === 'compliance';
  if (isFixed && (wanted.mode !== 'compliance' || wanted.days < (present.LockDuration ?? 0))) {
    throw new Failure(
      `${id} in ${region} is locked in compliance mode for ${present.LockDuration ?? '?'} days, and EC2 only extends such a lock; declare at least that`,
    );
  }
  const CoolOffPeriod = isFixed ? undefined : wanted.coolOffHours;
  await aws.lock(region, { SnapshotId: id, LockMode: wanted.mode, LockDuration: wanted.days, CoolOffPeriod });
  log('lock', { snapshotId: id, ...wanted });
}

async function unlock({ aws, log }: ReconcileContext, { id, region }: Copy, present: LockedSnapshotsInfo | undefined) {
  if (present === undefined || present.LockState === 'expired') return;
  if (!isUnlockable(present)) {
    log('left', { snapshotId: id, reason: 'nobody can unlock it in compliance mode', until: present.LockExpiresOn });
    return;
  }
  await aws.unlock(region, id);
  log('unlock', { snapshotId: id });
}

function hasLock(present: LockedSnapshotsInfo | undefined, { coolOffHours, days, mode }: Lock): boolean {
  const isCoolOffWrong = present?.LockState === 'compliance-cooloff' && present.CoolOffPeriod !== coolOffHours;
  return modeOf(present) === mode && present?.LockDuration === days && !isCoolOffWrong;
}

/** Includes the cooling-off period of compliance mode, whatever EC2 calls that state. */
function isUnlockable(present: LockedSnapshotsInfo | undefined): boolean {
  return present !== undefined && present.LockState !== 'compliance';
}

function modeOf(present: LockedSnapshotsInfo | undefined): Lock['mode'] | undefined {
  if (present === undefined || present.LockState === 'expired') return undefined;
  return present.LockState === 'governance' ? 'governance' : 'compliance';
}
