// When to use it: a pipeline deploys the copy and updates itself from the same repository.
// To copy another snapshot, commit a new SOURCE_SNAPSHOT. The pipeline makes the new copy, and then deletes the old one.
import { App, Stack, Stage } from 'aws-cdk-lib';
import { PipelineType } from 'aws-cdk-lib/aws-codepipeline';
import * as pipelines from 'aws-cdk-lib/pipelines';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const SOURCE_SNAPSHOT = 'snap-0123456789abcdef0';
const SOURCE_REGION = 'us-east-1';
const REPOSITORY = 'my-organization/my-repository';
const ENVIRONMENT = { account: '111122223333', region: 'eu-west-1' };
const CONNECTION = 'arn:aws:codeconnections:eu-west-1:111122223333:connection/12345678-abcd-12ab-34cd-1234567890ab';

const app = new App();
const stack = new Stack(app, 'Pipeline', { env: ENVIRONMENT });

const pipeline = new pipelines.CodePipeline(stack, 'Pipeline', {
  pipelineType: PipelineType.V2,
  synth: new pipelines.ShellStep('Synth', {
    input: pipelines.CodePipelineSource.connection(REPOSITORY, 'main', { connectionArn: CONNECTION }),
    commands: ['npm ci', 'npx cdk synth'],
  }),
});

const production = new Stage(app, 'Production', { env: ENVIRONMENT });
const data = new Stack(production, 'Data');
new SnapshotCopy(data, 'Copy', {
  sourceSnapshotId: SOURCE_SNAPSHOT,
  sourceRegion: SOURCE_REGION,
});
pipeline.addStage(production);
