// The lock of a finished copy: set last, since nothing can be taken back afterwards but the lock itself.
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
    throw new NotYet(`the lock of ${copy.id} seems to be as declared already, which may be older than its last change`);
  }
  if (wanted.lock) await lock(context, copy, present, wanted.lock);
  else await unlock(context, copy, present);
}

/**
 * Another declaration of the present copy’s lock has just been taken back, or has just been followed by a call whose answer
 * was lost. EC2 may start the duration anew at the same request, so this is outwaited instead of written once more.
 */
function mayBeOutdated(context: ReconcileContext, copy: Copy, present: LockedSnapshotsInfo | undefined): boolean {
  const { observed, request } = context;
  const { before, wanted } = request;
  const isAsDeclared = wanted.lock ? hasLock(present, wanted.lock) : present === undefined;
  const isTouched = isKept(copy, request, observed.operation) || isRollback(observed.operation);
  const isChanged = !isDeepStrictEqual(before?.lock, wanted.lock);
  return isAsDeclared && isTouched && isChanged && elapsed(context) < STALENESS_MS;
}

/** Whether a lock that is in the way of a deletion is the one that the request declares, and can be taken off. */
export function mayUnlock({ wanted, before }: Request, present: LockedSnapshotsInfo | undefined): boolean {
  const declared = [wanted.lock, before?.lock];
  return isUnlockable(present) && declared.some((one) => one !== undefined && modeOf(present) === one.mode);
}

export const isLockDeclared = ({ wanted, before }: Request): boolean =>
  wanted.lock !== undefined || before?.lock !== undefined;

/** An expired lock did what was declared: only another declaration, or a new copy, locks again. */
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
  // EC2 may start the duration anew at the same request.
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

/** Includes the cool-off period of compliance mode, by whatever name EC2 has for that state. */
function isUnlockable(present: LockedSnapshotsInfo | undefined): boolean {
  return present !== undefined && present.LockState !== 'compliance' && present.LockState !== 'expired';
}

function modeOf(present: LockedSnapshotsInfo | undefined): Lock['mode'] | undefined {
  if (present === undefined || present.LockState === 'expired') return undefined;
  return present.LockState === 'governance' ? 'governance' : 'compliance';
}
