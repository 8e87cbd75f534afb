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

/** Settings that all copies of a stack share. */
export interface SnapshotCopyProviderProps {
  /**
   * Log group for all five functions.
   *
   * @default - a log group per stack, which keeps logs for one month and is retained when the stack is deleted
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * Log group for the state machine that polls. It logs the steps of each execution, without their data.
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
   * VPC in which the functions run. From the VPC, they must be able to reach EC2 and KMS in the Regions of the
   * snapshots, and CloudFormation, Lambda, Step Functions and S3 in the Region of the stack. To reach other Regions,
   * they need a NAT gateway.
   *
   * @default - the functions run outside a VPC
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets for the functions. Requires `vpc`.
   *
   * @default - the private subnets of the VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Security groups for the functions, which need only outbound access. Requires `vpc`.
   *
   * @default - one security group for all functions, with all outbound traffic allowed
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * Time between two polls of a copy: 10 seconds to 2 minutes, in whole seconds that divide an hour evenly. It cannot
   * be a token.
   *
   * @default Duration.seconds(30)
   */
  readonly pollInterval?: Duration;

  /**
   * Maximum number of copies of a stack that run into one destination Region at the same time: 1 or more. Further
   * copies wait for earlier ones in CloudFormation. Their `timeout` does not run while they wait. Set this to the quota
   * of the account, or to less if other stacks copy at the same time.
   *
   * @default 20
   * @see https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
   */
  readonly maxConcurrentCopies?: number;
}

/**
 * Settings and metrics of the provider that serves all copies of a stack: the functions of the handler, and the state
 * machine that polls.
 *
 * @example
 * declare const app: App;
 * SnapshotCopyProvider.configure(app, { maxConcurrentCopies: 5 });
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- jsii knows no functions outside of classes
export class SnapshotCopyProvider {
  /**
   * Configures the provider for all copies in a scope. Each setting is inherited separately, and the nearest scope
   * wins: a stack inherits the settings of its stage and its app. A nearer `vpc` also replaces `vpcSubnets` and
   * `securityGroups`, which belong to a VPC.
   *
   * Call it before you declare the first copy in the scope.
   *
   * Throws an error that lists every setting that is invalid, that already has another value in the scope, or that
   * comes after the first copy.
   *
   * @param scope an app, a stage or a stack; any other construct in a stack stands for the stack
   * @param props the settings
   */
  public static configure(scope: Construct, props: SnapshotCopyProviderProps): void {
    const holder = holderOf(scope);
    refuse(holder, problemsOfKinds(props, KINDS.settings));
    const problems = [...problemsOfPollInterval(props.pollInterval), ...problemsOfCount(props.maxConcurrentCopies)];
    // Placeholders of a first pass may be invalid. That pass ignores the settings; the next pass has the real values.
    if (problems.length > 0 && hasPlaceholders(holder)) return;
    refuse(holder, problems);
    const { pollInterval, ...others } = props;
    const given = { ...others, pollIntervalSeconds: pollInterval?.toSeconds() };
    const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    refuse(holder, [...problemsOfVpc(settings, settingsOf(holder)), ...addSettings(holder, settings)]);
  }

  /**
   * Metric for the number of failed requests for the copies of a stack: creations, updates and deletions. Sum over 5
   * minutes.
   *
   * @param scope any construct in the stack
   * @param props metric options
   */
  public static metricFailures(scope: Construct, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(scope).metric('Failures', undefined, props);
  }

  /**
   * Metric for the number of copies that the handler started for a stack. Sum over 5 minutes.
   *
   * @param scope any construct in the stack
   * @param props metric options
   */
  public static metricCopies(scope: Construct, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(scope).metric('Copies', undefined, props);
  }

  /**
   * Metric for the time that EC2 took for the copies of a stack, in seconds. Average over 5 minutes.
   *
   * @param scope any construct in the stack
   * @param props metric options
   */
  public static metricDuration(scope: Construct, props?: MetricOptions): Metric {
    return HandlerProvider.getOrCreate(scope).metric('Duration', undefined, props);
  }

  // eslint-disable-next-line @typescript-eslint/no-empty-function -- private: there is nothing to construct
  private constructor() {}
}

function problemsOfPollInterval(interval: Duration | undefined): string[] {
  if (interval === undefined) return [];
  const seconds = interval.isUnresolved() ? NaN : interval.toSeconds({ integral: false });
  const isInRange = seconds >= MIN_POLL_INTERVAL_SECONDS && seconds <= MAX_POLL_INTERVAL_SECONDS;
  return isInRange && Number.isInteger(seconds) && HOUR_SECONDS % seconds === 0
    ? []
    : [
        `pollInterval "${interval.isUnresolved() ? 'token' : inWords(interval)}" is not allowed: specify ` +
          `${MIN_POLL_INTERVAL_SECONDS} to ${MAX_POLL_INTERVAL_SECONDS} seconds that divide an hour evenly, such as 60`,
      ];
}

function problemsOfCount(max: number | undefined): string[] {
  if (max === undefined) return [];
  const isToken = Token.isUnresolved(max);
  return !isToken && Number.isInteger(max) && max >= 1
    ? []
    : [`maxConcurrentCopies "${isToken ? 'token' : max}" is not allowed: specify a whole number, 1 or more`];
}

function problemsOfVpc(given: Partial<Settings>, inForce: Settings): string[] {
  if ((given.vpc ?? inForce.vpc) !== undefined) return [];
  return (['vpcSubnets', 'securityGroups'] as const)
    .filter((name) => given[name] !== undefined)
    .map((name) => `${name} requires a VPC: specify vpc, too, or remove ${name}`);
}
