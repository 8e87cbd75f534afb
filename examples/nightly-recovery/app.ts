// When to use it: a nightly pipeline keeps a copy of the newest backup in another Region.
// If there is no newer backup, the build copies nothing. If the backup plan has stopped, the pipeline fails.
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const SOURCE_VOLUME = 'vol-0123456789abcdef0';
const SOURCE_REGION = 'us-east-1';
const RECOVERY_REGION = 'us-west-2';

// Without this check, a deployment from a laptop would change `refresh`, and might replace the copy.
const buildId = process.env.BUILD_ID;
if (!buildId)
  throw new Error('BUILD_ID is not set: deploy from the pipeline, or set it to the number of the last build');

const app = new App();
const stack = new Stack(app, 'NightlyRecovery', { env: { region: RECOVERY_REGION } });

const copy = new SnapshotCopy(stack, 'Copy', {
  latestSource: { volumeId: SOURCE_VOLUME, maxAge: Duration.hours(36) },
  // The build system gives each build a number. If it changes or is missing, the handler searches again.
  refresh: buildId,
  sourceRegion: SOURCE_REGION,
  encrypted: true,
  timeout: Duration.hours(4),
  // Tonight's copy replaces last night's copy, which is deleted after everything else has been deployed.
  removalPolicy: RemovalPolicy.DESTROY,
});

new ssm.StringParameter(stack, 'LatestCopy', {
  parameterName: '/recovery/snapshot-id',
  stringValue: copy.snapshotId,
});
new ssm.StringParameter(stack, 'LatestBackup', {
  parameterName: '/recovery/source-snapshot-id',
  stringValue: copy.sourceSnapshotId,
});
