// Every time that a decision depends on. All are in milliseconds.
//
// CopySnapshot has no client token, and reads are stale. So copies are started in start windows only, and a window
// opens when everything that the window before it started is visible:
//
//   |<- window ->|<- a call ends ->|<-------- a read may be stale -------->|<- window ->| …
//   |<------------------------ visibility delay ------------------------->|
import type { Copy } from './copies';
import type { Request } from './request';

export interface Timing {
  readonly request: Request;
  readonly now: () => number;
  readonly pollIntervalMs: number;
}

/** EC2's and KMS's answers may be this old. */
export const STALENESS_MS = 120_000;

/** A call that is under way has ended, or was given up, after this time. */
export const CALL_MS = 30_000;

/** IAM and key policies take this long to arrive. Until then, a denied call means nothing. */
export const GRACE_MS = 300_000;

/** After its deadline, a request may go on trying to clean up. CloudFormation gives up later still. */
const OVERTIME_MS = 300_000;

/** A call that is made later than this after its poll began could outlive its start window. */
export const MAX_POLL_AGE_MS = 15_000;

export const elapsed = ({ request, now }: Timing): number => now() - request.startedAt;

/** Every poll interval has a poll, so that a start window as long as the interval is never missed. */
export const startWindow = ({ pollIntervalMs }: Timing): number => pollIntervalMs;

/** From the opening of a start window until everything that was started in it is visible. */
export const visibilityDelay = (timing: Timing): number => startWindow(timing) + CALL_MS + STALENESS_MS;

/** A later stage skips its first window, which could follow too closely on the last window of the stage before. */
export function isInStartWindow(timing: Timing): boolean {
  const delay = visibilityDelay(timing);
  const skips = timing.request.stage > 1 && elapsed(timing) < delay;
  return !skips && elapsed(timing) % delay < startWindow(timing);
}

/** Whether everything that the latest start window started is visible. */
export function isLatestWindowVisible(timing: Timing): boolean {
  const delay = visibilityDelay(timing);
  return elapsed(timing) % delay >= delay - startWindow(timing);
}

/** When the second start window opens. */
export const secondWindow = (timing: Timing): number => timing.request.startedAt + visibilityDelay(timing);

/** Whether a duplicate that was started together with this copy could still be invisible. */
export const mayHideDuplicate = (timing: Timing, { startedAt }: Copy): boolean =>
  timing.now() < startedAt + visibilityDelay(timing);

export const isStageOver = (timing: Timing): boolean => elapsed(timing) >= timing.request.stageMs;

export const isOvertimeOver = (timing: Timing): boolean => elapsed(timing) >= timing.request.stageMs + OVERTIME_MS;
