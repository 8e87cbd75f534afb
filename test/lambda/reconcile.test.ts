import { ATTRIBUTES, COMPLETION_RESOURCE_TYPE, TAG, type WireProperties } from '../../lib/contract';
import type { CloudFormationEvent } from '../../lambda/request';
import { AwsError, type Fault } from '../../local-aws/faults';
import { LOGICAL_ID, MINUTE, SECOND, STACK_ID, World, type Outcome } from './in-process';

const lostAnswerOf = (action: string) => (call: { action: string; count: number }) =>
  call.action === action && call.count === 1 ? 'lost-response' : undefined;

describe('a Create', () => {
  test('makes one copy, waits for it, and answers its id and every attribute as a string', async () => {
    const world = new World({ copyDuration: 10 * MINUTE });
    const { answer, after } = await world.run(world.event('Create'));
    const [copy] = world.ec2.remainingCopies();
    expect(answer).toEqual({
      IsComplete: true,
      PhysicalResourceId: copy?.id,
      Data: {
        SnapshotId: copy?.id,
        VolumeSize: '8',
        Encrypted: 'false',
        KmsKeyArn: '',
        KmsKeyGrantArn: 'arn:aws:kms:eu-west-1:111122223333:key/none',
        OwnerId: '111122223333',
        StartTime: '2030-01-01T00:00:00.000Z',
        CompletionTime: '2030-01-01T00:10:00.000Z',
        FullSnapshotSizeInBytes: String(4 * 2 ** 30),
        TransferType: 'standard',
      },
    });
    expect(Object.keys(answer?.Data ?? {}).sort()).toEqual([...ATTRIBUTES].sort());
    expect(after).toBe(600);
    expect(world.started()).toBe(1);
  });

  test('tags the copy at its creation with its owner, inputs and handle, and with the declared tags', async () => {
    const world = new World();
    const event = await world.accept(
      world.event('Create', {
        ResourceProperties: world.declare({ Tags: { team: 'storage' }, DeletionPolicy: 'Retain' }),
      }),
    );
    await world.poll(event);
    const [id = ''] = world.copies();
    expect(world.ec2.tagsOf(id)).toEqual({
      team: 'storage',
      [TAG.stack]: STACK_ID,
      [TAG.resource]: LOGICAL_ID,
      [TAG.inputs]: expect.stringMatching(/^v1-[0-9a-f]{32}$/) as string,
      [TAG.handle]: event.PhysicalResourceId,
      [TAG.retain]: 'Retain',
    });
    expect(event.PhysicalResourceId).toMatch(/^copy-[0-9a-f]{32}$/);
  });

  test('creates nothing in onEvent', async () => {
    const world = new World();
    await world.accept(world.event('Create'));
    expect(world.copies()).toEqual([]);
  });

  test('sends every parameter that is declared, and none that is not', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const declared = world.declare({ Description: 'nightly', KmsKeyId: key.arn, CompletionDurationMinutes: '30' });
    await world.poll(await world.accept(world.event('Create', { ResourceProperties: declared })));
    const call = world.services.calls.find(({ action }) => action === 'CopySnapshot');
    expect(call?.region).toBe('eu-west-1');
    expect(call?.input).toEqual({
      SourceRegion: 'us-east-1',
      SourceSnapshotId: declared.SourceSnapshotId,
      Description: 'nightly',
      Encrypted: true,
      KmsKeyId: key.arn,
      CompletionDurationMinutes: 30,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags: expect.any(Array) as unknown[] }],
    });
  });

  test('makes no second copy when the answer of CopySnapshot is lost and reads are stale', async () => {
    const world = new World({ staleness: { ids: 110_000, tags: 110_000, deletions: 0, writes: 0 } });
    world.services.faults = lostAnswerOf('CopySnapshot');
    const { answer } = await world.run(world.event('Create'));
    expect(world.started()).toBe(1);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('keeps the oldest of the copies that two waiters made at once, and deletes the other before success', async () => {
    const world = new World({ copyDuration: MINUTE, staleness: { ids: 0, tags: 110_000, deletions: 0, writes: 0 } });
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += SECOND;
    await world.poll(event);
    expect(world.copies()).toHaveLength(2);
    const [oldest] = world.copies();
    const { answer } = await world.wait(event);
    expect(answer?.PhysicalResourceId).toBe(oldest);
    expect(world.copies()).toEqual([oldest]);
  });

  test('adopts the finished copy when the same event, under another RequestId, was answered already', async () => {
    const world = new World({ copyDuration: 4 * MINUTE });
    const first = await world.accept(world.event('Create'));
    world.time += SECOND;
    const second = await world.accept(world.event('Create'));
    const { answer } = await world.wait(first);
    expect(await world.wait(second)).toMatchObject({ answer: { PhysicalResourceId: answer?.PhysicalResourceId } });
    expect(world.started()).toBe(1);
  });

  test('does not adopt a finished copy of an earlier life of the resource', async () => {
    const world = new World();
    const retained = world.declare({ DeletionPolicy: 'Retain' });
    const first = await world.create(retained);
    world.enter('UPDATE_IN_PROGRESS');
    world.physicalId = undefined;
    const { answer } = await world.run(world.event('Create', { ResourceProperties: retained }));
    expect(answer?.PhysicalResourceId).not.toBe(first);
    expect(world.copies()).toEqual([first, answer?.PhysicalResourceId]);
  });

  test.each<[string, Fault]>([
    ['throttled', 'throttled'],
    ['unavailable', 'unavailable'],
    ['cut off', 'refused-connection'],
    ['denied while policies arrive', 'denied'],
    ['out of quota', new AwsError('ResourceLimitExceeded', 'Too many snapshot copies in progress.')],
  ])('outlasts four minutes in which every call is %s', async (_, fault) => {
    const world = new World();
    const begun = world.time;
    world.services.faults = ({ time }) => (time - begun < 4 * MINUTE ? fault : undefined);
    const { answer } = await world.run(world.event('Create'));
    expect(answer?.IsComplete).toBe(true);
    expect(world.copies()).toHaveLength(1);
  });

  test('fails after five minutes of denied calls, in one line that names the policy and the log group, not the blob', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? 'denied' : undefined);
    const { failure, after } = await world.run(world.event('Create'));
    expect(after).toBe(360);
    expect(failure?.message).toContain('UnauthorizedOperation: You are not authorized to perform this operation.');
    expect(failure?.message).toContain('ec2:CopySnapshot');
    expect(failure?.message).toContain('handler’s role');
    expect(failure?.message).toContain('(log group handler-logs)');
    expect(failure?.message).not.toContain('Encoded');
    expect(failure?.stack).toBe(failure?.message);
  });

  test('fails at once on a definite refusal', async () => {
    const world = new World();
    const refusal = new AwsError('SnapshotLimitExceeded', 'You have reached the limit of snapshots.');
    world.services.faults = ({ action }) => (action === 'CopySnapshot' ? refusal : undefined);
    const { failure, after } = await world.run(world.event('Create'));
    expect(after).toBe(0);
    expect(failure?.message).toMatch(/^copy of snap-\w+ in eu-west-1: SnapshotLimitExceeded: You have reached/);
  });

  test('fails with EC2’s words, and leaves nothing, when the copy ends in error', async () => {
    const world = new World({
      course: () => ({ duration: 5 * MINUTE, outcome: 'error', message: 'Internal copy fault' }),
    });
    const { failure } = await world.run(world.event('Create'));
    expect(failure?.message).toMatch(/EC2 says of snap-\w+ "Internal copy fault"; check that the source still exists/);
    expect(world.copies()).toEqual([]);
  });

  test('makes a copy once more that fails over its key early on', async () => {
    const fails = { duration: 10 * SECOND, outcome: 'error', message: 'Given key ID is not accessible' };
    const world = new World({ course: ({ count }) => (count === 1 ? fails : undefined) });
    const { answer } = await world.run(world.event('Create'));
    expect(world.started()).toBe(2);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('gives up, names the key and leaves nothing when the copy fails over its key again', async () => {
    const world = new World({
      course: () => ({ duration: 10 * SECOND, outcome: 'error', message: 'Given key ID is not accessible' }),
    });
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const { failure, after } = await world.run(
      world.event('Create', { ResourceProperties: world.declare({ KmsKeyId: key.arn }) }),
    );
    expect(after).toBe(210);
    expect(world.started()).toBe(2);
    expect(failure?.message).toContain(`check of each key (${key.arn} in eu-west-1) that it is enabled`);
    expect(world.copies()).toEqual([]);
  });

  test('does not believe what EC2 says of a copy that is pending', async () => {
    const world = new World({ copyDuration: 20 * MINUTE });
    const event = await world.accept(world.event('Create'));
    for (let polls = 0; polls < 30; polls++) {
      expect(await world.poll(event)).toEqual({ IsComplete: false });
      world.time += 30 * SECOND;
    }
  });

  test('waits in a state that nobody knows', async () => {
    const world = new World({ copyDuration: MINUTE });
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    const [id = ''] = world.copies();
    world.ec2.changeCourse(id, { duration: MINUTE, outcome: 'hydrating' });
    expect(await world.wait(event, 20 * MINUTE)).toEqual({ after: 1200 });
    world.ec2.changeCourse(id, { outcome: 'completed' });
    expect((await world.wait(event)).answer?.IsComplete).toBe(true);
  });

  test('deletes the copy at its own deadline, and says how far it got and which prop to raise', async () => {
    const world = new World({ copyDuration: 25 * MINUTE });
    const properties = world.declare({ TimeoutSeconds: '600' });
    const { failure, after } = await world.run(world.event('Create', { ResourceProperties: properties }));
    expect(after).toBe(600);
    expect(failure?.message).toBe(
      `copy of ${properties.SourceSnapshotId} from us-east-1 to eu-west-1 was 40 % done after 10 minutes; raise "timeout" (now 10 minutes) or set "completionDuration" (log group handler-logs)`,
    );
    expect(world.copies()).toEqual([]);
  });

  test('says at the deadline why the copy was never started', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const { failure, after } = await world.run(
      world.event('Create', { ResourceProperties: world.declare({ TimeoutSeconds: '1200' }) }),
    );
    expect(after).toBe(1200);
    expect(failure?.message).toContain('could not be started within 20 minutes: EC2 accepted no further copy');
    expect(world.started()).toBeLessThanOrEqual(40);
  });

  test('fails, and does not copy again, when somebody else deletes the copy meanwhile', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += 30 * SECOND;
    await world.poll(event);
    const [id = ''] = world.copies();
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain(`${id} was deleted by somebody else`);
    expect(world.copies()).toEqual([]);
  });

  test('fails, and does not copy again, when somebody else takes the tags off the copy', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += 30 * SECOND;
    await world.poll(event);
    const [id = ''] = world.copies();
    world.ec2.deleteTags('eu-west-1', { Resources: [id], Tags: [{ Key: TAG.stack }] });
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain(`${id} in eu-west-1 does not carry the tags`);
    expect(world.copies()).toEqual([id]);
  });

  test('starts nothing for an operation that has ended', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    world.enter('ROLLBACK_IN_PROGRESS');
    const { failure } = await world.wait(event);
    expect(failure?.message).toContain('has ended');
    expect(world.started()).toBe(0);
  });

  test('deletes the copy that is running when its operation ends', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += 30 * SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });

  test('deletes its finished copy when the operation has ended unless CloudFormation names it', async () => {
    const world = new World({ copyDuration: 20 * SECOND });
    const event = await world.accept(world.event('Create'));
    await world.poll(event);
    world.time += 30 * SECOND;
    world.enter('CREATE_COMPLETE');
    [world.physicalId] = world.copies();
    await world.poll(event);
    expect(world.copies()).toHaveLength(1);
    world.physicalId = undefined;
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });

  test('goes by the start of the operation when onEvent could not ask for it', async () => {
    const world = new World();
    world.services.faults = ({ action, count }) =>
      action === 'DescribeStacks' && count === 1 ? 'throttled' : undefined;
    const event = await world.accept(world.event('Create'));
    expect(event.Begun.Operation).toBeUndefined();
    await world.poll(event);
    expect(world.started()).toBe(1);
    world.time += 30 * SECOND;
    world.enter('UPDATE_IN_PROGRESS');
    await world.poll(event);
    expect(world.copies()).toEqual([]);
  });

  test('proves the permissions in a dry run, and copies nothing', async () => {
    const world = new World();
    const { answer } = await world.run(
      world.event('Create', { ResourceProperties: world.declare({ DryRun: 'true' }) }),
    );
    expect(answer?.IsComplete).toBe(true);
    expect(Object.values(answer?.Data ?? {}).filter((value) => value !== '')).toEqual([
      'arn:aws:kms:eu-west-1:111122223333:key/none',
    ]);
    expect(world.started()).toBe(1);
    expect(world.ec2.all()).toHaveLength(1);
  });
});

