import { isDeepStrictEqual } from 'node:util';
import { Duration, Stack, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { POLL_INTERVAL_SECONDS } from './contract';

/** EC2's default quota of copies under way to one destination Region. */
const MAX_CONCURRENT_COPIES = 20;

const MIN_POLL_INTERVAL_SECONDS = 10;
const MAX_POLL_INTERVAL_SECONDS = 120;
const HOUR_SECONDS = 3600;

/** Settings of what serves all copies of a stack. */
export interface SnapshotCopyProviderProps {
  /**
   * How long the logs of the functions are kept.
   *
   * @default logs.RetentionDays.ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * KMS key under which the logs are encrypted, in the Region of the stack. Its policy is not edited: it must let
   * `logs.REGION.amazonaws.com` use the key.
   *
   * @default - the key of CloudWatch Logs
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   */
  readonly logEncryptionKey?: kms.IKey;

  /**
   * VPC in which the functions run. From there they must reach EC2 and KMS in the Regions of the snapshots, and in
   * the stack's Region CloudFormation, Lambda, Step Functions and S3: other Regions by NAT only.
   *
   * @default - the functions run outside of a VPC
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of the functions; only together with `vpc`.
   *
   * @default - the private subnets of the VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Security groups of the functions, which call out only; only together with `vpc`.
   *
   * @default - one for all functions, which lets everything out
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * How often it is looked whether a copy is done: 10 seconds to 2 minutes, in whole seconds of which an hour is a
   * multiple. No token.
   *
   * @default Duration.seconds(30)
   */
  readonly pollInterval?: Duration;

  /**
   * How many copies to one destination Region the stack may have under way at once, 1 or more: the rest wait for
   * others in CloudFormation. Give the account's quota, or less where other stacks copy at the same time.
   *
   * @default 20
   * @see https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
   */
  readonly maxConcurrentCopies?: number;
}

/** What serves all `SnapshotCopy` constructs of a stack: the functions of the handler and the state machine. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- jsii knows no functions outside of classes
export class SnapshotCopyProvider {
  /**
   * Settings for all copies of a stack, before the first of them is declared. A stack without takes the defaults.
   *
   * Throws when a setting is wrong, or another one than is already in force for the stack.
   *
   * @param scope the stack, or any construct in it
   * @param props the settings
   */
  public static configure(scope: Construct, props: SnapshotCopyProviderProps): void {
    const stack = Stack.of(scope);
    const settings = completed(props);
    const problems = [...problemsOfVpc(props), ...problemsOfNumbers(props), ...conflicts(inForce.get(stack), settings)];
    if (problems.length > 0) throw new Error(problems.map((problem) => `${stack.node.path}: ${problem}`).join('\n'));
    inForce.set(stack, settings);
  }

  // eslint-disable-next-line @typescript-eslint/no-empty-function -- private: there is nothing to make
  private constructor() {}
}

/** The settings, with their defaults. */
export interface Settings extends Omit<SnapshotCopyProviderProps, 'pollInterval'> {
  readonly logRetention: logs.RetentionDays;
  readonly pollIntervalSeconds: number;
  readonly maxConcurrentCopies: number;
}

const inForce = new WeakMap<Stack, Settings>();

/** From the first call on, the settings of a stack do not change. */
export function settingsOf(stack: Stack): Settings {
  const settings = inForce.get(stack) ?? completed({});
  inForce.set(stack, settings);
  return settings;
}

function completed({ pollInterval, ...props }: SnapshotCopyProviderProps): Settings {
  return {
    ...props,
    logRetention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
    pollIntervalSeconds: pollInterval === undefined ? POLL_INTERVAL_SECONDS : secondsOf(pollInterval),
    maxConcurrentCopies: props.maxConcurrentCopies ?? MAX_CONCURRENT_COPIES,
  };
}

function secondsOf(interval: Duration): number {
  return interval.isUnresolved() ? NaN : interval.toSeconds({ integral: false });
}

function conflicts(present: Settings | undefined, wanted: Settings): string[] {
  if (present === undefined) return [];
  const names = Object.keys({ ...present, ...wanted }) as (keyof Settings)[];
  return names
    .filter((name) => !isDeepStrictEqual(present[name], wanted[name]))
    .map((name) => (name === 'pollIntervalSeconds' ? 'pollInterval' : name))
    .map(
      (name) =>
        `${name} differs from what is in force for the snapshot copies of the stack: call ` +
        'SnapshotCopyProvider.configure once for a stack, with all settings, before its first SnapshotCopy',
    );
}

function problemsOfVpc({ vpc, vpcSubnets, securityGroups }: SnapshotCopyProviderProps): string[] {
  if (vpc !== undefined) return [];
  return Object.entries({ vpcSubnets, securityGroups })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `${name} is given without a VPC: give vpc, too, or leave it out`);
}

function problemsOfNumbers({ pollInterval, maxConcurrentCopies: max }: SnapshotCopyProviderProps): string[] {
  const problems: string[] = [];
  const seconds = pollInterval === undefined ? POLL_INTERVAL_SECONDS : secondsOf(pollInterval);
  const isPossible = seconds >= MIN_POLL_INTERVAL_SECONDS && seconds <= MAX_POLL_INTERVAL_SECONDS;
  if (!isPossible || !Number.isInteger(seconds) || HOUR_SECONDS % seconds !== 0) {
    problems.push(
      `pollInterval "${Number.isNaN(seconds) ? 'token' : `${seconds} seconds`}" is not possible: give ` +
        `${MIN_POLL_INTERVAL_SECONDS} to ${MAX_POLL_INTERVAL_SECONDS} seconds of which an hour is a multiple, like 60`,
    );
  }
  if (max !== undefined && (Token.isUnresolved(max) || !Number.isInteger(max) || max < 1)) {
    problems.push(
      `maxConcurrentCopies "${Token.isUnresolved(max) ? 'token' : max}" is not possible: give a whole number from 1 on`,
    );
  }
  return problems;
}
