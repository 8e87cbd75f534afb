// What is copied: a named snapshot, or the latest one that matches.
import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { LatestSource } from './latest-source';
import type { CommonSnapshotCopyProps } from './snapshot-copy-props';
import { isKnown } from './tokens';
import { inWords } from './durations';
import { KINDS, problemsOfKinds, problemsOfTagKind } from './validate-kinds';

const SNAPSHOT_ID = /^snap-([0-9a-f]{8}|[0-9a-f]{17})$/;
const VOLUME_ID = /^vol-([0-9a-f]{8}|[0-9a-f]{17})$/;
const ACCOUNT = /^\d{12}$/;

export function problemsOfSnapshotId(prop: string, id: string | undefined): string[] {
  return isKnown(id) && !SNAPSHOT_ID.test(id)
    ? [
        `${prop} "${id}" is not a snapshot id: give "snap-" and 17 hexadecimal digits (8 for old snapshots), in lower case` +
          (id.startsWith('arn:') ? ', which is what follows the last slash of an ARN' : ''),
      ]
    : [];
}

/** Whether each value is of its kind, and there is something to copy. */
export function problemsOfSourceKinds({ latestSource, sourceSnapshotId }: CommonSnapshotCopyProps): string[] {
  if (sourceSnapshotId === undefined && latestSource === undefined) {
    return [
      'sourceSnapshotId is undefined: give a string (is a context value or an environment variable not set?), or give latestSource',
    ];
  }
  if (latestSource === undefined) return [];
  const tags = Object.entries(latestSource.tags ?? {});
  return [
    ...problemsOfKinds(latestSource, KINDS.latestSource).map((problem) => `latestSource.${problem}`),
    ...tags.flatMap(([key, value]) => problemsOfTagKind(key, value)).map((problem) => `latestSource: ${problem}`),
  ];
}

export function problemsOfSource(props: CommonSnapshotCopyProps, scope: IConstruct): string[] {
  const { latestSource, refresh, sourceOwner, sourceSnapshotId } = props;
  const problems = [...problemsOfSnapshotId('sourceSnapshotId', sourceSnapshotId), ...problemsOfOwner(sourceOwner)];
  if (refresh === '') problems.push('refresh is empty: give any text, or leave it out');
  if (latestSource === undefined) {
    if (refresh !== undefined) problems.push(`refresh "${refresh}" is for latestSource only: remove it`);
    return problems;
  }
  for (const [other, value] of Object.entries({ sourceSnapshotId, sourceOwner })) {
    const instead = other === 'sourceOwner' ? 'give latestSource.owner instead' : 'remove one';
    if (value !== undefined) problems.push(`${other} "${value}" and latestSource exclude each other: ${instead}`);
  }
  return [...problems, ...problemsOfLatest(latestSource, Stack.of(scope).account)];
}

function problemsOfLatest({ maxAge, owner, tags = {}, volumeId }: LatestSource, account: string): string[] {
  const problems: string[] = [];
  const hasTags = Object.keys(tags).length > 0;
  if (volumeId === undefined && !hasTags) problems.push('latestSource matches every snapshot: give volumeId or tags');
  if (isKnown(volumeId) && !VOLUME_ID.test(volumeId)) {
    problems.push(
      `latestSource.volumeId "${volumeId}" is not a volume id: give "vol-" and 17 hexadecimal digits (8 for old volumes), in lower case`,
    );
  }
  if (isKnown(owner) && owner !== 'self' && !ACCOUNT.test(owner)) {
    problems.push(`latestSource.owner "${owner}" is not an account: give "self" or 12 digits`);
  } else if (isKnown(owner) && owner !== 'self' && isKnown(account) && owner !== account && hasTags) {
    problems.push(
      `latestSource.owner "${owner}" and latestSource.tags exclude each other, because EC2 shows an account only its own tags: give volumeId`,
    );
  }
  return [...problems, ...problemsOfAge(maxAge)];
}

function problemsOfAge(maxAge: LatestSource['maxAge']): string[] {
  if (maxAge === undefined || maxAge.isUnresolved()) return [];
  const seconds = maxAge.toSeconds({ integral: false });
  return Number.isInteger(seconds) && seconds > 0
    ? []
    : [`latestSource.maxAge is ${inWords(maxAge)}: give whole seconds, at least 1`];
}

function problemsOfOwner(owner: string | undefined): string[] {
  return isKnown(owner) && !ACCOUNT.test(owner)
    ? [`sourceOwner "${owner}" is not the id of an account: give 12 digits`]
    : [];
}
