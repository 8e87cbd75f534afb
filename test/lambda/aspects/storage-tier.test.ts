import type { SnapshotTierStatus } from '@aws-sdk/client-ec2';
import type { CopyProperties } from '../../../lib/contract';
import { AwsError } from '../../../local-aws/faults';
import { MINUTE, tags } from '../in-process';
import { Life, REGION, WEATHERS, type Ending, type Weather } from './life';

const STANDARD = { StorageTier: undefined };
const ARCHIVE = { StorageTier: 'archive' } as const;
const other = { Description: 'new' };

type Tier = Pick<CopyProperties, 'StorageTier'>;

/** Archiving takes so long that a change may come in the meantime. */
function lifeOf(tier: Tier, weather?: Weather): Life {
  const life = new Life(weather, tier);
  life.ec2.handover.settings.archiveDuration = 5 * MINUTE;
  return life;
}

/** The tier of each remaining copy, or how EC2 moves it. */
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
  { life: 'a restore soon after the archival', before: ARCHIVE, change: STANDARD, ending: 'changed', tiers: ['permanent-restore'] },
  { life: 'a restore and its rollback', before: ARCHIVE, change: STANDARD, ending: 'rolled back', tiers: ['permanent-restore'], left: TO_ARCHIVE },
  { life: 'an unrelated change', before: ARCHIVE, change: { Tags: [] }, ending: 'rolled back', tiers: ['archival'] },
  { life: 'a replacement', before: ARCHIVE, change: other, ending: 'changed', tiers: ['archival', 'archival'] },
  { life: 'a replacement and its rollback', before: ARCHIVE, change: other, ending: 'rolled back', tiers: ['archival'] },
  { life: 'a replacement with a standard copy', before: ARCHIVE, change: { ...STANDARD, ...other }, ending: 'changed', tiers: ['archival', 'standard'] },
  { life: 'a replacement of a standard copy and its rollback', before: STANDARD, change: { ...ARCHIVE, ...other }, ending: 'rolled back', tiers: ['standard'] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy has the right tier after', (weather) => {
  test.each(ROWS)('$life', async ({ before, change, ending, tiers, left = [] }) => {
    const life = lifeOf(before, weather);
    await life.live(ending, change);
    expect(tiersOf(life)).toEqual(tiers);
    expect(life.left()).toEqual(left);
  });
});

describe('an archived copy', () => {
  test.each([0, 10 * MINUTE])('is deleted with its stack, %s ms later', async (ms) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += ms;
    expect((await life.end('DELETE_IN_PROGRESS')).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
  });

  test('is restored, without waiting for the restore to finish', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    expect((await life.change(STANDARD)).after).toBe(0);
    expect(life.calls('RestoreSnapshotTier')).toHaveLength(1);
  });

  test('is not archived again by unrelated changes', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    await life.change({ Tags: [] });
    life.time += 60 * MINUTE;
    await life.change({ TimeoutSeconds: '600' });
    expect(life.calls('ModifySnapshotTier')).toHaveLength(1);
  });

  test('is archived again by an Update if somebody restored it', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 60 * MINUTE;
    life.ec2.handover.restoreSnapshotTier(REGION, { SnapshotId: life.copies()[0], PermanentRestore: true });
    life.time += 48 * 60 * MINUTE;
    await life.change({ Tags: [] });
    expect(tiersOf(life)).toEqual(['archival']);
  });
});

