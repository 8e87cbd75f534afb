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
/** A lock needs a policy that retains; with this one, the rollback of a create deletes the copy nevertheless. */
const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate' } as const;

const lifeOf = (lock: Lock, weather = WEATHERS[0]): Life => new Life(weather, { ...RETAINED, ...lock });

/** The lock of each remaining copy, as it is. */
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
  /** Of each copy that remains. */
  readonly locks: readonly string[];
}

const other = { Description: 'new' };

const ROWS: readonly Row[] = [
  { life: 'a create in governance mode', before: GOVERNANCE, ending: 'created', locks: ['governance 7'] },
  { life: 'a create in compliance mode', before: COMPLIANCE, ending: 'created', locks: ['compliance-cooloff 30'] },
  { life: 'the addition', before: NONE, change: GOVERNANCE, ending: 'changed', locks: ['governance 7'] },
  { life: 'the addition and its rollback', before: NONE, change: GOVERNANCE, ending: 'rolled back', locks: ['none'] },
  { life: 'an extension', before: GOVERNANCE, change: LONGER, ending: 'changed', locks: ['governance 30'] },
  { life: 'an extension and its rollback', before: GOVERNANCE, change: LONGER, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'a shorter duration', before: LONGER, change: GOVERNANCE, ending: 'changed', locks: ['governance 7'] },
  { life: 'compliance after governance', before: GOVERNANCE, change: COMPLIANCE, ending: 'changed', locks: ['compliance-cooloff 30'] },
  { life: 'compliance after governance and its rollback', before: GOVERNANCE, change: COMPLIANCE, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'compliance after none and its rollback', before: NONE, change: COMPLIANCE, ending: 'rolled back', locks: ['none'] },
  { life: 'governance after compliance, within the cool-off', before: COMPLIANCE, change: GOVERNANCE, ending: 'changed', locks: ['governance 7'] },
  { life: 'the removal', before: GOVERNANCE, change: NONE, ending: 'changed', locks: ['none'] },
  { life: 'the removal and its rollback', before: GOVERNANCE, change: NONE, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'the removal of compliance within the cool-off', before: COMPLIANCE, change: NONE, ending: 'changed', locks: ['none'] },
  { life: 'a replacement', before: GOVERNANCE, change: { ...LONGER, ...other }, ending: 'changed', locks: ['governance 7', 'governance 30'] },
  { life: 'a replacement and its rollback', before: GOVERNANCE, change: { ...LONGER, ...other }, ending: 'rolled back', locks: ['governance 7'] },
  { life: 'a replacement by a copy in compliance mode and its rollback', before: NONE, change: { ...COMPLIANCE, ...other }, ending: 'rolled back', locks: ['none'] },
  { life: 'a replacement without a lock', before: GOVERNANCE, change: { ...NONE, ...other }, ending: 'changed', locks: ['governance 7', 'none'] },
]; // prettier-ignore

describe.each(WEATHERS)('with %s, a copy is locked as declared after', (weather) => {
  test.each(ROWS)('$life', async ({ before, change, ending, locks }) => {
    const life = lifeOf(before, weather);
    await life.live(ending, change);
    expect(locksOf(life)).toEqual(locks);
    expect(life.left()).toEqual([]);
  });

  test.each([GOVERNANCE, COMPLIANCE])('nothing, if its create is taken back: $LockMode', async (lock) => {
    const life = lifeOf(lock, weather);
    expect((await life.make()).failure).toBeUndefined();
    expect((await life.end('ROLLBACK_IN_PROGRESS')).answer?.IsComplete).toBe(true);
    expect(life.copies()).toEqual([]);
    expect(life.left()).toEqual([]);
  });
});

describe('the duration of a lock', () => {
  test.each<[string, Ending, Partial<CopyProperties>]>([
    ['a change of something else', 'changed', { Tags: [] }],
    ['its rollback', 'rolled back', { Tags: [] }],
    ['the rollback of a replacement', 'rolled back', { ...LONGER, ...other }],
  ])('does not start anew after %s', async (_, ending, change) => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    const [begun] = beginnings(life);
    await life.change(change);
    if (ending === 'rolled back') await life.goBack();
    expect(beginnings(life)).toEqual([begun]);
  });

  test('starts once, although the answer was lost, if the lock shows', async () => {
    const life = lifeOf(GOVERNANCE, 'lost answers');
    await life.live('created');
    expect(life.calls('LockSnapshot')).toHaveLength(1);
  });

  test('of a new copy is not waited for, although the answer was lost', async () => {
    const life = lifeOf(GOVERNANCE);
    life.services.faults = ({ action, count }) =>
      action === 'LockSnapshot' && count === 1 ? 'lost-response' : undefined;
    expect((await life.make()).after).toBe(90);
    expect(life.calls('LockSnapshot')).toHaveLength(1);
  });
});

