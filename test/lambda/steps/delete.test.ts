import { TAG, type CopyProperties } from '../../../lib/contract';
import { Memory } from '../../../lambda/memory';
import { MINUTE, SECOND, STACK_ID, stale, tags, World } from '../in-process';
import { HANDLE } from '../requests';

/** An ID that neither the handler nor EC2 made. */
const UNKNOWN = 'app-Copy1A2B3C-1XYZ';

describe('a Delete by snapshot ID', () => {
  test('deletes the copy', async () => {
    const world = new World();
    await world.create();
    world.enter('DELETE_IN_PROGRESS');
    expect(await world.run(world.event('Delete'))).toEqual({ answer: { IsComplete: true }, after: 0 });
    expect(world.copies()).toEqual([]);
  });

  test('deletes a retained copy while the stack is in an operation', async () => {
    const world = new World();
    const properties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    await world.create(properties);
    world.enter('ROLLBACK_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: properties }));
    expect(world.copies()).toEqual([]);
  });

  test('succeeds if the copy is gone', async () => {
    const world = new World();
    const id = await world.create();
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    expect((await world.run(world.event('Delete'))).answer).toEqual({ IsComplete: true });
  });

  test('succeeds if the copy is gone but a stale read still shows it', async () => {
    const world = new World();
    const id = await world.create();
    world.ec2.settings.staleness = stale({ deletions: MINUTE });
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    expect(await world.run(world.event('Delete'))).toEqual({ answer: { IsComplete: true }, after: 0 });
  });

  test('fails at once, after one attempt, and names what holds the copy', async () => {
    const world = new World();
    const id = await world.create();
    world.ec2.snapshot(id).imageId = 'ami-0123456789abcdef0';
    const { failure, after } = await world.run(world.event('Delete'));
    expect(after).toBe(0);
    expect(failure?.message).toMatch(
      new RegExp(`^${id} in eu-west-1 could not be deleted: InvalidSnapshot.InUse: .*ami-`),
    );
    expect(failure?.message).toContain('deregister the AMI');
    expect(world.calls('DeleteSnapshot')).toHaveLength(1);
  });

  test('never deletes a snapshot that does not carry the tags of the resource', async () => {
    const world = new World();
    const foreign = world.ec2.addSnapshot({
      region: 'eu-west-1',
      tags: { [TAG.stack]: STACK_ID, [TAG.resource]: 'Other' },
    });
    const { failure } = await world.run(world.event('Delete', { PhysicalResourceId: foreign.id }));
    expect(failure?.message).toContain('neither changed nor deleted');
    expect(world.ec2.stateOf(foreign.id)).toBe('completed');
  });

  test('makes no more calls than it needs', async () => {
    const world = new World();
    await world.create();
    world.enter('DELETE_IN_PROGRESS');
    const first = world.calls().length;
    await world.run(world.event('Delete'));
    const named = ['DescribeSnapshots', 'DeleteSnapshot'];
    expect(world.calls().slice(first)).toEqual(['DescribeStacks', ...named, 'DescribeSnapshots']);
  });

  describe('after an Update started another copy because the copy was gone', () => {
    async function startedAgain(world: World): Promise<string> {
      const before = world.declare();
      const gone = await world.create(before);
      world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: gone });
      world.enter('UPDATE_IN_PROGRESS');
      await world.begin(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
      expect(world.copies()).toHaveLength(1);
      world.physicalId = UNKNOWN;
      return gone;
    }

    test('deletes the new copy if it is unfinished', async () => {
      const world = new World();
      const gone = await startedAgain(world);
      await world.run(world.event('Delete', { PhysicalResourceId: gone }));
      expect(world.copies()).toEqual([]);
    });

    test('leaves the new copy alone if it is finished, because it has its own ID', async () => {
      const world = new World({ copyDuration: 20 * SECOND });
      const gone = await startedAgain(world);
      world.time += MINUTE;
      await world.run(world.event('Delete', { PhysicalResourceId: gone }));
      expect(world.copies()).toHaveLength(1);
    });
  });
});

