import type { SnapshotTierStatus } from '@aws-sdk/client-ec2';
import type { CopyProperties } from '../../../lib/contract';
import { AwsError } from '../../../local-aws/faults';
import { MINUTE, tags } from '../in-process';
import { Life, REGION, WEATHERS, type Ending, type Weather } from './life';

const STANDARD = { StorageTier: undefined };
const ARCHIVE = { StorageTier: 'archive' } as const;
const other = { Description: 'new' };

type Tier = Pick<CopyProperties, 'StorageTier'>;

/** Archiving takes so long that a change may come while it is under way. */
function lifeOf(tier: Tier, weather?: Weather): Life {
  const life = new Life(weather, tier);
  life.ec2.handover.settings.archiveDuration = 5 * MINUTE;
  return life;
}

/** Where each remaining copy is, or is going. */
const tiersOf = (life: Life): string[] => life.copies().map((id) => life.ec2.snapshot(id).tiering?.kind ?? 'standard');

interface Row {
  readonly life: string;
  readonly before: Tier;
  readonly change?: Partial<CopyProperties>;
  readonly ending: Ending;
  readonly tiers: readonly string[];
  readonly left?: readonly string[];
}

const TO_STANDARD = ['a rollback does not move it to the standard tier'];
const TO_ARCHIVE = ['a rollback does not move it to the archive tier'];

const ROWS: readonly Row[] = [
  { life: 'a create', before: ARCHIVE, ending: 'created', tiers: ['archival'] },
  { life: 'an archival', before: STANDARD, change: ARCHIVE, ending: 'changed', tiers: ['archival'] },
  { life: 'an archival and its rollback', before: STANDARD, change: ARCHIVE, ending: 'rolled back', tiers: ['archival'], left: TO_STANDARD },
  { life: 'a restore, soon after the archival', before: ARCHIVE, change: STANDARD, ending: 'changed', tiers: ['permanent-restore'] },
  { life: 'a restore and its rollback', before: ARCHIVE, change: STANDARD, ending: 'rolled back', tiers: ['permanent-restore'], left: TO_ARCHIVE },
  { life: 'a change of something else', before: ARCHIVE, change: { Tags: [] }, ending: 'rolled back', tiers: ['archival'] },
  { life: 'a replacement', before: ARCHIVE, change: other, ending: 'changed', tiers: ['archival', 'archival'] },
  { life: 'a replacement and its rollback', before: ARCHIVE, change: other, ending: 'rolled back', tiers: ['archival'] },
  { life: 'a replacement by a standard copy', before: ARCHIVE, change: { ...STANDARD, ...other }, ending: 'changed', tiers: ['archival', 'standard'] },
  { life: 'a replacement of a standard copy and its rollback', before: STANDARD, change: { ...ARCHIVE, ...other }, ending: 'rolled back', tiers: ['standard'] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy is in its tier after', (weather) => {
  test.each(ROWS)('$life', async ({ before, change, ending, tiers, left = [] }) => {
    const life = lifeOf(before, weather);
    await life.live(ending, change);
    expect(tiersOf(life)).toEqual(tiers);
    expect(life.left()).toEqual(left);
  });
});

describe('a copy that is archived', () => {
  test.each([0, 10 * MINUTE])('goes with its stack, %s ms after', async (ms) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += ms;
    expect((await life.end('DELETE_IN_PROGRESS')).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
  });

  test('is restored when it has been archived, without waiting for that', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    expect((await life.change(STANDARD)).after).toBe(0);
    expect(life.calls('RestoreSnapshotTier')).toHaveLength(1);
  });

  test('is archived once, whatever changes', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    await life.change({ Tags: [] });
    life.time += 60 * MINUTE;
    await life.change({ TimeoutSeconds: '600' });
    expect(life.calls('ModifySnapshotTier')).toHaveLength(1);
  });

  test('is archived although it was restored by hand, if an Update comes', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 60 * MINUTE;
    life.ec2.handover.restoreSnapshotTier(REGION, { SnapshotId: life.copies()[0], PermanentRestore: true });
    life.time += 48 * 60 * MINUTE;
    await life.change({ Tags: [] });
    expect(tiersOf(life)).toEqual(['archival']);
  });
});

