// When to use it: you need a snapshot in several Regions, and want one stack to own all copies.
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const SOURCE_SNAPSHOT = 'snap-0123456789abcdef0';
const SOURCE_REGION = 'us-east-1';
const DESTINATION_REGIONS = ['us-west-2', 'eu-west-1', 'ap-southeast-1'];

const app = new App();
const stack = new Stack(app, 'ThreeRegions', { env: { region: SOURCE_REGION } });

for (const destinationRegion of DESTINATION_REGIONS) {
  const copy = new SnapshotCopy(stack, `Copy-${destinationRegion}`, {
    sourceSnapshotId: SOURCE_SNAPSHOT,
    destinationRegion,
  });
  new CfnOutput(stack, `SnapshotIn-${destinationRegion}`, { value: copy.snapshotId });
}
