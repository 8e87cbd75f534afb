// Every time on which a decision depends, in milliseconds.
//
// CopySnapshot has no client token, and reads may be stale. So the handler starts copies only in start windows, and a
// window opens only when everything that was started in the previous one is visible:
//
//   |<- window ->|<- a poll reads, then calls ->|<--- a read may be stale --->|<- window ->| …
//   |<--------------------------- visibility delay -------------------------->|
//
// In an account with very many snapshots, a search takes minutes, so a poll calls CopySnapshot late. The windows are then
// longer and farther apart: the visibility delay doubles until there is enough room.
import type { Copy } from './copies';
import type { BasicRequest } from './request';

export interface Timing {
  readonly request: BasicRequest;
  readonly now: () => number;
  readonly pollIntervalMs: number;
  /** When the poll began, before it read anything. */
  readonly beganAt: number;
}

/** Answers of EC2 and KMS may be this old. */
export const STALENESS_MS = 120_000;

/** The clocks of EC2 and the handler differ by less than this. */
export const EC2_SKEW_MS = 60_000;

/** The clocks of CloudFormation and the handler differ by less than this. */
export const CLOUDFORMATION_SKEW_MS = 2_000;

/** An event normally arrives this soon after its resource enters its status. If it is later, a later poll sees that. */
export const DELIVERY_MS = 10_000;

/** A call ends, or is given up, within this time. CloudFormation's answers may be this old, too. */
export const CALL_MS = 30_000;

/** A poll of a fast restore changes nothing after this time. */
const MAX_POLL_AGE_MS = 2 * CALL_MS;

/**
 * The previous request makes its last call within this time, even if it was canceled or its last poll was repeated. That
 * poll may read CloudFormation's old state, may be this old when it calls EC2, and the call takes time.
 */
export const LAST_CALL_MS = CALL_MS + MAX_POLL_AGE_MS + CALL_MS;

/** IAM and key policies take effect within this time. Until then, a denied call means nothing. */
export const GRACE_MS = 300_000;

/** The answer that a Region is closed is believed if it is still the answer after this time. */
const CLOSED_MS = 60_000;

/** After its deadline, a request has this much more time to clean up. CloudFormation's own deadline comes later. */
const OVERTIME_MS = 300_000;

/** Most polls call CopySnapshot this soon after their start. */
const PROMPT_MS = 15_000;

/** A poll stops reading after this time, so that it ends before Lambda's timeout. */
export const READING_MS = 240_000;

export const elapsed = ({ request, now }: Timing): number => now() - request.startedAt;

/** How long ago the poll began. */
export const pollAge = ({ beganAt, now }: Timing): number => now() - beganAt;

export const isTooOld = (timing: Timing): boolean => pollAge(timing) > MAX_POLL_AGE_MS;

/** Whether reads from now on may not show the previous request's last call. */
export const mayMissLastCall = (timing: Timing): boolean => elapsed(timing) < LAST_CALL_MS + STALENESS_MS;

/** From the opening of a start window until everything that was started in it is visible. */
export const visibilityDelay = ({ pollIntervalMs }: Timing): number => pollIntervalMs + CALL_MS + STALENESS_MS;

interface Cycle {
  /** From the opening of one window to the opening of the next. */
  readonly length: number;
  /** The polls of one state machine are at least this far apart, so that at most one falls into a window. */
  readonly window: number;
}

/** The shortest cycle that leaves enough room for a poll as slow as this one. */
function cycleOf(timing: Timing): Cycle {
  const age = pollAge(timing);
  const shortest = visibilityDelay(timing);
  if (age <= PROMPT_MS) return { length: shortest, window: timing.pollIntervalMs };
  let length = shortest;
  while ((length - shortest) / 2 < age) length *= 2;
  return { length, window: age };
}

/** The time from the opening of the latest window to the start of the poll. */
function sinceOpening({ beganAt, request }: Timing, { length }: Cycle): number {
  return Math.max(0, beganAt - request.startedAt) % length;
}

/** A later stage skips its first window, which could follow the last window of the previous stage too closely. */
export function mayStart(timing: Timing): boolean {
  const cycle = cycleOf(timing);
  const skips = timing.request.stage > 1 && elapsed(timing) < cycle.length;
  return !skips && sinceOpening(timing, cycle) < cycle.window;
}

/** Whether the poll began in the request's first start window. Nothing can have been started before that. */
export const isInFirstWindow = (timing: Timing): boolean =>
  timing.request.stage === 1 && timing.beganAt - timing.request.startedAt < timing.pollIntervalMs;

/** Whether everything that was started in the latest window was visible when the poll began. */
export function isLatestWindowVisible(timing: Timing): boolean {
  const cycle = cycleOf(timing);
  return sinceOpening(timing, cycle) >= cycle.length - timing.pollIntervalMs;
}

/** Whether a duplicate that was started at about the same time as this copy could still be invisible. */
export const mayHideDuplicate = (timing: Timing, { startedAt }: Copy): boolean =>
  timing.now() < startedAt + visibilityDelay(timing);

/**
 * Whether the copy failed so soon after its start that its key policy may not have taken effect. Includes a visibility
 * delay, because the next start window may open that much after the failure.
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

/** Whether a Region has been unreachable for so long that the request stops waiting for it. Counts from its start. */
export const isOutOfReach = ({ now, request }: Timing, unreachableSince = NaN): boolean =>
  now() - Math.max(unreachableSince, request.startedAt) >= GRACE_MS;

/** Whether a Region has been unreachable ever since the request began, for so long that it may not exist. */
export const isLost = (timing: Timing, unreachableSince = NaN): boolean =>
  unreachableSince <= timing.request.startedAt + CLOSED_MS && isOutOfReach(timing, unreachableSince);
