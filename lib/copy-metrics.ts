// Metrics come from metric filters on the handler's log. A filter is created when its metric is first used. Stacks can
// share a log group, so each filter matches only the lines of its stack.
import { type Duration, Duration as Durations, type Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats, Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { DECISION, type LogSubject } from './contract';

const NAMESPACE = 'cdk-ebs-snapshot-copy';
const PERIOD: Duration = Durations.minutes(5);

export type MetricName = 'Copies' | 'Failures' | 'Duration';

interface Kind {
  readonly decision: string;
  /** The metric value of one log line. */
  readonly value: string;
  readonly statistic: string;
  readonly unit: Unit;
}

const KINDS: Readonly<Record<MetricName, Kind>> = {
  Copies: { decision: DECISION.start, value: '1', statistic: Stats.SUM, unit: Unit.COUNT },
  Failures: { decision: DECISION.fail, value: '1', statistic: Stats.SUM, unit: Unit.COUNT },
  Duration: { decision: DECISION.complete, value: '$.message.seconds', statistic: Stats.AVERAGE, unit: Unit.SECONDS },
};

/** For each dimension, the field of the log line that has its value. */
const FIELDS = { Stack: 'stack', Copy: 'logicalId' } as const satisfies Record<string, keyof LogSubject>;

export class CopyMetrics {
  public constructor(
    private readonly scope: Construct,
    private readonly stack: Stack,
    private readonly logGroup: ILogGroup,
  ) {}

  /** A metric of one copy, or of all copies of the stack. */
  public metric(name: MetricName, logicalId: string | undefined, options: MetricOptions = {}): Metric {
    const dimensions = { Stack: this.stack.stackId, ...(logicalId !== undefined && { Copy: logicalId }) };
    this.filterOnce(name, Object.keys(dimensions) as (keyof typeof FIELDS)[]);
    const { statistic, unit } = KINDS[name];
    return new Metric({
      namespace: NAMESPACE,
      metricName: name,
      dimensionsMap: dimensions,
      period: PERIOD,
      statistic,
      unit,
      ...options,
    }).attachTo(this.scope);
  }

  private filterOnce(name: MetricName, dimensions: readonly (keyof typeof FIELDS)[]): void {
    const id = `${dimensions.join('')}${name}`;
    if (this.scope.node.tryFindChild(id) !== undefined) return;
    const { decision, unit, value } = KINDS[name];
    const isCounted = value === '1' ? '' : ` && (${value} >= 0)`;
    new MetricFilter(this.scope, id, {
      logGroup: this.logGroup,
      filterPattern: FilterPattern.literal(
        `{ ($.message.decision = "${decision}") && ($.message.stack = "${this.stack.stackId}")${isCounted} }`,
      ),
      metricNamespace: NAMESPACE,
      metricName: name,
      metricValue: value,
      unit,
      dimensions: Object.fromEntries(dimensions.map((each) => [each, `$.message.${FIELDS[each]}`])),
    });
  }
}
