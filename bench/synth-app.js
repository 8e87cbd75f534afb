'use strict';
// The app whose synthesis is measured: node synth-app.js copies|plain|depending <count> <folder>.
const { App, CfnResource, Stack } = require('aws-cdk-lib');

const [kind, count, outdir] = process.argv.slice(2);
// Off for all kinds: its time grows with the template, whatever is in it.
const app = new App({ outdir, builtinCloudFormationValidation: false });
const stack = new Stack(app, 'Stack', { env: { account: '111122223333', region: 'eu-west-1' } });

/** The same custom resource, declared by hand. */
function plain() {
  return byHand(() => undefined);
}

/** With the DependsOn that it needs: its handler may do nothing before its policy is there. */
function depending() {
  const policy = new CfnResource(stack, 'ProviderPolicy', { type: 'AWS::IAM::Policy' });
  return byHand((resource) => resource.addResourceDependency(policy));
}

function byHand(finish) {
  const provider = new CfnResource(stack, 'ProviderframeworkonEvent', { type: 'AWS::Lambda::Function' });
  return (id, sourceSnapshotId) => {
    const properties = {
      ServiceToken: provider.getAtt('Arn'),
      ServiceTimeout: '3600',
      SourceSnapshotId: sourceSnapshotId,
      SourceRegion: 'us-east-1',
      DestinationRegion: 'eu-west-1',
      TimeoutSeconds: '3000',
    };
    finish(new CfnResource(stack, id, { type: 'Custom::SnapshotCopy', properties }));
  };
}

function copies() {
  const { SnapshotCopy } = require('..');
  return (id, sourceSnapshotId) => new SnapshotCopy(stack, id, { sourceSnapshotId, sourceRegion: 'us-east-1' });
}

const declare = { plain, depending, copies }[kind]();
// Printed here, because Node.js does not tell a parent how much processor time its child took.
process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(String((user + system) / 1000));
});
for (let n = 0; n < Number(count); n++) declare(`Copy${n}`, `snap-${n.toString(16).padStart(17, '0')}`);
app.synth();
