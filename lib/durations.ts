import type { Duration } from 'aws-cdk-lib';

/** Returns the duration in its original unit, such as "90 minutes". */
export function inWords(duration: Duration): string {
  return duration.formatTokenToNumber().replace(/^1 (\w+)s$/, '1 $1');
}

/**
 * Does not throw for fractions: validation reports them. In a first pass, a placeholder may even make the duration NaN.
 */
export function secondsOf(duration: Duration): number {
  return duration.toSeconds({ integral: false });
}
