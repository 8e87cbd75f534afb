// What is wrong with the props, one sentence each. Each quotes the value, and says what is allowed and what to change.
// Tokens are never judged.
import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { CommonSnapshotCopyProps, SnapshotCopyProps } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { problemsOfDestination, problemsOfRegion } from './validate-destination';
import { problemsOfCompletion, problemsOfDurations, problemsOfTimeout } from './validate-durations';
import { problemsOfKeys } from './validate-keys';
import { problemsOfRemoval } from './validate-removal';
import { problemsOfTags } from './validate-tags';

const SNAPSHOT_ID = /^snap-([0-9a-f]{8}|[0-9a-f]{17})$/;
const MAX_DESCRIPTION = 255;

/** Throws an error that names the construct and every problem. */
export function refuse(scope: IConstruct, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.map((problem) => `${scope.node.path}: ${problem}`).join('\n'));
}

export function problemsOfCopy(props: SnapshotCopyProps, scope: IConstruct): string[] {
  return [
    ...problemsOfRequest(props, scope),
    ...problemsOfTimeout(props.timeout),
    ...problemsOfDurations(props.timeout, props.completionDuration),
    ...problemsOfTags(props.tags ?? {}),
    ...problemsOfRemoval(props.removalPolicy),
  ];
}

export function problemsOfRequest(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  const { region } = Stack.of(scope);
  const regions = { source: props.sourceRegion ?? region, destination: props.destinationRegion ?? region };
  return [
    ...problemsOfSource(props),
    ...problemsOfDestination(props, regions),
    ...problemsOfKeys(props, regions),
    ...problemsOfDescription(props.description),
    ...problemsOfCompletion(props),
  ];
}

function problemsOfSource({ sourceSnapshotId: id, sourceRegion }: CommonSnapshotCopyProps): string[] {
  const problems = problemsOfRegion('sourceRegion', sourceRegion);
  return isKnown(id) && !SNAPSHOT_ID.test(id)
    ? [
        `sourceSnapshotId "${id}" is not a snapshot id: give "snap-" and 17 hexadecimal digits (8 for old snapshots), ` +
          'in lower case',
        ...problems,
      ]
    : problems;
}

function problemsOfDescription(description: string | undefined): string[] {
  return isKnown(description) && description.length > MAX_DESCRIPTION
    ? [
        `description "${description}" has ${description.length} characters, but EC2 allows ${MAX_DESCRIPTION}: ` +
          'shorten it, or use tags',
      ]
    : [];
}
