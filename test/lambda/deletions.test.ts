import type { CopyCourse } from '../../local-aws/ec2';
import { AwsError } from '../../local-aws/faults';
import { MINUTE, tags, THREE_HOURS, World, type Outcome } from './in-process';

const fails = (): CopyCourse => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Internal copy fault' });

describe('a request that fails', () => {
  test('deletes its failed copy in a later stage, even if CloudFormation has the handle', async () => {
    const world = new World({ maxConcurrentCopies: 0, course: fails });
    const declared = world.declare(THREE_HOURS);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    world.ec2.settings.maxConcurrentCopies = 20;
    const { failure } = await world.wait(await world.accept(world.stage(2, declared)));
    expect(failure?.message).toContain('Internal copy fault');
    expect(world.copies()).toEqual([]);
  });

  test('does not delete a copy that CloudFormation has', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.createUnderHandle(before);
    world.services.faults = ({ action }) =>
      action === 'CreateTags' ? new AwsError('TagPolicyViolation', 'The tag is not allowed.') : undefined;
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update({ ...before, DeletionPolicy: 'Retain' }, before));
    expect(failure?.message).toContain('TagPolicyViolation');
    expect(world.copies()).toEqual([id]);
  });

  test('does not delete the finished copies of earlier requests', async () => {
    const world = new World();
    const before = world.declare();
    const first = await world.create(before);
    const next = world.declare({ Description: 'a' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(next, before));
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update(world.declare({ KmsKeyId: 'alias/nowhere' }), next));
    expect(failure?.message).toContain('does not exist');
    expect(world.copies()).toEqual([first, answer?.PhysicalResourceId]);
  });

  test('gives its own reason, even if the copy cannot be deleted', async () => {
    const world = new World({ course: fails });
    const event = await world.accept(world.event('Create'));
    world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'denied' : undefined);
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain('Internal copy fault');
    expect(world.copies()).toHaveLength(1);
  });

  test('does not look for copies if it is a Delete', async () => {
    const world = new World();
    const id = await world.create();
    world.ec2.snapshot(id).lock = 'governance';
    world.enter('DELETE_IN_PROGRESS');
    const first = world.calls().length;
    const { failure } = await world.run(world.event('Delete'));
    expect(failure?.message).toContain('SnapshotLocked');
    expect(world.calls().slice(first).at(-1)).toBe('DescribeLockedSnapshots');
  });
});

