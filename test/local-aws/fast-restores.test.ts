import type { EnableFastSnapshotRestoresResult } from '@aws-sdk/client-ec2';
import { SimulatedEc2 } from '../../local-aws/ec2';

const MINUTE = 60_000;
const HERE = 'eu-west-1';

let now: number;
let ec2: SimulatedEc2;
let id: string;

beforeEach(() => {
  now = Date.parse('2026-03-01T12:00:00Z');
  ec2 = new SimulatedEc2({ clock: { now: () => now } });
  ({ id } = ec2.addSnapshot({ region: HERE }));
});

type Zones = { AvailabilityZones: string[] } | { AvailabilityZoneIds: string[] };

const named = (...letters: string[]): Zones => ({ AvailabilityZones: letters.map((letter) => `${HERE}${letter}`) });
const enable = (zones: Zones, snapshotId = id, region = HERE) =>
  ec2.handover.enableFastSnapshotRestores(region, { SourceSnapshotIds: [snapshotId], ...zones });
const disable = (zones: Zones) => ec2.handover.disableFastSnapshotRestores(HERE, { SourceSnapshotIds: [id], ...zones });
const shown = (snapshotId = id, region = HERE) =>
  ec2.handover.describeFastSnapshotRestores(region, { Filters: [{ Name: 'snapshot-id', Values: [snapshotId] }] })
    .FastSnapshotRestores ?? [];
const states = () => shown().map(({ AvailabilityZone, State }) => `${AvailabilityZone ?? ''} ${State ?? ''}`);

/** The error codes in a successful response. */
const refusals = ({ Unsuccessful = [] }: EnableFastSnapshotRestoresResult) =>
  Unsuccessful.flatMap(({ FastSnapshotRestoreStateErrors: errors = [] }) => errors).map(
    ({ Error: error }) => error?.Code,
  );

it('is enabling, optimizing, enabled, disabling, and then disabled, separately in each zone', () => {
  expect(enable(named('a', 'b')).Successful).toHaveLength(2);
  expect(states()).toEqual(['eu-west-1a enabling', 'eu-west-1b enabling']);
  now += MINUTE;
  expect(states()).toEqual(['eu-west-1a optimizing', 'eu-west-1b optimizing']);
  now += 60 * MINUTE;
  disable(named('a'));
  expect(states()).toEqual(['eu-west-1a disabling', 'eu-west-1b enabled']);
  now += MINUTE;
  expect(states()).toEqual(['eu-west-1a disabled', 'eu-west-1b enabled']);
  expect(ec2.handover.fastRestores.active()).toEqual([{ snapshotId: id, zone: 'eu-west-1b' }]);
});

it('has one entry for each zone, even if enabled again', () => {
  enable(named('a'));
  now += MINUTE;
  enable(named('a'));
  expect(states()).toEqual(['eu-west-1a optimizing']);
  disable(named('a'));
  enable(named('a'));
  expect(states()).toEqual(['eu-west-1a enabling']);
});

it.each([
  ['eu-west-1', 'b', 'euw1-az2'],
  ['us-east-1', 'a', 'use1-az1'],
  ['ap-southeast-2', 'c', 'apse2-az3'],
  ['us-gov-west-1', 'a', 'usgw1-az1'],
])('also knows zone %s%s by its ID %s', (region, letter, zoneId) => {
  const snapshot = ec2.addSnapshot({ region });
  enable({ AvailabilityZoneIds: [zoneId] }, snapshot.id, region);
  const [one] = shown(snapshot.id, region);
  expect(one).toMatchObject({ AvailabilityZone: `${region}${letter}`, AvailabilityZoneId: zoneId });
});

it('of another account’s snapshot belongs to whoever enables it', () => {
  const theirs = ec2.addSnapshot({ region: HERE, ownerId: '999988887777', sharedWith: ['111122223333'] });
  enable(named('a'), theirs.id);
  expect(shown(theirs.id)).toEqual([expect.objectContaining({ OwnerId: '111122223333', State: 'enabling' })]);
});

it('appears late and disappears late if reads are stale', () => {
  ec2.handover.settings.staleness = MINUTE;
  enable(named('a'));
  expect(states()).toEqual([]);
  now += MINUTE;
  disable(named('a'));
  expect(states()).toEqual(['eu-west-1a enabling']);
  expect(ec2.handover.fastRestores.active()).toEqual([]);
});

it('is disabled with a reason if enabling fails later', () => {
  ec2.handover.settings.enablingFailure = 'Server.InsufficientCapacity: Try again';
  enable(named('a'));
  now += MINUTE;
  expect(shown()).toEqual([
    expect.objectContaining({ State: 'disabled', StateTransitionReason: 'Server.InsufficientCapacity: Try again' }),
  ]);
});

it.each<[string, () => void]>([
  ['the snapshot is deleted', () => { ec2.deleteSnapshot(HERE, { SnapshotId: id }); }],
  ['the snapshot is archived', () => { ec2.handover.modifySnapshotTier(HERE, { SnapshotId: id, StorageTier: 'archive' }); now += 60 * MINUTE; }],
])('ends when %s', (_, act) => {
  enable(named('a'));
  act();
  expect(ec2.handover.fastRestores.active()).toEqual([]);
  expect(states()).toEqual(['eu-west-1a disabled']);
}); // prettier-ignore

describe('in a successful response, EC2 refuses', () => {
  it('a zone of another Region, and accepts the other zones', () => {
    const answer = enable({ AvailabilityZones: [`${HERE}a`, 'us-east-1a'] });
    expect([refusals(answer), states()]).toEqual([['InvalidAvailabilityZone'], ['eu-west-1a enabling']]);
  });

  it('a snapshot that does not exist, or is archived', () => {
    expect(refusals(enable(named('a', 'b'), 'snap-00000000'))).toEqual(Array(2).fill('InvalidSnapshot.NotFound'));
    const archived = ec2.addSnapshot({ region: HERE, storageTier: 'archive' });
    expect(refusals(enable(named('a'), archived.id))).toEqual(['InvalidSnapshot.InvalidState']);
  });

  it('to disable what is not enabled', () => {
    enable(named('a'));
    const answer = disable(named('a', 'b'));
    expect([refusals(answer), states()]).toEqual([['InvalidSnapshot.InvalidState'], ['eu-west-1a disabling']]);
  });

  it('a sixth snapshot in the Region', () => {
    const others = Array.from({ length: 5 }, () => ec2.addSnapshot({ region: HERE }).id);
    for (const other of others) enable(named('a'), other);
    expect(refusals(enable(named('a')))).toEqual(['FastSnapshotRestoreLimitExceeded']);
    expect(refusals(enable(named('b'), others[0]))).toEqual([]);
    ec2.deleteSnapshot(HERE, { SnapshotId: others[0] });
    expect(refusals(enable(named('a')))).toEqual([]);
  });
});

it('refuses the whole call without zones, with names and IDs, and for more than ten snapshots', () => {
  const code = (act: () => void, name: string): void => {
    expect(act).toThrow(expect.objectContaining({ code: name }) as Error);
  };
  code(() => enable({} as Zones), 'InvalidParameterCombination');
  code(() => enable({ ...named('a'), AvailabilityZoneIds: ['euw1-az1'] }), 'InvalidParameterCombination');
  const SourceSnapshotIds = Array.from({ length: 11 }, () => id);
  code(() => ec2.handover.enableFastSnapshotRestores(HERE, { SourceSnapshotIds, ...named('a') }), 'InvalidRequest');
});
