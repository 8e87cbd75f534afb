import { TAG, type CopyProperties } from '../../lib/contract';
import type { Aws, KeyMetadata, Snapshot } from '../../lambda/aws';
import { CallError, NotYet } from '../../lambda/failure';
import { Memory } from '../../lambda/memory';
import { observe, type Observation } from '../../lambda/observe';
import { AwsError } from '../../local-aws/faults';
import { LOGICAL_ID, MINUTE, SECOND, STACK_ID, tags, World } from './in-process';
import { copyFor, requestFor } from './requests';

const owner = tags({ [TAG.stack]: STACK_ID, [TAG.resource]: LOGICAL_ID });
const CLOSED = new CallError(new AwsError('AuthFailure', 'Not able to validate the credentials.'), 'eu-west-1');
const THROTTLED = new CallError(new AwsError('Throttling', 'Rate exceeded'), 'eu-west-1');

type Listed = Readonly<Record<string, readonly Snapshot[]>>;

interface Scene {
  readonly aws?: Partial<Aws>;
  readonly request?: ReturnType<typeof requestFor>;
  readonly log?: jest.Mock;
  /** How long after the request the poll begins. */
  readonly afterMs?: number;
}

/** What a poll observes if EC2 lists these snapshots in each Region. By default, a minute after the request. */
function observing(listed: Listed, scene: Scene = {}): Promise<Observation> {
  const { aws, request = requestFor(), log = jest.fn(), afterMs = MINUTE } = scene;
  const stackCreatedAt = Date.UTC(2029, 0, 1);
  const port: Partial<Aws> = {
    findSnapshots: (region) => Promise.resolve([...(listed[region] ?? [])]),
    describeSnapshot: (region, id) => Promise.resolve(listed[region]?.find(({ SnapshotId }) => SnapshotId === id)),
    describeStack: () => Promise.resolve({ status: 'CREATE_IN_PROGRESS', begunAt: stackCreatedAt, stackCreatedAt }),
    ...aws,
  };
  const beganAt = request.startedAt + afterMs;
  const poll = { request, beganAt, now: () => beganAt, pollIntervalMs: 30 * SECOND, memory: new Memory(), log };
  return observe({ aws: port as Aws, ...poll });
}

/** A snapshot of the resource, started this many minutes into the year. */
const ours = (SnapshotId: string, minute = 0, more: Snapshot = {}): Snapshot => ({
  SnapshotId,
  StartTime: new Date(Date.UTC(2030, 0, 1, 0, minute)),
  Tags: [...owner],
  ...more,
});

async function idsOf(observed: Promise<Observation>): Promise<string[]> {
  return (await (await observed).search()).map(({ id }) => id);
}

describe('the copies of a resource', () => {
  test('are sorted from oldest to newest, then by ID, no matter in which order EC2 lists them', async () => {
    const listed = [ours('snap-c', 2), ours('snap-d', 1), ours('snap-b', 2), ours('snap-a', 2), ours('snap-e', 1)];
    const oldestFirst = ['snap-d', 'snap-e', 'snap-a', 'snap-b', 'snap-c'];
    expect(await idsOf(observing({ 'eu-west-1': listed }))).toEqual(oldestFirst);
    expect(await idsOf(observing({ 'eu-west-1': listed.toReversed() }))).toEqual(oldestFirst);
  });

  test('are searched for by their stack and resource tags', async () => {
    const world = new World();
    await world.begin(world.event('Create'));
    const Filters = [
      { Name: 'tag:cdk-ebs-snapshot-copy:stack', Values: [STACK_ID] },
      { Name: 'tag:cdk-ebs-snapshot-copy:resource', Values: [LOGICAL_ID] },
    ];
    expect(world.services.calls.find(({ action }) => action === 'DescribeSnapshots')?.input).toMatchObject({ Filters });
  });

  test('do not include a snapshot that lacks either tag, even if the search returns it', async () => {
    const listed = owner.map((tag, i) => ours(`snap-${i}`, 0, { Tags: [tag] }));
    expect(await idsOf(observing({ 'eu-west-1': [...listed, ours('snap-2')] }))).toEqual(['snap-2']);
  });

  test('do not include a snapshot that is older than the stack', async () => {
    const old = ours('snap-a', 0, { StartTime: new Date(Date.UTC(2028, 0, 1)) });
    expect(await idsOf(observing({ 'eu-west-1': [old] }))).toEqual([]);
  });

  test('do not include a copy in the Recycle Bin', async () => {
    expect(await idsOf(observing({ 'eu-west-1': [ours('snap-a', 0, { State: 'recoverable' })] }))).toEqual([]);
  });

  test('are searched for while there is time to read', async () => {
    const findSnapshots = jest.fn<Promise<Snapshot[]>, Parameters<Aws['findSnapshots']>>(() => Promise.resolve([]));
    await idsOf(observing({}, { aws: { findSnapshots } }));
    const [[region, owner, , isTooLong] = []] = findSnapshots.mock.calls;
    expect([region, owner, isTooLong?.()]).toEqual(['eu-west-1', 'self', false]);
  });
});

