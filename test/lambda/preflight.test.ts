import type { Aws, Snapshot } from '../../lambda/aws';
import { Failure, NotYet } from '../../lambda/failure';
import { Memory } from '../../lambda/memory';
import { preflight } from '../../lambda/preflight';
import { AwsError, type FaultHook } from '../../local-aws/faults';
import { MINUTE, SECOND, World } from './in-process';
import { requestFor } from './requests';

const NOT_FOUND = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');

describe('the source', () => {
  test('fails the request after two minutes if it is missing, and the reason says what to correct', async () => {
    const world = new World();
    const { failure, after } = await world.runCreate({ SourceSnapshotId: 'snap-0123456789abcdef0' });
    expect(after).toBe(120);
    expect(failure?.message).toContain(
      'source snapshot snap-0123456789abcdef0 was not found in us-east-1: it does not exist there, or is not shared with this account; correct "sourceSnapshotId" or "sourceRegion"',
    );
    expect(world.started()).toBe(0);
  });

  test('of another account counts as missing until that account shares it', async () => {
    const world = new World();
    const theirs = world.ec2.addSnapshot({ region: 'us-east-1', ownerId: '999988887777' });
    expect(await world.refusal({ SourceSnapshotId: theirs.id })).toContain('not shared with this account');
    theirs.sharedWith.add('111122223333');
    expect((await world.runCreate({ SourceSnapshotId: theirs.id })).answer?.IsComplete).toBe(true);
  });

  test('is waited for if it is so new that EC2 does not find it yet', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'eu-west-3' });
    const begun = world.time;
    world.services.faults = ({ region, time }) =>
      region === 'eu-west-3' && time - begun < MINUTE ? NOT_FOUND : undefined;
    const { answer } = await world.runCreate({ SourceSnapshotId: source.id, SourceRegion: 'eu-west-3' });
    expect(answer?.IsComplete).toBe(true);
    expect(world.logs).toContainEqual({ decision: 'wait', reason: `${source.id} was not found yet` });
  });

  test('is waited for while it is pending', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 7 * MINUTE } });
    const { answer } = await world.runCreate({ SourceSnapshotId: source.id });
    expect(answer?.IsComplete).toBe(true);
    expect(world.started()).toBe(1);
  });

  test('is the reason for the timeout if it stays pending', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 90 * MINUTE } });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toMatch(
      /could not be started within 50 minutes: source snapshot \S+ in us-east-1 is pending/,
    );
  });

  test.each([
    [
      'is in the state error',
      { course: { outcome: 'error', message: 'disk fault' } },
      'is in state error (disk fault)',
    ],
    ['is archived', { storageTier: 'archive' as const }, 'is archived; restore it to the standard tier first'],
    ['is on an Outpost', { outpostArn: 'arn:aws:outposts:us-east-1:111122223333:outpost/op-1' }, 'is on an Outpost'],
  ])('is refused if it %s', async (_, state, words) => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', ...state });
    world.time += 2 * MINUTE;
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain(words);
  });

  test('is refused if it is in the Recycle Bin', async () => {
    const world = new World({ recycleBin: 'visible' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1' });
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: source.id });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain('is in the Recycle Bin; recover it first');
  });

  test('is refused without a lookup if its ID is not a snapshot ID', async () => {
    const world = new World();
    expect(await world.refusal({ SourceSnapshotId: '' })).toContain(
      '"" is not a snapshot ID; correct "sourceSnapshotId"',
    );
    const searches = world.services.calls.filter(({ action }) => action === 'DescribeSnapshots');
    expect(searches.map(({ region }) => region)).toEqual(['eu-west-1', 'eu-west-1']);
  });
});

describe('the owner of the source', () => {
  const THEIRS = '999988887777';
  const sharedIn = (world: World): string =>
    world.ec2.addSnapshot({ region: 'us-east-1', ownerId: THEIRS, sharedWith: ['111122223333'] }).id;

  test('is refused if it is not the declared account, and the reason names both', async () => {
    const world = new World();
    const SourceSnapshotId = sharedIn(world);
    expect(await world.refusal({ SourceSnapshotId, SourceOwner: '111122223333' })).toMatch(
      new RegExp(
        `^source snapshot ${SourceSnapshotId} in us-east-1 belongs to account ${THEIRS}, not to 111122223333; ` +
          'correct "sourceSnapshotId", or set "sourceOwner" to that account if you trust it',
      ),
    );
  });

  test.each([
    ['the declared account', THEIRS],
    ['any account if none is declared', undefined],
  ])('may be %s', async (_, SourceOwner) => {
    const world = new World();
    const { answer } = await world.runCreate({ SourceSnapshotId: sharedIn(world), SourceOwner });
    expect(answer?.IsComplete).toBe(true);
  });

  test('is checked before the state of the source, and is refused if it is unknown', async () => {
    const aws: Partial<Aws> = { describeSnapshot: () => Promise.resolve({ State: 'pending' }) };
    const request = requestFor({ SourceOwner: THEIRS });
    await expect(preflight(aws as Aws, request, 0)).rejects.toThrow(`belongs to account (unknown), not to ${THEIRS}`);
  });
});

