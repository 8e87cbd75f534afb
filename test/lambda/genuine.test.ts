import { TAG, type CopyProperties } from '../../lib/contract';
import type { KeyMetadata, Snapshot } from '../../lambda/aws';
import type { ReconcileContext } from '../../lambda/context';
import { placeOf, type Copy } from '../../lambda/copies';
import { flawOf } from '../../lambda/genuine';
import type { Memory } from '../../lambda/memory';
import type { Request } from '../../lambda/request';
import { SECOND } from './in-process';
import { copyFor, requestFor } from './requests';

const OTHER_HANDLE = `copy-${'2'.repeat(32)}`;
const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/k';
const BEFORE = { SourceSnapshotId: 'snap-0123456789abcdef1', DestinationRegion: 'eu-west-1' };

interface Scene {
  readonly request?: Request;
  /** By the ID of the source. Absent if EC2 does not show it, or no longer does. */
  readonly sources?: Readonly<Record<string, Snapshot>>;
  /** By the declared ID of the key. */
  readonly keys?: Readonly<Record<string, KeyMetadata>>;
  readonly chosen?: Copy;
  readonly copies?: readonly Copy[];
  /** Where EC2 shows transfer types. */
  readonly transferTypesIn?: readonly string[];
  /** The status of the stack. */
  readonly status?: string;
}

const SOURCE: Snapshot = { VolumeSize: 8, Encrypted: false };
const SOURCES: Readonly<Record<string, Snapshot>> = { 'snap-0123456789abcdef0': SOURCE };

function judge(copy: Copy, scene: Scene = {}, use: 'adopt' | 'delete' = 'adopt'): Promise<string | undefined> {
  const { request = requestFor(), sources = SOURCES, keys = {}, chosen, copies, status = '', transferTypesIn } = scene;
  const memory = { transferTypesIn: new Set(transferTypesIn) };
  const observed: Partial<ReconcileContext['observed']> = {
    sourceOf: ({ sourceSnapshotId: id = '' }) => Promise.resolve(sources[id]),
    keyOf: ({ kmsKeyId = '' }) => Promise.resolve(keys[kmsKeyId]),
    operation: { status, begunAt: request.startedAt, stackCreatedAt: 0 },
  };
  return flawOf(
    { request, observed, copy: chosen, copies, memory: memory as Partial<Memory> } as ReconcileContext,
    copy,
    use,
  );
}

/** By default, a finished copy of 8 GiB that the request started when it began. */
function copyOf(request = requestFor(), snapshot: Snapshot = {}, more: Partial<Copy> = {}): Copy {
  return copyFor(request, { snapshot: { VolumeSize: 8, TransferType: 'standard', ...snapshot }, ...more });
}

const keyed = (wanted: Partial<CopyProperties> = {}): Request => requestFor({ KmsKeyId: 'alias/mine', ...wanted });

test('a copy that matches its declaration has no flaw', async () => {
  expect(await judge(copyOf())).toBeUndefined();
  const request = keyed();
  const copy = copyOf(request, { Encrypted: true, KmsKeyId: KEY });
  expect(await judge(copy, { request, keys: { 'alias/mine': { KeyId: 'k', Arn: KEY } } })).toBeUndefined();
});

test.each(['pending', 'error', 'recovering'])('a copy in state %s is not judged', async (state) => {
  expect(await judge(copyOf(requestFor(), { VolumeSize: 0 }, { state }))).toBeUndefined();
});

