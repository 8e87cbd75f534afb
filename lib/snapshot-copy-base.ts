import { type IResource, Resource } from 'aws-cdk-lib';
import { snapshotArn } from './arns';
import type { SnapshotGrants } from './snapshot-grants';
import type { ISnapshotRef, SnapshotReference } from './snapshot-ref';

/** A snapshot copy, or another snapshot that was imported with `SnapshotCopy.fromSnapshotId`. */
export interface ISnapshotCopy extends IResource, ISnapshotRef {
  /**
   * Id of the snapshot, such as `snap-0123456789abcdef0`.
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

/** What a copy of this app and an imported snapshot have in common. Their environment is where the snapshot is. */
export abstract class SnapshotCopyBase extends Resource implements ISnapshotCopy {
  public abstract readonly snapshotId: string;
  public abstract readonly grants: SnapshotGrants;

  public get snapshotArn(): string {
    return snapshotArn(this.env.region, this.snapshotId);
  }

  /** A reference to the snapshot. */
  public get snapshotRef(): SnapshotReference {
    return { snapshotArn: this.snapshotArn };
  }
}
