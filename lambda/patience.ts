// Whether an error is the last word, or may still pass.
import { CallError, Failure, kindOf, NotYet } from './failure';
import type { Memory } from './memory';
import { isDefinite, isGraceOver, isLost, STALENESS_MS, type Timing } from './times';

export function isFinal(poll: Timing & { readonly memory: Memory }, error: unknown): boolean {
  if (error instanceof Failure) return true;
  if (error instanceof NotYet) return false;
  switch (kindOf(error)) {
    case 'refused':
      return true;
    case 'closed':
      return isDefinite(poll);
    case 'denied':
      return isGraceOver(poll);
    case 'unreachable':
      // A Region that has a copy exists: its network will come back.
      return (
        error instanceof CallError && isLost(poll, error.unreachableSince) && !poll.memory.sightingOf(poll.request)
      );
    case 'transient':
    case 'missing':
      return false;
  }
}

/**
 * EC2 refuses what has been done already, and what it shows may be older than a call of ours whose answer was lost. So a
 * refusal is believed when it is still the answer after the longest that a read may be old.
 */
export function mayBeDone(poll: Timing & { readonly memory: Memory }, what: string, error: unknown): boolean {
  if (!(error instanceof CallError) || kindOf(error) !== 'refused') return false;
  return poll.now() - poll.memory.refuse(poll.request, what, poll.now()) < STALENESS_MS;
}
