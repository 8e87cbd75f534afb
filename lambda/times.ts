// Every time that a decision depends on. All are in milliseconds.
//
// CopySnapshot has no client token, and reads are stale. So copies are started in start windows only, and a window
// opens when everything that the window before it started is visible:
//
//   |<- window ->|<- a poll reads, then calls ->|<--- a read may be stale --->|<- window ->| …
//   |<--------------------------- visibility delay -------------------------->|
//
// In an account with very many snapshots a search takes minutes, and so a poll calls late. Then windows are longer and
// further apart: each doubling of the visibility delay leaves more room.
import type { Copy } from './copies';
import type { BasicRequest } from './request';

export interface Timing {
  readonly request: BasicRequest;
  readonly now: () => number;
  readonly pollIntervalMs: number;
  /** When the poll began, before it read anything. */
  readonly beganAt: number;
}

/** EC2's and KMS's answers may be this old. */
export const STALENESS_MS = 120_000;

/** The clocks of EC2 and of the handler differ by less than this. */
export const EC2_SKEW_MS = 60_000;

/** The clocks of CloudFormation and of the handler differ by less than this. */
export const CLOUDFORMATION_SKEW_MS = 2_000;

/** An event arrives this soon after its resource has come into its status; if not, the next poll tells. */
export const DELIVERY_MS = 10_000;

/** A call that is under way has ended, or was given up, after this time. CloudFormation's answers may be this old. */
export const CALL_MS = 30_000;

/** IAM and key policies take this long to arrive. Until then, a denied call means nothing. */
export const GRACE_MS = 300_000;

/** A definite answer that would end the request is believed when it is still the answer after this time. */
const CLOSED_MS = 60_000;

/** After its deadline, a request may go on trying to clean up. CloudFormation gives up later still. */
const OVERTIME_MS = 300_000;

/** Most polls call CopySnapshot this soon after they began. */
const PROMPT_MS = 15_000;

/** A poll reads for no longer than this, so that it ends before its function is killed. */
export const READING_MS = 240_000;

export const elapsed = ({ request, now }: Timing): number => now() - request.startedAt;

/** How long ago the poll began. */
export const pollAge = ({ beganAt, now }: Timing): number => now() - beganAt;

/** From the opening of a start window until everything that was started in it is visible. */
export const visibilityDelay = ({ pollIntervalMs }: Timing): number => pollIntervalMs + CALL_MS + STALENESS_MS;

interface Cycle {
  /** From the opening of one window to the opening of the next. */
  readonly length: number;
  /** No two polls of one waiter come closer together than this, so that a window has one of them at most. */
  readonly window: number;
}

/** The shortest cycle that leaves room for polls that call as late as this one. */
function cycleOf(timing: Timing): Cycle {
  const age = pollAge(timing);
  const shortest = visibilityDelay(timing);
  if (age <= PROMPT_MS) return { length: shortest, window: timing.pollIntervalMs };
  let length = shortest;
  while ((length - shortest) / 2 < age) length *= 2;
  return { length, window: age };
}

/** When the poll began, counted from the opening of the latest window. */
function sinceOpening({ beganAt, request }: Timing, { length }: Cycle): number {
  return Math.max(0, beganAt - request.startedAt) % length;
}

/** A later stage skips its first window, which could follow too closely on the last window of the stage before. */
export function mayStart(timing: Timing): boolean {
  const cycle = cycleOf(timing);
  const skips = timing.request.stage > 1 && elapsed(timing) < cycle.length;
  return !skips && sinceOpening(timing, cycle) < cycle.window;
}

/** Whether the poll began in the very first start window, before which nothing can have been started. */
export const isInFirstWindow = (timing: Timing): boolean =>
  timing.request.stage === 1 && timing.beganAt - timing.request.startedAt < timing.pollIntervalMs;

/** Whether everything that the latest start window started was visible when the poll began. */
export function isLatestWindowVisible(timing: Timing): boolean {
  const cycle = cycleOf(timing);
  return sinceOpening(timing, cycle) >= cycle.length - timing.pollIntervalMs;
}

/** Whether a duplicate that was started together with this copy could still be invisible. */
export const mayHideDuplicate = (timing: Timing, { startedAt }: Copy): boolean =>
  timing.now() < startedAt + visibilityDelay(timing);

/**
 * A copy that fails over its key this soon after its start may have met a key policy that was still on its way. The next
 * start window may open a visibility delay after EC2 has said so.
 */
export const failedEarly = (timing: Timing, { startedAt }: Copy): boolean =>
  timing.now() < startedAt + GRACE_MS + visibilityDelay(timing);

/** Whether the copy was started in the request's first start window. */
export const isOfFirstWindow = (timing: Timing, { startedAt }: Copy): boolean =>
  startedAt < timing.request.startedAt + visibilityDelay(timing);

export const isStageOver = (timing: Timing): boolean => elapsed(timing) >= timing.request.stageMs;

export const isOvertimeOver = (timing: Timing): boolean => elapsed(timing) >= timing.request.stageMs + OVERTIME_MS;

export const isGraceOver = (timing: Timing): boolean => elapsed(timing) >= GRACE_MS;

export const isDefinite = (timing: Timing): boolean => elapsed(timing) >= CLOSED_MS;

/** Whether a Region has not been reached for so long that it is not waited for. What was before the request does not count. */
export const isOutOfReach = ({ now, request }: Timing, unreachableSince = NaN): boolean =>
  now() - Math.max(unreachableSince, request.startedAt) >= GRACE_MS;

/** Whether a Region has not been reached since the request began, for so long that it may not exist. */
export const isLost = (timing: Timing, unreachableSince = NaN): boolean =>
  unreachableSince <= timing.request.startedAt + CLOSED_MS && isOutOfReach(timing, unreachableSince);