describe('a finished copy that differs from its declaration has a flaw:', () => {
  test('a different size than its source', async () => {
    expect(await judge(copyOf(requestFor(), { VolumeSize: 9 }))).toBe('its size is 9 GiB, not 8 GiB');
    expect(await judge(copyOf(requestFor(), { VolumeSize: undefined }))).toBe('its size is 0 GiB, not 8 GiB');
  });

  test.each<[string, Partial<CopyProperties>, Snapshot]>([
    ['the declaration', { Encrypted: 'true' }, SOURCE],
    ['a declared key', { KmsKeyId: 'alias/mine' }, SOURCE],
    ['the source', {}, { ...SOURCE, Encrypted: true }],
  ])('no encryption, although %s requires it', async (_, wanted, source) => {
    const request = requestFor(wanted);
    const scene = { request, sources: { 'snap-0123456789abcdef0': source } };
    expect(await judge(copyOf(request), scene)).toBe('it is not encrypted');
    expect(await judge(copyOf(request, { Encrypted: false }), scene)).toBe('it is not encrypted');
    expect(await judge(copyOf(request, { Encrypted: true }), scene)).toBeUndefined();
  });

  test('a different key than the declared ID now means', async () => {
    const request = keyed();
    const scene = { request, keys: { 'alias/mine': { KeyId: 'k', Arn: KEY } } };
    const other = KEY.replace('key/k', 'key/other');
    const under = (KmsKeyId?: string): Promise<string | undefined> =>
      judge(copyOf(request, { Encrypted: true, KmsKeyId }), scene);
    expect(await under(other)).toBe(`its key is ${other}, not ${KEY}`);
    expect(await under()).toBe(`its key is none, not ${KEY}`);
  });

  test.each<[string, Partial<Request>, string, 'adopt' | 'delete']>([
    ['in a deletion', { type: 'Create' }, 'CREATE_IN_PROGRESS', 'delete'],
    ['in an Update that keeps the copy', { type: 'Update', keepsCopy: true }, 'UPDATE_IN_PROGRESS', 'adopt'],
    ['in a rollback', { type: 'Update' }, 'UPDATE_ROLLBACK_IN_PROGRESS', 'adopt'],
  ])('a different key, unless its alias may have moved since: %s', async (_, more, status, use) => {
    const flawUnder = (KmsKeyId: string): Promise<string | undefined> => {
      const request = { ...requestFor({ KmsKeyId }), ...more };
      const copy = copyOf(request, { Encrypted: true, KmsKeyId: `${KEY}-other` });
      return judge(copy, { request, status, keys: { [KmsKeyId]: { KeyId: 'k', Arn: KEY } } }, use);
    };
    expect(await flawUnder('alias/mine')).toBeUndefined();
    expect(await flawUnder('arn:aws:kms:eu-west-1:111122223333:alias/mine')).toBeUndefined();
    expect(await flawUnder(KEY)).toBe(`its key is ${KEY}-other, not ${KEY}`);
  });

  test('a place that was not declared', async () => {
    const OutpostArn = 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0';
    const on = (wanted: Partial<CopyProperties>, snapshot: Snapshot): Promise<string | undefined> =>
      judge(copyOf(requestFor(wanted), snapshot), { request: requestFor(wanted) });
    expect(await on({}, { OutpostArn })).toBe(`it is on the Outpost ${OutpostArn}`);
    expect(await on({ DestinationOutpostArn: OutpostArn }, { OutpostArn })).toBeUndefined();
    expect(await on({}, { AvailabilityZone: 'eu-west-1a' })).toBeUndefined();
    expect(await on({}, { AvailabilityZone: 'eu-west-1-lon-1a' })).toBe('it is in the zone eu-west-1-lon-1a');
    const DestinationAvailabilityZone = 'eu-west-1-lon-1a';
    const AvailabilityZone = DestinationAvailabilityZone;
    expect(await on({ DestinationAvailabilityZone }, { AvailabilityZone })).toBeUndefined();
  });

  test('a source that the latest-source selector cannot have found', async () => {
    const VolumeId = 'vol-0123456789abcdef0';
    const request = requestFor({ SourceSnapshotId: undefined, LatestSource: { VolumeId } });
    const from = (source: Snapshot): Promise<string | undefined> =>
      judge(copyOf(request), { request, sources: { '': { ...SOURCE, SnapshotId: 'snap-s', ...source } } });
    const flaw = 'its source is said to be snap-s, which is none that was asked for';
    expect(await from({ OwnerId: '111122223333', VolumeId })).toBeUndefined();
    expect(await from({ OwnerId: '111122223333', VolumeId: 'vol-0fedcba9876543210' })).toBe(flaw);
    expect(await from({ OwnerId: '999900001111', VolumeId })).toBe(flaw);
  });

  test('a start before the request whose handle it carries', async () => {
    const request = requestFor();
    const startedAt = (seconds: number): Promise<string | undefined> =>
      judge(copyOf(request, {}, { startedAt: request.startedAt + seconds * SECOND }), { request });
    expect(await startedAt(-60)).toBeUndefined();
    expect(await startedAt(-60.001)).toBe('it began before the request');
  });
});

