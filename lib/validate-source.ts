// The props that select the source: the ID of a snapshot, or the latest snapshot that matches.
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
        `${prop} "${id}" is not a snapshot ID: specify "snap-" and 17 hexadecimal digits (8 for older snapshots), in lower case` +
          (id.startsWith('arn:') ? '; in an ARN, this is the part after the last slash' : ''),
      ]
    : [];
}

/** Checks that a source is given, and that each value has the right kind. */
export function problemsOfSourceKinds({ latestSource, sourceSnapshotId }: CommonSnapshotCopyProps): string[] {
  if (sourceSnapshotId === undefined && latestSource === undefined) {
    return [
      'sourceSnapshotId is undefined: specify a string (is a context value or an environment variable not set?), or specify latestSource',
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
  if (refresh === '') problems.push('refresh is empty: specify any text, or remove it');
  if (latestSource === undefined) {
    if (refresh !== undefined) problems.push(`refresh "${refresh}" has an effect only with latestSource: remove it`);
    return problems;
  }
  for (const [other, value] of Object.entries({ sourceSnapshotId, sourceOwner })) {
    const instead = other === 'sourceOwner' ? 'specify latestSource.owner instead' : 'remove one';
    if (value !== undefined) problems.push(`${other} "${value}" and latestSource are mutually exclusive: ${instead}`);
  }
  return [...problems, ...problemsOfLatest(latestSource, Stack.of(scope).account)];
}

function problemsOfLatest({ maxAge, owner, tags = {}, volumeId }: LatestSource, account: string): string[] {
  const problems: string[] = [];
  const hasTags = Object.keys(tags).length > 0;
  if (volumeId === undefined && !hasTags)
    problems.push('latestSource matches every snapshot: specify volumeId or tags');
  if (isKnown(volumeId) && !VOLUME_ID.test(volumeId)) {
    problems.push(
      `latestSource.volumeId "${volumeId}" is not a volume ID: specify "vol-" and 17 hexadecimal digits (8 for older volumes), in lower case`,
    );
  }
  if (isKnown(owner) && owner !== 'self' && !ACCOUNT.test(owner)) {
    problems.push(`latestSource.owner "${owner}" is not an account: specify "self" or 12 digits`);
  } else if (isKnown(owner) && owner !== 'self' && isKnown(account) && owner !== account && hasTags) {
    problems.push(
      `latestSource.owner "${owner}" and latestSource.tags are mutually exclusive, because EC2 shows an account only its own tags: specify volumeId instead`,
    );
  }
  return [...problems, ...problemsOfAge(maxAge)];
}

function problemsOfAge(maxAge: LatestSource['maxAge']): string[] {
  if (maxAge === undefined || maxAge.isUnresolved()) return [];
  const seconds = maxAge.toSeconds({ integral: false });
  return Number.isInteger(seconds) && seconds > 0
    ? []
    : [`latestSource.maxAge "${inWords(maxAge)}" is not allowed: specify whole seconds, at least 1`];
}

function problemsOfOwner(owner: string | undefined): string[] {
  return isKnown(owner) && !ACCOUNT.test(owner)
    ? [`sourceOwner "${owner}" is not an account ID: specify 12 digits`]
    : [];
}
