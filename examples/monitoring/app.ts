// When to use it: you want to know when a copy fails, and how long copies take.
// An alarm sends an email. A dashboard shows all copies of the stack.
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import { SnapshotCopy, SnapshotCopyProvider } from 'cdk-ebs-snapshot-copy';

const SOURCE = 'snap-0123456789abcdef0';
const SOURCE_REGION = 'us-east-1';
const ON_CALL = 'storage@example.com';

const app = new App();
const copies = new Stack(app, 'Copies', { env: { region: 'us-west-2' } });
const copy = new SnapshotCopy(copies, 'Copy', { sourceSnapshotId: SOURCE, sourceRegion: SOURCE_REGION });

// In a separate stack, because a rollback of the first deployment would delete the alarm together with the failed copy.
const monitoring = new Stack(app, 'Monitoring', { env: { region: 'us-west-2' } });

const topic = new sns.Topic(monitoring, 'Failures', { enforceSSL: true });
topic.addSubscription(new subscriptions.EmailSubscription(ON_CALL));
new cloudwatch.Alarm(monitoring, 'CopyFailed', {
  alarmDescription: 'A deployment of the snapshot copy has failed: the stack events have the reason',
  metric: copy.metricFailures(),
  threshold: 1,
  evaluationPeriods: 1,
  // Without a deployment, there is no data.
  treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
}).addAlarmAction(new actions.SnsAction(topic));

const period = Duration.days(1);
new cloudwatch.Dashboard(monitoring, 'Dashboard').addWidgets(
  new cloudwatch.GraphWidget({
    title: 'Snapshot copies',
    left: [
      SnapshotCopyProvider.metricCopies(copies, { period }),
      SnapshotCopyProvider.metricFailures(copies, { period }),
    ],
    right: [SnapshotCopyProvider.metricDuration(copies, { period, statistic: 'Maximum' })],
  }),
);
