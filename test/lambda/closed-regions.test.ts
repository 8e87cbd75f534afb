// A Region that the account cannot use, that a policy closes, or that does not exist.
import { DRY_RUN_RESOURCE_TYPE } from '../../lib/contract';
import { AwsError, type Fault } from '../../local-aws/faults';
import { MINUTE, SECOND, World } from './in-process';

const NOT_ENABLED = new AwsError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
const CLOSED: readonly [string, AwsError][] = [
  ['that the account has not enabled', NOT_ENABLED],
  ['that the account has not opted into', new AwsError('OptInRequired', 'You are not subscribed to this service.')],
  [
    'that a service control policy denies',
    new AwsError(
      'UnauthorizedOperation',
      'You are not authorized … with an explicit deny in a service control policy',
      403,
    ),
  ],
];

/** From now on, EC2 and KMS in the Region answer with this fault. */
function close(world: World, closed: string, fault: Fault = NOT_ENABLED): void {
  world.services.faults = ({ region, service }) =>
    region === closed && service !== 'cloudformation' ? fault : undefined;
}

const TO_CHECK =
  'check that the account has enabled eu-west-1, and that no service control policy denies it to the handler’s role';
const ENCRYPTED = { Encrypted: 'true' } as const;

describe.each(CLOSED)('a Region %s', (_, error) => {
  test('fails a Create within two minutes, starts no copy, and names the Region and what to check', async () => {
    const world = new World();
    close(world, 'eu-west-1', error);
    const { failure, after } = await world.runCreate();
    expect(after).toBe(60);
    expect(failure?.message).toMatch(/^copy of snap-\w+ from us-east-1 to eu-west-1: /);
    expect(failure?.message).toContain(`${error.name}: ${error.message} in eu-west-1; ${TO_CHECK} (log group`);
    expect(world.started()).toBe(0);
  });

  test('also fails the Create of a dry run', async () => {
    const world = new World();
    close(world, 'eu-west-1', error);
    const { failure, after } = await world.run(world.event('Create', { ResourceType: DRY_RUN_RESOURCE_TYPE }));
    expect([after, failure?.message]).toEqual([60, expect.stringContaining(TO_CHECK)]);
  });

  test('does not fail the Delete of the failed Create, in the rollback or with the stack', async () => {
    const world = new World();
    close(world, 'eu-west-1', error);
    await world.runCreate();
    for (const status of ['ROLLBACK_IN_PROGRESS', 'DELETE_IN_PROGRESS']) {
      world.enter(status);
      expect(await world.run(world.event('Delete'))).toEqual({ answer: { IsComplete: true }, after: 60 });
    }
    const reason = `${error.name}: ${error.message}`;
    expect(world.logs).toContainEqual({ decision: 'not searched', region: 'eu-west-1', reason });
  });

  test('does not fail the Delete of a Create that never answered', async () => {
    const world = new World();
    close(world, 'eu-west-1', error);
    world.enter('ROLLBACK_IN_PROGRESS');
    const { answer } = await world.run(world.event('Delete', { PhysicalResourceId: 'app-Copy1A2B3C-1XYZ' }));
    expect(answer).toEqual({ IsComplete: true });
  });

  test('fails the Delete of a finished copy, which still exists, and says why', async () => {
    const world = new World();
    const id = await world.create();
    close(world, 'eu-west-1', error);
    world.enter('DELETE_IN_PROGRESS');
    const { failure, after } = await world.run(world.event('Delete'));
    expect(after).toBe(60);
    expect(failure?.message).toContain(`deletion of ${id}: ${error.name}: ${error.message} in eu-west-1; ${TO_CHECK}`);
    expect(world.copies()).toEqual([id]);
  });

  test('fails a move into it, and the rollback leaves the present copy untouched', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const wanted = world.declare({ DestinationRegion: 'ap-east-1' });
    close(world, 'ap-east-1', error);
    world.enter('UPDATE_IN_PROGRESS');
    const { failure, after } = await world.run(world.update(wanted, before));
    expect([after, failure?.message]).toEqual([
      60,
      expect.stringContaining('check that the account has enabled ap-eas'),
    ]);
    const tagsBefore = world.ec2.tagsOf(id);
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { answer } = await world.run(world.update(before, wanted));
    expect(answer).toMatchObject({ PhysicalResourceId: id, Data: { SnapshotId: id, VolumeSize: '8' } });
    expect([world.copies(), world.ec2.tagsOf(id)]).toEqual([[id], tagsBefore]);
  });

  test('does not stop a move out of it; the old copy stays, and its Delete says why', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    close(world, 'eu-west-1', error);
    const wanted = world.declare({ DestinationRegion: 'eu-west-2' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    expect(world.ec2.snapshot(answer?.PhysicalResourceId ?? '').region).toBe('eu-west-2');
    world.enter('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    const cleanUp = world.event('Delete', { PhysicalResourceId: old, ResourceProperties: before });
    const { failure } = await world.wait(await world.accept(cleanUp));
    expect(failure?.message).toContain(`deletion of ${old}: ${error.name}`);
    expect(world.copies()).toEqual([old, answer?.PhysicalResourceId]);
  });

  test('is named if it is the source Region', async () => {
    const world = new World();
    const { id: SourceSnapshotId } = world.ec2.addSnapshot({ region: 'ap-east-1' });
    close(world, 'ap-east-1', error);
    const { failure, after } = await world.runCreate({ SourceSnapshotId, SourceRegion: 'ap-east-1' });
    expect(after).toBe(60);
    expect(failure?.message).toContain(`${error.message} in ap-east-1; check that the account has enabled ap-east-1`);
  });
});

describe('a policy may not have taken effect yet, so after a plain denial', () => {
  test('a Create waits five minutes, and the Delete after it succeeds', async () => {
    const world = new World();
    close(world, 'eu-west-1', 'denied');
    const { failure, after } = await world.runCreate();
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('in eu-west-1; check the policies')]);
    world.enter('ROLLBACK_IN_PROGRESS');
    expect((await world.run(world.event('Delete'))).answer).toEqual({ IsComplete: true });
  });

  test('an Update that moves the copy out makes the new copy after six minutes', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    close(world, 'eu-west-1', 'denied');
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ DestinationRegion: 'eu-west-2' }), before));
    expect(world.ec2.snapshot(answer?.PhysicalResourceId ?? '').startTime - world.resourceSince).toBe(6 * MINUTE);
  });
});

