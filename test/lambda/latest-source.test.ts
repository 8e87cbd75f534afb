import { TAG, type CopyProperties } from '../../lib/contract';
import { Memory } from '../../lambda/memory';
import { decodeRequest } from '../../lambda/request';
import { AwsError } from '../../local-aws/faults';
import { LOGICAL_ID, MINUTE, SECOND, STACK_ID, stale, tags, THREE_HOURS, World } from './in-process';

const VOLUME = 'vol-0123456789abcdef0';
const DAY = 24 * 60 * MINUTE;
/** The source is the latest snapshot of one volume. */
const OF_VOLUME = { SourceSnapshotId: undefined, LatestSource: { VolumeId: VOLUME } };

class Backups extends World {
  /** Adds a snapshot of the volume with this age. */
  backup(ageMs: number, more: Partial<Parameters<World['ec2']['addSnapshot']>[0]> = {}): string {
    const startTime = this.time - ageMs;
    return this.ec2.addSnapshot({ region: 'us-east-1', volumeId: VOLUME, startTime, ...more }).id;
  }

  latest(more: Partial<CopyProperties> = {}): CopyProperties {
    return { ...this.declare({}), ...OF_VOLUME, ...more };
  }

  /** Runs an Update that succeeds. The stack is then idle. */
  async refresh(wanted: CopyProperties, before: CopyProperties): Promise<string> {
    this.enter('UPDATE_IN_PROGRESS');
    const { answer, failure } = await this.run(this.update(wanted, before));
    if (!answer) throw failure ?? new Error('no answer');
    this.enter('UPDATE_COMPLETE');
    this.time += 5 * MINUTE;
    return answer.Data?.SnapshotId ?? '';
  }

  /** Runs an Update and its rollback, which CloudFormation begins after the answer or while it waits for one. */
  async refreshAndRollBack(
    wanted: CopyProperties,
    before: CopyProperties,
    { carries = 'old', canceledAfter }: { carries?: 'old' | 'new'; canceledAfter?: number } = {},
  ) {
    const present = this.physicalId;
    this.enter('UPDATE_IN_PROGRESS');
    const event = this.update(wanted, before);
    const accepted = await this.accept(event);
    const outcome = await this.wait(accepted, canceledAfter);
    const updated = outcome.answer?.PhysicalResourceId ?? accepted.PhysicalResourceId;
    this.time += 10 * SECOND;
    this.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    this.physicalId = carries === 'new' ? updated : present;
    const rollback = await this.run(this.update(before, wanted));
    this.enter('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    for (const id of new Set([present, updated])) {
      if (id !== this.physicalId) await this.wait(await this.accept(this.event('Delete', { PhysicalResourceId: id })));
    }
    this.enter('UPDATE_ROLLBACK_COMPLETE');
    this.time += 5 * MINUTE;
    return { outcome, rollback };
  }

  sourceOf(copy: string): string {
    return this.ec2.snapshot(copy).source?.id ?? '';
  }

  searchesForSource(): number {
    return this.services.calls.filter(({ action, region }) => action === 'DescribeSnapshots' && region === 'us-east-1')
      .length;
  }
}

function scene(): { world: Backups; newest: string } {
  const world = new Backups();
  world.backup(3 * DAY);
  const newest = world.backup(DAY);
  world.backup(2 * DAY);
  return { world, newest };
}

