import type { CopyProperties } from '../../../lib/contract';
import { AwsError } from '../../../local-aws/faults';
import { describeLock } from '../../../local-aws/snapshot';
import { MINUTE, SECOND, World } from '../in-process';
import { Life, REGION, WEATHERS, type Ending } from './life';

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Lock = Pick<CopyProperties, 'LockMode' | 'LockDurationDays' | 'CoolOffPeriodHours'>;

const NONE: Lock = { LockMode: undefined, LockDurationDays: undefined, CoolOffPeriodHours: undefined };
const GOVERNANCE: Lock = { ...NONE, LockMode: 'governance', LockDurationDays: '7' };
const LONGER: Lock = { ...NONE, LockMode: 'governance', LockDurationDays: '30' };
const COMPLIANCE: Lock = { LockMode: 'compliance', LockDurationDays: '30', CoolOffPeriodHours: '24' };
const LONGER_COMPLIANCE: Lock = { ...COMPLIANCE, LockDurationDays: '60' };
/** A lock needs a policy that retains the copy. With this one, the rollback of a create still deletes it. */
const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate' } as const;

const lifeOf = (lock: Lock, weather = WEATHERS[0]): Life => new Life(weather, { ...RETAINED, ...lock });

/** The current lock of each remaining copy. */
const locksOf = (life: Life): string[] =>
  life.copies().map((id) => {
    const { lock } = life.ec2.snapshot(id);
    const { LockDuration, LockState = 'none' } = lock === undefined ? {} : describeLock(lock, life.time);
    return [LockState, ...(LockDuration === undefined ? [] : [LockDuration])].join(' ');
  });

/** When the locks began. */
const beginnings = (life: Life): unknown[] =>
  life.copies().map((id) => {
    const { lock } = life.ec2.snapshot(id);
    return typeof lock === 'object' ? lock.createdAt : lock;
  });

interface Row {
  readonly life: string;
  readonly before: Lock;
  readonly change?: Lock & Partial<CopyProperties>;
  readonly ending: Ending;
  /** One for each remaining copy. */
  readonly locks: readonly string[];
}

const other = { Description: 'new' };

const ROWS: readonly Row[] = [
  { life: 'a create in governance mode', before: GOVERNANCE, ending: 'created', locks: ['governance 7'] },
  { life: 'a create in compliance mode', before: COMPLIANCE, ending: 'created', locks: ['compliance-cooloff 30'] },
  { life: 'an addition', before: NONE, change: GOVERNANCE, ending: 'changed', locks: ['governance 7'] },
  { life: 'an addition and its rollback', before: NONE, change: GOVERNANCE, ending: 'rolled back', locks: ['none'] },
  { life: 'an extension', before: GOVERNANCE, change: LONGER, ending: 'changed', locks: ['governance 30'] },
  { life: 'an extension and its rollback', before: GOVERNANCE, change: LONGER, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'a shorter duration', before: LONGER, change: GOVERNANCE, ending: 'changed', locks: ['governance 7'] },
  { life: 'a switch to compliance', before: GOVERNANCE, change: COMPLIANCE, ending: 'changed', locks: ['compliance-cooloff 30'] },
  { life: 'a switch to compliance and its rollback', before: GOVERNANCE, change: COMPLIANCE, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'an addition of compliance and its rollback', before: NONE, change: COMPLIANCE, ending: 'rolled back', locks: ['none'] },
  { life: 'a switch to governance during the cool-off', before: COMPLIANCE, change: GOVERNANCE, ending: 'changed', locks: ['governance 7'] },
  { life: 'a removal', before: GOVERNANCE, change: NONE, ending: 'changed', locks: ['none'] },
  { life: 'a removal and its rollback', before: GOVERNANCE, change: NONE, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'a removal during the compliance cool-off', before: COMPLIANCE, change: NONE, ending: 'changed', locks: ['none'] },
  { life: 'a replacement', before: GOVERNANCE, change: { ...LONGER, ...other }, ending: 'changed', locks: ['governance 7', 'governance 30'] },
  { life: 'a replacement and its rollback', before: GOVERNANCE, change: { ...LONGER, ...other }, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'a replacement with a compliance lock and its rollback', before: NONE, change: { ...COMPLIANCE, ...other }, ending: 'rolled back', locks: ['none'] },
  { life: 'a replacement without a lock', before: GOVERNANCE, change: { ...NONE, ...other }, ending: 'changed', locks: ['governance 7', 'none'] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy', (weather) => {
  test.each(ROWS)('is locked as declared after $life', async ({ before, change, ending, locks }) => {
    const life = lifeOf(before, weather);
    await life.live(ending, change);
    expect(locksOf(life)).toEqual(locks);
    expect(life.left()).toEqual([]);
  });

  test.each([GOVERNANCE, COMPLIANCE])('is deleted when its create is rolled back: $LockMode', async (lock) => {
    const life = lifeOf(lock, weather);
    expect((await life.make()).failure).toBeUndefined();
    expect((await life.end('ROLLBACK_IN_PROGRESS')).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
    expect(life.left()).toEqual([]);
  });
});

describe('the duration of a lock', () => {
  test.each<[string, Ending, Partial<CopyProperties>]>([
    ['an unrelated change', 'changed', { Tags: [] }],
    ['the rollback of an unrelated change', 'rolled back', { Tags: [] }],
    ['the rollback of a replacement', 'rolled back', { ...LONGER, ...other }],
  ])('does not restart after %s', async (_, ending, change) => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    const [begun] = beginnings(life);
    await life.change(change);
    if (ending === 'rolled back') await life.goBack();
    expect(beginnings(life)).toEqual([begun]);
  });

  test('starts once if the answer is lost but reads show the lock', async () => {
    const life = lifeOf(GOVERNANCE, 'lost answers');
    await life.live('created');
    expect(life.calls('LockSnapshot')).toHaveLength(1);
  });

  test('starts once on a new copy, without a wait, even if the answer is lost', async () => {
    const life = lifeOf(GOVERNANCE);
    life.services.faults = ({ action, count }) =>
      action === 'LockSnapshot' && count === 1 ? 'lost-response' : undefined;
    expect((await life.make()).after).toBe(90);
    expect(life.calls('LockSnapshot')).toHaveLength(1);
  });
});

