// When to use it: another account shares an encrypted snapshot with yours, and you want your own copy.
//
// First, the other account must share the snapshot with your account, and allow your account to use the key.
// SnapshotGrants.keyPolicyForSharing(['<your account>']) returns the statements for the key policy:
//   kms:DescribeKey, kms:Decrypt, kms:GenerateDataKey*, kms:ReEncrypt*, and kms:CreateGrant for AWS services
import { App, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const THEIR_SNAPSHOT = 'snap-0123456789abcdef0';
const THEIR_KEY = 'arn:aws:kms:us-east-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const app = new App();
const stack = new Stack(app, 'SharedSnapshot', { env: { region: 'us-east-1' } });

new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: THEIR_SNAPSHOT,
  sourceKmsKey: kms.Key.fromKeyArn(stack, 'TheirKey', THEIR_KEY),
  // Under your own key, the copy stays usable after they stop sharing.
  kmsKey: new kms.Key(stack, 'OurKey', { enableKeyRotation: true }),
});
