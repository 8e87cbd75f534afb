import type { CopySnapshotRequest } from '@aws-sdk/client-ec2';
import { SimulatedEc2 } from '../../local-aws/ec2';
import { SimulatedKms } from '../../local-aws/kms';

// What can be tested without HTTP. The calls themselves are tested in endpoint.test.ts.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HERE = 'eu-west-1';
const OUTPOST = 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0123456789abcdef0';

let now: number;
let kms: SimulatedKms;
let ec2: SimulatedEc2;

beforeEach(() => {
  now = Date.parse('2026-03-01T12:00:00Z');
  const clock = { now: () => now };
  kms = new SimulatedKms({ clock });
  ec2 = new SimulatedEc2({ clock, kms });
});

function copy(sourceId: string, input: Partial<CopySnapshotRequest> = {}): string {
  return ec2.copySnapshot(HERE, { SourceRegion: HERE, SourceSnapshotId: sourceId, ...input }).SnapshotId ?? '';
}

const look = (id: string) => ec2.describeSnapshots(HERE, { SnapshotIds: [id] }).Snapshots?.[0];

it('makes the same IDs from the same calls', () => {
  const other = new SimulatedEc2({ clock: { now: () => now } });
  expect(other.addSnapshot({ region: HERE }).id).toBe(ec2.addSnapshot({ region: HERE }).id);
});

it("encrypts by default, under the account's default key when it has one", () => {
  const { id } = ec2.addSnapshot({ region: HERE });
  expect(ec2.snapshot(copy(id)).encrypted).toBe(false);
  ec2.encryptByDefault(HERE);
  expect(ec2.snapshot(copy(id)).kmsKeyId).toBe(kms.defaultEbsKey(HERE).arn);
  const key = kms.addKey({ region: HERE, alias: 'alias/default' });
  ec2.setDefaultKey(HERE, 'alias/default');
  expect(ec2.snapshot(copy(id)).kmsKeyId).toBe(key.arn);
});

it('encrypts on an Outpost, and copies nothing from it', () => {
  const { id } = ec2.addSnapshot({ region: HERE });
  const onOutpost = copy(id, { DestinationOutpostArn: OUTPOST });
  now += 10 * MINUTE;
  expect(look(onOutpost)).toMatchObject({ State: 'completed', OutpostArn: OUTPOST, Encrypted: true });
  const back = copy(onOutpost);
  now += 5 * SECOND;
  expect(ec2.stateOf(back)).toBe('error');
});

it('fails on an archived source, and on one whose key we may not use', () => {
  const foreign = kms.addKey({ region: HERE, accountId: '999988887777' });
  const shared = { region: HERE, ownerId: foreign.accountId, sharedWith: ['111122223333'], kmsKeyId: foreign.arn };
  const archived = ec2.addSnapshot({ region: HERE, storageTier: 'archive' });
  const copies = [copy(archived.id), copy(ec2.addSnapshot(shared).id)];
  foreign.access = 'full';
  copies.push(copy(ec2.addSnapshot(shared).id));
  now += 10 * MINUTE;
  expect(copies.map((id) => ec2.stateOf(id))).toEqual(['error', 'error', 'completed']);
});

it('fails under a key that may only be described', () => {
  const key = kms.addKey({ region: HERE, access: 'describe' });
  expect(kms.describeKey(HERE, { KeyId: key.arn }).KeyMetadata?.Enabled).toBe(true);
  const id = copy(ec2.addSnapshot({ region: HERE }).id, { Encrypted: true, KmsKeyId: key.arn });
  now += 5 * SECOND;
  expect(look(id)).toMatchObject({ State: 'error', StateMessage: 'Given key ID is not accessible' });
});

it('lets a test change the course of a running copy', () => {
  const id = copy(ec2.addSnapshot({ region: HERE }).id);
  ec2.changeCourse(id, { stallAt: 30, duration: 20 * MINUTE });
  now += 15 * MINUTE;
  expect(look(id)).toMatchObject({ State: 'pending', Progress: '30%' });
  now += 5 * MINUTE;
  expect(ec2.stateOf(id)).toBe('completed');
});

it('shows states and changed tags late, and finds new snapshots late when it writes', () => {
  const id = copy(ec2.addSnapshot({ region: HERE }).id);
  ec2.settings.staleness = { ids: 30 * SECOND, tags: 60 * SECOND, deletions: 0, writes: 10 * SECOND };
  expect(() => {
    ec2.deleteSnapshot(HERE, { SnapshotId: id });
  }).toThrow(`The snapshot '${id}' does not exist.`);
  now += 10 * MINUTE;
  ec2.createTags(HERE, { Resources: [id], Tags: [{ Key: 'a', Value: '1' }] });
  expect(look(id)).toMatchObject({ State: 'pending', Tags: [] });
  now += 30 * SECOND;
  expect(look(id)).toMatchObject({ State: 'completed', Tags: [] });
  now += 30 * SECOND;
  expect(look(id)).toMatchObject({ Tags: [{ Key: 'a', Value: '1' }] });
});

it('counts a copy against the quota until it ends, if it is deleted only then', () => {
  Object.assign(ec2.settings, { pendingDeletion: 'when ended', maxConcurrentCopies: 1 });
  const source = ec2.addSnapshot({ region: HERE }).id;
  ec2.deleteSnapshot(HERE, { SnapshotId: copy(source) });
  expect(() => copy(source)).toThrow('Too many snapshot copies in progress.');
  now += 10 * MINUTE;
  copy(source);
});

it('hides what the Recycle Bin keeps, if configured to', () => {
  const { id } = ec2.addSnapshot({ region: HERE });
  ec2.settings.recycleBin = 'hidden';
  ec2.deleteSnapshot(HERE, { SnapshotId: id });
  expect(() => look(id)).toThrow('does not exist');
});

describe('with a crowd of other snapshots in each Region', () => {
  /** What a search by a tag finds on each of its pages. */
  function pagesOf(max?: number): (string | undefined)[][] {
    const pages: (string | undefined)[][] = [];
    let token: string | undefined;
    do {
      const { Snapshots = [], NextToken } = ec2.describeSnapshots(HERE, {
        Filters: [{ Name: 'tag:mine', Values: ['yes'] }],
        MaxResults: max,
        NextToken: token,
      });
      pages.push(Snapshots.map(({ SnapshotId }) => SnapshotId));
      token = NextToken;
    } while (token !== undefined);
    return pages;
  }

  it.each([
    [0, 1],
    [999, 1],
    [1_000, 2],
    [100_000, 101],
  ])('of %d, a search takes %d pages, and finds our snapshot on the last one', (crowd, pages) => {
    const { id } = ec2.addSnapshot({ region: HERE, tags: { mine: 'yes' } });
    ec2.settings.crowd = crowd;
    expect(pagesOf(1_000)).toEqual([...Array<string[]>(pages - 1).fill([]), [id]]);
    expect(pagesOf()).toEqual([[id]]);
  });

  it('splits our snapshots across two pages', () => {
    const ids = [1, 2].map(() => ec2.addSnapshot({ region: HERE, tags: { mine: 'yes' } }).id).sort();
    ec2.settings.crowd = 1_999;
    expect(pagesOf(1_000)).toEqual([[], [ids[0]], [ids[1]]]);
  });

  it('describes a snapshot by its ID in one call', () => {
    const { id } = ec2.addSnapshot({ region: HERE });
    ec2.settings.crowd = 100_000;
    expect(ec2.describeSnapshots(HERE, { SnapshotIds: [id] }).NextToken).toBeUndefined();
    expect(look(id)?.SnapshotId).toBe(id);
  });
});