describe('the Delete of a copy that cannot be deleted', () => {
  /** Deletes a finished copy that has this lock. */
  async function deleteLocked(
    world: World,
    lock: 'governance' | 'compliance-cooloff' | 'compliance',
  ): Promise<Outcome> {
    const id = await world.create();
    world.ec2.snapshot(id).lock = lock;
    world.enter('DELETE_IN_PROGRESS');
    return world.run(world.event('Delete'));
  }

  test.each(['governance', 'compliance-cooloff'] as const)(
    'fails if the copy can be unlocked (%s), and gives the lock state and what to do',
    async (lock) => {
      const world = new World();
      const { failure, after } = await deleteLocked(world, lock);
      const [id = ''] = world.copies();
      expect(failure?.message).toBe(
        `${id} in eu-west-1 could not be deleted: SnapshotLocked: The snapshot ${id} is locked and cannot be deleted.; its lock is in state ${lock}: unlock it, then delete again (log group handler-logs)`,
      );
      expect(after).toBe(0);
    },
  );

  test('leaves and logs a copy that nobody can unlock', async () => {
    const world = new World();
    expect(await deleteLocked(world, 'compliance')).toEqual({ answer: { IsComplete: true }, after: 0 });
    const [snapshotId = ''] = world.copies();
    const reason = `SnapshotLocked: The snapshot ${snapshotId} is locked and cannot be deleted.`;
    expect(world.logs).toContainEqual({ decision: 'left', snapshotId, state: 'completed', lock: 'compliance', reason });
  });

  test.each(['denied', 'throttled'] as const)('waits while the lock cannot be read: %s', async (fault) => {
    const world = new World();
    let since = Infinity;
    world.services.faults = ({ action, time }) => {
      if (action !== 'DescribeLockedSnapshots') return undefined;
      since = Math.min(since, time);
      return time - since < 4 * MINUTE ? fault : undefined;
    };
    const { answer, after } = await deleteLocked(world, 'compliance');
    expect(answer).toEqual({ IsComplete: true });
    expect(after).toBe(240);
  });

  test('fails after five minutes if the lock cannot be read', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'DescribeLockedSnapshots' ? 'denied' : undefined);
    const { after, failure } = await deleteLocked(world, 'compliance');
    expect(after).toBe(300);
    expect(failure?.message).toContain('SnapshotLocked');
    expect(failure?.message).toContain(
      '; deregister the AMI, unlock the snapshot, or release what else holds it, then',
    );
  });

  test('fails if the copy is under way', async () => {
    const world = new World({ copyDuration: 60 * MINUTE });
    const event = await world.begin(world.event('Create'));
    const [id = ''] = world.copies();
    world.ec2.snapshot(id).lock = 'governance';
    world.enter('ROLLBACK_IN_PROGRESS');
    const { failure } = await world.run(world.event('Delete', { PhysicalResourceId: event.PhysicalResourceId }));
    expect(failure?.message).toContain(`${id} in eu-west-1 could not be deleted`);
  });

  test('leaves and logs a failed copy', async () => {
    const world = new World({ course: fails });
    const event = await world.accept(world.event('Create'));
    world.services.faults = ({ action }) => (action === 'DeleteSnapshot' ? 'denied' : undefined);
    await world.wait(event);
    const [snapshotId] = world.copies();
    world.enter('ROLLBACK_IN_PROGRESS');
    const { answer, after } = await world.run(world.event('Delete', { PhysicalResourceId: event.PhysicalResourceId }));
    expect(answer).toEqual({ IsComplete: true });
    expect(after).toBe(300);
    const reason = expect.stringMatching(/^UnauthorizedOperation: /) as string;
    expect(world.logs).toContainEqual({ decision: 'left', snapshotId, state: 'error', lock: undefined, reason });
  });
});

describe('a copy that is in the way and cannot be deleted', () => {
  /** An Update in place when the present copy has a duplicate that cannot be deleted. */
  async function updateBeside(world: World, status: string): Promise<Outcome> {
    const before = world.declare(THREE_HOURS);
    await world.createUnderHandle(before);
    world.duplicate();
    const [, duplicate = ''] = world.copies();
    world.ec2.snapshot(duplicate).lock = 'governance';
    world.time += 20 * MINUTE;
    world.enter(status);
    return world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
  }

  test('fails an Update outside a rollback', async () => {
    const world = new World();
    const { failure, after } = await updateBeside(world, 'UPDATE_IN_PROGRESS');
    expect(failure?.message).toContain('could not be deleted: SnapshotLocked');
    expect(after).toBe(30);
  });

  test('does not fail a rollback, which leaves and logs it', async () => {
    const world = new World();
    const { answer } = await updateBeside(world, 'UPDATE_ROLLBACK_IN_PROGRESS');
    const [present, snapshotId] = world.copies();
    expect(answer?.Data?.SnapshotId).toBe(present);
    const reason = expect.stringContaining(`${snapshotId ?? ''} in eu-west-1 could not be deleted`) as string;
    expect(world.logs).toContainEqual({ decision: 'left', snapshotId, state: 'completed', reason });
  });

  test('makes a rollback retry while EC2 throttles the deletion', async () => {
    const world = new World();
    const begun = world.time;
    world.services.faults = ({ action, time }) =>
      action === 'DeleteSnapshot' && time - begun < 41 * MINUTE ? 'throttled' : undefined;
    const before = world.declare(THREE_HOURS);
    await world.createUnderHandle(before);
    world.duplicate();
    world.time += 20 * MINUTE;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    await world.run(world.update({ ...before, Tags: tags({ a: '1' }) }, before));
    expect(world.time - begun).toBe(41 * MINUTE);
    expect(world.copies()).toHaveLength(1);
  });
});
