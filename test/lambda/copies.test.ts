import { ATTRIBUTES, TAG } from '../../lib/contract';
import type { Snapshot } from '../../lambda/aws';
import {
  attributesOf,
  copyInput,
  declaredTags,
  isDeleted,
  isFailed,
  isFinished,
  isUnfinished,
  toCopy,
} from '../../lambda/copies';
import { LOGICAL_ID, STACK_ID, tags } from './in-process';
import { HANDLE, requestFor } from './requests';

test.each([
  ['pending', ['unfinished']],
  ['completed', ['finished']],
  ['error', ['failed', 'unfinished']],
  ['recoverable', ['deleted']],
  ['recovering', []],
  [undefined, []],
])('a copy in state %s is %j', (State, expected) => {
  const copy = toCopy({ State } as Snapshot, 'eu-west-1');
  const predicates = {
    deleted: isDeleted(copy),
    failed: isFailed(copy),
    finished: isFinished(copy),
    unfinished: isUnfinished(copy),
  };
  expect(Object.entries(predicates).flatMap(([name, holds]) => (holds ? [name] : []))).toEqual(expected);
});

test('a snapshot without any fields reads as an old copy without tags', () => {
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
  test('are all present, and mostly empty, if there is no copy', () => {
    const attributes = attributesOf({}, requestFor());
    expect(Object.keys(attributes).sort()).toEqual([...ATTRIBUTES].sort());
    const { KmsKeyArnOrNone, SourceSnapshotId, ...others } = attributes;
    expect(new Set(Object.values(others))).toEqual(new Set(['']));
    const latest = requestFor({ SourceSnapshotId: undefined, LatestSource: { VolumeId: 'vol-0123456789abcdef0' } });
    expect(attributesOf({}, latest).SourceSnapshotId).toBe('');
    expect(SourceSnapshotId).toBe('snap-0123456789abcdef0');
    expect(KmsKeyArnOrNone).toBe('arn:aws:kms:eu-west-1:111122223333:key/none');
  });

  test('include every value that EC2 returns', () => {
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
    expect(attributesOf(snapshot, requestFor())).toEqual({
      SnapshotId: 'snap-a',
      SourceSnapshotId: 'snap-0123456789abcdef0',
      VolumeSize: '8',
      Encrypted: 'true',
      KmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      KmsKeyArnOrNone: 'arn:aws:kms:eu-west-1:111122223333:key/k',
      OwnerId: '111122223333',
      StartTime: '2030-01-01T00:00:00.000Z',
      CompletionTime: '2030-01-02T00:00:00.000Z',
      FullSnapshotSizeInBytes: '1024',
      TransferType: 'time-based',
    });
  });
});

test('the declared tags include the retain mark only with a Retain policy', () => {
  const declared = { Tags: tags({ team: 'storage' }) };
  expect(declaredTags(requestFor(declared).wanted)).toEqual({ team: 'storage' });
  expect(declaredTags(requestFor({ ...declared, DeletionPolicy: 'Retain' }).wanted)).toEqual({
    team: 'storage',
    [TAG.retain]: 'Retain',
  });
});

describe('the input of CopySnapshot', () => {
  test('has what every copy needs, and nothing that is not declared', () => {
    const request = requestFor();
    const input = copyInput(request, {});
    expect(Object.entries(input).filter(([, value]) => value !== undefined)).toEqual([
      ['SourceRegion', 'us-east-1'],
      ['SourceSnapshotId', 'snap-0123456789abcdef0'],
      ['TagSpecifications', expect.anything()],
    ]);
    const owner = {
      [TAG.stack]: STACK_ID,
      [TAG.resource]: LOGICAL_ID,
      [TAG.inputs]: request.wanted.inputs,
      [TAG.handle]: HANDLE,
      [TAG.source]: 'snap-0123456789abcdef0',
    };
    expect(input.TagSpecifications).toEqual([{ ResourceType: 'snapshot', Tags: tags(owner) }]);
  });

  test('has every declared parameter under its EC2 name', () => {
    const declared = {
      SourceSnapshotId: 'snap-0123456789abcdef1',
      SourceRegion: 'us-east-2',
      DestinationOutpostArn: 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-1',
      DestinationAvailabilityZone: 'eu-west-1-ham-1a',
      Description: 'nightly',
      KmsKeyId: 'alias/mine',
    };
    const input = copyInput(requestFor({ ...declared, CompletionDurationMinutes: '30' }), {});
    expect(input).toMatchObject({ ...declared, Encrypted: true, CompletionDurationMinutes: 30 });
  });

  test('does not let a declared tag replace an owner tag', () => {
    const [specification] = copyInput(requestFor({ Tags: tags({ [TAG.stack]: 'x' }) }), {}).TagSpecifications ?? [];
    expect(specification?.Tags).toContainEqual({ Key: TAG.stack, Value: STACK_ID });
  });

  test('sets DryRun for a dry run', () => {
    expect(copyInput(requestFor({}, { ResourceType: 'Custom::SnapshotCopyDryRun' }), {}).DryRun).toBe(true);
  });
});
