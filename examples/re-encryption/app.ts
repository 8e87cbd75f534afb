// When to use it: a snapshot is not encrypted, or is encrypted under the AWS managed key, and you need your own key.
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const SOURCE_SNAPSHOT = 'snap-0123456789abcdef0';

const app = new App();
const stack = new Stack(app, 'ReEncryption', { env: { region: 'eu-west-1' } });

// The key outlives the stack, because volumes that were made from the copy need it.
const key = new kms.Key(stack, 'Key', { enableKeyRotation: true, removalPolicy: RemovalPolicy.RETAIN });

const copy = new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: SOURCE_SNAPSHOT,
  kmsKey: key,
});

new ec2.Volume(stack, 'Volume', {
  availabilityZone: 'eu-west-1a',
  snapshotId: copy.snapshotId,
  encrypted: true,
  encryptionKey: key,
});
