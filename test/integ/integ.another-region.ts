// A copy in another Region than the stack's.
import { ExpectedResult, IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App, Stack } from 'aws-cdk-lib';
import { SnapshotCopy } from '../../lib';
import { SourceSnapshot } from './source-snapshot';

const REGION = 'us-east-1';
const DESTINATION_REGION = 'us-west-2';
const TEST = 'cdk-ebs-snapshot-copy another Region';

const app = new App();
const stack = new Stack(app, 'SnapshotCopyAnotherRegion', { env: { region: REGION } });
new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: new SourceSnapshot(stack, 'Source').snapshotId,
  destinationRegion: DESTINATION_REGION,
  encrypted: true,
  tags: { test: TEST },
});

// An assertion calls the Region that its stack is in, and there is no reference from there to here: found by its tag.
const assertionStack = new Stack(app, 'SnapshotCopyAnotherRegionAssertions', { env: { region: DESTINATION_REGION } });
assertionStack.addStackDependency(stack);

const { assertions } = new IntegTest(app, 'AnotherRegion', { testCases: [stack], assertionStack, regions: [REGION] });
assertions
  .awsApiCall('EC2', 'describeSnapshots', { OwnerIds: ['self'], Filters: [{ Name: 'tag:test', Values: [TEST] }] })
  .expect(
    ExpectedResult.objectLike({
      Snapshots: [{ State: 'completed', VolumeSize: 1, Encrypted: true }],
    }),
  );