describe('a copy may have begun before the request', () => {
  const startedAt = requestFor().startedAt - 3_600 * SECOND;

  test('if it has another handle', async () => {
    expect(await judge(copyOf(requestFor(), {}, { startedAt, tags: { [TAG.handle]: OTHER_HANDLE } }))).toBeUndefined();
  });

  test.each<[string, Partial<Request>]>([
    ['a Delete', { type: 'Delete' }],
    ['an Update that keeps it', { type: 'Update', keepsCopy: true }],
    ['a later stage', { stage: 2 }],
  ])('if the request is %s', async (_, more) => {
    const request = { ...requestFor(), ...more };
    expect(await judge(copyOf(request, {}, { startedAt }), { request })).toBeUndefined();
  });
});

describe('a copy with the inputs of the previous declaration', () => {
  const request = requestFor({ Encrypted: 'true' }, { RequestType: 'Update', OldResourceProperties: BEFORE });
  const copy = copyOf(request, {}, { tags: { [TAG.inputs]: request.before?.inputs ?? '' } });

  test('is judged by that declaration', async () => {
    const sources = { ...SOURCES, 'snap-0123456789abcdef1': SOURCE };
    expect(await judge(copy, { request, sources })).toBeUndefined();
    const larger = { ...SOURCES, 'snap-0123456789abcdef1': { ...SOURCE, VolumeSize: 9 } };
    expect(await judge(copy, { request, sources: larger })).toBe('its size is 8 GiB, not 9 GiB');
  });
});

describe('a copy with the inputs of an earlier declaration', () => {
  const tags = { [TAG.inputs]: 'v1-earlier', [TAG.handle]: OTHER_HANDLE };

  test('only needs a transfer type, which shows that it is a copy', async () => {
    expect(await judge(copyOf(requestFor(), { VolumeSize: 9 }, { tags }))).toBeUndefined();
    const snapshot = copyOf(requestFor(), { TransferType: undefined }, { tags });
    expect(await judge(snapshot)).toBe('EC2 does not show it as a copy');
  });
});

describe('a source that is gone', () => {
  const request = requestFor({}, { RequestType: 'Update', Begun: { At: Date.UTC(2030, 0, 1), PresentId: 'snap-b' } });
  const larger = copyOf(request, { VolumeSize: 9 }, { id: 'snap-a' });
  const sameSizeAs = (other: Copy, how: Scene): Promise<string | undefined> =>
    judge(larger, { request, sources: {}, copies: [larger, other], ...how });

  test('allows any size if no other copy is known', async () => {
    expect(await judge(larger, { request, sources: {} })).toBeUndefined();
    expect(await judge(larger, { request, sources: {}, chosen: larger, copies: [larger] })).toBeUndefined();
  });

  test('is assumed to have the size of the chosen copy, or of the present one', async () => {
    const other = copyOf(request, {}, { id: 'snap-b' });
    expect(await sameSizeAs(other, { chosen: other, copies: undefined })).toBe('its size is 9 GiB, not 8 GiB');
    expect(await sameSizeAs(other, {})).toBe('its size is 9 GiB, not 8 GiB');
  });

  test.each<[string, Partial<Copy>]>([
    ['with other inputs', { id: 'snap-b', tags: { [TAG.inputs]: 'v1-other' } }],
    ['that is not finished', { id: 'snap-b', state: 'pending' }],
    ['that is neither the present nor the chosen one', { id: 'snap-c' }],
  ])('is not assumed to have the size of a copy %s', async (_, more) => {
    expect(await sameSizeAs(copyOf(request, {}, more), {})).toBeUndefined();
  });

  test('is not assumed to be encrypted', async () => {
    expect(await judge(copyOf(), { sources: {} })).toBeUndefined();
  });
});

test('a key that cannot be read is not judged', async () => {
  const request = keyed();
  const copy = copyOf(request, { Encrypted: true, KmsKeyId: KEY });
  expect(await judge(copy, { request })).toBeUndefined();
  expect(await judge(copy, { request, keys: { 'alias/mine': { KeyId: 'k' } } })).toBeUndefined();
});

describe('a copy that EC2 does not show as one', () => {
  const copy = copyOf(requestFor(), { TransferType: undefined });

  test('has a flaw if EC2 shows others as copies in the same place', async () => {
    expect(await judge(copy, { transferTypesIn: [placeOf(copy)] })).toBe('EC2 does not show it as a copy');
  });

  test.each(['us-east-1', 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0'])(
    'has no flaw if EC2 shows others as copies only in another place: %s',
    async (place) => {
      expect(await judge(copy, { transferTypesIn: [place, `${copy.region} ${place} `] })).toBeUndefined();
    },
  );
});