describe('a Region that closes while a copy is under way', () => {
  test('fails the Create and its Delete if this process has seen the copy', async () => {
    const world = new World();
    const event = await world.begin(world.event('Create'));
    world.time += 30 * SECOND;
    await world.poll(event);
    close(world, 'eu-west-1');
    const { failure, after } = await world.wait(event);
    expect([after, failure?.message]).toEqual([30, expect.stringContaining(TO_CHECK)]);
    world.enter('ROLLBACK_IN_PROGRESS');
    const removal = await world.run(world.event('Delete', { PhysicalResourceId: event.PhysicalResourceId }));
    expect(removal.failure?.message).toContain(`deletion of ${event.PhysicalResourceId}: AuthFailure`);
    expect(world.copies()).toHaveLength(1);
  });
});

describe('a source Region that closes after the copy has started', () => {
  test.each([undefined, ENCRYPTED])('does not prevent the report of the copy (%j)', async (declared) => {
    const world = new World();
    const properties = world.declare(declared);
    const event = await world.begin(world.event('Create', { ResourceProperties: properties }));
    close(world, 'us-east-1');
    const { answer, after } = await world.wait(event);
    expect([answer?.IsComplete, after]).toEqual([true, 600]);
  });
});

describe('a Region that cannot be reached', () => {
  test.each<[string, Fault]>([
    [
      'does not exist',
      Object.assign(new AwsError('Error', 'getaddrinfo ENOTFOUND ec2.eu-wset-1.amazonaws.com', 0), {
        code: 'ENOTFOUND',
      }),
    ],
    ['refuses connections', 'refused-connection'],
  ])('because it %s fails a Create within six minutes, and the Delete after it succeeds', async (_, fault) => {
    const world = new World();
    close(world, 'eu-west-1', fault);
    const { failure, after } = await world.runCreate();
    expect(after).toBe(300);
    expect(failure?.message).toMatch(
      / in eu-west-1; check that eu-west-1 is spelled right, and that the functions can reach it from their VPC/,
    );
    world.enter('ROLLBACK_IN_PROGRESS');
    const removal = await world.run(world.event('Delete'));
    expect(removal.answer).toEqual({ IsComplete: true });
    expect(removal.after).toBeLessThanOrEqual(300);
  });

  test('fails a dry run within six minutes', async () => {
    const world = new World();
    close(world, 'eu-west-1', 'refused-connection');
    const { failure, after } = await world.run(world.event('Create', { ResourceType: DRY_RUN_RESOURCE_TYPE }));
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('is spelled right')]);
  });

  test('fails a Create within six minutes, and is named, if it is the source Region', async () => {
    const world = new World();
    const { id: SourceSnapshotId } = world.ec2.addSnapshot({ region: 'ap-east-1' });
    close(world, 'ap-east-1', 'refused-connection');
    const { failure, after } = await world.runCreate({ SourceSnapshotId, SourceRegion: 'ap-east-1' });
    expect(after).toBe(300);
    expect(failure?.message).toContain('in ap-east-1; check that ap-east-1 is spelled right');
  });

  test('fails a move into it, and the rollback keeps the present copy', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const wanted = world.declare({ DestinationRegion: 'eu-wset-2' });
    close(world, 'eu-wset-2', 'refused-connection');
    world.enter('UPDATE_IN_PROGRESS');
    const { failure, after } = await world.run(world.update(wanted, before));
    expect([after, failure?.message]).toEqual([300, expect.stringContaining('check that eu-wset-2 is spelled right')]);
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    expect((await world.run(world.update(before, wanted))).answer?.PhysicalResourceId).toBe(id);
  });

  test('cannot delay a move out of it for long, even if it has the source and was reachable at first', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const { id: SourceSnapshotId } = world.ec2.addSnapshot({ region: 'eu-west-1' });
    const before = world.declare({ SourceSnapshotId, SourceRegion: 'eu-west-1' });
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = { ...before, DestinationRegion: 'eu-west-2' };
    const event = await world.accept(world.update(wanted, before));
    const begun = world.time;
    world.services.faults = ({ time, region }) =>
      region === 'eu-west-1' && time - begun > 2 * MINUTE ? 'refused-connection' : undefined;
    const { answer, after } = await world.wait(event);
    expect([answer?.IsComplete, world.copies()]).toEqual([true, [old, answer?.PhysicalResourceId]]);
    expect(after).toBeLessThan(10 * 60);
  });

  test('does not fail a new request because of earlier failures in this process', async () => {
    const world = new World();
    close(world, 'eu-west-1', 'refused-connection');
    await world.runCreate();
    const begun = world.time;
    world.services.faults = ({ time, region }) =>
      region === 'eu-west-1' && time - begun < MINUTE ? 'refused-connection' : undefined;
    expect((await world.runCreate()).answer?.IsComplete).toBe(true);
  });

  test('does not fail a request that has already started a copy there', async () => {
    const world = new World({ copyDuration: 20 * MINUTE });
    const event = await world.begin(world.event('Create'));
    const begun = world.time;
    world.services.faults = ({ time, region }) =>
      region === 'eu-west-1' && time - begun < 15 * MINUTE ? 'refused-connection' : undefined;
    const { answer, after } = await world.wait(event);
    expect([answer?.IsComplete, after]).toEqual([true, 20 * 60]);
  });

  test('does not fail a Create if it comes back in time', async () => {
    const world = new World();
    const begun = world.time;
    world.services.faults = ({ time, region }) =>
      region === 'eu-west-1' && time - begun < 4.9 * MINUTE ? 'refused-connection' : undefined;
    expect((await world.runCreate()).answer?.IsComplete).toBe(true);
  });
});