describe('an Update', () => {
  test('changes tags in place, and leaves those of others alone', async () => {
    const world = new World();
    const before = world.declare({ Tags: { team: 'storage', old: '1' } });
    const id = await world.create(before);
    world.ec2.createTags('eu-west-1', { Resources: [id], Tags: [{ Key: 'backup', Value: 'weekly' }] });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer, after } = await world.run(world.update(world.declare({ Tags: { team: 'data' } }), before));
    expect(answer?.PhysicalResourceId).toBe(id);
    expect(after).toBe(0);
    expect(world.ec2.tagsOf(id)).toMatchObject({ team: 'data', backup: 'weekly', [TAG.resource]: LOGICAL_ID });
    expect(world.ec2.tagsOf(id)).not.toHaveProperty('old');
    expect(world.started()).toBe(1);
  });

  test('writes tags back in a rollback although a stale read shows them as wanted', async () => {
    const world = new World();
    const before = world.declare({ Tags: { team: 'storage' } });
    const id = await world.create(before);
    const wanted = world.declare({ Tags: { team: 'data' } });
    world.ec2.settings.staleness.tags = 110_000;
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(wanted, before));
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    // A write of the cancelled update may still be under way.
    expect((await world.run(world.update(before, wanted))).after).toBe(30);
    expect(world.ec2.tagsOf(id)).toMatchObject({ team: 'storage' });
  });

  test('changes the retained mark in place', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const retained = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(retained, before));
    expect(world.ec2.tagsOf(id)).toMatchObject({ [TAG.retain]: 'RetainExceptOnCreate' });
    await world.run(world.update(before, retained));
    expect(world.ec2.tagsOf(id)).not.toHaveProperty([TAG.retain]);
  });

  test.each([
    ['the waiting time', { TimeoutSeconds: '60' }],
    ['the completion duration, which says how a copy is made', { CompletionDurationMinutes: '15' }],
    ['the declared source key', { SourceKmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/any' }],
    ['a default that is now explicit', { Description: '', DestinationOutpostArn: '', KmsKeyId: '' }],
  ])('of %s touches no copy', async (_, change) => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer, after } = await world.run(world.update(world.declare(change), before));
    expect([answer?.PhysicalResourceId, after]).toEqual([id, 0]);
    expect(world.started()).toBe(1);
  });

  test('replaces, new copy first, and leaves the old one to its own Delete', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Description: 'new' }), before));
    expect(answer?.PhysicalResourceId).not.toBe(old);
    expect(world.copies()).toEqual([old, answer?.PhysicalResourceId]);
  });

  test('makes the copy anew when the finished one has gone', async () => {
    const world = new World();
    const properties = world.declare({ Tags: { a: '1' } });
    const gone = await world.create(properties);
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: gone });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ Tags: { a: '2' } }), properties));
    expect(answer?.PhysicalResourceId).toMatch(/^snap-/);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('refuses to replace a copy that has only lost its tags', async () => {
    const world = new World();
    const properties = world.declare({ Tags: { a: '1' } });
    const id = await world.create(properties);
    world.ec2.deleteTags('eu-west-1', { Resources: [id] });
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update(world.declare({ Tags: { a: '2' } }), properties));
    expect(failure?.message).toContain(`${id} in eu-west-1 does not carry the tags`);
    expect(world.started()).toBe(1);
  });

  test.each(['new', 'old'])('rolls back to the old copy, whichever physical id it carries (%s)', async (carried) => {
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
  });

  test('deletes in a rollback what the cancelled update left unfinished, in the Region of before too', async () => {
    const world = new World({ staleness: { ids: 0, tags: 110_000, deletions: 0, writes: 0 } });
    const before = world.declare();
    const old = await world.create(before);
    const elsewhere = world.declare({ DestinationRegion: 'eu-central-1' });
    world.ec2.settings.copyDuration = 40 * MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    await world.poll(await world.accept(world.update(elsewhere, before)));
    expect(world.copies()).toHaveLength(2);
    world.time += SECOND;
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { answer } = await world.run(world.update(before, elsewhere));
    expect(answer?.PhysicalResourceId).toBe(old);
    expect(world.copies()).toEqual([old]);
  });

  test('adopts the last of several finished copies with the wanted inputs: in a rollback, the present one', async () => {
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

  test('adopts a retained copy with the wanted inputs, and keeps its mark', async () => {
    const world = new World();
    const retained = world.declare({ DeletionPolicy: 'Retain' });
    const first = await world.create(retained);
    const other = world.declare({ Description: 'other', DeletionPolicy: 'Retain' });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(other, retained));
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare(), other));
    expect(answer?.PhysicalResourceId).toBe(first);
    expect(world.ec2.tagsOf(first)).toMatchObject({ [TAG.retain]: 'Retain' });
    expect(world.started()).toBe(2);
  });

  test('that switches on a dry run checks the new inputs and keeps the copy; switching it off makes them true', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const dry = world.declare({ Description: 'new', DryRun: 'true' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(dry, before));
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(world.physicalId).toBe(id);
    expect(world.copies()).toEqual([id]);
    const back = await world.run(world.update(before, dry));
    expect(back.answer?.PhysicalResourceId).toBe(id);
    const changed = await world.run(world.update(world.declare({ Description: 'new' }), dry));
    expect(changed.answer?.PhysicalResourceId).not.toBe(id);
  });
});

