// When to use it: the data of a Region must survive the loss of that Region.
// The stack is in the Region of the copy, so the copy, its ID and a restore do not depend on the source Region.
// This example copies one snapshot. To follow new backups, see nightly-recovery.
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const SOURCE_SNAPSHOT = 'snap-0123456789abcdef0';
const SOURCE_REGION = 'us-east-1';
const RECOVERY_REGION = 'us-west-2';

const app = new App();
const stack = new Stack(app, 'DisasterRecovery', { env: { region: RECOVERY_REGION } });

const copy = new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: SOURCE_SNAPSHOT,
  sourceRegion: SOURCE_REGION,
  destinationRegion: RECOVERY_REGION,
  encrypted: true,
  timeout: Duration.hours(4),
  // A backup outlives its stack. A copy whose creation is rolled back does not.
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  tags: { purpose: 'disaster-recovery' },
});

// Shows which copy is current, for whoever restores it. An export would block the next copy.
new ssm.StringParameter(stack, 'LatestCopy', {
  parameterName: '/disaster-recovery/snapshot-id',
  stringValue: copy.snapshotId,
});