test('a copy that is being restored cannot be archived before that has ended, and the reason says so', async () => {
  const life = lifeOf(ARCHIVE);
  await life.live('created');
  life.time += 60 * MINUTE;
  await life.change(STANDARD);
  const { failure, after } = await life.change(ARCHIVE);
  expect(failure?.message).toContain(
    'is being restored from the archive, which may take EC2 days; archive it after that',
  );
  expect(after).toBe(120);
  expect(life.calls('ModifySnapshotTier')).toHaveLength(1);
});

test('a copy whose restore has just ended is archived, although a stale read still shows the restore', async () => {
  const life = lifeOf(ARCHIVE);
  await life.live('created');
  life.time += 60 * MINUTE;
  await life.change(STANDARD);
  const late = life.ec2.handover.describeSnapshotTierStatus(REGION, {});
  life.time += 100 * 60 * MINUTE;
  const answers = [late, late];
  const current = life.ec2.handover.describeSnapshotTierStatus.bind(life.ec2.handover);
  life.ec2.handover.describeSnapshotTierStatus = (...call) => answers.shift() ?? current(...call);
  const { failure } = await life.change(ARCHIVE);
  expect(failure).toBeUndefined();
  expect(life.calls('ModifySnapshotTier')).toHaveLength(2);
});

test('a copy that somebody else restores is left, so that other changes need not wait for that', async () => {
  const life = lifeOf(ARCHIVE);
  await life.live('created');
  life.time += 80 * 60 * MINUTE;
  const [SnapshotId = ''] = life.copies();
  life.ec2.handover.restoreSnapshotTier(REGION, { SnapshotId, PermanentRestore: true });
  const { answer } = await life.change({ Tags: tags({ a: '1' }) });
  expect(answer).toBeDefined();
  expect(life.left()).toEqual([expect.stringContaining('is being restored from the archive')]);
});

describe('a copy that somebody has restored for a while', () => {
  /** EC2 shows it in the standard tier until then. */
  function restored(life: Life, status: Partial<SnapshotTierStatus>): void {
    life.ec2.handover.describeSnapshotTierStatus = () => ({
      SnapshotTierStatuses: [{ StorageTier: 'standard', ...status }],
    });
  }

  test.each<Partial<SnapshotTierStatus>>([
    { LastTieringOperationStatus: 'temporary-restore-completed' },
    { RestoreExpiryTime: new Date(Date.UTC(2031, 0, 1)) },
    { LastTieringOperationStatus: 'temporary-restore-in-progress', StorageTier: 'archive' },
    { LastTieringOperationStatus: 'temporary-restore-failed', StorageTier: 'archive' },
    { LastTieringOperationStatus: 'permanent-restore-failed', StorageTier: 'archive' },
  ])('is not archived once more by an Update: %j', async (status) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    restored(life, status);
    expect((await life.change({ Tags: [] })).failure).toBeUndefined();
    expect(life.calls('ModifySnapshotTier')).toHaveLength(1);
  });

  test.each<Partial<SnapshotTierStatus>>([
    { LastTieringOperationStatus: 'temporary-restore-completed' },
    { RestoreExpiryTime: new Date(Date.UTC(2031, 0, 1)) },
  ])('is restored for good if it is to be standard: %j', async (status) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    restored(life, status);
    expect((await life.change(STANDARD)).failure).toBeUndefined();
    expect(life.calls('RestoreSnapshotTier')).toHaveLength(1);
  });
});