test('a dry run cannot move a copy to another Region, since it keeps it where it is', async () => {
  const world = new World();
  const before = world.declare();
  const id = await world.create(before);
  world.enter('UPDATE_IN_PROGRESS');
  const dry = world.declare({ DestinationRegion: 'eu-west-2', DryRun: 'true' });
  const { failure } = await world.run(world.update(dry, before));
  expect(failure?.message).toContain(`a dry run keeps ${id}, and cannot change its Region from eu-west-1 to eu-west-2`);
  world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
  const back = await world.run(world.update({ ...before, DryRun: 'true' }, dry));
  expect(back.answer?.Data?.SnapshotId).toBe(id);
  expect(world.copies()).toEqual([id]);
});

describe.each(['Retain', 'RetainExceptOnCreate'] as const)(
  'under %s, where an older copy of the same inputs',
  (policy) => {
    /** The resource's id stays the handle, as it does when the first stage is over before its copy is. */
    async function twins(world: World): Promise<{ declared: WireProperties; present?: string; handle: string }> {
      const declared = world.declare({ DeletionPolicy: policy, TimeoutSeconds: '6000' });
      await world.create(declared);
      world.physicalId = undefined;
      world.time += 60 * MINUTE;
      world.enter('UPDATE_IN_PROGRESS');
      const event = await world.accept(world.event('Create', { ResourceProperties: declared }));
      const { answer } = await world.wait(event);
      world.physicalId = event.PhysicalResourceId;
      world.time += 60 * MINUTE;
      world.enter('UPDATE_IN_PROGRESS');
      return { declared, present: answer?.Data?.SnapshotId, handle: event.PhysicalResourceId };
    }

    test('was left behind, an Update in place keeps the present copy, whose id is its handle', async () => {
      const world = new World();
      const { declared, present } = await twins(world);
      const copies = world.copies();
      const { answer } = await world.run(world.update({ ...declared, Tags: { a: '1' } }, declared));
      expect(answer?.Data?.SnapshotId).toBe(present);
      expect(world.copies()).toEqual(copies);
    });

    test('was left behind, a continuation is about the present copy', async () => {
      const world = new World();
      const { declared, present, handle } = await twins(world);
      const copies = world.copies();
      world.physicalId = handle;
      const stage = world.stage(2, declared);
      const changed = { ...stage.ResourceProperties, Tags: { a: '1' } };
      const update = { RequestType: 'Update' as const, OldResourceProperties: stage.ResourceProperties };
      const { answer } = await world.wait(
        await world.accept({ ...stage, ...update, ResourceProperties: changed, PhysicalResourceId: 'completion-2' }),
      );
      expect(answer?.Data?.SnapshotId).toBe(present);
      expect(world.copies()).toEqual(copies);
    });
  },
);