describe('an expired lock', () => {
  async function expired(): Promise<Life> {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    life.time += 8 * DAY;
    return life;
  }

  test.each<[string, Partial<CopyProperties>, string[]]>([
    ['is not renewed by an unrelated change', { Tags: [] }, ['expired 7']],
    ['is renewed by another duration', LONGER, ['governance 30']],
    ['is renewed on a new copy', other, ['expired 7', 'governance 7']],
    ['stays if its declaration is removed', NONE, ['expired 7']],
  ])('%s', async (_, change, locks) => {
    const life = await expired();
    expect((await life.change(change)).failure).toBeUndefined();
    expect(locksOf(life)).toEqual(locks);
    expect(life.left()).toEqual([]);
  });

  test('is not unlocked when something else holds the copy', async () => {
    const life = lifeOf(COMPLIANCE);
    await life.live('created');
    life.time += 31 * DAY;
    life.ec2.snapshot(life.copies()[0] ?? '').backupManaged = true;
    const { failure } = await life.end('ROLLBACK_IN_PROGRESS');
    expect(failure?.message).toContain('release what else holds it');
    expect(life.calls('UnlockSnapshot')).toEqual([]);
  });

  test('is not renewed by a rollback', async () => {
    const life = await expired();
    life.fail('LockSnapshot', new AwsError('InvalidParameterValue', 'No.'));
    expect((await life.change(LONGER)).failure?.message).toContain('lock of snap-');
    life.services.faults = undefined;
    expect((await life.goBack()).failure).toBeUndefined();
    expect(locksOf(life)).toEqual(['expired 7']);
  });
});

describe('a lock in compliance mode, during its cool-off', () => {
  test.each<[string, Partial<CopyProperties>, number[]]>([
    ['gets a new cool-off period', { CoolOffPeriodHours: '48' }, [24, 48]],
    ['is not set again by an unrelated change', { Tags: [] }, [24]],
  ])('%s', async (_, change, periods) => {
    const life = lifeOf(COMPLIANCE);
    await life.live('created');
    expect((await life.change(change)).failure).toBeUndefined();
    const sent = life.services.calls.filter(({ action }) => action === 'LockSnapshot').map(({ input }) => input);
    expect(sent).toEqual(periods.map((CoolOffPeriod) => expect.objectContaining({ CoolOffPeriod }) as unknown));
  });
});

