// Validates the props. Each problem is one sentence that quotes the value, and says what is allowed and what to change.
// Values that are resolved later are not validated.
import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { unlessPlaceholders } from './placeholders';
import type { CommonSnapshotCopyProps, SnapshotCopyProps, SnapshotFromIdOptions } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { problemsOfDestination } from './validate-destination';
import { problemsOfCompletion, problemsOfDurations, problemsOfTimeout } from './validate-durations';
import { problemsOfHandover } from './validate-handover';
import { problemsOfKeys } from './validate-keys';
import { KINDS, problemsOfKinds } from './validate-kinds';
import { problemsOfRegion, problemsOfRegions } from './validate-regions';
import { problemsOfRemoval } from './validate-removal';
import { problemsOfSnapshotId, problemsOfSource, problemsOfSourceKinds } from './validate-source';
import { lengthOf, problemsOfTags } from './validate-tags';

const MAX_DESCRIPTION = 255;

/** Throws an error that names the construct and every problem. */
export function refuse(scope: IConstruct, problems: readonly string[]): void {
  const name = scope.node.path || 'App';
  if (problems.length > 0) throw new Error(problems.map((problem) => `${name}: ${problem}`).join('\n'));
}

export function problemsOfCopy(props: SnapshotCopyProps, scope: IConstruct): string[] {
  return judge(kindsOf(props), scope, () => [
    ...problemsOfRequest(props, scope),
    ...problemsOfTimeout(props.timeout),
    ...problemsOfDurations(props.timeout, props.completionDuration),
    ...problemsOfTags(props.tags ?? {}),
    ...problemsOfRemoval(props.removalPolicy),
    ...problemsOfHandover(props, scope),
  ]);
}

export function problemsOfDryRun(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  return judge(kindsOf(props), scope, () => problemsOfRequest(props, scope));
}

export function problemsOfImport(snapshotId: string, options: SnapshotFromIdOptions, scope: IConstruct): string[] {
  return judge(problemsOfKinds({ ...options, snapshotId }, KINDS.import, 'snapshotId'), scope, () => [
    ...problemsOfSnapshotId('snapshotId', snapshotId),
    ...problemsOfRegion('region', options.region),
  ]);
}

function kindsOf(props: CommonSnapshotCopyProps): string[] {
  const problems = problemsOfKinds(props, KINDS.copy);
  return problems.length > 0 ? problems : problemsOfSourceKinds(props);
}

/** If a value has the wrong kind, nothing else is validated. */
function judge(kinds: string[], scope: IConstruct, problemsOfValues: () => string[]): string[] {
  return kinds.length > 0 ? kinds : unlessPlaceholders(scope, problemsOfValues());
}

function problemsOfRequest(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  const { region } = Stack.of(scope);
  const regions = { source: props.sourceRegion ?? region, destination: props.destinationRegion ?? region };
  return [
    ...problemsOfSource(props, scope),
    ...problemsOfRegions(props, region),
    ...problemsOfDestination(props, regions),
    ...problemsOfKeys(props, regions),
    ...problemsOfDescription(props.description),
    ...problemsOfCompletion(props),
  ];
}

function problemsOfDescription(description: string | undefined): string[] {
  return isKnown(description) && lengthOf(description) > MAX_DESCRIPTION
    ? [
        `description "${description}" has ${lengthOf(description)} characters, but EC2 allows ${MAX_DESCRIPTION}: ` +
          'shorten it, or use tags',
      ]
    : [];
}