describe('a Create', () => {
  test('copies the newest snapshot that matches, and reports which one', async () => {
    const { world, newest } = scene();
    const { answer } = await world.run(world.event('Create', { ResourceProperties: world.latest() }));
    const [copy = ''] = world.copies();
    expect(world.sourceOf(copy)).toBe(newest);
    expect(answer?.Data).toMatchObject({ SnapshotId: copy, SourceSnapshotId: newest });
    expect(world.ec2.tagsOf(copy)[TAG.source]).toBe(newest);
    expect(world.logs).toContainEqual(expect.objectContaining({ decision: 'start copy', source: newest }));
  });

  test('logs once which source it found, and names it in its failure', async () => {
    const { world, newest } = scene();
    const denied = new AwsError('UnauthorizedOperation', 'You are not authorized.');
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? denied : undefined);
    const { failure } = await world.run(world.event('Create', { ResourceProperties: world.latest() }));
    const reason = `copy of ${newest} (the latest snapshot of volume ${VOLUME}) from us-east-1 to eu-west-1: `;
    expect(failure?.message).toContain(reason);
    expect(world.started()).toBeGreaterThan(1);
    expect(world.logs.filter(({ decision }) => decision === 'latest source')).toHaveLength(1);
  });

  test.each([
    ['pending', { course: { outcome: 'pending' } }],
    ['failed', { course: { outcome: 'error', duration: 0 } }],
    ['archived', { storageTier: 'archive' as const }],
    ['of another account', { ownerId: '999900001111', sharedWith: ['all'] }],
    ['of another volume', { volumeId: 'vol-0fedcba9876543210' }],
    ['in another Region', { region: 'eu-west-1' }],
  ])('skips a newer snapshot that is %s', async (_, more) => {
    const { world, newest } = scene();
    world.backup(MINUTE, more);
    const copy = await world.create(world.latest());
    expect(world.sourceOf(copy)).toBe(newest);
  });

  test('requires all tags, and takes wildcards in them literally', async () => {
    const world = new Backups();
    const wanted = world.backup(2 * DAY, { tags: { app: 'a*c', env: 'prod' } });
    world.backup(DAY, { tags: { app: 'abc', env: 'prod' } });
    world.backup(DAY, { tags: { app: 'a*c', env: 'test' } });
    const selector = { Tags: tags({ app: 'a*c', env: 'prod' }) };
    const copy = await world.create(world.latest({ LatestSource: selector }));
    expect(world.sourceOf(copy)).toBe(wanted);
  });

  test('copies a shared snapshot of the declared owner', async () => {
    const { world } = scene();
    const theirs = world.backup(4 * DAY, { ownerId: '999900001111', sharedWith: ['111122223333'] });
    const copy = await world.create(world.latest({ LatestSource: { VolumeId: VOLUME, Owner: '999900001111' } }));
    expect(world.sourceOf(copy)).toBe(theirs);
  });

  test('copies the snapshot with the highest ID if start times tie', async () => {
    const world = new Backups();
    const ids = [world.backup(DAY), world.backup(DAY), world.backup(DAY)].sort();
    const copy = await world.create(world.latest());
    expect(world.sourceOf(copy)).toBe(ids.at(-1));
  });

  test('fails if two volumes tie for the newest snapshot, and lists both', async () => {
    const world = new Backups();
    const app = { tags: { app: 'shop' } };
    const a = world.backup(DAY, app);
    const b = world.backup(DAY, { ...app, volumeId: 'vol-0fedcba9876543210' });
    const message = await world.refusal({ ...OF_VOLUME, LatestSource: { Tags: tags({ app: 'shop' }) } });
    expect(message).toContain('the latest snapshot with tag app=shop in us-east-1 is not the only one: ');
    expect(message).toContain(`${a} of ${VOLUME}`);
    expect(message).toContain(`${b} of vol-0fedcba9876543210`);
  });

  test('fails at the second poll if nothing can be copied, and says what it found', async () => {
    const world = new Backups();
    world.backup(MINUTE, { course: { outcome: 'pending' } });
    world.backup(2 * DAY, { storageTier: 'archive' });
    world.backup(9 * DAY);
    world.backup(10 * DAY);
    const LatestSource = { VolumeId: VOLUME, MaxAgeSeconds: String(3 * 86_400) };
    const { failure, after } = await world.runCreate({ ...OF_VOLUME, LatestSource });
    const [, seen] =
      /^no snapshot of volume vol-\w+ in us-east-1 can be copied: EC2 shows 4: (.*); make a snapshot, or correct "latestSource"/.exec(
        failure?.message ?? '',
      ) ?? [];
    expect(seen?.split(', ').sort()).toEqual(['1 archived', '1 pending', '2 older than 3 days']);
    expect(after).toBe(30);
    expect(world.started()).toBe(0);
  });

  test('fails and says so if EC2 shows no snapshots', async () => {
    const message = await new Backups().refusal(OF_VOLUME);
    expect(message).toContain(`no snapshot of volume ${VOLUME} in us-east-1 can be copied: EC2 shows none`);
  });

  test('searches again if the source is deleted before it is copied', async () => {
    const { world, newest } = scene();
    const goes = world.backup(MINUTE);
    world.services.faults = ({ action }) => {
      if (action === 'CopySnapshot') world.ec2.deleteSnapshot('us-east-1', { SnapshotId: goes });
      world.services.faults = action === 'CopySnapshot' ? undefined : world.services.faults;
      return undefined;
    };
    const copy = await world.create(world.latest());
    expect(world.sourceOf(copy)).toBe(newest);
    expect(world.copies()).toEqual([copy]);
  });

  test('searches again if CopySnapshot no longer finds the source', async () => {
    const { world, newest } = scene();
    const goes = world.backup(MINUTE);
    world.services.faults = ({ action }) => {
      if (action !== 'CopySnapshot') return undefined;
      world.ec2.deleteSnapshot('us-east-1', { SnapshotId: goes });
      world.services.faults = undefined;
      return new AwsError('InvalidSnapshot.NotFound', `The snapshot '${goes}' does not exist.`);
    };
    const copy = await world.create(world.latest());
    expect(world.sourceOf(copy)).toBe(newest);
    expect(world.logs).toContainEqual({ decision: 'wait', reason: `${goes} was deleted before it was copied` });
  });

  test('waits for a copy that may have been started, even if the source is gone', async () => {
    const world = new Backups({ staleness: stale({ ids: 110 * SECOND, tags: 110 * SECOND }) });
    const only = world.backup(DAY);
    world.time += 5 * MINUTE;
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? 'lost-response' : undefined);
    const event = await world.begin(world.event('Create', { ResourceProperties: world.latest() }));
    world.ec2.settings.staleness = stale({ tags: 110 * SECOND });
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: only });
    world.time += 30 * SECOND;
    const { answer, failure } = await world.wait(event);
    expect(failure).toBeUndefined();
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test.each(['no', 'visible'] as const)(
    'copies the next newest if the source is deleted during the copy; Recycle Bin: %s',
    async (recycleBin) => {
      const world = new Backups({ recycleBin });
      const newest = world.backup(DAY);
      const goes = world.backup(MINUTE);
      world.ec2.settings.course = ({ input }) =>
        input.SourceSnapshotId === goes ? { outcome: 'error', duration: 10 * SECOND, message: 'No source' } : {};
      const event = await world.begin(world.event('Create', { ResourceProperties: world.latest() }));
      world.ec2.deleteSnapshot('us-east-1', { SnapshotId: goes });
      world.time += 30 * SECOND;
      const { answer } = await world.wait(event);
      expect(answer?.Data?.SourceSnapshotId).toBe(newest);
      expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
    },
  );

  test('does not search again if the source of a failed copy still exists', async () => {
    const { world } = scene();
    world.ec2.settings.course = () => ({ outcome: 'error', duration: 10 * SECOND, message: 'Internal fault' });
    const { failure } = await world.runCreate(OF_VOLUME);
    expect(failure?.message).toContain('Internal fault');
    expect(world.started()).toBe(1);
  });

  test('copies what it found first, even if a newer snapshot appears meanwhile', async () => {
    const { world, newest } = scene();
    const event = await world.begin(world.event('Create', { ResourceProperties: world.latest() }));
    world.time += MINUTE;
    world.backup(0);
    await world.wait(event);
    expect(world.copies().map((copy) => world.sourceOf(copy))).toEqual([newest]);
  });

  test('names the source if the copy fails', async () => {
    const { world, newest } = scene();
    world.ec2.settings.course = () => ({ outcome: 'error', duration: 10 * SECOND, message: 'Internal fault' });
    const { failure } = await world.runCreate(OF_VOLUME);
    expect(failure?.message).toContain(
      `copy of ${newest} (the latest snapshot of volume ${VOLUME}) from us-east-1 to eu-west-1 failed`,
    );
  });

  test('never uses its own copy as a source', async () => {
    const world = new Backups();
    const app = { app: 'shop' };
    const source = world.backup(DAY, { tags: app });
    const declared = world.latest({
      LatestSource: { Tags: tags(app) },
      DestinationRegion: 'us-east-1',
      CopySourceTags: 'true',
    });
    const first = await world.create(declared);
    expect(world.ec2.tagsOf(first)).toMatchObject(app);
    const second = await world.refresh({ ...declared, Refresh: '2' }, declared);
    expect([world.sourceOf(second), second]).toEqual([source, first]);
  });

  test('does not use a copy that the same resource left in an earlier stack of this name', async () => {
    const world = new Backups();
    const app = { app: 'shop' };
    const source = world.backup(DAY, { tags: app });
    const earlier = STACK_ID.replace(/[^/]*$/, '1a2b3c4d-0000-11ee-be56-0242ac120002');
    world.backup(MINUTE, { tags: { ...app, [TAG.stack]: earlier, [TAG.resource]: LOGICAL_ID } });
    const LatestSource = { Tags: tags(app) };
    expect(world.sourceOf(await world.create(world.latest({ LatestSource })))).toBe(source);
  });

  test.each([
    ['another resource of the stack', { [TAG.stack]: STACK_ID, [TAG.resource]: 'Other' }],
    ['another stack', { [TAG.stack]: STACK_ID.replace(':stack/app/', ':stack/golden/'), [TAG.resource]: LOGICAL_ID }],
  ])('uses a copy that %s made', async (_, owner) => {
    const world = new Backups();
    world.backup(DAY, { tags: { app: 'shop' } });
    const copy = world.backup(MINUTE, { tags: { app: 'shop', ...owner } });
    const LatestSource = { Tags: tags({ app: 'shop' }) };
    expect(world.sourceOf(await world.create(world.latest({ LatestSource })))).toBe(copy);
  });
});