describe('a lock in compliance mode, after its cool-off', () => {
  async function fixed(weather = WEATHERS[0]): Promise<Life> {
    const life = lifeOf(COMPLIANCE, weather);
    await life.live('created');
    life.time += 25 * HOUR;
    return life;
  }

  test('is extended without a cool-off', async () => {
    const life = await fixed();
    expect((await life.change(LONGER_COMPLIANCE)).failure).toBeUndefined();
    expect(locksOf(life)).toEqual(['compliance 60']);
    const sent = life.services.calls.filter(({ action }) => action === 'LockSnapshot').at(-1);
    expect(sent?.input).not.toHaveProperty('CoolOffPeriod', expect.anything());
  });

  test('stays extended in a rollback, which logs it', async () => {
    const life = await fixed();
    await life.change(LONGER_COMPLIANCE);
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(locksOf(life)).toEqual(['compliance 60']);
    expect(life.left()).toEqual([
      expect.stringContaining('is locked in compliance mode for 60 days, and EC2 only extends'),
    ]);
  });

  test.each<[string, Lock]>([
    ['a shorter duration', { ...COMPLIANCE, LockDurationDays: '29' }],
    ['governance mode', LONGER],
  ])('rejects %s with the reason, and the rollback has nothing to do', async (_, lock) => {
    const life = await fixed();
    const { failure } = await life.change(lock);
    expect(failure?.message).toMatch(
      new RegExp(
        `^snap-\\w+ in ${REGION} is locked in compliance mode for 30 days, and EC2 only extends such a lock; declare at least that`,
      ),
    );
    expect((await life.goBack()).failure).toBeUndefined();
    expect([locksOf(life), life.left()]).toEqual([['compliance 30'], []]);
  });

  test('stays if its declaration is removed, and the log says until when', async () => {
    const life = await fixed();
    const { failure } = await life.change(NONE);
    expect(failure).toBeUndefined();
    expect(locksOf(life)).toEqual(['compliance 30']);
    const [line] = life.logs.filter(({ decision }) => decision === 'left');
    expect(line).toMatchObject({ reason: 'nobody can unlock it in compliance mode', until: expect.any(Date) as Date });
  });

  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'] as const)(
    'does not fail a Delete in %s, which leaves and logs the copy',
    async (status) => {
      const life = await fixed();
      expect((await life.end(status)).answer?.IsComplete).toBe(true);
      expect(locksOf(life)).toEqual(['compliance 30']);
      expect(life.left()).toEqual([expect.stringMatching(/^SnapshotLocked/)]);
    },
  );
});

