import type { Duration } from 'aws-cdk-lib';

/** In the unit in which it was given. */
export function inWords(duration: Duration): string {
  return duration.formatTokenToNumber().replace(/^1 (\w+)s$/, '1 $1');
}
