// Which snapshot is the latest source, whatever EC2 returns, and what the handler asks EC2 for.
import type { LatestSourceProperties } from '../../lib/contract';
import type { Filter, Snapshot } from '../../lambda/aws';
import type { Poll } from '../../lambda/context';
import { latestSourceOf } from '../../lambda/latest-source';
import { Memory } from '../../lambda/memory';
import { MINUTE, SECOND, tags } from './in-process';
import { requestFor } from './requests';

const NOW = Date.UTC(2030, 0, 10);
const DAY = 24 * 60 * MINUTE;
const VOLUME = 'vol-0123456789abcdef0';

/** A snapshot of the volume, by default completed a day ago. */
const shot = (more: Snapshot = {}): Snapshot => ({
  SnapshotId: 'snap-1',
  State: 'completed',
  VolumeId: VOLUME,
  StartTime: new Date(NOW - DAY),
  Tags: [],
  ...more,
});

interface Search {
  readonly owner: string;
  readonly filters: readonly Filter[];
  readonly isTooLong: () => boolean;
}

class Scene {
  readonly searches: Search[] = [];
  readonly logs: unknown[] = [];
  time = NOW;

  constructor(private readonly found: readonly Snapshot[]) {}

  /** The ID of the latest source, or the reason why there is none. */
  async choose(selector: LatestSourceProperties = { VolumeId: VOLUME }): Promise<string | undefined> {
    const request = requestFor(
      { SourceSnapshotId: undefined, LatestSource: selector, TimeoutSeconds: '3000' },
      { Begun: { At: NOW - MINUTE } },
    );
    const poll: Partial<Poll> = {
      aws: {
        findSnapshots: (_region: string, owner: string, filters: Filter[], isTooLong: () => boolean) => {
          this.searches.push({ owner, filters, isTooLong });
          return Promise.resolve(this.found);
        },
      } as Partial<Poll['aws']> as Poll['aws'],
      log: (decision, details) => void this.logs.push({ decision, ...details }),
      memory: new Memory(),
      request,
      now: () => this.time,
      beganAt: NOW,
      pollIntervalMs: 30 * SECOND,
    };
    try {
      return (await latestSourceOf(poll as Poll))?.SnapshotId;
    } catch (error) {
      return (error as Error).message;
    }
  }
}

const choose = (found: readonly Snapshot[], selector?: LatestSourceProperties): Promise<string | undefined> =>
  new Scene(found).choose(selector);

describe('the search', () => {
  test('asks EC2 for the owner, the volume and the tags, without wildcards', async () => {
    const scene = new Scene([]);
    await scene.choose({ VolumeId: VOLUME, Tags: tags({ app: 'a*b?c\\d' }), Owner: '999900001111' });
    await scene.choose({ Tags: tags({ app: 'shop' }) });
    expect(scene.searches).toMatchObject([
      {
        owner: '999900001111',
        filters: [
          { Name: 'volume-id', Values: [VOLUME] },
          { Name: 'tag:app', Values: ['a\\*b\\?c\\\\d'] },
        ],
      },
      { owner: 'self', filters: [{ Name: 'tag:app', Values: ['shop'] }] },
    ]);
  });

  test('ends when the poll has read for four minutes', async () => {
    const scene = new Scene([shot()]);
    await scene.choose();
    const [search] = scene.searches;
    scene.time = NOW + 4 * MINUTE;
    expect(search?.isTooLong()).toBe(false);
    scene.time += 1;
    expect(search?.isTooLong()).toBe(true);
  });

  test('logs the snapshot that it chose, when that began, and how many EC2 returned', async () => {
    const scene = new Scene([shot({ SnapshotId: 'snap-2' }), shot({ StartTime: new Date(NOW - 2 * DAY) })]);
    expect(await scene.choose()).toBe('snap-2');
    expect(scene.logs).toEqual([
      { decision: 'latest source', source: 'snap-2', startTime: new Date(NOW - DAY), seen: 2 },
    ]);
  });
});