test('a present copy in a state that says neither is left alone at the deadline', async () => {
  const world = new World();
  const before = world.declare({ TimeoutSeconds: '1200' });
  const id = await world.create(before);
  world.ec2.changeCourse(id, { outcome: 'recovering' });
  world.enter('UPDATE_IN_PROGRESS');
  const { failure } = await world.run(world.update({ ...before, Tags: { a: '1' } }, before));
  expect(failure?.message).toContain(`${id} in eu-west-1 was in state "recovering" after 20 minutes`);
  expect(world.copies()).toEqual([id]);
});

test('a rollback to a dry run goes back to the copy that it kept, whichever id the Update carries', async () => {
  const world = new World();
  const before = world.declare();
  const id = await world.create(before);
  const dry = world.declare({ DryRun: 'true' });
  world.enter('UPDATE_IN_PROGRESS');
  await world.run(world.update(dry, before));
  world.time += 60 * MINUTE;
  const other = world.declare({ Description: 'other' });
  world.enter('UPDATE_IN_PROGRESS');
  const { answer } = await world.run(world.update(other, dry));
  expect(world.physicalId).toBe(answer?.PhysicalResourceId);
  world.stack = { ...world.stack, StackStatus: 'UPDATE_ROLLBACK_IN_PROGRESS' };
  const back = await world.run(world.update(dry, other));
  expect(back.answer).toMatchObject({ PhysicalResourceId: id, Data: { SnapshotId: id } });
});

