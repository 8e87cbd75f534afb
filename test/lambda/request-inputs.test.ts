// Which inputs require a new copy, and how they are hashed. The hash must not change while deployed copies carry it.
import { createHash } from 'node:crypto';
import type { CopyProperties } from '../../lib/contract';
import { tags } from './in-process';
import { requestFor } from './requests';

/** The hash for a copy of snap-0123456789abcdef0 from us-east-1, where the stack is, to eu-west-1. */
const inputs = (more: Partial<CopyProperties>): string => requestFor(more).wanted.inputs;

const everyInput: Partial<CopyProperties> = {
  DestinationOutpostArn: 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0123456789abcdef0',
  DestinationAvailabilityZone: 'eu-west-1-ham-1a',
  Description: 'nightly',
  Encrypted: 'true',
  KmsKeyId: 'alias/mine',
};

const latest: Partial<CopyProperties> = {
  SourceSnapshotId: undefined,
  LatestSource: { VolumeId: 'vol-1', Tags: tags({ b: '2', a: '1' }), MaxAgeSeconds: '60' },
};

describe('frozen, because deployed copies carry it:', () => {
  test('the hash of the inputs', () => {
    expect(inputs({})).toBe('v1-57e013c2537bef0c673cec9daf2ec05e');
    expect(inputs(everyInput)).toBe('v1-2ba72b358868969345312099fed09cdc');
  });

  // An input that is added later is absent here, so it must not change these texts.
  test.each([
    [
      'few inputs',
      {},
      '[["destinationRegion","eu-west-1"],["sourceRegion","us-east-1"],["sourceSnapshotId","snap-0123456789abcdef0"]]',
    ],
    [
      'every input',
      everyInput,
      '[["description","nightly"],["destinationAvailabilityZone","eu-west-1-ham-1a"],["destinationOutpostArn","arn:aws:outposts:eu-west-1:111122223333:outpost/op-0123456789abcdef0"],["destinationRegion","eu-west-1"],["encrypted",true],["kmsKeyId","alias/mine"],["sourceRegion","us-east-1"],["sourceSnapshotId","snap-0123456789abcdef0"]]',
    ],
    [
      'the latest source',
      { ...latest, Refresh: '2' },
      '[["destinationRegion","eu-west-1"],["latestSource","[\\"vol-1\\",[[\\"a\\",\\"1\\"],[\\"b\\",\\"2\\"]],\\"self\\"]"],["refresh","2"],["sourceRegion","us-east-1"]]',
    ],
  ])('the canonical form of %s: the inputs that are present, sorted by name, as JSON', (_, declared, canonical) => {
    const hash = createHash('sha256').update(canonical).digest('hex').slice(0, 32);
    expect(inputs(declared)).toBe(`v1-${hash}`);
  });
});

describe('the hash of the inputs', () => {
  test.each<Partial<CopyProperties>>([
    { SourceSnapshotId: 'snap-0123456789abcdef1' },
    { SourceRegion: 'us-east-2' },
    { DestinationRegion: 'eu-west-2' },
    { DestinationOutpostArn: 'arn' },
    { DestinationAvailabilityZone: 'eu-west-1-ham-1a' },
    { Description: 'x' },
    { Encrypted: 'true' },
    { KmsKeyId: 'alias/x' },
  ])('changes with %j', (change) => {
    expect(inputs(change)).not.toBe(inputs({}));
  });

  test.each<Partial<CopyProperties>>([
    { Tags: tags({ a: 'b' }) },
    { TimeoutSeconds: '60' },
    { CompletionDurationMinutes: '15' },
    { SourceKmsKeyArn: 'arn' },
    { SourceOwner: '999988887777' },
    { DeletionPolicy: 'Retain' },
    { CopySourceTags: 'true' },
    { ShareWith: ['999988887777'] },
    { StorageTier: 'archive' },
    { LockMode: 'governance', LockDurationDays: '1' },
  ])('does not change with %j', (change) => {
    expect(inputs(change)).toBe(inputs({}));
  });

  test.each<Partial<CopyProperties>>([
    { Refresh: '2' },
    { LatestSource: { VolumeId: 'vol-2', Tags: tags({ b: '2', a: '1' }) } },
    { LatestSource: { VolumeId: 'vol-1', Tags: tags({ a: '1' }) } },
    { LatestSource: { VolumeId: 'vol-1', Tags: tags({ b: '2', a: '1' }), Owner: '999988887777' } },
  ])('for the latest source changes with %j', (change) => {
    expect(inputs({ ...latest, ...change })).not.toBe(inputs(latest));
  });

  test.each<Partial<CopyProperties>>([
    { Refresh: '' },
    { LatestSource: { VolumeId: 'vol-1', Tags: tags({ a: '1', b: '2' }), Owner: 'self' } },
  ])('for the latest source does not change with %j', (change) => {
    expect(inputs({ ...latest, ...change })).toBe(inputs(latest));
  });

  test.each<Record<string, string>>([
    { Description: '' },
    { DestinationOutpostArn: '' },
    { DestinationAvailabilityZone: '' },
    { KmsKeyId: '' },
    { Encrypted: '' },
    { Encrypted: 'false' },
  ])('is the same for an absent input and an explicit default: %j', (change) => {
    expect(inputs(change)).toBe(inputs({}));
  });

  test('is the same for a key with and without "Encrypted", which the key implies', () => {
    expect(inputs({ KmsKeyId: 'alias/x' })).toBe(inputs({ KmsKeyId: 'alias/x', Encrypted: 'true' }));
  });

  test.each(['SourceRegion', 'DestinationRegion'] as const)(
    'is the same whether %s is absent, empty, or explicitly the Region of the stack',
    (property) => {
      const own = inputs({ [property]: 'us-east-1' });
      expect([undefined, ''].map((region) => inputs({ [property]: region }))).toEqual([own, own]);
    },
  );
});