describe('a Delete while the stack is idle', () => {
  const NOBODY = 'the stack is idle, so CloudFormation did not request the deletion of';

  test.each([undefined, 'Retain', 'RetainExceptOnCreate'] as const)(
    'is refused by the second poll, and the copy stays, whether it is retained or not (%s)',
    async (DeletionPolicy) => {
      const world = new World();
      const id = await world.create(world.declare({ DeletionPolicy }));
      const { failure, after } = await world.run(world.forge('Delete'));
      expect(failure?.message).toBe(`${NOBODY} ${id} (log group handler-logs)`);
      expect(after).toBe(30);
      expect(world.copies()).toEqual([id]);
      expect(world.calls('DeleteSnapshot')).toEqual([]);
    },
  );

  test.each(['its handle', 'an unknown id'])('is also refused if it names the copy by %s', async (how) => {
    const world = new World();
    const id = await world.createUnderHandle();
    const PhysicalResourceId = how === 'its handle' ? world.physicalId : UNKNOWN;
    const { failure } = await world.run(world.forge('Delete', { PhysicalResourceId }));
    expect(failure?.message).toContain(NOBODY);
    expect(world.copies()).toEqual([id]);
  });

  test('is refused if the stack was deleted and the copy was retained', async () => {
    const world = new World();
    const id = await world.create(world.declare({ DeletionPolicy: 'Retain' }));
    world.enter('DELETE_COMPLETE');
    expect((await world.run(world.forge('Delete'))).failure?.message).toContain(NOBODY);
    expect(world.copies()).toEqual([id]);
  });

  test('is carried out if only the first read was stale', async () => {
    const world = new World();
    await world.create();
    world.lag(1);
    world.enter('DELETE_IN_PROGRESS');
    expect(await world.run(world.event('Delete'))).toEqual({ answer: { IsComplete: true }, after: 30 });
    expect(world.copies()).toEqual([]);
  });

  test('is neither refused nor carried out by the first poll of a process', async () => {
    const world = new World();
    const id = await world.create();
    const event = await world.accept(world.forge('Delete'));
    for (let polls = 0; polls < 5; polls++) {
      world.memory = new Memory();
      expect(await world.poll(event)).toEqual({ IsComplete: false });
      world.time += 30 * SECOND;
    }
    expect(world.copies()).toEqual([id]);
  });
});

describe('a Delete by a handle', () => {
  test('deletes the copies of that handle, even one that becomes visible later', async () => {
    const world = new World({ staleness: stale({ tags: 110 * SECOND }) });
    const create = await world.begin(world.event('Create'));
    world.time += SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    const { after } = await world.run(world.event('Delete', { PhysicalResourceId: create.PhysicalResourceId }));
    expect(world.copies()).toEqual([]);
    expect(after).toBe(180);
  });

  test('leaves the copy of another handle alone, even if CloudFormation does not have it', async () => {
    const world = new World();
    const id = await world.create();
    world.physicalId = UNKNOWN;
    await world.run(world.event('Delete', { PhysicalResourceId: HANDLE }));
    expect(world.copies()).toEqual([id]);
  });

  test('does not delete the present copy if it is delivered again', async () => {
    const world = new World({ copyDuration: 5 * MINUTE });
    const create = await world.accept(world.event('Create'));
    await world.wait(create);
    const [id = ''] = world.copies();
    world.physicalId = id;
    world.enter('UPDATE_IN_PROGRESS');
    world.ec2.settings.staleness = stale({ ids: 20 * MINUTE, tags: MINUTE });
    await world.run(world.event('Delete', { PhysicalResourceId: create.PhysicalResourceId }));
    expect(world.copies()).toEqual([id]);
  });

  test('fails at once, after one attempt, if something holds the copy', async () => {
    const world = new World();
    const id = await world.createUnderHandle();
    world.ec2.snapshot(id).imageId = 'ami-0123456789abcdef0';
    const { failure, after } = await world.run(world.event('Delete'));
    expect(failure?.message).toContain(`${id} in eu-west-1 could not be deleted`);
    expect(after).toBe(0);
    expect(world.calls('DeleteSnapshot')).toHaveLength(1);
  });
});