describe('what a stale read or a late event must not do', () => {
  const stale = { ids: 60 * SECOND, tags: 60 * SECOND, deletions: 0, writes: 0 };

  test('an Update does not sweep the present copy, which still looks pending', async () => {
    const world = new World({ copyDuration: 5 * MINUTE, staleness: stale });
    const before = world.declare();
    const { answer } = await world.run(world.event('Create', { ResourceProperties: before }));
    const id = answer?.PhysicalResourceId ?? '';
    world.ec2.changeCourse(id, { duration: world.time - world.ec2.snapshot(id).startTime - 10 * SECOND });
    world.enter('UPDATE_IN_PROGRESS');
    await world.poll(await world.accept(world.update(world.declare({ Description: 'new' }), before)));
    expect(world.ec2.stateOf(id)).toBe('completed');
  });

  test('a late duplicate of a Delete by handle does not delete the copy that CloudFormation names now', async () => {
    const world = new World({ copyDuration: 5 * MINUTE });
    const create = await world.accept(world.event('Create'));
    await world.wait(create);
    const [id = ''] = world.copies();
    world.physicalId = id;
    world.enter('UPDATE_IN_PROGRESS');
    world.ec2.settings.staleness = { ...stale, ids: 20 * MINUTE };
    await world.run(world.event('Delete', { PhysicalResourceId: create.PhysicalResourceId }));
    expect(world.copies()).toEqual([id]);
  });

  test('an Update does not adopt a copy that was deleted a moment ago and is still shown', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    const other = world.declare({ Description: 'other' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(other, before));
    world.time += 5 * MINUTE;
    world.ec2.settings.staleness = { ...stale, deletions: 60 * SECOND };
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: answer?.PhysicalResourceId });
    [world.physicalId] = world.copies();
    world.enter('UPDATE_IN_PROGRESS');
    const again = await world.run(world.update(other, before));
    expect(again.answer?.PhysicalResourceId).not.toBe(answer?.PhysicalResourceId);
    expect(world.ec2.stateOf(again.answer?.PhysicalResourceId ?? '')).toBe('completed');
  });

  test('a Create that arrives again while it is rolled back starts nothing', async () => {
    const world = new World();
    world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    const { failure } = await world.run(world.event('Create'));
    expect(failure?.message).toContain('has ended');
    expect(world.started()).toBe(0);
  });

  test('a Create that arrives again after its resource has got its copy starts nothing', async () => {
    const world = new World();
    const id = await world.create();
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(
      world.event('Create', { ResourceProperties: world.declare({ Description: 'x' }) }),
    );
    expect(failure?.message).toContain('has ended');
    expect(world.copies()).toEqual([id]);
  });

  test('an Update that arrives again when its resource rests writes no old tags', async () => {
    const world = new World();
    const before = world.declare({ Tags: { a: 'new' } });
    const id = await world.create(before);
    world.resourceStatus = 'UPDATE_COMPLETE';
    world.enter('UPDATE_IN_PROGRESS');
    const { failure } = await world.run(world.update(world.declare({ Tags: { a: 'old' } }), before));
    expect(failure?.message).toContain('has ended, or has its answer');
    expect(world.ec2.tagsOf(id)).toMatchObject({ a: 'new' });
  });

  test('a request whose answer another poll has given changes and starts nothing any more', async () => {
    const world = new World();
    const event = await world.accept(world.event('Create'));
    world.resourceStatus = 'CREATE_COMPLETE';
    expect((await world.wait(event)).failure?.message).toContain('has ended, or has its answer');
    expect(world.started()).toBe(0);
  });

  test('an Update that is delivered late deletes nothing when the present request has its answer', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const wanted = world.declare({ Description: 'new' });
    const late = await world.accept(world.update(before, wanted));
    await world.poll(late);
    const { answer } = await world.run(world.update(wanted, before));
    world.physicalId = answer?.PhysicalResourceId;
    world.resourceStatus = 'UPDATE_COMPLETE';
    expect((await world.wait(late)).failure?.message).toContain('has ended, or has its answer');
    expect(world.copies()).toContain(world.physicalId);
  });

  test('a Create that is polled twice leaves the copy alone that has been retained since', async () => {
    const world = new World();
    const event = await world.accept(
      world.event('Create', { ResourceProperties: world.declare({ DeletionPolicy: 'RetainExceptOnCreate' }) }),
    );
    await world.wait(event);
    const copies = world.copies();
    world.enter('DELETE_COMPLETE');
    world.physicalId = undefined;
    expect((await world.wait(event)).failure?.message).toContain('has ended');
    expect(world.copies()).toEqual(copies);
    expect(copies).toHaveLength(1);
  });

  test('the copy of a Create that arrived twice does not outlive the rollback, finished and retained as it may be', async () => {
    const properties = { ResourceProperties: new World().declare({ DeletionPolicy: 'RetainExceptOnCreate' }) };
    for (const end of ['the second one itself', 'the Delete of the first one']) {
      const world = new World();
      world.declare();
      const first = await world.accept(world.event('Create', properties));
      const second = await world.accept(world.event('Create', properties));
      await world.poll(second);
      world.time += SECOND;
      expect(world.copies()).toHaveLength(1);
      world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
      if (end === 'the second one itself') await world.poll(second);
      else await world.run(world.event('Delete', { ...properties, PhysicalResourceId: first.PhysicalResourceId }));
      expect(world.copies()).toEqual([]);
    }
  });

  test('two requests for one resource read the errors of each other’s copies instead of hiding them', async () => {
    const fails = { duration: 10 * SECOND, outcome: 'error', message: 'Given key ID is not accessible' };
    const world = new World({ course: () => fails });
    const first = await world.accept(world.event('Create'));
    const second = await world.accept(world.event('Create'));
    await world.poll(first);
    world.time += 20 * SECOND;
    expect((await world.wait(second)).failure?.message).toContain('Given key ID is not accessible');
  });

  test('a Create whose adopted copy is deleted by the request that began it makes its own', async () => {
    const world = new World();
    world.stack.StackStatus = 'UPDATE_IN_PROGRESS';
    const cancelled = await world.accept(world.event('Create'));
    await world.poll(cancelled);
    world.time += 30 * SECOND;
    world.enter('UPDATE_IN_PROGRESS');
    const again = await world.accept(world.event('Create'));
    await world.poll(again);
    await world.poll(cancelled);
    expect(world.copies()).toEqual([]);
    const { answer } = await world.wait(again);
    expect(world.copies()).toEqual([answer?.PhysicalResourceId]);
  });

  test('a request leaves alone what a later one has begun', async () => {
    const world = new World();
    const before = world.declare();
    await world.create(before);
    world.enter('UPDATE_IN_PROGRESS');
    const early = await world.accept(world.update(world.declare({ Description: 'a' }), before));
    world.time += MINUTE;
    await world.poll(await world.accept(world.update(world.declare({ Description: 'b' }), before)));
    expect(world.copies()).toHaveLength(2);
    world.time += SECOND;
    await world.poll(early);
    expect(world.copies()).toHaveLength(2);
  });
});