describe('the previously declared Region', () => {
  const request = requestFor({}, { OldResourceProperties: { DestinationRegion: 'eu-west-2' } });
  const listed: Listed = { 'eu-west-1': [ours('snap-a')], 'eu-west-2': [ours('snap-b')] };

  /** EC2 in one Region returns an error. */
  const failingIn = (broken: string, error: Error): Partial<Aws> => ({
    findSnapshots: (region) =>
      region === broken ? Promise.reject(error) : Promise.resolve([...(listed[region] ?? [])]),
  });

  test('is also searched', async () => {
    expect(await idsOf(observing(listed))).toEqual(['snap-a']);
    const observed = await observing(listed, { request });
    expect(await observed.search()).toMatchObject([
      { id: 'snap-a', region: 'eu-west-1' },
      { id: 'snap-b', region: 'eu-west-2' },
    ]);
    expect(observed.unreadable.size).toBe(0);
  });

  test('is searched only once if it has not changed', async () => {
    const findSnapshots = jest.fn(() => Promise.resolve([]));
    const unchanged = requestFor({}, { OldResourceProperties: { DestinationRegion: 'eu-west-1' } });
    await idsOf(observing({}, { aws: { findSnapshots }, request: unchanged }));
    expect(findSnapshots).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['eu-west-2', 'snap-a'],
    ['eu-west-1', 'snap-b'],
  ])('or the current one is skipped if it is closed: %s', async (region, other) => {
    const log = jest.fn();
    const observed = await observing(listed, { request, log, aws: failingIn(region, CLOSED) });
    expect((await observed.search()).map(({ id }) => id)).toEqual([other]);
    expect([...observed.unreadable]).toEqual([[region, CLOSED]]);
    const reason = 'AuthFailure: Not able to validate the credentials.';
    expect(log.mock.calls).toEqual([['not searched', { region, reason }]]);
  });

  test('is skipped if it has been unreachable for five minutes, unlike the current one', async () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    const found = async (region: string, afterMs: number): Promise<string[] | string> => {
      const unreachable = new CallError(cause, region, request.startedAt + 2 * MINUTE);
      const seen = idsOf(observing(listed, { request, afterMs, aws: failingIn(region, unreachable) }));
      return seen.catch(String);
    };
    expect(await found('eu-west-2', 7 * MINUTE - 1)).toContain('ENOTFOUND');
    expect(await found('eu-west-2', 7 * MINUTE)).toEqual(['snap-a']);
    expect(await found('eu-west-1', 60 * MINUTE)).toContain('ENOTFOUND');
  });

  test('is waited for after a temporary error', async () => {
    const observed = await observing(listed, { request, aws: failingIn('eu-west-2', THROTTLED) });
    await expect(observed.search()).rejects.toBe(THROTTLED);
    expect(observed.unreadable.size).toBe(0);
  });
});

describe('a lookup of a copy by ID', () => {
  const listed: Listed = {
    'eu-west-1': [
      ours('snap-a'),
      ours('snap-b', 0, { Tags: [] }),
      ours('snap-c', 0, { State: 'recoverable', Tags: [] }),
      ours('snap-e', 0, { Tags: [...owner, { Key: TAG.id, Value: 'snap-a' }] }),
    ],
  };

  test('finds the copy in the destination Region', async () => {
    const observed = await observing(listed);
    expect(await observed.copyById('snap-a')).toMatchObject({ id: 'snap-a', region: 'eu-west-1' });
  });

  test.each([
    ['lacks the owner tags', 'snap-b'],
    ['is a clone of the copy', 'snap-e'],
  ])('fails if the snapshot %s', async (_, id) => {
    const observed = await observing(listed);
    await expect(observed.copyById(id)).rejects.toThrow(`${id} in eu-west-1 does not carry the tags`);
  });

  test('finds nothing if the snapshot is gone or in the Recycle Bin, regardless of its tags', async () => {
    const observed = await observing(listed);
    expect(await observed.copyById('snap-c')).toBeUndefined();
    expect(await observed.copyById('snap-d')).toBeUndefined();
  });
});

