// A copy in the same Region, encrypted under a key of the stack.
import { ExpectedResult, IntegTest, Match } from '@aws-cdk/integ-tests-alpha';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy } from '../../lib';
import { SourceSnapshot } from './source-snapshot';

const app = new App();
const stack = new Stack(app, 'SnapshotCopyReEncryption');

const key = new kms.Key(stack, 'Key', { pendingWindow: Duration.days(7), removalPolicy: RemovalPolicy.DESTROY });
const copy = new SnapshotCopy(stack, 'Copy', {
  sourceSnapshotId: new SourceSnapshot(stack, 'Source').snapshotId,
  description: 'made by an integration test',
  kmsKey: key,
  tags: { team: 'storage' },
});

const { assertions } = new IntegTest(app, 'ReEncryption', { testCases: [stack] });
assertions.awsApiCall('EC2', 'describeSnapshots', { SnapshotIds: [copy.snapshotId] }).expect(
  ExpectedResult.objectLike({
    Snapshots: [
      {
        State: 'completed',
        VolumeSize: 1,
        Encrypted: true,
        KmsKeyId: key.keyArn,
        Description: 'made by an integration test',
        Tags: Match.arrayWith([{ Key: 'team', Value: 'storage' }]),
      },
    ],
  }),
);
