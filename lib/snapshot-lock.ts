import { Duration } from 'aws-cdk-lib';
import type { LockMode } from './contract';
import { inWords, secondsOf } from './durations';
import { KINDS, problemsOfKinds } from './validate-kinds';

const MAX_DAYS = 36_500;
const MAX_COOL_OFF_HOURS = 72;

/**
 * A lock that prevents the deletion of a snapshot.
 *
 * @example
 * new SnapshotCopy(this, 'Copy', {
 *   sourceSnapshotId: 'snap-0123456789abcdef0',
 *   lock: SnapshotLock.compliance(Duration.days(365), Duration.hours(24)),
 *   removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
 * });
 */
export class SnapshotLock {
  /**
   * A lock in governance mode. Users who have permission can remove it.
   *
   * @param duration the duration of the lock: 1 to 36,500 days
   */
  public static governance(duration: Duration): SnapshotLock {
    return new SnapshotLock('governance', duration);
  }

  /**
   * A lock in compliance mode. After the cool-off period, nobody can remove it, not even AWS. If a deployment fails
   * during the cool-off period, the handler can still remove the lock and delete the copy.
   *
   * @param duration the duration of the lock: 1 to 36,500 days
   * @param coolOff the period in which the lock can still be removed: 1 to 72 hours
   */
  public static compliance(duration: Duration, coolOff: Duration): SnapshotLock {
    return new SnapshotLock('compliance', duration, coolOff);
  }

  private constructor(
    private readonly mode: LockMode,
    private readonly duration: Duration,
    private readonly coolOff?: Duration,
  ) {}

  /** @internal */
  public _problems(): string[] {
    const { coolOff, duration, mode } = this;
    const given = mode === 'compliance' ? { duration, coolOff } : { duration };
    const kinds = problemsOfKinds(given, KINDS.lock, ...Object.keys(given)).map((problem) => `lock: ${problem}`);
    if (kinds.length > 0) return kinds;
    return [
      ...problemsOf('duration', duration, Duration.days(1), MAX_DAYS, 'days'),
      ...(coolOff ? problemsOf('coolOff', coolOff, Duration.hours(1), MAX_COOL_OFF_HOURS, 'hours') : []),
    ];
  }

  /** @internal */
  public _properties(): { LockMode: LockMode; LockDurationDays: number; CoolOffPeriodHours?: number } {
    const { coolOff, duration, mode } = this;
    return {
      LockMode: mode,
      LockDurationDays: duration.toDays({ integral: false }),
      CoolOffPeriodHours: coolOff?.toHours({ integral: false }),
    };
  }
}

function problemsOf(name: string, given: Duration, unit: Duration, max: number, units: string): string[] {
  if (given.isUnresolved()) return [];
  const count = secondsOf(given) / secondsOf(unit);
  return Number.isInteger(count) && count >= 1 && count <= max
    ? []
    : [`${name} "${inWords(given)}" of lock is not allowed: specify 1 to ${max} ${units}, in whole ${units}`];
}
