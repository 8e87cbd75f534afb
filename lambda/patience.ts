// Whether an error is the last word, or may still pass.
import { CallError, Failure, kindOf, NotYet } from './failure';
import type { Memory } from './memory';
import { isDefinite, isGraceOver, isLost, type Timing } from './times';

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
