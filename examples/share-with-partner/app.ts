// When to use it: another account needs the data, but must not be able to use the key of the source.
// The copy is encrypted under a separate key that the partner may use, and is shared with the partner's account.
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, SnapshotGrants } from 'cdk-ebs-snapshot-copy';

const SOURCE = 'snap-0123456789abcdef0';
const SOURCE_KEY = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const PARTNER = '555566667777';

const app = new App();
const stack = new Stack(app, 'ShareWithPartner', { env: { account: '111122223333', region: 'us-east-1' } });

const key = new kms.Key(stack, 'PartnerKey', {
  description: 'For snapshots that a partner gets',
  enableKeyRotation: true,
});
// The library never edits the policy of a key. The partner's own administrators let their users use the key.
for (const statement of SnapshotGrants.keyPolicyForSharing([PARTNER])) key.addToResourcePolicy(statement);

const copy = new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: SOURCE,
  sourceKmsKey: kms.Key.fromKeyArn(stack, 'SourceKey', SOURCE_KEY),
  kmsKey: key,
  shareWith: [PARTNER],
});

// EC2 does not show the tags to the partner, so tell the partner the ID.
new CfnOutput(stack, 'SharedSnapshot', { value: copy.snapshotId });
