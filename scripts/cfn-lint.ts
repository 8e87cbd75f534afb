// npm run test:cfn-lint: runs CloudFormation's own linter on a template with every kind of copy.
import { spawnSync } from 'node:child_process';
import { App, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, SnapshotCopyDryRun } from '../lib';

function synthesize(): string {
  const app = new App();
  const stack = new Stack(app, 'Linted', { env: { account: '111122223333', region: 'us-east-1' } });
  const source = { sourceSnapshotId: 'snap-0123456789abcdef0' };
  const plain = new SnapshotCopy(stack, 'Plain', source);
  const full = new SnapshotCopy(stack, 'Full', {
    sourceSnapshotId: plain.snapshotId,
    description: 'a copy of a copy',
    kmsKey: new kms.Key(stack, 'Key'),
    completionDuration: Duration.minutes(30),
    timeout: Duration.minutes(40),
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    tags: { team: 'storage' },
  });
  new SnapshotCopy(stack, 'Elsewhere', { ...source, destinationRegion: 'eu-west-1', kmsKeyId: 'alias/mine' });
  new SnapshotCopyDryRun(stack, 'DryRun', source);
  new ec2.Volume(stack, 'Volume', { availabilityZone: 'us-east-1a', snapshotId: full.snapshotId });
  full.grants.createVolume(new iam.Role(stack, 'Restorer', { assumedBy: new iam.AccountRootPrincipal() }));
  Tags.of(stack).add('owner', 'platform');
  return app.synth().getStackByName('Linted').templateFullPath;
}

const { error, status } = spawnSync('cfn-lint', ['--non-zero-exit-code', 'error', synthesize()], { stdio: 'inherit' });
if (error) {
  console.error(`cfn-lint could not run (${error.message}); install it with: pip install cfn-lint`);
  process.exit(1);
}
console.log(status === 0 ? 'cfn-lint finds no error in the template.' : 'cfn-lint found errors.');
process.exit(status ?? 1);
