import { ATTRIBUTES, TAG } from '../../lib/contract';
import type { Aws, Snapshot } from '../../lambda/aws';
import {
  attributesOf,
  copyInput,
  findCopies,
  isDeleted,
  isFailed,
  isFinished,
  isUnfinished,
  toCopy,
} from '../../lambda/copies';
import { LOGICAL_ID, requestFor as request, STACK_ID } from './in-process';

const owner = [
  { Key: TAG.stack, Value: STACK_ID },
  { Key: TAG.resource, Value: LOGICAL_ID },
];

/** The ids found where EC2 answers these for each Region. */
async function found(snapshots: Record<string, Snapshot[]>, of = request()): Promise<string[]> {
  const aws: Partial<Aws> = { findSnapshots: (region) => Promise.resolve(snapshots[region] ?? []) };
  return (await findCopies(aws as Aws, of)).map(({ id }) => id);
}

describe('the copies of a resource', () => {
  test('come oldest first, those of one moment by their id, in whatever order EC2 lists them', async () => {
    const copy = (SnapshotId: string, minute: number): Snapshot => ({
      SnapshotId,
      StartTime: new Date(Date.UTC(2030, 0, 1, 0, minute)),
      Tags: owner,
    });
    const listed = [copy('snap-c', 2), copy('snap-d', 1), copy('snap-b', 2), copy('snap-a', 2), copy('snap-e', 1)];
    const oldestFirst = ['snap-d', 'snap-e', 'snap-a', 'snap-b', 'snap-c'];
    expect(await found({ 'eu-west-1': listed })).toEqual(oldestFirst);
    expect(await found({ 'eu-west-1': listed.reverse() })).toEqual(oldestFirst);
  });

  test('are looked for in the Region of before too', async () => {
    const snapshots = {
      'eu-west-1': [{ SnapshotId: 'snap-a', Tags: owner }],
      'eu-west-2': [{ SnapshotId: 'snap-b', Tags: owner }],
    };
    expect(await found(snapshots)).toEqual(['snap-a']);
    expect(await found(snapshots, request({}, { DestinationRegion: 'eu-west-2' }))).toEqual(['snap-a', 'snap-b']);
  });

  test('are not those that lack a tag of ours, although the filter has let them through', async () => {
    const listed = owner.map((tag, i) => ({ SnapshotId: `snap-${i}`, Tags: [tag] }));
    expect(await found({ 'eu-west-1': [...listed, { SnapshotId: 'snap-2', Tags: owner }] })).toEqual(['snap-2']);
  });

  test('are not those in the Recycle Bin', async () => {
    expect(await found({ 'eu-west-1': [{ SnapshotId: 'snap-a', State: 'recoverable', Tags: owner }] })).toEqual([]);
  });
});

test.each([
  ['pending', ['unfinished']],
  ['completed', ['finished']],
  ['error', ['failed', 'unfinished']],
  ['recoverable', ['deleted']],
  ['recovering', []],
  [undefined, []],
])('a copy in state %s is %j', (State, expected) => {
  const copy = toCopy({ State } as Snapshot, 'eu-west-1');
  const judgements = {
    deleted: isDeleted(copy),
    failed: isFailed(copy),
    finished: isFinished(copy),
    unfinished: isUnfinished(copy),
  };
  expect(Object.entries(judgements).flatMap(([name, holds]) => (holds ? [name] : []))).toEqual(expected);
});

test('a snapshot of which EC2 says nothing is an old copy without tags', () => {
  const snapshot = {};
  expect(toCopy(snapshot, 'eu-west-1')).toEqual({
    id: '',
    region: 'eu-west-1',
    state: '',
    startedAt: 0,
    tags: {},
    snapshot,
  });
  expect(toCopy({ Tags: [{ Key: 'a' }, { Value: 'b' }] }, 'eu-west-1').tags).toEqual({ a: '', '': 'b' });
});

describe('the attributes', () => {
  test('are all there, and empty, where there is no copy', () => {
    const attributes = attributesOf(undefined, request());
    expect(Object.keys(attributes).sort()).toEqual([...ATTRIBUTES].sort());
    const { KmsKeyGrantArn, ...others } = attributes;
    expect(new Set(Object.values(others))).toEqual(new Set(['']));
    expect(KmsKeyGrantArn).toBe('arn:aws:kms:eu-west-1:111122223333:key/none');
  });

  test('tell all that EC2 says', () => {
    const snapshot: Snapshot = {
      SnapshotId: 'snap-a',
      VolumeSize: 8,
      Encrypted: true,
      KmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      OwnerId: '111122223333',
      StartTime: new Date(Date.UTC(2030, 0, 1)),
      CompletionTime: new Date(Date.UTC(2030, 0, 2)),
      FullSnapshotSizeInBytes: 1024,
      TransferType: 'time-based',
    };
    expect(attributesOf(snapshot, request())).toEqual({
      SnapshotId: 'snap-a',
      VolumeSize: '8',
      Encrypted: 'true',
      KmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      KmsKeyGrantArn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      OwnerId: '111122223333',
      StartTime: '2030-01-01T00:00:00.000Z',
      CompletionTime: '2030-01-02T00:00:00.000Z',
      FullSnapshotSizeInBytes: '1024',
      TransferType: 'time-based',
    });
  });
});

test('a copy to an Outpost or a Local Zone is asked for there', () => {
  const DestinationOutpostArn = 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-1';
  expect(copyInput(request({ DestinationOutpostArn }))).toMatchObject({ DestinationOutpostArn });
  const DestinationAvailabilityZone = 'eu-west-1-ham-1a';
  expect(copyInput(request({ DestinationAvailabilityZone }))).toMatchObject({ DestinationAvailabilityZone });
});
