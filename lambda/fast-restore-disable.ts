// Disables fast restore in some zones. Never assumes without proof that a zone is disabled: an enabled one costs money.
import type { FastRestoreTarget } from './aws';
import { describeError, Failure, kindOf, NotYet } from './failure';
import { isActive, zoneOf, type FastRestorePoll } from './fast-restore-request';
import { isFinal, mayBeDone } from './patience';
import { isOvertimeOver, isTooOld, mayMissLastCall } from './times';

const callFor = (zone: string): string => `disable fast restore in ${zone}`;

/** The next request counts on this: see LAST_CALL_MS. */
export function failIfTooOld(poll: FastRestorePoll): void {
  if (isTooOld(poll)) throw new NotYet('this poll took too long to change anything safely');
}

/** Returns when no zone is enabled. Fails if one is, and cannot be disabled. */
export async function disable(poll: FastRestorePoll, target: FastRestoreTarget): Promise<void> {
  const { aws, log, memory, request } = poll;
  const { snapshotId, zones } = target;
  failIfTooOld(poll);
  try {
    await aws.disableFastRestore(target);
    log('disable fast restore', { snapshotId, zones });
    for (const zone of zones) memory.accept(request, callFor(zone));
  } catch (error) {
    // EC2 may refuse a whole call over one of its zones.
    if (kindOf(error) === 'refused' && zones.length > 1) await disableOneByOne(poll, target);
    else await failIfEnabled(poll, target, error);
  }
}

async function disableOneByOne(poll: FastRestorePoll, target: FastRestoreTarget): Promise<void> {
  const ends = await Promise.allSettled(target.zones.map((zone) => disable(poll, { ...target, zones: [zone] })));
  const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
  const worst = errors.find((error) => !isFinal(poll, error)) ?? errors[0];
  if (worst) throw worst;
}

/** A deleted snapshot has no fast restore. EC2 also refuses to disable what is not enabled. */
async function failIfEnabled(poll: FastRestorePoll, target: FastRestoreTarget, error: unknown): Promise<void> {
  const { aws, memory, request } = poll;
  const { region, snapshotId, zones } = target;
  const isMissing = kindOf(error) === 'missing';
  if (!isMissing && !isFinal(poll, error) && !isOvertimeOver(poll)) throw error;
  // Stale reads may not show what was just enabled.
  const wasAccepted = zones.every((zone) => memory.hasAccepted(request, callFor(zone)));
  if (mayMissLastCall(poll) && !wasAccepted) throw new NotYet(describeError(error));
  if (isMissing) return;
  const shown = (await aws.describeFastRestores(region, snapshotId)).filter(isActive);
  const active = zones.filter((zone) => shown.some((one) => zoneOf(one, target) === zone));
  if (active.length === 0) return;
  if (mayBeDone(poll, callFor(active.join()), error)) throw new NotYet(describeError(error));
  throw new Failure(
    `fast restore of ${snapshotId} in ${region} is enabled in ${active.join(', ')}, costs money, and could not be disabled: ${describeError(error)}; correct that, or disable it yourself`,
  );
}