describe('a Delete by an unknown ID', () => {
  /** Rolls back a new stack, a minute after its Create started a copy and did not answer. */
  async function canceledCreate(world: World, DeletionPolicy: 'Retain' | 'RetainExceptOnCreate'): Promise<void> {
    await world.begin(world.event('Create', { ResourceProperties: world.declare({ DeletionPolicy }) }));
    world.time += MINUTE;
    world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
    await world.run(world.event('Delete', { PhysicalResourceId: UNKNOWN }));
  }

  test('deletes the unfinished copy of the canceled create, even under Retain', async () => {
    const world = new World();
    await canceledCreate(world, 'Retain');
    expect(world.copies()).toEqual([]);
  });

  test('deletes the finished copy of the canceled create under RetainExceptOnCreate', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    await canceledCreate(world, 'RetainExceptOnCreate');
    expect(world.copies()).toEqual([]);
  });

  test('leaves the finished copy of the canceled create alone under Retain', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    await canceledCreate(world, 'Retain');
    expect(world.copies()).toHaveLength(1);
  });

  test('deletes a finished copy that CloudFormation does not have', async () => {
    const world = new World();
    await world.create();
    world.physicalId = UNKNOWN;
    await world.run(world.event('Delete', { PhysicalResourceId: UNKNOWN }));
    expect(world.copies()).toEqual([]);
  });

  test.each(['id', 'handle'])('does not delete a finished copy that CloudFormation knows by its %s', async (name) => {
    const world = new World();
    const id = await (name === 'id' ? world.create() : world.createUnderHandle());
    await world.run(world.event('Delete', { PhysicalResourceId: UNKNOWN }));
    expect(world.copies()).toEqual([id]);
  });

  test.each(['Retain', 'RetainExceptOnCreate'] as const)(
    'leaves the finished copy of an earlier life alone under %s',
    async (DeletionPolicy) => {
      const world = new World();
      const properties = world.declare({ DeletionPolicy });
      const id = await world.create(properties);
      world.physicalId = UNKNOWN;
      world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
      await world.run(world.event('Delete', { PhysicalResourceId: UNKNOWN, ResourceProperties: properties }));
      expect(world.copies()).toEqual([id]);
    },
  );
});

test('a Delete by an unknown ID keeps the present copy even if CloudFormation shows it only later', async () => {
  const world = new World();
  const id = await world.create();
  world.physicalId = UNKNOWN;
  const event = await world.accept(world.event('Delete', { PhysicalResourceId: UNKNOWN }));
  await world.poll(event);
  world.physicalId = id;
  world.time += 30 * SECOND;
  await world.wait(event);
  expect(world.copies()).toEqual([id]);
});

describe('the Delete of the last copy', () => {
  /** Replaces a finished copy with another, and leaves the old one. */
  async function twoCopies(world: World, DeletionPolicy?: 'Retain'): Promise<string> {
    const before = world.declare({ DeletionPolicy });
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare({ Description: 'new' }), before));
    expect(world.copies()).toHaveLength(2);
    return old;
  }

  test.each(['DELETE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'])(
    'deletes all copies of the resource when the stack is deleted (%s)',
    async (status) => {
      const world = new World();
      await twoCopies(world);
      world.enter(status);
      await world.run(world.event('Delete'));
      expect(world.copies()).toEqual([]);
    },
  );

  test.each([
    ['DELETE_IN_PROGRESS', 'fails'],
    ['ROLLBACK_IN_PROGRESS', 'succeeds'],
  ])('in %s %s if another copy of the resource cannot be deleted', async (status, end) => {
    const world = new World();
    const old = await twoCopies(world);
    world.ec2.snapshot(old).lock = 'governance';
    world.enter(status);
    const { answer, failure } = await world.run(world.event('Delete'));
    if (end === 'fails') expect(failure?.message).toContain(`${old} in eu-west-1 could not be deleted`);
    else expect(answer).toEqual({ IsComplete: true });
    expect(world.copies()).toEqual([old]);
  });

  test('leaves retained copies alone when the stack is deleted', async () => {
    const world = new World();
    const old = await twoCopies(world, 'Retain');
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    expect(world.copies()).toEqual([old]);
  });

  test('deletes the finished copy of a Create that was delivered twice, in the rollback of a new stack', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const ResourceProperties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    const first = await world.accept(world.event('Create', { ResourceProperties }));
    await world.begin(world.event('Create', { ResourceProperties }));
    world.time += MINUTE;
    world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
    const { PhysicalResourceId } = first;
    await world.run(world.event('Delete', { ResourceProperties, PhysicalResourceId }));
    expect(world.copies()).toEqual([]);
  });
});