describe('an Update', () => {
  const created = async () => {
    const { world, newest } = scene();
    const before = world.latest({ Refresh: '1' });
    const copy = await world.create(before);
    return { world, newest, before, copy, searches: world.searchesForSource() };
  };

  test.each([
    ['tags', { Tags: tags({ a: 'b' }) }],
    ['sharing', { ShareWith: ['999900001111'] }],
    ['the timeout', { TimeoutSeconds: '6000' }],
    ['the maximum age', { LatestSource: { VolumeId: VOLUME, MaxAgeSeconds: '60' } }],
  ])('of %s does not search for a source', async (_, change) => {
    const { world, before, copy, searches } = await created();
    world.backup(0);
    expect(await world.refresh({ ...before, ...change }, before)).toBe(copy);
    expect(world.searchesForSource()).toBe(searches);
  });

  test.each([
    ['changes', '2'],
    ['removes', undefined],
  ])('that %s "refresh" replaces the present copy with one of a newer source', async (_, Refresh) => {
    const { world, before, copy } = await created();
    const newer = world.backup(0);
    const next = await world.refresh({ ...before, Refresh }, before);
    expect(next).not.toBe(copy);
    expect(world.sourceOf(next)).toBe(newer);
  });

  test('whose refresh finds the same source keeps the present copy under its ID', async () => {
    const { world, before, copy, newest } = await created();
    expect(await world.refresh({ ...before, Refresh: '2' }, before)).toBe(copy);
    expect(world.physicalId).toBe(copy);
    expect(world.started()).toBe(1);
    expect(world.sourceOf(copy)).toBe(newest);
  });

  test('that keeps the copy of a handle also keeps the handle', async () => {
    const { world } = scene();
    const before = world.latest({ Refresh: '1' });
    const copy = await world.createUnderHandle(before);
    const handle = world.physicalId;
    expect(await world.refresh({ ...before, Refresh: '2' }, before)).toBe(copy);
    expect(world.physicalId).toBe(handle);
  });

  test('that keeps the copy changes its tags and deletion policy in place', async () => {
    const { world, before, copy } = await created();
    await world.refresh({ ...before, Refresh: '2', Tags: tags({ a: 'b' }), DeletionPolicy: 'Retain' }, before);
    expect(world.ec2.tagsOf(copy)).toMatchObject({ a: 'b', [TAG.retain]: 'Retain' });
  });

  test('with another selector that finds the same source keeps the present copy', async () => {
    const { world, before, copy, newest } = await created();
    world.ec2.createTags('us-east-1', { Resources: [newest], Tags: [{ Key: 'app', Value: 'shop' }] });
    const wanted = { ...before, LatestSource: { VolumeId: VOLUME, Tags: tags({ app: 'shop' }) } };
    expect(await world.refresh(wanted, before)).toBe(copy);
  });

  test('from the latest source to the same one by ID, and back, keeps the present copy', async () => {
    const { world, before, copy, newest } = await created();
    const named = { ...before, LatestSource: undefined, Refresh: undefined, SourceSnapshotId: newest };
    expect(await world.refresh(named, before)).toBe(copy);
    expect(await world.refresh(before, named)).toBe(copy);
  });

  test('with another description makes a new copy', async () => {
    const { world, before, copy } = await created();
    const next = await world.refresh({ ...before, Description: 'new' }, before);
    expect(next).not.toBe(copy);
  });

  test('whose refresh finds nothing fails, and its rollback keeps the present copy', async () => {
    const { world, before, copy } = await created();
    for (const { id, source } of world.ec2.all())
      if (!source) world.ec2.deleteSnapshot('us-east-1', { SnapshotId: id });
    const { outcome, rollback } = await world.refreshAndRollBack({ ...before, Refresh: '2' }, before);
    expect(outcome.failure?.message).toContain('EC2 shows none');
    expect(rollback.answer).toMatchObject({ PhysicalResourceId: copy });
    expect(world.copies()).toEqual([copy]);
  });

  test('right after a refresh that kept the copy also keeps it, even with late reads of its tags', async () => {
    const { world, before, copy } = await created();
    const kept = { ...before, Refresh: '2' };
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(kept, before));
    world.ec2.settings.staleness = { ids: 0, tags: 2 * MINUTE, deletions: 0, writes: 0 };
    world.time += 5 * SECOND;
    world.backup(0);
    expect(await world.refresh({ ...kept, Tags: tags({ a: 'b' }) }, kept)).toBe(copy);
    expect(world.started()).toBe(1);
  });

  test('whose refresh finds the same source keeps the present copy, even if EC2 now shows another size', async () => {
    const { world, before, copy, newest } = await created();
    world.ec2.snapshot(newest).volumeSize = 9;
    expect(await world.refresh({ ...before, Refresh: '2' }, before)).toBe(copy);
    expect(world.started()).toBe(1);
  });

  test('whose refresh keeps the present copy, but that no longer retains it, removes the mark', async () => {
    const { world } = scene();
    const before = world.latest({ Refresh: '1', DeletionPolicy: 'Retain' });
    const copy = await world.create(before);
    expect(await world.refresh({ ...before, Refresh: '2', DeletionPolicy: undefined }, before)).toBe(copy);
    expect(world.ec2.tagsOf(copy)).not.toHaveProperty([TAG.retain]);
  });

  test('that copies the tags of a source that is gone names that source', async () => {
    const { world, before, newest } = await created();
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: newest });
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update({ ...before, CopySourceTags: 'true' }, before));
    expect(failure?.message).toContain(`the tags of source snapshot ${newest} in us-east-1 cannot be read`);
  });

  test.each(['its id', 'its handle'])(
    'in place copies the latest source at once if the copy is gone: known by %s',
    async (how) => {
      const { world } = scene();
      const before = world.latest({ Refresh: '1' });
      const gone = await (how === 'its id' ? world.create(before) : world.createUnderHandle(before));
      world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: gone });
      const newer = world.backup(0);
      world.enter('UPDATE_IN_PROGRESS');
      await world.begin(world.update({ ...before, Tags: tags({ a: 'b' }) }, before));
      expect(world.copies().map((id) => world.sourceOf(id))).toEqual([newer]);
    },
  );

  test('in place whose copy has other inputs waits for fresh reads, then copies the latest source', async () => {
    const { world, before, copy } = await created();
    world.ec2.createTags('eu-west-1', { Resources: [copy], Tags: [{ Key: TAG.inputs, Value: 'v1-other' }] });
    const newer = world.backup(0);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: 'b' }) }, before));
    expect(world.sourceOf(answer?.Data?.SnapshotId ?? '')).toBe(newer);
    const reason = `EC2 may not show yet for which inputs ${copy} was kept`;
    expect(world.logs.filter((line) => line.reason === reason)).toHaveLength(4);
  });

  test('that retries a refresh after a rollback searches again', async () => {
    const { world, before } = await created();
    const wanted = { ...before, Refresh: '2' };
    await world.refreshAndRollBack(wanted, before);
    const newer = world.backup(0);
    expect(world.sourceOf(await world.refresh(wanted, before))).toBe(newer);
  });

  test.each(['Retain', undefined] as const)(
    'repeated with 30 refresh values but the same source copies once (%s)',
    async (DeletionPolicy) => {
      const { world, before, copy } = await created();
      let declared = { ...before, DeletionPolicy };
      await world.refresh(declared, before);
      for (let n = 0; n < 30; n++) {
        const next = { ...declared, Refresh: `build-${n}` };
        expect(await world.refresh(next, declared)).toBe(copy);
        declared = next;
      }
      expect(world.started()).toBe(1);
      expect(world.ec2.tagsOf(copy)[TAG.kept]?.split(' ')).toHaveLength(2);
    },
  );
});

