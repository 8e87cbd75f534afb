// What is wrong with the props, one sentence each. Each quotes the value, and says what is allowed and what to change.
// Text that is resolved later is never judged.
import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { CommonSnapshotCopyProps, SnapshotCopyProps, SnapshotFromIdOptions } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { problemsOfDestination } from './validate-destination';
import { problemsOfCompletion, problemsOfDurations, problemsOfTimeout } from './validate-durations';
import { problemsOfHandover } from './validate-handover';
import { problemsOfKeys } from './validate-keys';
import { problemsOfKinds } from './validate-kinds';
import { problemsOfRegions } from './validate-regions';
import { problemsOfRemoval } from './validate-removal';
import { lengthOf, problemsOfTags } from './validate-tags';

const SNAPSHOT_ID = /^snap-([0-9a-f]{8}|[0-9a-f]{17})$/;
const ACCOUNT = /^\d{12}$/;
const MAX_DESCRIPTION = 255;

/** Throws an error that names the construct and every problem. */
export function refuse(scope: IConstruct, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.map((problem) => `${scope.node.path}: ${problem}`).join('\n'));
}

export function problemsOfCopy(props: SnapshotCopyProps, scope: IConstruct): string[] {
  return judge(props, scope, () => [
    ...problemsOfRequest(props, scope),
    ...problemsOfTimeout(props.timeout),
    ...problemsOfDurations(props.timeout, props.completionDuration),
    ...problemsOfTags(props.tags ?? {}),
    ...problemsOfRemoval(props.removalPolicy),
    ...problemsOfHandover(props, scope),
  ]);
}

export function problemsOfDryRun(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  return judge(props, scope, () => problemsOfRequest(props, scope));
}

export function problemsOfImport(snapshotId: string, options: SnapshotFromIdOptions): string[] {
  const kinds = problemsOfKinds({ ...options, snapshotId }, 'snapshotId');
  return kinds.length > 0 ? kinds : problemsOfSnapshotId('snapshotId', snapshotId);
}

function problemsOfSnapshotId(prop: string, id: string): string[] {
  return isKnown(id) && !SNAPSHOT_ID.test(id)
    ? [
        `${prop} "${id}" is not a snapshot id: give "snap-" and 17 hexadecimal digits (8 for old snapshots), in lower case`,
      ]
    : [];
}

function judge(props: CommonSnapshotCopyProps, scope: IConstruct, problemsOfValues: () => string[]): string[] {
  const kinds = problemsOfKinds(props, 'sourceSnapshotId');
  if (kinds.length > 0) return kinds;
  const problems = problemsOfValues();
  return problems.length > 0 && hasPlaceholders(scope) ? [] : problems;
}

/**
 * Whether this is the first pass of an app that looks values up. They are placeholders, which the CDK CLI replaces before
 * the next pass. It must get to know what to look up, so the first pass may not fail.
 */
function hasPlaceholders(scope: IConstruct): boolean {
  // The CDK has no public way to ask.
  const stacks: unknown[] = scope.node.root.node.findAll().filter((each) => Stack.isStack(each));
  return (stacks as { _missingContext?: unknown[] }[]).some(({ _missingContext: missing = [] }) => missing.length > 0);
}

function problemsOfRequest(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  const { region } = Stack.of(scope);
  const regions = { source: props.sourceRegion ?? region, destination: props.destinationRegion ?? region };
  return [
    ...problemsOfSnapshotId('sourceSnapshotId', props.sourceSnapshotId),
    ...problemsOfOwner(props.sourceOwner),
    ...problemsOfRegions(props, region),
    ...problemsOfDestination(props, regions),
    ...problemsOfKeys(props, regions),
    ...problemsOfDescription(props.description),
    ...problemsOfCompletion(props),
  ];
}

function problemsOfOwner(owner: string | undefined): string[] {
  return isKnown(owner) && !ACCOUNT.test(owner)
    ? [`sourceOwner "${owner}" is not the id of an account: give 12 digits`]
    : [];
}

function problemsOfDescription(description: string | undefined): string[] {
  return isKnown(description) && lengthOf(description) > MAX_DESCRIPTION
    ? [
        `description "${description}" has ${lengthOf(description)} characters, but EC2 allows ${MAX_DESCRIPTION}: ` +
          'shorten it, or use tags',
      ]
    : [];
}
