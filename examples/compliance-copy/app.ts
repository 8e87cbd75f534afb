// When to use it: a regulation requires a copy in another Region that nobody can delete for years, even without its stack.
// During the first day, the lock can still be removed, so that a failed deployment leaves nothing behind.
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SnapshotCopy, SnapshotLock } from 'cdk-ebs-snapshot-copy';

const SOURCE = 'snap-0123456789abcdef0';
const SOURCE_REGION = 'us-east-1';
const VAULT_REGION = 'us-west-2';

const app = new App();
const stack = new Stack(app, 'ComplianceCopy', { env: { region: VAULT_REGION } });

new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: SOURCE,
  sourceRegion: SOURCE_REGION,
  encrypted: true,
  // They identify the copy after the stack is gone.
  copySourceTags: true,
  tags: { retention: 'seven-years' },
  lock: SnapshotLock.compliance(Duration.days(7 * 365), Duration.hours(24)),
  // The copy outlives its stack. You pay for it until somebody deletes it after the lock has expired.
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
});