describe.each(['old', 'new'] as const)('a rollback with the %s physical ID', (carries) => {
  describe.each([
    ['after the answer', undefined],
    ['of an Update that is under way', 90 * SECOND],
  ])('%s', (_, canceledAfter) => {
    const roll = async (world: Backups, wanted: CopyProperties, before: CopyProperties) =>
      world.refreshAndRollBack(wanted, before, { carries, canceledAfter });

    test.each(['newer', 'same', 'gone'] as const)('goes back to the present copy (source: %s)', async (source) => {
      const { world } = scene();
      const before = world.latest({ Refresh: '1' });
      const copy = await world.create(before);
      if (source === 'newer') world.backup(0);
      if (source === 'gone') {
        for (const { id, source: from } of world.ec2.all()) {
          if (!from) world.ec2.deleteSnapshot('us-east-1', { SnapshotId: id });
        }
      }
      const { rollback } = await roll(world, { ...before, Refresh: '2' }, before);
      expect(rollback.failure).toBeUndefined();
      expect(rollback.answer?.Data?.SnapshotId).toBe(copy);
      expect(world.copies()).toEqual([copy]);
      expect(world.ec2.tagsOf(copy)[TAG.kept]).toBeUndefined();
    });

    test('of a second refresh goes back to the copy that the first one kept', async () => {
      const { world } = scene();
      const first = world.latest({ Refresh: '1' });
      const copy = await world.create(first);
      const second = { ...first, Refresh: '2' };
      await world.refresh(second, first);
      world.backup(0);
      const { rollback } = await roll(world, { ...first, Refresh: '3' }, second);
      expect(rollback.answer?.Data?.SnapshotId).toBe(copy);
      expect(world.copies()).toEqual([copy]);
      // The next Update still finds the copy that the second declaration kept.
      expect(await world.refresh({ ...second, Tags: tags({ a: 'b' }) }, second)).toBe(copy);
    });

    test('of a second refresh that also kept the copy goes back to it', async () => {
      const { world } = scene();
      const first = world.latest({ Refresh: '1' });
      const copy = await world.create(first);
      const second = { ...first, Refresh: '2' };
      await world.refresh(second, first);
      const { rollback } = await roll(world, { ...first, Refresh: '3' }, second);
      expect(rollback.answer?.Data?.SnapshotId).toBe(copy);
      expect(world.copies()).toEqual([copy]);
    });

    test('succeeds and copies nothing if the earlier copy is gone', async () => {
      const { world } = scene();
      const before = world.latest({ Refresh: '1' });
      const copy = await world.create(before);
      world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: copy });
      const { rollback } = await roll(world, { ...before, Refresh: '2' }, before);
      expect(rollback.failure).toBeUndefined();
      // A copy that CloudFormation has since named belongs to the resource now.
      expect(world.copies().filter((id) => id !== world.physicalId)).toEqual([]);
    });
  });
});

