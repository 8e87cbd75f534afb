import type { CopyCourse } from '../../local-aws/ec2';
import { AwsError } from '../../local-aws/faults';
import { MINUTE, THREE_HOURS, World } from './in-process';

const fails = (): CopyCourse => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Internal copy fault' });

describe('a request that fails', () => {
  test('deletes its failed copy in a later stage, even if CloudFormation has the handle of the copy', async () => {
    const world = new World({ maxConcurrentCopies: 0, course: fails });
    const declared = world.declare(THREE_HOURS);
    await world.run(world.event('Create', { ResourceProperties: declared }));
    world.ec2.settings.maxConcurrentCopies = 20;
    const { failure } = await world.wait(await world.accept(world.stage(2, declared)));
    expect(failure?.message).toContain('Internal copy fault');
    expect(world.copies()).toEqual([]);
  });

  test('leaves a copy alone that CloudFormation has', async () => {
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

  test('leaves the finished copies of earlier requests alone', async () => {
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
    world.ec2.snapshot(id).locked = true;
    world.enter('DELETE_IN_PROGRESS');
    const first = world.calls().length;
    const { failure } = await world.run(world.event('Delete'));
    expect(failure?.message).toContain('SnapshotLocked');
    expect(world.calls().slice(first).at(-1)).toBe('DeleteSnapshot');
  });
});