describe('a snapshot that EC2 returns is not a source', () => {
  const NONE = /: EC2 shows none; make a snapshot/;

  test('if it is of another volume', async () => {
    expect(await choose([shot({ VolumeId: 'vol-other' })])).toMatch(NONE);
  });

  test.each([
    ['no tags', undefined],
    ['another value', tags({ app: 'other' })],
    ['the value under another key', tags({ other: 'shop' })],
  ])('if it has %s', async (_, Tags) => {
    expect(await choose([shot({ Tags: Tags && [...Tags] })], { Tags: tags({ app: 'shop' }) })).toMatch(NONE);
    const own = [...(Tags ?? []), ...tags({ app: 'shop' })];
    expect(await choose([shot({ Tags: own })], { Tags: tags({ app: 'shop' }) })).toBe('snap-1');
  });

  test.each<[string, Snapshot]>([
    ['in the Recycle Bin', { State: 'recoverable' }],
    ['pending', { State: 'pending' }],
    ['in no state', { State: undefined }],
    ['archived', { StorageTier: 'archive' }],
    ['restored for too short a time', { RestoreExpiryTime: new Date(NOW + 3000 * SECOND - 1) }],
    ['on an Outpost', { OutpostArn: 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0' }],
  ])('and is counted if it is %s', async (flaw, more) => {
    expect(await choose([shot(more)])).toContain(`: EC2 shows 1: 1 ${flaw}; make a snapshot`);
  });

  test.each([
    [2 * 86_400, '2 days'],
    [5 * 3_600, '5 hours'],
    [60, '1 minute'],
    [90, '90 seconds'],
  ])('if it is older than %d s, in words: %s', async (MaxAgeSeconds, words) => {
    const selector = { VolumeId: VOLUME, MaxAgeSeconds: String(MaxAgeSeconds) };
    const StartTime = new Date(NOW - MaxAgeSeconds * SECOND);
    expect(await choose([shot({ StartTime })], selector)).toBe('snap-1');
    const older = new Date(StartTime.getTime() - 1);
    expect(await choose([shot({ StartTime: older })], selector)).toContain(`EC2 shows 1: 1 older than ${words};`);
    expect(await choose([shot({ StartTime: undefined })], selector)).toContain(`1 older than ${words};`);
  });
});

describe('of several snapshots', () => {
  test('a temporarily restored one qualifies if it stays until the timeout', async () => {
    expect(await choose([shot({ RestoreExpiryTime: new Date(NOW + 3000 * SECOND) })])).toBe('snap-1');
  });

  test('the newest is the source, even if an older one is of another volume', async () => {
    const Tags = [...tags({ app: 'shop' })];
    const older = shot({ SnapshotId: 'snap-9', VolumeId: 'vol-other', StartTime: new Date(NOW - 2 * DAY), Tags });
    expect(await choose([older, shot({ Tags })], { Tags: tags({ app: 'shop' }) })).toBe('snap-1');
  });

  test('with the same start time, the one with the highest ID is the source, regardless of the order', async () => {
    const three = ['snap-2', 'snap-3', 'snap-1'].map((SnapshotId) => shot({ SnapshotId }));
    expect(await choose(three)).toBe('snap-3');
    expect(await choose([...three].reverse())).toBe('snap-3');
  });

  test('none is the source if two volumes tie for the newest, and only those two are listed', async () => {
    const Tags = [...tags({ app: 'shop' })];
    const found = [
      shot({ Tags }),
      shot({ SnapshotId: 'snap-2', VolumeId: 'vol-2', Tags }),
      shot({ SnapshotId: 'snap-3', VolumeId: 'vol-3', StartTime: new Date(NOW - 2 * DAY), Tags }),
    ];
    expect(await choose(found, { Tags: tags({ app: 'shop' }) })).toContain(
      `is not the only one: snap-2 of vol-2, snap-1 of ${VOLUME} began at the same time; add "volumeId"`,
    );
  });
});