test('a rollback whose earlier copy is gone waits until no stale search can be the cause, and succeeds', async () => {
  const { world } = scene();
  const before = world.latest({ Refresh: '1' });
  const id = await world.create(before);
  const wanted = { ...before, Refresh: '2', Description: 'new' };
  world.enter('UPDATE_IN_PROGRESS');
  await world.run(world.update(wanted, before));
  world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
  world.physicalId = id;
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  const started = world.started();
  const { after, answer } = await world.run(world.update(before, wanted));
  expect([after, answer?.PhysicalResourceId]).toEqual([120, id]);
  expect(world.logs).toContainEqual({ decision: 'wait', reason: 'the earlier copy is not visible' });
  expect(world.logs).toContainEqual({
    decision: 'left',
    reason: expect.stringContaining('the earlier copy was deleted by somebody else') as string,
  });
  expect(world.started()).toBe(started);
});

test.each(['another', 'the same'])(
  'a stale search does not make %s process report the present copy instead of the new one',
  async (goesOn) => {
    const { world } = scene();
    const before = world.latest({ Refresh: '1' });
    const copy = await world.create(before);
    const newer = world.backup(0);
    world.ec2.settings.staleness = { ids: 100 * SECOND, tags: 2 * MINUTE, deletions: 0, writes: 0 };
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = { ...before, Refresh: '2' };
    const event = await world.begin(world.update(wanted, before));
    if (goesOn === 'another') world.memory = new Memory();
    // Without the newer snapshot, the present copy would be the right one.
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: newer });
    world.time += 30 * SECOND;
    const { answer } = await world.wait(event);
    expect(answer?.Data?.SnapshotId).not.toBe(copy);
    expect(answer?.Data?.SourceSnapshotId).toBe(newer);
  },
);

