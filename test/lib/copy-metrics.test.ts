// The metrics, and the log metric filters that produce them.
import { App, Duration, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as logs from 'aws-cdk-lib/aws-logs';
import { SnapshotCopy, SnapshotCopyProvider } from '../../lib';
import { DECISION } from '../../lib/contract';
import { ENV, idOf, newApp, type Resource, SOURCE, templateOf } from './stacks';

const STACK_ID = { Ref: 'AWS::StackId' };

let app: App;
let stack: Stack;

beforeEach(() => {
  app = newApp();
  stack = new Stack(app, 'Stack', { env: ENV });
});

const copyIn = (scope: Stack, id = 'Copy') => new SnapshotCopy(scope, id, { sourceSnapshotId: SOURCE });

const filtersIn = (of: Stack): Resource[] =>
  Object.values(templateOf(of).Resources).filter(({ Type }) => Type === 'AWS::Logs::MetricFilter');

interface Filter {
  readonly pattern: string;
  readonly transformation: object;
}

function filterIn(of: Stack): Filter {
  const [filter, ...others] = filtersIn(of);
  expect(others).toEqual([]);
  const { FilterPattern: pattern, MetricTransformations: transformations } = (filter?.Properties ?? {}) as {
    FilterPattern: { 'Fn::Join': [string, unknown[]] };
    MetricTransformations: object[];
  };
  expect(transformations).toHaveLength(1);
  const parts = pattern['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : '<stack>'));
  return { pattern: parts.join(''), transformation: transformations[0] ?? {} };
}

const KINDS = [
  ['metricFailures', 'Failures', 'fail', '', { MetricValue: '1', Unit: 'Count' }, 'Sum'],
  ['metricCopies', 'Copies', 'start copy', '', { MetricValue: '1', Unit: 'Count' }, 'Sum'],
  [
    'metricDuration',
    'Duration',
    'complete',
    ' && ($.message.seconds >= 0)',
    { MetricValue: '$.message.seconds', Unit: 'Seconds' },
    'Average',
  ],
] as const;

describe.each(KINDS)('%s', (method, name, decision, further, value, statistic) => {
  const pattern = `{ ($.message.decision = "${decision}") && ($.message.stack = "<stack>")${further} }`;

  test('of a copy has the stack and its logical ID as dimensions', () => {
    const copy = copyIn(stack);
    const metric = copy[method]();
    expect(stack.resolve(metric.dimensions)).toEqual({ Stack: STACK_ID, Copy: idOf(copy) });
    expect(filterIn(stack)).toEqual({
      pattern,
      transformation: {
        ...value,
        MetricNamespace: 'cdk-ebs-snapshot-copy',
        MetricName: name,
        Dimensions: [
          { Key: 'Stack', Value: '$.message.stack' },
          { Key: 'Copy', Value: '$.message.logicalId' },
        ],
      },
    });
  });

  test('of a stack has only the stack dimension', () => {
    const metric = SnapshotCopyProvider[method](copyIn(stack));
    expect(stack.resolve(metric.dimensions)).toEqual({ Stack: STACK_ID });
    expect(filterIn(stack)).toEqual({
      pattern,
      transformation: expect.objectContaining({
        ...value,
        MetricName: name,
        Dimensions: [{ Key: 'Stack', Value: '$.message.stack' }],
      }) as unknown,
    });
  });

  test('follows the CDK conventions, and accepts metric options', () => {
    const copy = copyIn(stack);
    expect(copy[method]()).toMatchObject({
      namespace: 'cdk-ebs-snapshot-copy',
      metricName: name,
      statistic,
      unit: value.Unit,
      period: Duration.minutes(5),
    });
    const options = { statistic: 'Maximum', period: Duration.hours(1), label: 'Copies of the night', color: '#ff0000' };
    expect(copy[method](options)).toMatchObject(options);
    expect(SnapshotCopyProvider[method](stack, options)).toMatchObject(options);
  });
});

test('without a metric, there is no filter', () => {
  copyIn(stack);
  expect(filtersIn(stack)).toEqual([]);
});

test('all copies in a stack share one filter per kind, however often it is requested', () => {
  for (const id of ['A', 'B', 'C']) {
    const copy = copyIn(stack, id);
    copy.metricFailures();
    copy.metricFailures({ period: Duration.hours(1) });
  }
  SnapshotCopyProvider.metricFailures(stack);
  SnapshotCopyProvider.metricFailures(stack);
  expect(filtersIn(stack)).toHaveLength(2);
});

test('the filters read the functions’ log group', () => {
  const logGroup = logs.LogGroup.fromLogGroupName(stack, 'Logs', 'shared');
  SnapshotCopyProvider.configure(stack, { logGroup });
  copyIn(stack).metricFailures();
  expect(filtersIn(stack).map(({ Properties }) => Properties.LogGroupName)).toEqual(['shared']);
});

test('stacks that share a log group each have a filter for their own lines', () => {
  SnapshotCopyProvider.configure(app, { logGroup: logs.LogGroup.fromLogGroupName(stack, 'Logs', 'shared') });
  const stacks = [stack, new Stack(app, 'Other', { env: ENV })];
  for (const each of stacks) copyIn(each).metricFailures();
  for (const each of stacks) {
    const { FilterPattern: pattern } = filtersIn(each)[0]?.Properties ?? {};
    expect(JSON.stringify(pattern)).toContain('{"Ref":"AWS::StackId"}');
  }
});

test('the filter in a nested stack matches the nested stack', () => {
  const nested = new NestedStack(stack, 'Nested');
  copyIn(nested).metricCopies();
  expect(filterIn(nested).pattern).toContain('$.message.stack = "<stack>"');
});

describe('an alarm or a dashboard', () => {
  const alarmOn = (scope: Stack, metric: cloudwatch.Metric) =>
    new cloudwatch.Alarm(scope, 'Alarm', { metric, threshold: 1, evaluationPeriods: 1 });

  test('in the same stack has the copy’s dimensions', () => {
    const copy = copyIn(stack);
    alarmOn(stack, copy.metricFailures());
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'Failures',
      Statistic: 'Sum',
      Unit: 'Count',
      Dimensions: [
        { Name: 'Copy', Value: idOf(copy) },
        { Name: 'Stack', Value: STACK_ID },
      ],
    });
  });

  test('in another stack has the ID of the copy’s stack, not its own', () => {
    const copy = copyIn(stack);
    const monitoring = new Stack(app, 'Monitoring', { env: ENV });
    alarmOn(monitoring, copy.metricFailures());
    Template.fromStack(monitoring).resourceCountIs('AWS::Logs::MetricFilter', 0);
    const alarm = Object.values(templateOf(monitoring).Resources).find(({ Type }) => Type.endsWith('::Alarm'));
    const { Dimensions: dimensions } = alarm?.Properties as { Dimensions: { Name: string; Value: unknown }[] };
    expect(dimensions).toEqual([
      { Name: 'Copy', Value: idOf(copy) },
      { Name: 'Stack', Value: { 'Fn::ImportValue': expect.stringMatching(/^Stack:/) as unknown } },
    ]);
  });

  test('in a stack in another Region shows the copy’s Region', () => {
    const copy = copyIn(stack);
    const elsewhere = new Stack(app, 'Elsewhere', {
      env: { ...ENV, region: 'eu-west-1' },
      crossRegionReferences: true,
    });
    const dashboard = new cloudwatch.Dashboard(elsewhere, 'Dashboard');
    dashboard.addWidgets(new cloudwatch.GraphWidget({ left: [copy.metricDuration()] }));
    expect(JSON.stringify(templateOf(elsewhere))).toContain('\\"region\\":\\"us-east-1\\"');
  });
});

test('the decisions that filters match never change, because deployed filters rely on them', () => {
  expect(DECISION).toEqual({ start: 'start copy', complete: 'complete', fail: 'fail' });
});
