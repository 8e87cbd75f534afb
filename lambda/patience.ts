// Decides whether an error is final or may still pass.
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
      // A Region in which the handler has seen a copy exists, so the network will recover.
      return (
        error instanceof CallError && isLost(poll, error.unreachableSince) && !poll.memory.sightingOf(poll.request)
      );
    case 'transient':
    case 'missing':
      return false;
  }
}

/**
 * Whether EC2 may have refused a call because an earlier one, whose answer was lost, already had its effect. Reads do not
 * show that effect immediately. So a refusal counts only if EC2 still refuses when every read must show it.
 */
export function mayBeDone(poll: Timing & { readonly memory: Memory }, what: string, error: unknown): boolean {
  if (!(error instanceof CallError) || kindOf(error) !== 'refused') return false;
  return poll.now() - poll.memory.refuse(poll.request, what, poll.now()) < STALENESS_MS;
}