describe('what failed operations leave', () => {
  test('the finished copy of a failed update goes in the rollback, whether CloudFormation asks for it or not', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    const wanted = world.declare({ Description: 'new' });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(wanted, before));
    world.physicalId = old;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, wanted));
    expect(world.copies()).toEqual([old]);
  });

  test('also when the stack goes back to a dry run', async () => {
    const world = new World();
    const before = world.declare({ DryRun: 'true' });
    await world.run(world.event('Create', { ResourceProperties: before }));
    const dry = world.physicalId;
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare(), before));
    expect(world.copies()).toHaveLength(1);
    world.physicalId = dry;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, world.declare()));
    expect(world.copies()).toEqual([]);
  });

  test('and the copy that the dry run had kept is named again', async () => {
    const world = new World();
    const before = world.declare();
    const id = await world.create(before);
    const dry = world.declare({ DryRun: 'true' });
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(dry, before));
    world.time += MINUTE;
    world.enter('UPDATE_IN_PROGRESS');
    const { PhysicalResourceId } = await world.accept(world.update(before, dry));
    world.physicalId = PhysicalResourceId;
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    const { answer } = await world.run(world.update(dry, before));
    expect(answer?.PhysicalResourceId).toBe(id);
    expect(world.copies()).toEqual([id]);
  });

  test('unless it is to be retained', async () => {
    const world = new World();
    const before = world.declare();
    const old = await world.create(before);
    const wanted = world.declare({ Description: 'new', DeletionPolicy: 'RetainExceptOnCreate' });
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(wanted, before));
    world.stack.StackStatus = 'UPDATE_ROLLBACK_IN_PROGRESS';
    await world.run(world.update(before, wanted));
    expect(world.copies()).toEqual([old, answer?.PhysicalResourceId]);
  });

  test.each(['DELETE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'])(
    'all of the resource goes with the stack (%s)',
    async (status) => {
      const world = new World();
      const before = world.declare();
      await world.create(before);
      world.enter('UPDATE_IN_PROGRESS');
      await world.run(world.update(world.declare({ Description: 'new' }), before));
      expect(world.copies()).toHaveLength(2);
      world.enter(status);
      await world.run(world.event('Delete'));
      expect(world.copies()).toEqual([]);
    },
  );

  test('but what is to be retained stays when the stack goes', async () => {
    const world = new World();
    const retained = world.declare({ DeletionPolicy: 'Retain' });
    const first = await world.create(retained);
    world.enter('UPDATE_IN_PROGRESS');
    await world.run(world.update(world.declare({ Description: 'new' }), retained));
    world.enter('DELETE_IN_PROGRESS');
    await world.run(world.event('Delete'));
    expect(world.copies()).toEqual([first]);
  });
});