describe('what EC2 shows of the tier', () => {
  type Shown = Partial<SnapshotTierStatus>;

  /** The same in every read. */
  function show(life: Life, status: Shown): void {
    life.ec2.handover.describeSnapshotTierStatus = () => ({
      SnapshotTierStatuses: [{ StorageTier: 'standard', ...status }],
    });
  }

  const RESTORED = { LastTieringOperationStatus: 'permanent-restore-completed' } as const;
  const LATER = new Date(Date.UTC(2031, 0, 1));

  test.each<[string, Shown, boolean]>([
    ['while EC2 still shows the standard tier', { LastTieringOperationStatus: 'archival-completed' }, false],
    ['while that is under way', { LastTieringOperationStatus: 'archival-in-progress' }, false],
    ['if it was restored, even in this operation', { ...RESTORED, LastTieringStartTime: LATER }, true],
    ['if EC2 knows nothing of it', {}, true],
  ])('decides whether an Update archives the copy again: %s', async (_, status, isArchivedAgain) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    show(life, status);
    await life.change({ Tags: [] });
    expect(life.calls('ModifySnapshotTier').length > 1).toBe(isArchivedAgain);
  });

  test('ends a restore that is not needed: at once if EC2 has an answer, and after two minutes if it has none', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    show(life, { LastTieringOperationStatus: 'permanent-restore-completed' });
    expect((await life.change(STANDARD)).after).toBe(0);
    await life.change(ARCHIVE);
    life.time += 10 * MINUTE;
    show(life, {});
    expect((await life.change(STANDARD)).after).toBe(120);
    const [id = ''] = life.copies();
    expect(life.logs).toContainEqual({
      decision: 'wait',
      reason: `EC2 may not show yet whether ${id} is being archived`,
    });
    expect(life.calls('RestoreSnapshotTier')).toEqual([]);
  });

  test('is changed with a line in the log for each change', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    await life.change(STANDARD);
    const [snapshotId] = life.copies();
    expect(life.logs).toContainEqual({ decision: 'archive', snapshotId });
    expect(life.logs).toContainEqual({ decision: 'restore', snapshotId });
  });
});

describe('a change of the tier that EC2 refuses', () => {
  test('fails the Create when it has been the answer for two minutes, and the copy goes', async () => {
    const life = lifeOf(ARCHIVE);
    life.fail('ModifySnapshotTier', new AwsError('UnsupportedOperation', 'No.'));
    const { failure } = await life.make();
    expect(failure?.message).toMatch(
      /^storage tier of snap-\w+ in eu-west-1 could not be changed \(the copy itself was completed\): Unsupp/,
    );
    expect(life.calls('ModifySnapshotTier')).toHaveLength(5);
    expect(life.copies()).toEqual([]);
  });

  test('because a policy denies it fails after five minutes, and the rollback has nothing to do', async () => {
    const life = lifeOf(STANDARD);
    await life.live('created');
    life.fail('ModifySnapshotTier', 'denied');
    const { after, failure } = await life.change(ARCHIVE);
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('UnauthorizedOperation')]);
    expect((await life.goBack()).failure).toBeUndefined();
    expect(tiersOf(life)).toEqual(['standard']);
  });

  test('later fails the operation that has begun it, with EC2’s detail', async () => {
    const life = lifeOf(ARCHIVE, 'lost answers');
    Object.assign(life.ec2.handover.settings, { archiveDuration: 0, archivalFailure: 'Too large' });
    const { failure } = await life.make();
    expect(failure?.message).toMatch(
      new RegExp(`^EC2 could not archive snap-\\w+ in ${REGION}: "Too large"; correct that, or remove "storageTier"`),
    );
    expect(life.copies()).toEqual([]);
  });

  test('in an earlier operation is tried once more', async () => {
    const life = lifeOf(ARCHIVE);
    life.ec2.handover.settings.archivalFailure = 'Internal fault';
    await life.live('created');
    life.time += 10 * MINUTE;
    life.ec2.handover.settings.archivalFailure = undefined;
    expect((await life.change({ Tags: [] })).failure).toBeUndefined();
    expect(life.calls('ModifySnapshotTier')).toHaveLength(2);
  });
});

test('the standard tier takes no call', async () => {
  const life = lifeOf(STANDARD);
  await life.live('changed', { Tags: [] });
  expect(life.calls().filter((name) => name.includes('Tier'))).toEqual([]);
});

test('another copy that an Update goes back to is not left while it is being restored', async () => {
  const life = new Life('answers on time', { ...ARCHIVE, DeletionPolicy: 'Retain' });
  await life.live('created');
  const [SnapshotId = ''] = life.copies();
  life.time += 80 * 60 * MINUTE;
  await life.change({ Description: 'second' });
  life.time += 80 * 60 * MINUTE;
  life.ec2.handover.restoreSnapshotTier(REGION, { SnapshotId, PermanentRestore: true });
  const { failure } = await life.change({ Description: undefined });
  expect(failure?.message).toContain(`${SnapshotId} in eu-west-1 is being restored from the archive`);
});
