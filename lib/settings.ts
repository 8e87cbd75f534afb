// Settings belong to the construct tree, each to the scope that it was given for. They are kept under global symbols, so
// that a second installation of this package finds them, too.
import { isDeepStrictEqual } from 'node:util';
import { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';
import { POLL_INTERVAL_SECONDS } from './contract';

/** EC2's default quota of concurrent copies into one Region. */
const MAX_CONCURRENT_COPIES = 20;

const SETTINGS = Symbol.for('cdk-ebs-snapshot-copy.settings');
const READERS = Symbol.for('cdk-ebs-snapshot-copy.readers');

/** What is in force for a stack. */
export interface Settings {
  readonly logGroup?: logs.ILogGroup;
  readonly vpc?: ec2.IVpc;
  readonly vpcSubnets?: ec2.SubnetSelection;
  readonly securityGroups?: ec2.ISecurityGroup[];
  readonly pollIntervalSeconds: number;
  readonly maxConcurrentCopies: number;
  readonly stateMachineLogGroup?: logs.ILogGroup;
  readonly tracing: boolean;
}

interface Holder extends IConstruct {
  [SETTINGS]?: Partial<Settings>;
  /** Of the root of the tree: the stacks whose settings are in use. */
  [READERS]?: Stack[];
}

const DEFAULTS: Settings = {
  pollIntervalSeconds: POLL_INTERVAL_SECONDS,
  maxConcurrentCopies: MAX_CONCURRENT_COPIES,
  tracing: false,
};

/** The stack that a construct is in. Outside of stacks, the construct itself. */
export function holderOf(scope: IConstruct): IConstruct {
  return scope.node.scopes.findLast((each) => Stack.isStack(each)) ?? scope;
}

/** What is in force for a scope: the nearest value of each setting. */
export function settingsOf(
  scope: IConstruct,
  change?: { readonly of: IConstruct; readonly to: Partial<Settings> },
): Settings {
  return scope.node.scopes
    .map((each) => (each === change?.of ? change.to : (each as Holder)[SETTINGS]))
    .reduce<Settings>((outer, inner) => (inner === undefined ? outer : merged(outer, inner)), DEFAULTS);
}

/** As `settingsOf`. From now on, the settings of the stack cannot change. */
export function settingsInUse(stack: Stack): Settings {
  const root: Holder = stack.node.root;
  root[READERS] = [...(root[READERS] ?? []), stack];
  return settingsOf(stack);
}

/** Adds settings to those of a scope, unless there are problems, which it returns. */
export function addSettings(holder: Holder, settings: Partial<Settings>): string[] {
  const present = holder[SETTINGS] ?? {};
  const change = { of: holder, to: { ...present, ...settings } };
  const twice = namesOf(settings)
    .filter((name) => present[name] !== undefined && !isDeepStrictEqual(present[name], settings[name]))
    .map((name) => `${propOf(name)} has another value here already: configure it once`);
  const readers = ((holder.node.root as Holder)[READERS] ?? []).filter(({ node }) => node.scopes.includes(holder));
  const late = readers.flatMap((stack) => {
    const [before, after] = [settingsOf(stack), settingsOf(stack, change)];
    return namesOf({ ...before, ...after })
      .filter((name) => !isDeepStrictEqual(before[name], after[name]))
      .map(
        (name) =>
          `${propOf(name)} differs from what the copies of stack "${stack.node.path}" use already: call ` +
          'SnapshotCopyProvider.configure before the first SnapshotCopy of the stack',
      );
  });
  const problems = [...twice, ...late];
  if (problems.length === 0) holder[SETTINGS] = change.to;
  return problems;
}

/** Subnets and security groups belong to a VPC, so a nearer VPC leaves those of the other one behind. */
function merged(outer: Settings, inner: Partial<Settings>): Settings {
  if (inner.vpc === undefined) return { ...outer, ...inner };
  return { ...outer, vpcSubnets: undefined, securityGroups: undefined, ...inner };
}

function namesOf(settings: Partial<Settings>): (keyof Settings)[] {
  return Object.keys(settings) as (keyof Settings)[];
}

/** The name under which users know a setting. */
function propOf(name: keyof Settings): string {
  return name === 'pollIntervalSeconds' ? 'pollInterval' : name;
}
