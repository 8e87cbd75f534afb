import type { Duration } from 'aws-cdk-lib';

/** In the unit in which it was given. */
export function inWords(duration: Duration): string {
  return duration.formatTokenToNumber().replace(/^1 (\w+)s$/, '1 $1');
}

/** Validation sees to whole seconds. What a placeholder of a first pass becomes, such as NaN, is no reason to fail. */
export function secondsOf(duration: Duration): number {
  return duration.toSeconds({ integral: false });
}