describe('the source and the declared key', () => {
  const declaredAs = (wanted: Partial<CopyProperties>) => requestFor(wanted).wanted;
  const declared = declaredAs({ KmsKeyId: 'alias/mine', SourceRegion: 'us-east-1' });
  const source: Snapshot = { SnapshotId: declared.sourceSnapshotId, VolumeSize: 8 };
  const key: KeyMetadata = { KeyId: 'k' };
  const copy = copyFor(requestFor());

  test('are read in their own Regions', async () => {
    const describeKey = jest.fn(() => Promise.resolve(key));
    const observed = await observing({ 'us-east-1': [source] }, { aws: { describeKey } });
    expect(await observed.sourceOf(declared, copy)).toBe(source);
    expect(await observed.keyOf(declared)).toBe(key);
    expect(describeKey.mock.calls).toEqual([['eu-west-1', 'alias/mine']]);
  });

  test('are undefined if the source is gone, or if no key is declared', async () => {
    const observed = await observing({});
    expect(await observed.sourceOf(declared, copy)).toBeUndefined();
    expect(await observed.keyOf(declaredAs({ Encrypted: 'true' }))).toBeUndefined();
  });

  test('do not include the latest source if no tag of the copy names it', async () => {
    const describeSnapshot = jest.fn();
    const observed = await observing({}, { aws: { describeSnapshot } });
    const latest = declaredAs({ SourceSnapshotId: undefined, LatestSource: { VolumeId: 'vol-0123456789abcdef0' } });
    expect(await observed.sourceOf(latest, copy)).toBeUndefined();
    expect(describeSnapshot).not.toHaveBeenCalled();
  });

  test('are undefined after a final error, and are waited for after a temporary one', async () => {
    const failing = (error: Error): Promise<Observation> => {
      const fail = (): Promise<never> => Promise.reject(error);
      return observing({}, { aws: { describeSnapshot: fail, describeKey: fail } });
    };
    const closed = await failing(CLOSED);
    expect([await closed.sourceOf(declared, copy), await closed.keyOf(declared)]).toEqual([undefined, undefined]);
    const throttled = await failing(THROTTLED);
    await expect(throttled.sourceOf(declared, copy)).rejects.toBe(THROTTLED);
    await expect(throttled.keyOf(declared)).rejects.toBe(THROTTLED);
  });
});

describe('a poll', () => {
  const pollOf = async (world: World, event: Parameters<World['poll']>[0]): Promise<string[]> => {
    const first = world.calls().length;
    await world.poll(event);
    return world.calls().slice(first);
  };

  test('for a pending copy searches until the copy is visible, then describes it by ID', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    const stack = ['DescribeStacks', 'DescribeStackResource'];
    world.time += 30 * SECOND;
    expect(await pollOf(world, event)).toEqual([...stack, 'DescribeSnapshots', 'CreateTags']);
    world.time += 30 * SECOND;
    expect(await pollOf(world, event)).toEqual([...stack, 'DescribeSnapshots']);
    const inputs = world.services.calls.map(({ action, input }) => action === 'DescribeSnapshots' && input);
    expect(inputs.at(-1)).toEqual({ SnapshotIds: world.copies() });
  });

  test('for an Update without changes reads only what it needs, and writes nothing', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1' }) });
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accept(world.update(before, before));
    expect(await pollOf(world, event)).toEqual(['DescribeStacks', 'DescribeStackResource', 'DescribeSnapshots']);
  });

  test('reads each thing once, on first use, no matter how many steps need it', async () => {
    const asked: string[] = [];
    const ask =
      <Answer>(name: string, answer: Answer) =>
      (...[, second]: unknown[]): Promise<Answer> => {
        asked.push(typeof second === 'string' ? `${name} ${second}` : name);
        return Promise.resolve(answer);
      };
    const aws: Partial<Aws> = {
      findSnapshots: ask('search', []),
      describeResource: ask('resource', { changedAt: 0 }),
      describeSnapshot: ask('snapshot', undefined),
      describeKey: ask('key', undefined),
    };
    const request = { ...requestFor({ KmsKeyId: 'alias/mine' }), requesterId: 'Stage2' };
    const observed = await observing({}, { aws, request });
    expect(asked).toEqual([]);
    for (let i = 0; i < 2; i++) {
      await observed.search();
      await observed.owner();
      await observed.requester();
      await observed.copyById('snap-a');
      await observed.copyById('snap-b');
      await observed.sourceOf(request.wanted, copyFor(request));
      await observed.keyOf(request.wanted);
    }
    expect(asked).toEqual([
      'search self',
      `resource ${LOGICAL_ID}`,
      'resource Stage2',
      'snapshot snap-a',
      'snapshot snap-b',
      `snapshot ${request.wanted.sourceSnapshotId}`,
      'key alias/mine',
    ]);
  });

  test('ends a slow search before the function times out', async () => {
    const world = new World({ crowd: 100_000 });
    world.services.delays = ({ action }) => (action === 'DescribeSnapshots' ? 3 * SECOND : 0);
    const event = await world.accept(world.event('Create'));
    const begun = world.time;
    await world.poll(event);
    expect(world.time - begun).toBeLessThanOrEqual(4 * MINUTE + 3 * SECOND);
    const reason = new NotYet(
      'EC2 takes too long to list the snapshots in eu-west-1; delete those that nobody needs, or deploy again when the Region is less busy',
    ).message;
    expect(world.logs.at(-1)).toEqual({ decision: 'wait', reason });
  });
});
