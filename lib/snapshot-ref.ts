import type { IEnvironmentAware } from 'aws-cdk-lib/interfaces';
import type { IConstruct } from 'constructs';

/** A reference to an EBS snapshot. */
export interface SnapshotReference {
  /** ARN of the snapshot: `arn:PARTITION:ec2:REGION::snapshot/ID`. */
  readonly snapshotArn: string;
}

/**
 * Any construct that represents an EBS snapshot: a `SnapshotCopy`, an imported snapshot, or a `CfnSnapshot` of the CDK.
 *
 * Equal to the interface of the same name in newer releases of aws-cdk-lib, which older releases do not have.
 */
export interface ISnapshotRef extends IConstruct, IEnvironmentAware {
  /** A reference to the snapshot. */
  readonly snapshotRef: SnapshotReference;
}
