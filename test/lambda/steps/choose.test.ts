import type { CopyProperties } from '../../../lib/contract';
import { MINUTE, SECOND, tags, World } from '../in-process';

describe('a Create', () => {
  test('adopts the finished copy of the same event under another RequestId', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const first = await world.accept(world.event('Create'));
    world.time += SECOND;
    const second = await world.accept(world.event('Create'));
    const { answer } = await world.wait(first);
    expect((await world.wait(second)).answer?.PhysicalResourceId).toBe(answer?.PhysicalResourceId);
    expect(world.started()).toBe(1);
  });

  test('does not adopt a finished copy from an earlier life of the resource', async () => {
    const world = new World();
    const retained = world.declare({ DeletionPolicy: 'Retain' });
    const first = await world.create(retained);
    world.enter('UPDATE_IN_PROGRESS');
    world.physicalId = undefined;
    const { answer } = await world.run(world.event('Create', { ResourceProperties: retained }));
    expect(answer?.PhysicalResourceId).not.toBe(first);
    expect(world.copies()).toEqual([first, answer?.PhysicalResourceId]);
  });
});

describe('an Update', () => {
  test.each([
    ['the timeout', { TimeoutSeconds: '60' }],
    ['the completion duration, which only affects copying', { CompletionDurationMinutes: '15' }],
    ['the declared source key', { SourceKmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/any' }],
    ['an absent input to its explicit default', { Description: '', DestinationOutpostArn: '', KmsKeyId: '' }],
  ])('that changes %s keeps the copy', async (_, change) => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer, after } = await world.run(world.update(world.declare(change), before));
    expect([answer?.PhysicalResourceId, after]).toEqual([id, 0]);
    expect(world.started()).toBe(1);
  });

  test.each(['UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS'])(
    'keeps the present copy, whatever EC2 now shows for the source: %s',
    async (status) => {
      const world = new World();
      const before = world.declare();
      const id = await world.create(before);
      world.ec2.snapshot(before.SourceSnapshotId ?? '').volumeSize = 9;
      world.enter(status);
      const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
      expect(answer?.PhysicalResourceId).toBe(id);
      expect(world.started()).toBe(1);
    },
  );

  test.each(['new', 'old'])(
    'returns to the old copy in a rollback that carries the physical ID of the %s copy',
    async (carried) => {
      const world = new World();
      const before = world.declare();
      const old = await world.create(before);
      const wanted = world.declare({ Description: 'new' });
      world.enter('UPDATE_IN_PROGRESS');
      await world.run(world.update(wanted, before));
      if (carried === 'old') world.physicalId = old;
      world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
      const { answer } = await world.run(world.update(before, wanted));
      expect(answer?.PhysicalResourceId).toBe(old);
      expect(world.started()).toBe(2);
    },
  );

  test('returns to the latest finished copy with the wanted inputs in a rollback', async () => {
    const world = new World();
    const before = world.declare({ DeletionPolicy: 'Retain' });
    const other = world.declare({ Description: 'other', DeletionPolicy: 'Retain' });
    const first = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    world.physicalId = undefined;
    const second = await world.create(before);
    expect(second).not.toBe(first);
    world.time += 10 * MINUTE;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { answer } = await world.run(world.update(before, other));
    expect(answer?.PhysicalResourceId).toBe(second);
  });
});

describe.each(['Retain', 'RetainExceptOnCreate'] as const)(
  'under %s, with a retained older copy for the same inputs',
  (DeletionPolicy) => {
    const declared = (world: World): CopyProperties => world.declare({ DeletionPolicy, TimeoutSeconds: '6000' });

    /** A copy from an earlier life of the resource, and then the present one. */
    async function lives(world: World, create: (properties: CopyProperties) => Promise<string>): Promise<string> {
      await world.create(declared(world));
      world.physicalId = undefined;
      world.time += 60 * MINUTE;
      world.enter('UPDATE_IN_PROGRESS');
      const present = await create(declared(world));
      world.time += 60 * MINUTE;
      world.enter('UPDATE_IN_PROGRESS');
      expect(world.copies()).toHaveLength(2);
      return present;
    }

    test('an Update in place keeps the present copy that CloudFormation knows by its ID', async () => {
      const world = new World();
      const present = await lives(world, (properties) => world.create(properties));
      const before = declared(world);
      const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
      expect(answer?.PhysicalResourceId).toBe(present);
      expect(world.copies().map((id) => world.ec2.tagsOf(id).a)).toEqual([undefined, '1']);
    });

    test('an Update in place keeps the present copy that CloudFormation knows by its handle', async () => {
      const world = new World();
      const present = await lives(world, (properties) => world.createUnderHandle(properties));
      const before = declared(world);
      const { answer } = await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
      expect(answer?.Data?.SnapshotId).toBe(present);
      expect(world.copies()).toHaveLength(2);
    });

    test('a later stage uses the present copy that CloudFormation knows by its handle', async () => {
      const world = new World();
      const present = await lives(world, (properties) => world.createUnderHandle(properties));
      const stage = world.stage(2, declared(world), 'Update');
      const event = {
        ...stage,
        OldResourceProperties: stage.ResourceProperties,
        ResourceProperties: { ...stage.ResourceProperties, Tags: tags({ a: '1' }) },
      };
      const { answer } = await world.wait(await world.accept(event));
      expect(answer?.Data?.SnapshotId).toBe(present);
      expect(world.copies()).toHaveLength(2);
    });
  },
);