describe('a copy that takes longer than one stage', () => {
  const LONG = { TimeoutSeconds: String(3 * 3600) };

  function stage(world: World, number: number, type: 'Create' | 'Update' | 'Delete' = 'Create'): CloudFormationEvent {
    const properties = {
      ...world.declare(LONG),
      CopyLogicalId: LOGICAL_ID,
      CopyId: world.physicalId,
      Stage: String(number),
    };
    return world.event(type, {
      ResourceType: COMPLETION_RESOURCE_TYPE,
      LogicalResourceId: `Copy${number}`,
      PhysicalResourceId: type === 'Create' ? undefined : `completion-Copy${number}`,
      ResourceProperties: properties,
      OldResourceProperties: type === 'Update' ? properties : undefined,
    });
  }

  /** One stage from its event to its answer; the owner's physical id stays. */
  async function runStage(world: World, number: number): Promise<Outcome> {
    return world.wait(await world.accept(stage(world, number)));
  }

  test('is handed on from stage to stage, and the last one answers with all there is to say', async () => {
    const world = new World({ copyDuration: 120 * MINUTE });
    const first = await world.run(world.event('Create', { ResourceProperties: world.declare(LONG) }));
    const [id] = world.copies();
    expect(first.after).toBe(3000);
    expect(first.answer?.PhysicalResourceId).toBe(id);
    expect(first.answer?.Data).toMatchObject({ SnapshotId: id, VolumeSize: '', CompletionTime: '' });
    const second = await runStage(world, 2);
    expect([second.after, second.answer?.PhysicalResourceId]).toEqual([3000, undefined]);
    const third = await runStage(world, 3);
    expect(third.answer?.Data).toMatchObject({ SnapshotId: id, VolumeSize: '8' });
    expect(third.after).toBe(1200);
    expect((await runStage(world, 4)).after).toBe(0);
    expect(world.started()).toBe(1);
  });

  test('that is finished early passes its other stages at once', async () => {
    const world = new World({ copyDuration: 10 * MINUTE });
    await world.run(world.event('Create', { ResourceProperties: world.declare(LONG) }));
    expect(world.physicalId).toMatch(/^snap-/);
    for (const number of [2, 3, 4]) expect(await runStage(world, number)).toMatchObject({ after: 0 });
  });

  test('that found no room in its first stage is started in a later one, under the handle of its owner', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    await world.run(world.event('Create', { ResourceProperties: world.declare(LONG) }));
    expect(world.copies()).toEqual([]);
    world.ec2.settings.maxConcurrentCopies = 20;
    const { answer } = await runStage(world, 2);
    const [id = ''] = world.copies();
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(world.ec2.tagsOf(id)).toMatchObject({ [TAG.handle]: world.physicalId, [TAG.resource]: LOGICAL_ID });
    await world.run(world.event('Delete'));
    expect(world.copies()).toEqual([]);
  });

  test('is deleted at the deadline of the last stage, which says how long that was in all', async () => {
    const world = new World({ copyDuration: 300 * MINUTE });
    await world.run(world.event('Create', { ResourceProperties: world.declare(LONG) }));
    await runStage(world, 2);
    await runStage(world, 3);
    const { failure, after } = await runStage(world, 4);
    expect(after).toBe(1800);
    expect(failure?.message).toContain('was 60 % done after 180 minutes; raise "timeout" (now 180 minutes)');
    expect(world.copies()).toEqual([]);
  });

  test('deleting a continuation does nothing', async () => {
    const world = new World({ copyDuration: 10 * MINUTE });
    await world.run(world.event('Create', { ResourceProperties: world.declare(LONG) }));
    expect((await world.wait(await world.accept(stage(world, 2, 'Delete')))).answer).toEqual({ IsComplete: true });
    expect(world.copies()).toHaveLength(1);
  });

  test('a continuation whose copy ends in error, or is deleted by somebody, fails and starts no other', async () => {
    for (const end of ['error', 'gone']) {
      const world = new World({ copyDuration: 80 * MINUTE });
      await world.run(world.event('Create', { ResourceProperties: world.declare(LONG) }));
      const id = world.physicalId ?? '';
      expect(id).toMatch(/^snap-/);
      const accepted = await world.accept(stage(world, 2));
      await world.poll(accepted);
      if (end === 'error')
        world.ec2.changeCourse(id, { duration: 0, outcome: 'error', message: 'Given key ID is bad' });
      else world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
      const { failure } = await world.wait(accepted);
      expect(failure?.message).toContain(end === 'error' ? 'Given key ID is bad' : 'was deleted by somebody else');
      expect(world.started()).toBe(1);
    }
  });

  test('tags of a copy whose id stays the handle are changed in place, the retained mark too', async () => {
    const world = new World({ maxConcurrentCopies: 0 });
    const before = world.declare({ ...LONG, DeletionPolicy: 'Retain', Tags: { a: '1' } });
    await world.run(world.event('Create', { ResourceProperties: before }));
    const handle = world.physicalId;
    expect(handle).toMatch(/^copy-/);
    world.ec2.settings.maxConcurrentCopies = 20;
    await world.wait(
      await world.accept({
        ...stage(world, 2),
        ResourceProperties: { ...stage(world, 2).ResourceProperties, ...before },
      }),
    );
    world.enter('UPDATE_IN_PROGRESS');
    const { answer } = await world.run(world.update(world.declare({ ...LONG, Tags: { b: '2' } }), before));
    const [id = ''] = world.copies();
    expect(answer?.Data?.SnapshotId).toBe(id);
    expect(answer?.PhysicalResourceId).toBe(handle);
    expect(world.ec2.tagsOf(id)).toMatchObject({ b: '2' });
    expect(world.ec2.tagsOf(id)).not.toHaveProperty('a');
    expect(world.ec2.tagsOf(id)).not.toHaveProperty([TAG.retain]);
  });

  test('that has only just been started when its stage ends keeps the handle, since a double may be invisible', async () => {
    const world = new World({ copyDuration: 80 * MINUTE });
    world.ec2.settings.maxConcurrentCopies = 0;
    const event = await world.accept(world.event('Create', { ResourceProperties: world.declare(LONG) }));
    await world.wait(event, 48 * MINUTE);
    world.ec2.settings.maxConcurrentCopies = 20;
    const { answer } = await world.wait(event);
    expect(world.copies()).toHaveLength(1);
    expect(answer?.PhysicalResourceId).toBe(event.PhysicalResourceId);
  });
});

