import type { IResource } from 'aws-cdk-lib';
import type { SnapshotGrants } from './snapshot-grants';
import type { ISnapshotRef } from './snapshot-ref';

/** A snapshot copy, or a snapshot that was imported with `SnapshotCopy.fromSnapshotId`. */
export interface ISnapshotCopy extends IResource, ISnapshotRef {
  /**
   * ID of the snapshot, such as `snap-0123456789abcdef0`.
   *
   * @attribute
   */
  readonly snapshotId: string;

  /**
   * ARN of the snapshot: `arn:PARTITION:ec2:REGION::snapshot/ID`.
   *
   * @attribute
   */
  readonly snapshotArn: string;

  /** Grants permissions on the snapshot. */
  readonly grants: SnapshotGrants;
}
