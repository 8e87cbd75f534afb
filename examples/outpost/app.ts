// When to use it: you need volumes on an Outpost, made from a snapshot in the Region of the Outpost.
// The copy is stored on the Outpost, so the Outpost needs Amazon S3 on Outposts.
import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const SOURCE_SNAPSHOT = 'snap-0123456789abcdef0';
const REGION = 'us-west-2';
const OUTPOST = 'arn:aws:outposts:us-west-2:111122223333:outpost/op-0123456789abcdef0';
const ZONE_OF_OUTPOST = 'us-west-2a';

const app = new App();
const stack = new Stack(app, 'Outpost', { env: { region: REGION } });

const copy = new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: SOURCE_SNAPSHOT,
  destinationOutpostArn: OUTPOST,
  // All snapshots on an Outpost are encrypted.
  encrypted: true,
});

new ec2.CfnVolume(stack, 'Volume', {
  availabilityZone: ZONE_OF_OUTPOST,
  outpostArn: OUTPOST,
  snapshotId: copy.snapshotId,
  volumeType: 'gp2',
});