describe('a Delete', () => {
  test('deletes the copy by its id', async () => {
    const world = new World();
    await world.create();
    world.enter('DELETE_IN_PROGRESS');
    expect(await world.run(world.event('Delete'))).toEqual({ answer: { IsComplete: true }, after: 0 });
    expect(world.copies()).toEqual([]);
  });

  test('deletes a retained copy by its own id', async () => {
    const world = new World();
    const properties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    await world.create(properties);
    world.enter('ROLLBACK_IN_PROGRESS');
    await world.run(world.event('Delete', { ResourceProperties: properties }));
    expect(world.copies()).toEqual([]);
  });

  test('leaves a retained copy alone when it is delivered once more after its operation', async () => {
    const world = new World();
    const properties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
    const id = await world.create(properties);
    const late = world.event('Delete', { ResourceProperties: properties });
    world.enter('DELETE_COMPLETE');
    expect((await world.run(late)).answer).toEqual({ IsComplete: true });
    expect(world.copies()).toEqual([id]);
  });

  test('is content when the copy has gone', async () => {
    const world = new World();
    const id = await world.create();
    world.ec2.deleteSnapshot('eu-west-1', { SnapshotId: id });
    expect((await world.run(world.event('Delete'))).answer).toEqual({ IsComplete: true });
  });

  test('with a handle deletes the copies of that handle, also one that is not to be seen at first', async () => {
    const world = new World({ staleness: { ids: 0, tags: 110_000, deletions: 0, writes: 0 } });
    const create = await world.accept(world.event('Create'));
    await world.poll(create);
    world.time += SECOND;
    world.enter('ROLLBACK_IN_PROGRESS');
    const { after } = await world.run(world.event('Delete', { PhysicalResourceId: create.PhysicalResourceId }));
    expect(world.copies()).toEqual([]);
    expect(after).toBe(180);
  });

  test('with a handle leaves a copy of another handle alone', async () => {
    const world = new World();
    const id = await world.create();
    await world.run(world.event('Delete', { PhysicalResourceId: `copy-${'0'.repeat(32)}` }));
    expect(world.copies()).toEqual([id]);
  });

  describe('with an id that CloudFormation invented', () => {
    const invented = 'app-Copy1A2B3C-1XYZ';

    test('deletes what the cancelled create left unfinished, retained or not', async () => {
      const world = new World();
      const properties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
      await world.poll(await world.accept(world.event('Create', { ResourceProperties: properties })));
      world.time += SECOND;
      world.enter('ROLLBACK_IN_PROGRESS');
      await world.run(world.event('Delete', { PhysicalResourceId: invented }));
      expect(world.copies()).toEqual([]);
    });

    test('deletes a finished copy that nobody names', async () => {
      const world = new World();
      await world.create();
      world.physicalId = invented;
      await world.run(world.event('Delete', { PhysicalResourceId: invented }));
      expect(world.copies()).toEqual([]);
    });

    test('leaves a finished copy that CloudFormation names now', async () => {
      const world = new World();
      const id = await world.create();
      await world.run(world.event('Delete', { PhysicalResourceId: invented }));
      expect(world.copies()).toEqual([id]);
    });

    test('deletes the finished copy of the cancelled create itself under RetainExceptOnCreate', async () => {
      const world = new World({ copyDuration: 20 * SECOND });
      const properties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
      await world.poll(await world.accept(world.event('Create', { ResourceProperties: properties })));
      world.time += MINUTE;
      world.stack.StackStatus = 'ROLLBACK_IN_PROGRESS';
      await world.run(world.event('Delete', { PhysicalResourceId: invented, ResourceProperties: properties }));
      expect(world.copies()).toEqual([]);
    });

    test('and leaves that of an earlier life', async () => {
      const world = new World();
      const properties = world.declare({ DeletionPolicy: 'RetainExceptOnCreate' });
      const id = await world.create(properties);
      world.physicalId = undefined;
      world.enter('UPDATE_ROLLBACK_IN_PROGRESS');
      await world.run(world.event('Delete', { PhysicalResourceId: invented, ResourceProperties: properties }));
      expect(world.copies()).toEqual([id]);
    });

    test('leaves a finished copy that is to be retained', async () => {
      const world = new World();
      const id = await world.create(world.declare({ DeletionPolicy: 'Retain' }));
      world.physicalId = invented;
      await world.run(world.event('Delete', { PhysicalResourceId: invented }));
      expect(world.copies()).toEqual([id]);
    });
  });

  test('never deletes a snapshot without the tags of this resource', async () => {
    const world = new World();
    const foreign = world.ec2.addSnapshot({
      region: 'eu-west-1',
      tags: { [TAG.stack]: STACK_ID, [TAG.resource]: 'Other' },
    });
    const { failure } = await world.run(world.event('Delete', { PhysicalResourceId: foreign.id }));
    expect(failure?.message).toContain('neither changed nor deleted');
    expect(world.ec2.stateOf(foreign.id)).toBe('completed');
  });

  test('fails with what holds the copy, and what to do', async () => {
    const world = new World();
    const id = await world.create();
    world.ec2.snapshot(id).imageId = 'ami-0123456789abcdef0';
    const { failure, after } = await world.run(world.event('Delete'));
    expect(after).toBe(0);
    expect(failure?.message).toMatch(
      new RegExp(`^${id} in eu-west-1 could not be deleted: InvalidSnapshot.InUse: .*ami-`),
    );
    expect(failure?.message).toContain('deregister the AMI');
  });

  test.each<Fault>(['throttled', 'unavailable', 'lost-response', 'denied'])(
    'outlasts a call that is %s',
    async (fault) => {
      const world = new World();
      await world.create();
      const begun = world.time;
      world.services.faults = ({ time }) => (time - begun < 2 * MINUTE ? fault : undefined);
      expect((await world.run(world.event('Delete'))).answer).toEqual({ IsComplete: true });
      expect(world.copies()).toEqual([]);
    },
  );

  test('gives up before CloudFormation does, with the reason', async () => {
    const world = new World();
    await world.create();
    world.services.faults = () => 'throttled';
    const { failure, after } = await world.run(
      world.event('Delete', { ResourceProperties: world.declare({ TimeoutSeconds: '60' }) }),
    );
    expect(after).toBe(360);
    expect(failure?.message).toMatch(/^deletion of snap-\w+ in eu-west-1: RequestLimitExceeded/);
  });
});