describe('a source', () => {
  const preflightOf = (source: Snapshot | undefined, elapsedMs = Infinity): Promise<Snapshot> =>
    preflight({ describeSnapshot: () => Promise.resolve(source) } as Partial<Aws> as Aws, requestFor(), elapsedMs);

  /** What the preflight returns or throws. */
  const check = (source: Snapshot): Promise<unknown> => preflightOf(source).catch((error: unknown) => error);

  test('in state error without a reason, or in no state, is described as such', async () => {
    expect(await check({ State: 'error' })).toEqual(
      new Failure('source snapshot snap-0123456789abcdef0 in us-east-1 is in state error (no reason given)'),
    );
    expect(await check({})).toEqual(
      new NotYet('source snapshot snap-0123456789abcdef0 in us-east-1 is in no state, not completed yet'),
    );
  });

  test('that is archived but temporarily restored passes', async () => {
    const RestoreExpiryTime = new Date(Date.UTC(2031, 0, 1));
    const source: Snapshot = { State: 'completed', StorageTier: 'archive', RestoreExpiryTime };
    expect(await check(source)).toBe(source);
  });

  test('that is encrypted passes if EC2 does not show its key', async () => {
    const source: Snapshot = { State: 'completed', Encrypted: true };
    expect(await check(source)).toBe(source);
  });

  test('that is not found counts as new in the first two minutes, and as missing after that', async () => {
    await expect(preflightOf(undefined, 2 * MINUTE - 1)).rejects.toThrow(NotYet);
    await expect(preflightOf(undefined, 2 * MINUTE)).rejects.toThrow(Failure);
  });
});

describe('the reason why a copy was never started', () => {
  test('is the failure that the preflight reports', async () => {
    const world = new World();
    const { failure, after } = await world.runCreate({
      SourceSnapshotId: 'snap-0123456789abcdef0',
      TimeoutSeconds: '60',
    });
    expect(failure?.message).toMatch(/^source snapshot snap-0123456789abcdef0 was not found in us-east-1: /);
    expect(after).toBe(60);
  });

  test('is the error that the preflight runs into', async () => {
    const world = new World();
    const declared = world.declare({ TimeoutSeconds: '60' });
    const id = declared.SourceSnapshotId;
    world.services.faults = ({ input }) => (JSON.stringify(input).includes(`["${id}"]`) ? 'throttled' : undefined);
    expect(await world.refusal(declared)).toContain(
      'could not be started within 1 minute: RequestLimitExceeded: Request limit exceeded.; raise "timeout" (now 1 minute)',
    );
  });

  test.each<[string, FaultHook, string]>([
    [
      'the last error from EC2',
      ({ action }) =>
        action === 'CopySnapshot' ? new AwsError('ResourceLimitExceeded', 'Too many copies.') : undefined,
      'ResourceLimitExceeded: Too many copies.',
    ],
    [
      'the last error from EC2, even for a quota without a documented code',
      ({ action }) => (action === 'CopySnapshot' ? new AwsError('CopyThroughputQuotaExceeded', 'Busy.') : undefined),
      'CopyThroughputQuotaExceeded: Busy.',
    ],
    [
      'that no call was answered',
      ({ action }) => (action === 'CopySnapshot' ? 'refused-connection' : undefined),
      'TimeoutError: socket hang up',
    ],
  ])('is %s if nothing else is wrong', async (_, faults, reason) => {
    const world = new World();
    world.services.faults = faults;
    const { failure } = await world.runCreate({ TimeoutSeconds: '600' });
    expect(failure?.message).toMatch(
      /^copy of snap-\w+ from us-east-1 to eu-west-1 could not be started within 10 min/,
    );
    expect(failure?.message).toContain(`: ${reason}; raise "timeout" (now 10 minutes), or set "completionDuration"`);
  });

  test('is that the latest attempt took too long, if it did', async () => {
    const world = new World();
    const declared = world.declare({ TimeoutSeconds: '300' });
    const begun = world.time;
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? 'throttled' : undefined);
    world.services.delays = ({ input }) => {
      const isLook = JSON.stringify(input).includes(`["${declared.SourceSnapshotId}"]`);
      return isLook && world.time > begun ? 20 * SECOND : 0;
    };
    const { failure } = await world.run(world.event('Create', { ResourceProperties: declared }));
    expect(failure?.message).toContain(
      'could not be started within 5 minutes: this poll took too long to start a copy safely; raise "timeout"',
    );
  });

  test('does not advise setting a completion duration if one is declared', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const { failure } = await world.runCreate({ TimeoutSeconds: '600', CompletionDurationMinutes: '15' });
    expect(failure?.message).toMatch(/; raise "timeout" \(now 10 minutes\) \(log group handler-logs\)$/);
  });

  test('is unknown to a process that made no attempt, so the message points to the log', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const event = await world.accept(
      world.event('Create', { ResourceProperties: world.declare({ TimeoutSeconds: '600' }) }),
    );
    await world.wait(event, 9.5 * MINUTE);
    world.memory = new Memory();
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain(': see the log for the answer to each attempt; raise "timeout"');
  });
});
