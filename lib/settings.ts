// Settings are stored in the construct tree, on the scope for which they were configured. Their keys are global
// symbols, so that a second installation of this package finds them, too.
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

/** The settings that apply to a stack. */
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
  /** Only on the root of the tree: the stacks whose settings are in use. */
  [READERS]?: Stack[];
}

const DEFAULTS: Settings = {
  pollIntervalSeconds: POLL_INTERVAL_SECONDS,
  maxConcurrentCopies: MAX_CONCURRENT_COPIES,
  tracing: false,
};

/** The stack of a construct. For a construct outside of all stacks, the construct itself. */
export function holderOf(scope: IConstruct): IConstruct {
  return scope.node.scopes.findLast((each) => Stack.isStack(each)) ?? scope;
}

/** The settings that apply to a scope: for each setting, the value of the nearest scope. */
export function settingsOf(
  scope: IConstruct,
  change?: { readonly of: IConstruct; readonly to: Partial<Settings> },
): Settings {
  return scope.node.scopes
    .map((each) => (each === change?.of ? change.to : (each as Holder)[SETTINGS]))
    .reduce<Settings>((outer, inner) => (inner === undefined ? outer : merged(outer, inner)), DEFAULTS);
}

/** Like `settingsOf`, but the settings of the stack cannot change from now on. */
export function settingsInUse(stack: Stack): Settings {
  const root: Holder = stack.node.root;
  root[READERS] = [...(root[READERS] ?? []), stack];
  return settingsOf(stack);
}

/** Adds settings to a scope. If there are problems, returns them and adds nothing. */
export function addSettings(holder: Holder, settings: Partial<Settings>): string[] {
  const present = holder[SETTINGS] ?? {};
  const change = { of: holder, to: { ...present, ...settings } };
  const twice = namesOf(settings)
    .filter((name) => present[name] !== undefined && !isDeepStrictEqual(present[name], settings[name]))
    .map((name) => `${propOf(name)} already has another value in this scope: configure it only once`);
  const readers = ((holder.node.root as Holder)[READERS] ?? []).filter(({ node }) => node.scopes.includes(holder));
  const late = readers.flatMap((stack) => {
    const [before, after] = [settingsOf(stack), settingsOf(stack, change)];
    return namesOf({ ...before, ...after })
      .filter((name) => !isDeepStrictEqual(before[name], after[name]))
      .map(
        (name) =>
          `${propOf(name)} differs from the value that stack "${stack.node.path}" already uses: call ` +
          'SnapshotCopyProvider.configure before the first SnapshotCopy of the stack',
      );
  });
  const problems = [...twice, ...late];
  if (problems.length === 0) holder[SETTINGS] = change.to;
  return problems;
}

/** Subnets and security groups belong to a VPC, so a nearer VPC drops those of the outer one. */
function merged(outer: Settings, inner: Partial<Settings>): Settings {
  if (inner.vpc === undefined) return { ...outer, ...inner };
  return { ...outer, vpcSubnets: undefined, securityGroups: undefined, ...inner };
}

function namesOf(settings: Partial<Settings>): (keyof Settings)[] {
  return Object.keys(settings) as (keyof Settings)[];
}

/** The name of the prop that sets it. */
function propOf(name: keyof Settings): string {
  return name === 'pollIntervalSeconds' ? 'pollInterval' : name;
}
