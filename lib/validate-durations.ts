import { Duration } from 'aws-cdk-lib';
import { MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS } from './contract';
import { inWords } from './durations';
import type { CommonSnapshotCopyProps } from './snapshot-copy-props';

const COMPLETION_STEP_MINUTES = 15;
const MAX_COMPLETION_MINUTES = 48 * 60;

export function problemsOfTimeout(timeout: Duration | undefined, minSeconds = MIN_TIMEOUT_SECONDS): string[] {
  if (timeout === undefined || timeout.isUnresolved()) return [];
  const seconds = timeout.toSeconds({ integral: false });
  const isPossible = seconds >= minSeconds && seconds <= MAX_TIMEOUT_SECONDS;
  return isPossible && Number.isInteger(seconds)
    ? []
    : [
        `timeout "${inWords(timeout)}" is not allowed: specify ${inWords(Duration.minutes(minSeconds / 60))} to 48 hours, in whole seconds`,
      ];
}

export function problemsOfCompletion(props: CommonSnapshotCopyProps): string[] {
  const { completionDuration: completion, destinationOutpostArn, destinationAvailabilityZone } = props;
  if (completion === undefined) return [];
  const problems = Object.entries({ destinationOutpostArn, destinationAvailabilityZone })
    .filter(([, value]) => value !== undefined)
    .map(
      ([prop]) =>
        `completionDuration and ${prop} are mutually exclusive, because EC2 makes time-based copies only to Regions: remove one`,
    );
  if (completion.isUnresolved()) return problems;
  const minutes = completion.toMinutes({ integral: false });
  const isPossible = minutes >= COMPLETION_STEP_MINUTES && minutes <= MAX_COMPLETION_MINUTES;
  if (!isPossible || minutes % COMPLETION_STEP_MINUTES !== 0) {
    problems.push(
      `completionDuration "${inWords(completion)}" is not allowed: specify 15 minutes to 48 hours, in 15-minute increments`,
    );
  }
  return problems;
}

export function problemsOfDurations(timeout: Duration | undefined, completion: Duration | undefined): string[] {
  if (timeout === undefined || completion === undefined) return [];
  if (timeout.isUnresolved() || completion.isUnresolved()) return [];
  return completion.toSeconds({ integral: false }) > timeout.toSeconds({ integral: false })
    ? [
        `completionDuration "${inWords(completion)}" is longer than timeout "${inWords(timeout)}": lower ` +
          'completionDuration, raise timeout, or remove timeout',
      ]
    : [];
}
