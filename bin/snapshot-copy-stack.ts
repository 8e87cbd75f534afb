import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { SnapshotCopy, type SnapshotCopyProps } from '../lib';

export interface SnapshotCopyStackProps extends StackProps {
  readonly copy: Omit<SnapshotCopyProps, 'kmsKey' | 'sourceKmsKey'>;
  /** Takes the place of `sourceKmsKey`, which needs a scope. */
  readonly sourceKmsKeyArn?: string;
}

/** One snapshot copy, and outputs that say what was made. */
export class SnapshotCopyStack extends Stack {
  public readonly copy: SnapshotCopy;

  public constructor(scope: Construct, id: string, props: SnapshotCopyStackProps) {
    super(scope, id, props);
    const { copy, sourceKmsKeyArn } = props;
    this.copy = new SnapshotCopy(this, 'Copy', {
      ...copy,
      sourceKmsKey: sourceKmsKeyArn === undefined ? undefined : kms.Key.fromKeyArn(this, 'SourceKey', sourceKmsKeyArn),
    });
    if (copy.dryRun !== true) this.addOutputs();
  }

  private addOutputs(): void {
    const { snapshotId, snapshotArn, volumeSize, kmsKeyArn } = this.copy;
    new CfnOutput(this, 'SnapshotId', { value: snapshotId, description: 'Id of the copy' });
    new CfnOutput(this, 'SnapshotArn', { value: snapshotArn, description: 'ARN of the copy' });
    new CfnOutput(this, 'VolumeSize', { value: `${volumeSize}`, description: 'Size of the volume, in GiB' });
    new CfnOutput(this, 'KmsKeyArn', { value: kmsKeyArn, description: 'Key of the copy; empty: not encrypted' });
  }
}
