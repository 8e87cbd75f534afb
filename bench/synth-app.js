'use strict';
// The app whose synthesis is timed: node synth-app.js copy|plain <count> <folder>.
const { App, CfnResource, Stack } = require('aws-cdk-lib');

const [kind, count, outdir] = process.argv.slice(2);
// Off for both: the time it takes grows with the template, whatever is in it.
const app = new App({ outdir, builtinCloudFormationValidation: false });
const stack = new Stack(app, 'Stack', { env: { account: '111122223333', region: 'eu-west-1' } });
const { SnapshotCopy } = kind === 'copy' ? require('..') : {};

for (let n = 0; n < Number(count); n++) {
  const sourceSnapshotId = `snap-${n.toString(16).padStart(17, '0')}`;
  if (kind === 'copy') {
    new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId, sourceRegion: 'us-east-1' });
  } else {
    // What a hand-written custom resource for the same copy would have.
    const properties = {
      ServiceToken: 'arn:aws:lambda:eu-west-1:111122223333:function:cdk-ebs-snapshot-copy',
      SourceSnapshotId: sourceSnapshotId,
      SourceRegion: 'us-east-1',
      DestinationRegion: 'eu-west-1',
      TimeoutSeconds: '3000',
    };
    new CfnResource(stack, `Copy${n}`, { type: 'Custom::SnapshotCopy', properties });
  }
}
app.synth();
