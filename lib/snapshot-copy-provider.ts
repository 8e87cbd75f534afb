import { type Duration, Token } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { HandlerProvider } from './handler-provider';
import { hasPlaceholders } from './placeholders';
import { addSettings, holderOf, type Settings, settingsOf } from './settings';
import { refuse } from './validate';
import { inWords } from './durations';
import { KINDS, problemsOfKinds } from './validate-kinds';

const MIN_POLL_INTERVAL_SECONDS = 10;
const MAX_POLL_INTERVAL_SECONDS = 120;
const HOUR_SECONDS = 3_600;

/** Settings of what all copies of a stack share. */
export interface SnapshotCopyProviderProps {
  /**
   * Log group of all five functions.
   *
   * @default - one log group in each stack, which keeps logs for a month and outlives the stack
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * Log group of the state machine that polls. Its logs have the course of each execution, and no data.
   *
   * @default - the state machine does not log
   */
  readonly stateMachineLogGroup?: logs.ILogGroup;

  /**
   * Whether X-Ray traces the functions and the state machine.
   *
   * @default false
   */
  readonly tracing?: boolean;

  /**
   * VPC in which the functions run. From there, they must reach EC2 and KMS in the Regions of the snapshots, and
   * CloudFormation, Lambda, Step Functions and S3 in the Region of the stack. Other Regions need a NAT gateway.
   *
   * @default - the functions run outside of a VPC
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of the functions. Needs `vpc`.
   *
   * @default - the private subnets of the VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Security groups of the functions, which only call out. Needs `vpc`.
   *
   * @default - one security group for all functions, which allows all outbound traffic
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * Time between two polls of a copy: 10 seconds to 2 minutes, in whole seconds that divide an hour. Not a token.
   *
   * @default Duration.seconds(30)
   */
  readonly pollInterval?: Duration;

  /**
   * How many copies of a stack may run into one destination Region at once: 1 or more. The others wait for earlier ones
   * in CloudFormation, and no `timeout` runs meanwhile. Give the quota of the account, or less if other stacks copy at the
   * same time.
   *
   * @default 20
   * @see https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
   */
  readonly maxConcurrentCopies?: number;
}

/**
 * What serves all copies of a stack: the functions of the handler, and the state machine that polls.
 *
 * @example
 * declare const app: App;
 * SnapshotCopyProvider.configure(app, { maxConcurrentCopies: 5 });
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- jsii knows no functions outside of classes
export class SnapshotCopyProvider {
  /**
   * Sets what all copies below a scope share. The nearest scope wins, setting by setting: a stack inherits what its stage
   * and its app set. A nearer `vpc` also replaces `vpcSubnets` and `securityGroups`, which belong to a VPC.
   *
   * Call it before the first copy below the scope is declared.
   *
   * Throws an error that names every setting that is wrong, that the scope has already with another value, or that comes
   * too late.
   *
   * @param scope an app, a stage or a stack; a construct in a stack means the stack
   * @param props the settings
   */
  public static configure(scope: Construct, props: SnapshotCopyProviderProps): void {
    const holder = holderOf(scope);
    refuse(holder, problemsOfKinds(props, KINDS.settings));
    const problems = [...problemsOfPollInterval(props.pollInterval), ...problemsOfCount(props.maxConcurrentCopies)];
    // The first pass goes without settings that the next one will have.
    if (problems.length > 0 && hasPlaceholders(holder)) return;
    refuse(holder, problems);
    const { pollInterval, ...others } = props;
    const given = { ...others, pollIntervalSeconds: pollInterval?.toSeconds() };
    const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    refuse(holder, [...problemsOfVpc(settings, settingsOf(holder)), ...addSettings(holder, settings)]);
  }

  /**
   * How many deployments of copies of a stack have failed, as a sum over 5 minutes. Deleting a copy counts, too.
   *
   * @param scope a construct of the stack
   * @param props options of the metric
   */
  public static metricFailures(scope: Construct, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(scope).metric('Failures', undefined, props);
  }

  /**
   * How many copies were started for a stack, as a sum over 5 minutes.
   *
   * @param scope a construct of the stack
   * @param props options of the metric
   */
  public static metricCopies(scope: Construct, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(scope).metric('Copies', undefined, props);
  }

  /**
   * How long EC2 took for the copies of a stack, in seconds, as an average over 5 minutes.
   *
   * @param scope a construct of the stack
   * @param props options of the metric
   */
  public static metricDuration(scope: Construct, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(scope).metric('Duration', undefined, props);
  }

  // eslint-disable-next-line @typescript-eslint/no-empty-function -- private: there is nothing to make
  private constructor() {}
}

function problemsOfPollInterval(interval: Duration | undefined): string[] {
  if (interval === undefined) return [];
  const seconds = interval.isUnresolved() ? NaN : interval.toSeconds({ integral: false });
  const isInRange = seconds >= MIN_POLL_INTERVAL_SECONDS && seconds <= MAX_POLL_INTERVAL_SECONDS;
  return isInRange && Number.isInteger(seconds) && HOUR_SECONDS % seconds === 0
    ? []
    : [
        `pollInterval "${interval.isUnresolved() ? 'token' : inWords(interval)}" is not possible: give ` +
          `${MIN_POLL_INTERVAL_SECONDS} to ${MAX_POLL_INTERVAL_SECONDS} seconds that divide an hour, such as 60`,
      ];
}

function problemsOfCount(max: number | undefined): string[] {
  if (max === undefined) return [];
  const isToken = Token.isUnresolved(max);
  return !isToken && Number.isInteger(max) && max >= 1
    ? []
    : [`maxConcurrentCopies "${isToken ? 'token' : max}" is not possible: give a whole number, 1 or more`];
}

function problemsOfVpc(given: Partial<Settings>, inForce: Settings): string[] {
  if ((given.vpc ?? inForce.vpc) !== undefined) return [];
  return (['vpcSubnets', 'securityGroups'] as const)
    .filter((name) => given[name] !== undefined)
    .map((name) => `${name} needs a VPC: give vpc, too, or remove ${name}`);
}
