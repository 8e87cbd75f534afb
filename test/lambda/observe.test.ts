import { TAG } from '../../lib/contract';
import type { Aws, Snapshot } from '../../lambda/aws';
import { observe, type Observation } from '../../lambda/observe';
import { LOGICAL_ID, SECOND, STACK_ID, tags, World } from './in-process';
import { requestFor } from './requests';

const owner = tags({ [TAG.stack]: STACK_ID, [TAG.resource]: LOGICAL_ID });

/** What is observed where EC2 lists these snapshots in each Region. */
function observing(listed: Record<string, Snapshot[]>, request = requestFor()): Promise<Observation> {
  const aws: Partial<Aws> = {
    findSnapshots: (region) => Promise.resolve(listed[region] ?? []),
    describeSnapshot: (region, id) => Promise.resolve(listed[region]?.find(({ SnapshotId }) => SnapshotId === id)),
    describeStack: () => Promise.resolve({ status: 'CREATE_IN_PROGRESS', begunAt: 0 }),
  };
  return observe(aws as Aws, request);
}

const idsOf = ({ copies }: Observation): string[] => copies.map(({ id }) => id);

describe('the copies of a resource', () => {
  test('come oldest first, and those of one moment by their id, whatever the order in which EC2 lists them', async () => {
    const copy = (SnapshotId: string, minute: number): Snapshot => ({
      SnapshotId,
      StartTime: new Date(Date.UTC(2030, 0, 1, 0, minute)),
      Tags: [...owner],
    });
    const listed = [copy('snap-c', 2), copy('snap-d', 1), copy('snap-b', 2), copy('snap-a', 2), copy('snap-e', 1)];
    const oldestFirst = ['snap-d', 'snap-e', 'snap-a', 'snap-b', 'snap-c'];
    expect(idsOf(await observing({ 'eu-west-1': listed }))).toEqual(oldestFirst);
    expect(idsOf(await observing({ 'eu-west-1': listed.reverse() }))).toEqual(oldestFirst);
  });

  test('are searched for in the Region that was declared before, too', async () => {
    const listed = {
      'eu-west-1': [{ SnapshotId: 'snap-a', Tags: [...owner] }],
      'eu-west-2': [{ SnapshotId: 'snap-b', Tags: [...owner] }],
    };
    expect(idsOf(await observing(listed))).toEqual(['snap-a']);
    const request = requestFor({}, { OldResourceProperties: { DestinationRegion: 'eu-west-2' } });
    const { copies } = await observing(listed, request);
    expect(copies).toMatchObject([
      { id: 'snap-a', region: 'eu-west-1' },
      { id: 'snap-b', region: 'eu-west-2' },
    ]);
  });

  test('are searched for by the tags of the owner', async () => {
    const world = new World();
    await world.begin(world.event('Create'));
    const Filters = [
      { Name: 'tag:cdk-ebs-snapshot-copy:stack', Values: [STACK_ID] },
      { Name: 'tag:cdk-ebs-snapshot-copy:resource', Values: [LOGICAL_ID] },
    ];
    expect(world.services.calls.find(({ action }) => action === 'DescribeSnapshots')?.input).toMatchObject({ Filters });
  });

  test('do not include a snapshot that lacks a tag of the owner, even if the search finds it', async () => {
    const listed = owner.map((tag, i) => ({ SnapshotId: `snap-${i}`, Tags: [tag] }));
    const found = await observing({ 'eu-west-1': [...listed, { SnapshotId: 'snap-2', Tags: [...owner] }] });
    expect(idsOf(found)).toEqual(['snap-2']);
  });

  test('do not include a copy in the Recycle Bin', async () => {
    const listed: Snapshot[] = [{ SnapshotId: 'snap-a', State: 'recoverable', Tags: [...owner] }];
    expect(idsOf(await observing({ 'eu-west-1': listed }))).toEqual([]);
  });
});

describe('a copy by its id', () => {
  const listed: Record<string, Snapshot[]> = {
    'eu-west-1': [
      { SnapshotId: 'snap-a', Tags: [...owner] },
      { SnapshotId: 'snap-b', Tags: [] },
      { SnapshotId: 'snap-c', State: 'recoverable', Tags: [] },
    ],
  };

  test('is the copy in the destination Region', async () => {
    const observed = await observing(listed);
    expect(await observed.copyById('snap-a')).toMatchObject({ id: 'snap-a', region: 'eu-west-1' });
  });

  test('fails if the snapshot does not carry the tags of the owner', async () => {
    const observed = await observing(listed);
    await expect(observed.copyById('snap-b')).rejects.toThrow('snap-b in eu-west-1 does not carry the tags');
  });

  test('is nothing if the snapshot is gone or in the Recycle Bin, whatever its tags', async () => {
    const observed = await observing(listed);
    expect(await observed.copyById('snap-c')).toBeUndefined();
    expect(await observed.copyById('snap-d')).toBeUndefined();
  });
});

describe('one poll', () => {
  test('of a pending copy makes two calls', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    const first = world.calls().length;
    world.time += 30 * SECOND;
    await world.poll(event);
    expect(world.calls().slice(first)).toEqual(['DescribeSnapshots', 'DescribeStacks']);
  });

  test('of an Update without a change reads what it needs, and writes nothing', async () => {
    const world = new World();
    const before = world.declare({ Tags: tags({ a: '1' }) });
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const event = await world.accept(world.update(before, before));
    const first = world.calls().length;
    await world.poll(event);
    expect(world.calls().slice(first)).toEqual(['DescribeSnapshots', 'DescribeStacks', 'DescribeStackResource']);
  });

  test('asks CloudFormation once for each resource, and EC2 once for each snapshot, however many steps ask', async () => {
    const describeResource = jest.fn((_: string, id: string) =>
      Promise.resolve({ physicalId: `id of ${id}`, status: id }),
    );
    const describeSnapshot = jest.fn(() => Promise.resolve(undefined));
    const aws: Partial<Aws> = {
      findSnapshots: () => Promise.resolve([]),
      describeStack: () => Promise.resolve({ status: '', begunAt: 0 }),
      describeResource,
      describeSnapshot,
    };
    const request = { ...requestFor(), requesterId: 'Stage2' };
    const observed = await observe(aws as Aws, request);
    expect(describeResource).not.toHaveBeenCalled();
    for (let i = 0; i < 2; i++) {
      expect(await observed.presentId()).toBe(`id of ${LOGICAL_ID}`);
      expect(await observed.requesterStatus()).toBe('Stage2');
      await observed.copyById('snap-a');
      await observed.copyById('snap-b');
    }
    expect(describeResource.mock.calls).toEqual([
      [STACK_ID, LOGICAL_ID],
      [STACK_ID, 'Stage2'],
    ]);
    expect(describeSnapshot.mock.calls).toEqual([
      ['eu-west-1', 'snap-a'],
      ['eu-west-1', 'snap-b'],
    ]);
  });
});