describe('the Delete of a replaced copy', () => {
  /** An update that replaces the copy. The cleanup is part of the same operation, so the time does not change. */
  async function replaced(world: World, wanted: Partial<CopyProperties>, before: Partial<CopyProperties>) {
    world.time += 10 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    world.physicalId = (await world.run(world.update(wanted, before))).answer?.PhysicalResourceId;
    world.stack = { ...world.stack, StackStatus: 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS' };
    return world.physicalId ?? '';
  }
  const states = (world: World, ids: readonly string[]) => ids.map((id) => world.ec2.stateOf(id));

  test('does not delete a snapshot with forged tags of that copy', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const stolen = Object.entries(world.ec2.tagsOf(id)).filter(([key]) => key !== TAG.id);
    const forged = world.ec2.addSnapshot({
      region: 'eu-west-1',
      startTime: world.time,
      tags: Object.fromEntries(stolen),
    });
    world.physicalId = id;
    const present = await replaced(world, { ...before, Description: 'new' }, before);
    await world.run(world.event('Delete', { PhysicalResourceId: id, ResourceProperties: before }));
    expect(states(world, [id, forged.id, present])).toEqual(['deleted', 'completed', 'completed']);
  });

  test('does not delete a copy that an earlier update retained by adding a policy', async () => {
    const world = new World();
    const first = world.declare();
    const kept = await world.create(first);
    world.physicalId = kept;
    const second = { ...first, Description: 'two', DeletionPolicy: 'Retain' as const };
    const id = await replaced(world, second, first);
    world.stack = { ...world.stack, StackStatus: 'UPDATE_COMPLETE' };
    const present = await replaced(world, { ...first, Description: 'three' }, second);
    await world.run(world.event('Delete', { PhysicalResourceId: id, ResourceProperties: second }));
    expect(states(world, [kept, id, present])).toEqual(['completed', 'deleted', 'completed']);
  });
});

test('the Delete of a canceled Create succeeds if a copy from an earlier life cannot be deleted', async () => {
  const world = new World();
  const id = await world.create();
  world.ec2.snapshot(id).imageId = 'ami-0123456789abcdef0';
  world.time += 60 * MINUTE;
  world.physicalId = UNKNOWN;
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  const { answer } = await world.run(world.event('Delete', { PhysicalResourceId: UNKNOWN }));
  expect(answer?.IsComplete).toBe(true);
  expect(world.copies()).toEqual([id]);
});

describe('a copy that a rollback left', () => {
  /** The present copy, and the copy of a rolled-back update that nobody has deleted. */
  async function left(world: World, declared: CopyProperties): Promise<string[]> {
    const id = await world.create(declared);
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update({ ...declared, Description: 'new' }, declared));
    world.physicalId = id;
    world.enter('UPDATE_ROLLBACK_COMPLETE');
    world.time += 10 * MINUTE;
    expect(world.copies()).toHaveLength(2);
    return world.copies();
  }

  test('is deleted when the resource is removed from the template', async () => {
    const world = new World();
    const declared = world.declare();
    await left(world, declared);
    world.enter('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: declared }));
    expect(world.copies()).toEqual([]);
  });

  test('is deleted with the stack even if CloudFormation still shows it as the present copy', async () => {
    const world = new World();
    const declared = world.declare();
    const [id, leftover] = await left(world, declared);
    world.enter('DELETE_IN_PROGRESS');
    world.physicalId = leftover;
    await world.run(world.event('Delete', { PhysicalResourceId: id, ResourceProperties: declared }));
    expect(world.copies()).toEqual([]);
  });

  test('stays when the present copy is replaced, even if CloudFormation shows the new one only later', async () => {
    const world = new World();
    const declared = world.declare();
    const [id, leftover] = await left(world, declared);
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = { ...declared, Description: 'newer' };
    const { answer } = await world.run(world.update(wanted, declared));
    world.physicalId = id;
    world.enter('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    const event = await world.accept(world.event('Delete', { PhysicalResourceId: id, ResourceProperties: declared }));
    await world.poll(event);
    world.physicalId = answer?.PhysicalResourceId;
    world.time += 30 * SECOND;
    await world.wait(event);
    expect(world.copies()).toEqual([leftover, answer?.PhysicalResourceId]);
  });
});
