// When to use it: a rule demands a copy that nobody can delete for years, in another Region, whatever happens to the stack.
// For the first day, the lock can still be taken off, so that a deployment that fails leaves nothing behind.
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
  // So that the copy can be found and told apart when the stack has gone.
  copySourceTags: true,
  tags: { retention: 'seven-years' },
  lock: SnapshotLock.compliance(Duration.days(7 * 365), Duration.hours(24)),
  // The copy outlives its stack, and is paid for until somebody deletes it after the lock has expired.
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
});
