import type { Duration } from 'aws-cdk-lib';
import type { ISnapshotRef } from './snapshot-ref';

/** Properties of a `FastSnapshotRestore`. */
export interface FastSnapshotRestoreProps {
  /**
   * The snapshot. It belongs to this account or is shared with it. `SnapshotCopy.fromSnapshotId` imports one by its ID.
   *
   * Can be changed in place: fast restore is disabled for the old snapshot before it is enabled for the new one.
   */
  readonly snapshot: ISnapshotRef;

  /**
   * Availability Zones in the snapshot's Region, at least one: names such as `us-east-1a` or IDs such as `use1-az1`,
   * but not a mix of both.
   *
   * Can be changed in place.
   */
  readonly availabilityZones: string[];

  /**
   * Whether the deployment waits until EC2 has optimized the snapshot, which takes 60 minutes per TiB. Otherwise, the
   * deployment continues as soon as EC2 has started.
   *
   * @default false
   */
  readonly waitUntilEnabled?: boolean;

  /**
   * Maximum time to wait for EC2 to start, or for `waitUntilEnabled`: 10 minutes to 48 hours, in whole seconds. Every 50
   * minutes beyond the first 50 add one resource to the stack.
   *
   * @default - 2 hours with `waitUntilEnabled`, 50 minutes without
   */
  readonly timeout?: Duration;
}