test('a rollback whose earlier copy is gone does not search for its source, which is also gone', async () => {
  const { world } = scene();
  const before = world.latest({ Refresh: '1' });
  const id = await world.create(before);
  const wanted = { ...before, Refresh: '2', Description: 'new' };
  world.enter('UPDATE_IN_PROGRESS');
  await world.run(world.update(wanted, before));
  world.physicalId = id;
  for (const SnapshotId of world.ec2.all().flatMap((one) => (one.source && one.id !== id ? [] : [one.id]))) {
    world.ec2.deleteSnapshot(SnapshotId === id ? 'eu-west-1' : 'us-east-1', { SnapshotId });
  }
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  await world.run(world.update(before, wanted));
  const reasons = world.logs.flatMap(({ decision, reason }) => (decision === 'left' ? [reason] : []));
  expect(reasons).toEqual([expect.stringContaining('the earlier copy was deleted by somebody else')]);
});

test('a rollback removes what the refresh wrote to the present copy, even if a stale read hides it', async () => {
  const { world } = scene();
  const before = world.latest({ Refresh: '1' });
  const copy = await world.create(before);
  world.ec2.settings.staleness = stale({ tags: 110 * SECOND });
  const { rollback } = await world.refreshAndRollBack({ ...before, Refresh: '2' }, before);
  expect(rollback.answer?.Data?.SnapshotId).toBe(copy);
  expect(world.ec2.tagsOf(copy)[TAG.kept]).toBeUndefined();
});

