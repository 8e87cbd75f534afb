import { ATTRIBUTES } from '../../../lib/contract';
import { MINUTE, World } from '../in-process';
import { HANDLE } from '../requests';

test('a Create waits for its one copy, and answers with the ID and all attributes as strings', async () => {
  const world = new World({ copyDuration: 10 * MINUTE });
  const { answer, after } = await world.run(world.event('Create'));
  const [copy] = world.ec2.remainingCopies();
  expect(answer).toEqual({
    IsComplete: true,
    PhysicalResourceId: copy?.id,
    Data: {
      SnapshotId: copy?.id,
      SourceSnapshotId: copy?.source?.id,
      VolumeSize: '8',
      Encrypted: 'false',
      KmsKeyArn: '',
      KmsKeyArnOrNone: 'arn:aws:kms:eu-west-1:111122223333:key/none',
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

test('a copy without a completion time is reported without it, and logged without a duration', async () => {
  const world = new World();
  const describe = world.ec2.describeSnapshots.bind(world.ec2);
  world.ec2.describeSnapshots = (...call) => {
    const { Snapshots = [], ...rest } = describe(...call);
    return { ...rest, Snapshots: Snapshots.map((snapshot) => ({ ...snapshot, CompletionTime: undefined })) };
  };
  const { answer } = await world.runCreate();
  expect(answer?.Data?.CompletionTime).toBe('');
  const snapshotId = answer?.Data?.SnapshotId;
  expect(world.logs).toContainEqual({ decision: 'complete', snapshotId, seconds: undefined });
});

test('an Update in place answers with the handle if CloudFormation has it, and the copy’s attributes', async () => {
  const world = new World();
  const before = world.declare();
  const id = await world.createUnderHandle(before);
  const handle = world.physicalId;
  world.enter('UPDATE_IN_PROGRESS');
  const { answer } = await world.run(world.update({ ...before, TimeoutSeconds: '600' }, before));
  expect(answer).toMatchObject({ PhysicalResourceId: handle, Data: { SnapshotId: id } });
});

test('an Update that replaces the copy answers with the new ID, even if CloudFormation has a handle', async () => {
  const world = new World();
  const before = world.declare();
  await world.createUnderHandle(before);
  world.enter('UPDATE_IN_PROGRESS');
  const { answer } = await world.run(world.update({ ...before, Description: 'new' }, before));
  expect(answer?.PhysicalResourceId).toBe(world.copies()[1]);
});

test('an Update in place that adopts a copy of another handle answers with the ID of the copy', async () => {
  // The rollback of a replacement was skipped: CloudFormation kept the handle of the copy that the rollback deleted.
  // With the ID, a later replacement deletes the adopted copy.
  const world = new World();
  const before = world.declare();
  const id = await world.create(before);
  world.physicalId = HANDLE;
  world.enter('UPDATE_IN_PROGRESS');
  const { answer } = await world.run(world.update({ ...before, TimeoutSeconds: '600' }, before));
  expect(answer).toMatchObject({ PhysicalResourceId: id, Data: { SnapshotId: id } });
  expect(world.copies()).toEqual([id]);
});
