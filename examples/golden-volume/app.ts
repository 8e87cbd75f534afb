// When to use it: volumes made from a golden snapshot must be fast from the first read.
// EC2 charges about $540 per month and zone for fast restore. Deleting the stack ends the charges.
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { FastSnapshotRestore, SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const GOLDEN = 'snap-0123456789abcdef0';
const BUILD_REGION = 'us-east-1';
const ZONE = 'eu-west-1a';

const app = new App();
const stack = new Stack(app, 'GoldenVolume', { env: { region: 'eu-west-1' } });

const copy = new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: GOLDEN, sourceRegion: BUILD_REGION });

const fast = new FastSnapshotRestore(stack, 'Fast', {
  snapshot: copy,
  availabilityZones: [ZONE],
  // EC2 takes 60 minutes per TiB.
  waitUntilEnabled: true,
  timeout: Duration.hours(4),
});

const volume = new ec2.Volume(stack, 'Volume', { availabilityZone: ZONE, snapshotId: copy.snapshotId });
// A volume that is created earlier is slow at first.
volume.node.addDependency(fast);
