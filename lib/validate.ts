// What is wrong with the props, one sentence each. Each quotes the value, and says what is allowed and what to change.
// Text that is resolved later is never judged.
import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { unlessPlaceholders } from './placeholders';
import type { CommonSnapshotCopyProps, SnapshotCopyProps, SnapshotFromIdOptions } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { problemsOfDestination } from './validate-destination';
import { problemsOfCompletion, problemsOfDurations, problemsOfTimeout } from './validate-durations';
import { problemsOfHandover } from './validate-handover';
import { problemsOfKeys } from './validate-keys';
import { problemsOfKinds } from './validate-kinds';
import { problemsOfRegion, problemsOfRegions } from './validate-regions';
import { problemsOfRemoval } from './validate-removal';
import { lengthOf, problemsOfTags } from './validate-tags';

const SNAPSHOT_ID = /^snap-([0-9a-f]{8}|[0-9a-f]{17})$/;
const ACCOUNT = /^\d{12}$/;
const MAX_DESCRIPTION = 255;

/** Throws an error that names the construct and every problem. */
export function refuse(scope: IConstruct, problems: readonly string[]): void {
  const name = scope.node.path || 'App';
  if (problems.length > 0) throw new Error(problems.map((problem) => `${name}: ${problem}`).join('\n'));
}

export function problemsOfCopy(props: SnapshotCopyProps, scope: IConstruct): string[] {
  return judge(props, 'sourceSnapshotId', scope, () => [
    ...problemsOfRequest(props, scope),
    ...problemsOfTimeout(props.timeout),
    ...problemsOfDurations(props.timeout, props.completionDuration),
    ...problemsOfTags(props.tags ?? {}),
    ...problemsOfRemoval(props.removalPolicy),
    ...problemsOfHandover(props, scope),
  ]);
}

export function problemsOfDryRun(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  return judge(props, 'sourceSnapshotId', scope, () => problemsOfRequest(props, scope));
}

export function problemsOfImport(snapshotId: string, options: SnapshotFromIdOptions, scope: IConstruct): string[] {
  return judge({ ...options, snapshotId }, 'snapshotId', scope, () => [
    ...problemsOfSnapshotId('snapshotId', snapshotId),
    ...problemsOfRegion('region', options.region),
  ]);
}

function problemsOfSnapshotId(prop: string, id: string): string[] {
  return isKnown(id) && !SNAPSHOT_ID.test(id)
    ? [
        `${prop} "${id}" is not a snapshot id: give "snap-" and 17 hexadecimal digits (8 for old snapshots), in lower case`,
      ]
    : [];
}

function judge(props: object, required: string, scope: IConstruct, problemsOfValues: () => string[]): string[] {
  const kinds = problemsOfKinds(props, required);
  return kinds.length > 0 ? kinds : unlessPlaceholders(scope, problemsOfValues());
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
