import { Fn, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';

/** A snapshot of an empty volume of 1 GiB. Both go with the stack. */
export class SourceSnapshot extends Construct {
  /** It may still be pending: a copy waits for its source. */
  public readonly snapshotId: string;

  public constructor(scope: Construct, id: string) {
    super(scope, id);
    const volume = new ec2.Volume(this, 'Volume', {
      availabilityZone: Fn.select(0, Fn.getAzs()),
      size: Size.gibibytes(1),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const snapshot = new cr.AwsCustomResource(this, 'Snapshot', {
      resourceType: 'Custom::SourceSnapshot',
      onCreate: {
        service: 'EC2',
        action: 'CreateSnapshot',
        parameters: { VolumeId: volume.volumeId },
        physicalResourceId: cr.PhysicalResourceId.fromResponse('SnapshotId'),
        outputPaths: ['SnapshotId'],
      },
      onDelete: {
        service: 'EC2',
        action: 'DeleteSnapshot',
        parameters: { SnapshotId: new cr.PhysicalResourceIdReference() },
        // What failed to be created has an id that is none.
        ignoreErrorCodesMatching: 'InvalidSnapshot|InvalidParameterValue',
      },
      policy: cr.AwsCustomResourcePolicy.fromSdkCalls({ resources: cr.AwsCustomResourcePolicy.ANY_RESOURCE }),
      installLatestAwsSdk: false,
      logGroup: new logs.LogGroup(this, 'Logs', { removalPolicy: RemovalPolicy.DESTROY }),
    });
    this.snapshotId = snapshot.getResponseField('SnapshotId');
  }
}