describe('a lock', () => {
  test('fails the Create after five minutes if a policy denies it, and the rollback deletes the copy', async () => {
    const life = lifeOf(GOVERNANCE);
    life.fail('LockSnapshot', 'denied');
    const { after, failure } = await life.make();
    expect([after, failure?.message]).toEqual([
      300,
      expect.stringMatching(
        /^lock of snap-\w+ in eu-west-1 could not be changed \(the copy itself was completed\): Unauth/,
      ),
    ]);
    expect((await life.end('ROLLBACK_IN_PROGRESS')).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
  });

  test('fails an Update if EC2 refuses it for two minutes, and the rollback succeeds', async () => {
    const life = lifeOf(NONE);
    await life.live('created');
    life.fail('LockSnapshot', new AwsError('UnsupportedOperation', 'No.'));
    const { after, failure } = await life.change(GOVERNANCE);
    expect([after, failure?.message]).toEqual([
      120,
      expect.stringContaining('UnsupportedOperation: No.; correct what'),
    ]);
    expect((await life.goBack()).failure).toBeUndefined();
    expect(locksOf(life)).toEqual(['none']);
  });

  test.each(['UnlockSnapshot', 'DescribeLockedSnapshots'])('does not fail a rollback: %s is denied', async (action) => {
    const life = lifeOf(NONE);
    await life.live('changed', GOVERNANCE);
    life.fail(action, 'denied');
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(locksOf(life)).toEqual(['governance 7']);
    expect(life.left()).toEqual([expect.stringMatching(/^lock: UnauthorizedOperation/)]);
  });

  test('fails the Delete of a copy, and stays, if somebody else set it', async () => {
    const life = lifeOf(NONE);
    await life.live('created');
    life.ec2.handover.lockSnapshot(REGION, { SnapshotId: life.copies()[0], LockMode: 'governance', LockDuration: 1 });
    const { failure } = await life.end('DELETE_IN_PROGRESS');
    expect(failure?.message).toContain('its lock is in state governance: unlock it, then delete again');
    expect(life.calls('UnlockSnapshot')).toEqual([]);
  });

  test('fails a Delete under a handle if unlocking is denied', async () => {
    const world = new World();
    const properties = world.declare({
      DeletionPolicy: 'RetainExceptOnCreate',
      LockMode: 'governance',
      LockDurationDays: '30',
    });
    const id = await world.createUnderHandle(properties);
    const denied = new AwsError('UnauthorizedOperation', 'You are not authorized, with an explicit deny in a policy');
    world.services.faults = ({ action }) => (action === 'UnlockSnapshot' ? denied : undefined);
    world.enter('DELETE_IN_PROGRESS');
    const { failure } = await world.run(world.event('Delete', { ResourceProperties: properties }));
    expect(failure?.message).toContain(`${id} in eu-west-1 could not be deleted: UnauthorizedOperation`);
    expect(failure?.message).toContain('its lock is in state governance: unlock it, then delete again');
    expect(world.copies()).toEqual([id]);
  });

  test('makes the rollback of a create wait until reads show it, and is then removed', async () => {
    const life = lifeOf(GOVERNANCE);
    expect((await life.make()).answer?.IsComplete).toBe(true);
    const [id = ''] = life.copies();
    life.ec2.handover.settings.staleness = 110 * SECOND;
    const { answer, after } = await life.end('ROLLBACK_IN_PROGRESS');
    expect(answer?.IsComplete).toBe(true);
    expect(after).toBeGreaterThanOrEqual(90);
    expect(life.logs).toContainEqual({ decision: 'wait', reason: `the lock of ${id} may not be visible yet` });
    expect(life.logs).toContainEqual({ decision: 'unlock', snapshotId: id });
    expect(life.copies()).toEqual([]);
  });

  test('makes the rollback of an update wait while reads may not show it, and is then removed', async () => {
    const life = lifeOf(NONE);
    await life.live('created');
    const [snapshotId = ''] = life.copies();
    await life.change(GOVERNANCE);
    expect(life.logs).toContainEqual({ decision: 'lock', snapshotId, mode: 'governance', days: 7 });
    life.ec2.handover.settings.staleness = 110 * SECOND;
    expect((await life.goBack()).failure).toBeUndefined();
    expect(life.logs).toContainEqual({
      decision: 'wait',
      reason: `the lock of ${snapshotId} already seems to be as declared, but the read may be older than its last change`,
    });
    expect(life.logs).toContainEqual({ decision: 'unlock', snapshotId });
    expect(locksOf(life)).toEqual(['none']);
  });

  test('does not fail a Delete if a concurrent poll has just removed it', async () => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    const [id = ''] = life.copies();
    life.services.faults = ({ action }) => {
      if (action !== 'UnlockSnapshot') return undefined;
      life.services.faults = undefined;
      life.ec2.handover.unlockSnapshot(REGION, { SnapshotId: id });
      return undefined;
    };
    const { answer, after } = await life.end('ROLLBACK_IN_PROGRESS');
    expect([answer?.IsComplete, after]).toEqual([true, 30]);
    expect(life.copies()).toEqual([]);
  });

  test('is removed even if something else holds the copy, and the Delete says so', async () => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    const snapshot = life.ec2.snapshot(life.copies()[0] ?? '');
    snapshot.backupManaged = true;
    const { failure } = await life.end('ROLLBACK_IN_PROGRESS');
    expect(failure?.message).toMatch(
      /^snap-\w+ in eu-west-1 could not be deleted: Inv.* or release what else holds it/,
    );
    expect(snapshot.lock).toBeUndefined();
  });

  test('that somebody removed is looked for while reads may be stale if something else holds the copy', async () => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    const [id = ''] = life.copies();
    life.ec2.handover.unlockSnapshot(REGION, { SnapshotId: id });
    life.ec2.snapshot(id).backupManaged = true;
    const { after, failure } = await life.end('ROLLBACK_IN_PROGRESS');
    expect([after, failure?.message]).toEqual([120, expect.stringContaining('or release what else holds it')]);
  });

  test('fails a Delete if its mode is no longer the declared one', async () => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    life.ec2.handover.lockSnapshot(REGION, {
      SnapshotId: life.copies()[0],
      LockMode: 'compliance',
      LockDuration: 1,
      CoolOffPeriod: 1,
    });
    const { after, failure } = await life.end('ROLLBACK_IN_PROGRESS');
    expect([after, failure?.message]).toEqual([
      0,
      expect.stringContaining('its lock is in state compliance-cooloff: unlock it'),
    ]);
  });
});

test('without a declared lock, no lock API is called', async () => {
  const life = lifeOf(NONE);
  await life.live('changed', { Tags: [] });
  await life.end('DELETE_IN_PROGRESS');
  expect(life.calls().filter((name) => name.includes('ock'))).toEqual([]);
});