test('a later stage of an Update waits for a copy that may have been started, even if the source is gone', async () => {
  const world = new Backups({ maxConcurrentCopies: 0 });
  const only = world.backup(DAY);
  const before = world.latest({ ...THREE_HOURS, Description: 'old' });
  const wanted = world.latest(THREE_HOURS);
  const event = world.update(wanted, before);
  world.enter('UPDATE_IN_PROGRESS');
  world.physicalId = (await world.accept(event)).PhysicalResourceId;
  world.resourceStatus = 'UPDATE_COMPLETE';
  const stage = await world.accept({
    ...world.stage(2, wanted, 'Update'),
    OldResourceProperties: world.stage(2, before).ResourceProperties,
  });
  world.ec2.deleteSnapshot('us-east-1', { SnapshotId: only });
  world.time += 30 * SECOND;
  world.resourceStatus = 'UPDATE_IN_PROGRESS';
  world.memory.countStart(decodeRequest(stage, 'us-east-1'));
  expect(await world.poll(stage)).toEqual({ IsComplete: false });
});

test('a Delete deletes a kept copy', async () => {
  const { world } = scene();
  const before = world.latest({ Refresh: '1' });
  await world.create(before);
  await world.refresh({ ...before, Refresh: '2' }, before);
  world.enter('DELETE_IN_PROGRESS');
  await world.run(world.event('Delete', { ResourceProperties: { ...before, Refresh: '2' } }));
  expect(world.copies()).toEqual([]);
});