describe('a lock that has expired', () => {
  async function expired(): Promise<Life> {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    life.time += 8 * DAY;
    return life;
  }

  test.each<[string, Partial<CopyProperties>, string[]]>([
    ['is not renewed by a change of something else', { Tags: [] }, ['expired 7']],
    ['is renewed by another duration', LONGER, ['governance 30']],
    ['is renewed on a new copy', other, ['expired 7', 'governance 7']],
    ['is left if it is removed', NONE, ['expired 7']],
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
    ['gets another cool-off period', { CoolOffPeriodHours: '48' }, [24, 48]],
    ['is not locked again by a change of something else', { Tags: [] }, [24]],
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

  test('is extended, without a cool-off', async () => {
    const life = await fixed();
    expect((await life.change(LONGER_COMPLIANCE)).failure).toBeUndefined();
    expect(locksOf(life)).toEqual(['compliance 60']);
    const sent = life.services.calls.filter(({ action }) => action === 'LockSnapshot').at(-1);
    expect(sent?.input).not.toHaveProperty('CoolOffPeriod', expect.anything());
  });

  test('stays extended in a rollback, which says so', async () => {
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
  ])('refuses %s with the reason, and the rollback has nothing to do', async (_, lock) => {
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

  test('stays if it is removed, and the log says until when', async () => {
    const life = await fixed();
    const { failure } = await life.change(NONE);
    expect(failure).toBeUndefined();
    expect(locksOf(life)).toEqual(['compliance 30']);
    const [line] = life.logs.filter(({ decision }) => decision === 'left');
    expect(line).toMatchObject({ reason: 'nobody can unlock it in compliance mode', until: expect.any(Date) as Date });
  });

  test.each(['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS'] as const)(
    'is left by the Delete in %s, which says so and succeeds',
    async (status) => {
      const life = await fixed();
      expect((await life.end(status)).answer?.IsComplete).toBe(true);
      expect(locksOf(life)).toEqual(['compliance 30']);
      expect(life.left()).toEqual([expect.stringMatching(/^SnapshotLocked/)]);
    },
  );
});

describe('a lock that EC2 refuses', () => {
  test('fails the Create after five minutes if a policy denies it, and the rollback takes the copy', async () => {
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

  test('fails an Update when it has been the answer for two minutes, and the rollback goes back', async () => {
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

  test.each(['UnlockSnapshot', 'DescribeLockedSnapshots'])('never fails a rollback: %s', async (action) => {
    const life = lifeOf(NONE);
    await life.live('changed', GOVERNANCE);
    life.fail(action, 'denied');
    expect((await life.goBack()).answer?.IsComplete).toBe(true);
    expect(locksOf(life)).toEqual(['governance 7']);
    expect(life.left()).toEqual([expect.stringMatching(/^lock: UnauthorizedOperation/)]);
  });

  test('fails the Delete of a copy that somebody else has locked, which is not unlocked', async () => {
    const life = lifeOf(NONE);
    await life.live('created');
    life.ec2.handover.lockSnapshot(REGION, { SnapshotId: life.copies()[0], LockMode: 'governance', LockDuration: 1 });
    const { failure } = await life.end('DELETE_IN_PROGRESS');
    expect(failure?.message).toContain('its lock is in state governance: unlock it, then delete again');
    expect(life.calls('UnlockSnapshot')).toEqual([]);
  });

  test('that may not be taken off fails the Delete of the copy, which its handle names', async () => {
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

  test('that is not visible yet is waited for by the rollback of a create, and is then taken off', async () => {
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

  test('that an update has just set is waited for by its rollback, while reads may not show it, and is then taken off', async () => {
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

  test('is taken off once by two polls of a Delete that run side by side', async () => {
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

  test('is taken off a copy that something else holds, too, and the Delete then says so', async () => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    life.ec2.snapshot(life.copies()[0] ?? '').backupManaged = true;
    const { failure } = await life.end('ROLLBACK_IN_PROGRESS');
    expect(failure?.message).toMatch(
      /^snap-\w+ in eu-west-1 could not be deleted: Inv.* or release what else holds it/,
    );
  });

  test('that was taken off by somebody else is looked for as long as a read may be old, if something else holds the copy', async () => {
    const life = lifeOf(GOVERNANCE);
    await life.live('created');
    const [id = ''] = life.copies();
    life.ec2.handover.unlockSnapshot(REGION, { SnapshotId: id });
    life.ec2.snapshot(id).backupManaged = true;
    const { after, failure } = await life.end('ROLLBACK_IN_PROGRESS');
    expect([after, failure?.message]).toEqual([120, expect.stringContaining('or release what else holds it')]);
  });

  test('fails the Delete of a copy whose lock was changed to another mode than the declared one', async () => {
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

test('no lock takes no call about locks', async () => {
  const life = lifeOf(NONE);
  await life.live('changed', { Tags: [] });
  await life.end('DELETE_IN_PROGRESS');
  expect(life.calls().filter((name) => name.includes('ock'))).toEqual([]);
});
