import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { SnapshotCopy, SnapshotCopyDryRun, type SnapshotCopyProps } from '../lib';

export interface SnapshotCopyStackProps extends StackProps {
  readonly copy: Omit<SnapshotCopyProps, 'kmsKey' | 'sourceKmsKey'>;
  /** Replaces `sourceKmsKey`, which needs a scope. */
  readonly sourceKmsKeyArn?: string;
  /** Only verify that EC2 would make the copy. */
  readonly dryRun?: boolean;
}

/** One snapshot copy with outputs that describe it, or its dry run. */
export class SnapshotCopyStack extends Stack {
  /** Absent for a dry run. */
  public readonly copy?: SnapshotCopy;

  public constructor(scope: Construct, id: string, props: SnapshotCopyStackProps) {
    super(scope, id, props);
    const { copy, sourceKmsKeyArn, dryRun } = props;
    const sourceKmsKey =
      sourceKmsKeyArn === undefined ? undefined : kms.Key.fromKeyArn(this, 'SourceKey', sourceKmsKeyArn);
    if (dryRun === true) {
      new SnapshotCopyDryRun(this, 'DryRun', { ...copy, sourceKmsKey });
      return;
    }
    this.copy = new SnapshotCopy(this, 'Copy', { ...copy, sourceKmsKey });
    this.addOutputs(this.copy);
  }

  private addOutputs(copy: SnapshotCopy): void {
    const { snapshotId, snapshotArn, snapshotVolumeSizeInGibibytes: size, snapshotKmsKeyArn: key } = copy;
    new CfnOutput(this, 'SnapshotId', { value: snapshotId, description: 'ID of the copy' });
    new CfnOutput(this, 'SnapshotArn', { value: snapshotArn, description: 'ARN of the copy' });
    new CfnOutput(this, 'VolumeSize', { value: `${size}`, description: 'Size of the volume, in GiB' });
    new CfnOutput(this, 'KmsKeyArn', { value: key, description: 'Key of the copy; empty if it is not encrypted' });
  }
}
