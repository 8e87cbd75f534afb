import type { Duration } from 'aws-cdk-lib';
import type { ISnapshotRef } from './snapshot-ref';

/** Properties of a `FastSnapshotRestore`. */
export interface FastSnapshotRestoreProps {
  /**
   * The snapshot, of this account or shared with it. `SnapshotCopy.fromSnapshotId` imports one by its id.
   *
   * Changes in place: the zones of the old snapshot are disabled before those of the new one are enabled.
   */
  readonly snapshot: ISnapshotRef;

  /**
   * Availability Zones of the snapshot's Region: names such as `us-east-1a`, or ids such as `use1-az1`, but not both. At
   * least one. Changes in place.
   */
  readonly availabilityZones: string[];

  /**
   * Whether the deployment waits until EC2 has optimized the snapshot, which takes 60 minutes per TiB. Otherwise, it goes
   * on as soon as EC2 has begun.
   *
   * @default false
   */
  readonly waitUntilEnabled?: boolean;

  /**
   * How long `waitUntilEnabled` may take: 1 minute to 48 hours, in whole seconds. For every 50 minutes beyond the first
   * 50, the stack gets one further resource.
   *
   * @default - 2 hours with `waitUntilEnabled`, 50 minutes without
   */
  readonly timeout?: Duration;
}