test('a copy cannot be archived while it is being restored, and the reason says so', async () => {
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

test('a copy is archived after its restore even if a stale read still shows the restore', async () => {
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

test('a copy that somebody else is restoring is left, and does not fail an unrelated change', async () => {
  const life = lifeOf(ARCHIVE);
  await life.live('created');
  life.time += 80 * 60 * MINUTE;
  const [SnapshotId = ''] = life.copies();
  life.ec2.handover.restoreSnapshotTier(REGION, { SnapshotId, PermanentRestore: true });
  const { answer } = await life.change({ Tags: tags({ a: '1' }) });
  expect(answer).toBeDefined();
  expect(life.left()).toEqual([expect.stringContaining('is being restored from the archive')]);
});

describe('a copy that somebody restored temporarily', () => {
  /** EC2 shows it in the standard tier until the restore expires. */
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
  ])('is not archived again by an Update: %j', async (status) => {
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
  ])('is restored permanently by an Update to the standard tier: %j', async (status) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    restored(life, status);
    expect((await life.change(STANDARD)).failure).toBeUndefined();
    expect(life.calls('RestoreSnapshotTier')).toHaveLength(1);
  });
});

describe('the tier status', () => {
  type Shown = Partial<SnapshotTierStatus>;

  /** Makes every read show this status. */
  function show(life: Life, status: Shown): void {
    life.ec2.handover.describeSnapshotTierStatus = () => ({
      SnapshotTierStatuses: [{ StorageTier: 'standard', ...status }],
    });
  }

  const RESTORED = { LastTieringOperationStatus: 'permanent-restore-completed' } as const;
  const LATER = new Date(Date.UTC(2031, 0, 1));

  test.each<[string, Shown, boolean]>([
    ['no, if it was archived but still shows as standard', { LastTieringOperationStatus: 'archival-completed' }, false],
    ['no, while it is being archived', { LastTieringOperationStatus: 'archival-in-progress' }, false],
    ['yes, if it was restored, even in this operation', { ...RESTORED, LastTieringStartTime: LATER }, true],
    ['yes, if EC2 shows no status', {}, true],
  ])('decides whether an Update archives the copy again: %s', async (_, status, isArchivedAgain) => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    show(life, status);
    await life.change({ Tags: [] });
    expect(life.calls('ModifySnapshotTier').length > 1).toBe(isArchivedAgain);
  });

  test('decides how soon an unneeded restore ends: at once, or after two minutes without a status', async () => {
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

  test('changes with a log line for each archive and restore', async () => {
    const life = lifeOf(ARCHIVE);
    await life.live('created');
    life.time += 10 * MINUTE;
    await life.change(STANDARD);
    const [snapshotId] = life.copies();
    expect(life.logs).toContainEqual({ decision: 'archive', snapshotId });
    expect(life.logs).toContainEqual({ decision: 'restore', snapshotId });
  });
});

describe('a tier change', () => {
  test('fails the Create after two minutes if EC2 refuses it, and the copy is deleted', async () => {
    const life = lifeOf(ARCHIVE);
    life.fail('ModifySnapshotTier', new AwsError('UnsupportedOperation', 'No.'));
    const { failure } = await life.make();
    expect(failure?.message).toMatch(
      /^storage tier of snap-\w+ in eu-west-1 could not be changed \(the copy itself was completed\): Unsupp/,
    );
    expect(life.calls('ModifySnapshotTier')).toHaveLength(5);
    expect(life.copies()).toEqual([]);
  });

  test('fails an Update after five minutes if a policy denies it, and the rollback has nothing to do', async () => {
    const life = lifeOf(STANDARD);
    await life.live('created');
    life.fail('ModifySnapshotTier', 'denied');
    const { after, failure } = await life.change(ARCHIVE);
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('UnauthorizedOperation')]);
    expect((await life.goBack()).failure).toBeUndefined();
    expect(tiersOf(life)).toEqual(['standard']);
  });

  test('that fails later fails the operation that began it, with EC2’s detail', async () => {
    const life = lifeOf(ARCHIVE, 'lost answers');
    Object.assign(life.ec2.handover.settings, { archiveDuration: 0, archivalFailure: 'Too large' });
    const { failure } = await life.make();
    expect(failure?.message).toMatch(
      new RegExp(`^EC2 could not archive snap-\\w+ in ${REGION}: "Too large"; correct that, or remove "storageTier"`),
    );
    expect(life.copies()).toEqual([]);
  });

  test('that failed in an earlier operation is retried', async () => {
    const life = lifeOf(ARCHIVE);
    life.ec2.handover.settings.archivalFailure = 'Internal fault';
    await life.live('created');
    life.time += 10 * MINUTE;
    life.ec2.handover.settings.archivalFailure = undefined;
    expect((await life.change({ Tags: [] })).failure).toBeUndefined();
    expect(life.calls('ModifySnapshotTier')).toHaveLength(2);
  });
});

test('the standard tier needs no calls', async () => {
  const life = lifeOf(STANDARD);
  await life.live('changed', { Tags: [] });
  expect(life.calls().filter((name) => name.includes('Tier'))).toEqual([]);
});

test('an Update that returns to an earlier copy fails while that copy is being restored', async () => {
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
