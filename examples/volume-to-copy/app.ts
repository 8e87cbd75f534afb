// When to use it: one stack takes a snapshot of a volume and copies it to another Region.
// If you change the description, the stack takes and copies a new snapshot. The CDK warns that it does not know
// AWS::EC2::Snapshot yet.
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const VOLUME = 'vol-0123456789abcdef0';
const REGION = 'us-east-1';
const RECOVERY_REGION = 'us-west-2';

const app = new App();
const stack = new Stack(app, 'VolumeToCopy', { env: { region: REGION } });

const snapshot = new ec2.CfnSnapshot(stack, 'Snapshot', { volumeId: VOLUME, description: 'release 1' });

new SnapshotCopy(stack, 'Copy', {
  // Use the attribute, because a reference to the resource may be an ARN.
  sourceSnapshotId: snapshot.attrSnapshotId,
  destinationRegion: RECOVERY_REGION,
  timeout: Duration.hours(2),
});
