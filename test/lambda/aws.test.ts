import type { DescribeSnapshotsCommandInput } from '@aws-sdk/client-ec2';
import { awsOver, type Aws } from '../../lambda/aws';
import type { Calls } from '../../lambda/calls';
import { CallError, NotYet } from '../../lambda/failure';
import { AwsError, ConnectionReset } from '../../local-aws/faults';

const NOW = Date.UTC(2030, 0, 1);
const aws = (calls: Partial<Calls>, now = () => NOW, unreachableSince = new Map<string, number>()): Aws =>
  awsOver(calls as Calls, now, unreachableSince);

const STACK_ID = 'arn:aws:cloudformation:us-east-1:111122223333:stack/app/1';
const never = (): boolean => false;

const NO_SNAPSHOT = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
const NO_KEY = new AwsError('NotFoundException', 'Alias alias/nowhere is not found.');
const NO_STACK = new AwsError('ValidationError', 'Stack with id app does not exist');
const COPY = { SourceRegion: 'us-east-1', SourceSnapshotId: 'snap-a' };
const THROTTLED = new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503);

describe('what does not exist', () => {
  test('is undefined, not an error', async () => {
    expect(
      await aws({ describeSnapshots: () => Promise.reject(NO_SNAPSHOT) }).describeSnapshot('eu-west-1', 'snap-a'),
    ).toBeUndefined();
    expect(
      await aws({ describeSnapshots: () => Promise.resolve({}) }).describeSnapshot('eu-west-1', 'snap-a'),
    ).toBeUndefined();
    expect(
      await aws({ describeKey: () => Promise.reject(NO_KEY) }).describeKey('eu-west-1', 'alias/nowhere'),
    ).toBeUndefined();
  });

  test('reads as a stack that never began an operation, or a resource without an ID', async () => {
    const gone = aws({
      describeStacks: () => Promise.reject(NO_STACK),
      describeStackResource: () => Promise.reject(NO_STACK),
    });
    const empty = aws({ describeStacks: () => Promise.resolve({}), describeStackResource: () => Promise.resolve({}) });
    for (const one of [gone, empty]) {
      expect(await one.describeStack(STACK_ID)).toEqual({ status: '', begunAt: NaN, stackCreatedAt: NaN });
      expect(await one.describeResource(STACK_ID, 'Copy')).toEqual({ changedAt: NaN });
    }
  });

  test('counts as deleted', async () => {
    await aws({ deleteSnapshot: () => Promise.reject(NO_SNAPSHOT) }).deleteSnapshot('eu-west-1', 'snap-a');
  });
});

describe('an error of a kind other than "missing"', () => {
  const failing = aws({
    describeSnapshots: () => Promise.reject(THROTTLED),
    copySnapshot: () => Promise.reject(THROTTLED),
    deleteSnapshot: () => Promise.reject(THROTTLED),
    describeLockedSnapshots: () => Promise.reject(THROTTLED),
    createTags: () => Promise.reject(THROTTLED),
    deleteTags: () => Promise.reject(THROTTLED),
    describeKey: () => Promise.reject(THROTTLED),
    describeStacks: () => Promise.reject(THROTTLED),
    describeStackResource: () => Promise.reject(THROTTLED),
  });

  test.each<[string, (of: Aws) => Promise<unknown>, string]>([
    ['describeSnapshot', (of) => of.describeSnapshot('eu-west-1', 'snap-a'), 'eu-west-1'],
    ['findSnapshots', (of) => of.findSnapshots('eu-west-1', 'self', [], never), 'eu-west-1'],
    ['copySnapshot', (of) => of.copySnapshot('eu-west-1', COPY), 'eu-west-1'],
    ['deleteSnapshot', (of) => of.deleteSnapshot('eu-west-1', 'snap-a'), 'eu-west-1'],
    ['describeLock', (of) => of.describeLock('eu-west-1', 'snap-a'), 'eu-west-1'],
    ['createTags', (of) => of.createTags('eu-west-1', 'snap-a', []), 'eu-west-1'],
    ['deleteTags', (of) => of.deleteTags('eu-west-1', 'snap-a', []), 'eu-west-1'],
    ['describeKey', (of) => of.describeKey('eu-west-1', 'alias/mine'), 'eu-west-1'],
    ['describeStack', (of) => of.describeStack(STACK_ID), 'us-east-1'],
    ['describeResource', (of) => of.describeResource(STACK_ID, 'Copy'), 'us-east-1'],
  ])('stays an error, with the Region of the call: %s', async (_, call, region) => {
    const error: unknown = await call(failing).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ cause: THROTTLED, region, message: 'RequestLimitExceeded: Request limit exceeded.' });
  });
});

describe('an endpoint that cannot be reached', () => {
  /** Makes calls with these results, 30 seconds apart, and returns the `unreachableSince` of each. */
  async function seen(ends: readonly (Error | undefined)[]): Promise<unknown[]> {
    const since: unknown[] = [];
    let end: Error | undefined;
    let time = 0;
    const describeSnapshots = (): Promise<object> => (end ? Promise.reject(end) : Promise.resolve({}));
    const port = aws({ describeSnapshots }, () => time);
    for (end of ends) {
      const error: unknown = await port.describeSnapshot('eu-west-1', 'snap-a').catch((thrown: unknown) => thrown);
      since.push((error as CallError | undefined)?.unreachableSince);
      time += 30_000;
    }
    return since;
  }
  const lost = new ConnectionReset();

  test('has been unreachable since the first of several unanswered calls in a row', async () => {
    expect(await seen([lost, lost, lost])).toEqual([0, 0, 0]);
  });

  test('counts as reached after any answer, even an error', async () => {
    expect(await seen([lost, undefined, lost])).toEqual([0, undefined, 60_000]);
    expect(await seen([lost, THROTTLED, lost])).toEqual([0, undefined, 60_000]);
    expect(await seen([lost, NO_SNAPSHOT, lost])).toEqual([0, undefined, 60_000]);
  });

  test.each<[string, (aws: Aws) => Promise<unknown>]>([
    ['EC2 in another Region', (aws) => aws.describeSnapshot('eu-west-2', 'snap-a')],
    ['KMS in the same Region', (aws) => aws.describeKey('eu-west-1', 'alias/mine')],
    ['CloudFormation', (aws) => aws.describeStack(STACK_ID)],
  ])('is tracked separately from %s', async (_, other) => {
    let time = 0;
    let isDown = true;
    const answer = (): Promise<object> => (isDown ? Promise.reject(lost) : Promise.resolve({}));
    const port = aws({ describeSnapshots: answer, describeKey: answer, describeStacks: answer }, () => time);
    await expect(port.describeSnapshot('eu-west-1', 'snap-a')).rejects.toMatchObject({ unreachableSince: 0 });
    time = 30_000;
    await expect(other(port)).rejects.toMatchObject({ unreachableSince: 30_000 });
    isDown = false;
    await other(port);
    isDown = true;
    await expect(port.describeSnapshot('eu-west-1', 'snap-a')).rejects.toMatchObject({ unreachableSince: 0 });
  });
});

describe('a search for snapshots', () => {
  test('reads all pages, each of up to 1,000 snapshots of this account', async () => {
    const inputs: DescribeSnapshotsCommandInput[] = [];
    const pages = [{ Snapshots: [{ SnapshotId: 'snap-a' }], NextToken: '2' }, { NextToken: '3' }];
    const describeSnapshots: Calls['describeSnapshots'] = (_, input) => {
      inputs.push(input);
      return Promise.resolve(pages.shift() ?? { Snapshots: [{ SnapshotId: 'snap-b' }, { SnapshotId: 'snap-c' }] });
    };
    const Filters = [{ Name: 'tag:a', Values: ['1'] }];
    const found = await aws({ describeSnapshots }).findSnapshots('eu-west-1', 'self', Filters, never);
    expect(found.map(({ SnapshotId }) => SnapshotId)).toEqual(['snap-a', 'snap-b', 'snap-c']);
    const first = { Filters, OwnerIds: ['self'], MaxResults: 1_000 };
    expect(inputs).toEqual([first, { ...first, NextToken: '2' }, { ...first, NextToken: '3' }]);
  });

  test('stops at an empty token', async () => {
    const describeSnapshots = jest.fn(() => Promise.resolve({ Snapshots: [], NextToken: '' }));
    expect(await aws({ describeSnapshots }).findSnapshots('eu-west-1', 'self', [], never)).toEqual([]);
    expect(describeSnapshots).toHaveBeenCalledTimes(1);
  });

  test('gives up before the next page if it takes too long', async () => {
    const describeSnapshots = jest.fn(() => Promise.resolve({ Snapshots: [], NextToken: 'next' }));
    const isTooLong = (): boolean => describeSnapshots.mock.calls.length >= 3;
    const search = aws({ describeSnapshots }).findSnapshots('eu-west-1', 'self', [], isTooLong);
    await expect(search).rejects.toThrow(
      new NotYet(
        'EC2 takes too long to list the snapshots in eu-west-1; delete those that nobody needs, or deploy again when the Region is less busy',
      ),
    );
    expect(describeSnapshots).toHaveBeenCalledTimes(3);
  });

  test('does not mistake an error for an empty result', async () => {
    const missing = aws({ describeSnapshots: () => Promise.reject(NO_SNAPSHOT) });
    await expect(missing.findSnapshots('eu-west-1', 'self', [], never)).rejects.toMatchObject({ cause: NO_SNAPSHOT });
  });
});

describe('what EC2 and KMS return', () => {
  test('is the ID of the new snapshot, or an empty string', async () => {
    const copying = (SnapshotId?: string): Promise<string> =>
      aws({ copySnapshot: () => Promise.resolve({ SnapshotId }) }).copySnapshot('eu-west-1', COPY);
    expect(await Promise.all([copying('snap-b'), copying()])).toEqual(['snap-b', '']);
  });

  test('is a lock, or undefined if the snapshot is not locked', async () => {
    const lockOf = (Snapshots?: object[]) =>
      aws({ describeLockedSnapshots: () => Promise.resolve({ Snapshots }) }).describeLock('eu-west-1', 'snap-a');
    const lock = { SnapshotId: 'snap-a', LockState: 'governance' };
    expect(await lockOf([lock])).toBe(lock);
    expect(await Promise.all([lockOf([]), lockOf()])).toEqual([undefined, undefined]);
  });

  test('is the metadata of a key, or only its ID', async () => {
    const KeyMetadata = { KeyId: 'k', KeyState: 'Enabled' as const };
    const full = aws({ describeKey: () => Promise.resolve({ KeyMetadata }) });
    expect(await full.describeKey('eu-west-1', 'alias/mine')).toBe(KeyMetadata);
    const empty = aws({ describeKey: () => Promise.resolve({}) });
    expect(await empty.describeKey('eu-west-1', 'alias/mine')).toEqual({ KeyId: 'alias/mine' });
  });
});

test('each call goes to the right Region, with the parameter names of the API', async () => {
  const sent: unknown[][] = [];
  const record =
    (name: string) =>
    (...input: unknown[]) => {
      sent.push([name, ...input]);
      return Promise.resolve({});
    };
  const calls: Calls = {
    describeSnapshots: record('DescribeSnapshots'),
    copySnapshot: record('CopySnapshot'),
    deleteSnapshot: record('DeleteSnapshot'),
    describeLockedSnapshots: record('DescribeLockedSnapshots'),
    getEbsEncryptionByDefault: record('GetEbsEncryptionByDefault'),
    describeSnapshotAttribute: record('DescribeSnapshotAttribute'),
    modifySnapshotAttribute: record('ModifySnapshotAttribute'),
    describeSnapshotTierStatus: record('DescribeSnapshotTierStatus'),
    modifySnapshotTier: record('ModifySnapshotTier'),
    restoreSnapshotTier: record('RestoreSnapshotTier'),
    lockSnapshot: record('LockSnapshot'),
    unlockSnapshot: record('UnlockSnapshot'),
    describeFastSnapshotRestores: record('DescribeFastSnapshotRestores'),
    enableFastSnapshotRestores: record('EnableFastSnapshotRestores'),
    disableFastSnapshotRestores: record('DisableFastSnapshotRestores'),
    createTags: record('CreateTags'),
    deleteTags: record('DeleteTags'),
    describeKey: record('DescribeKey'),
    describeStacks: record('DescribeStacks'),
    describeStackResource: record('DescribeStackResource'),
  };
  const recorded = aws(calls);
  await recorded.describeSnapshot('eu-west-1', 'snap-a');
  await recorded.copySnapshot('eu-west-1', COPY);
  await recorded.deleteSnapshot('eu-west-1', 'snap-a');
  await recorded.describeLock('eu-west-1', 'snap-a');
  await recorded.createTags('eu-west-1', 'snap-a', [{ Key: 'a', Value: '1' }]);
  await recorded.deleteTags('eu-west-1', 'snap-a', ['a', 'b']);
  await recorded.describeKey('eu-west-1', 'alias/mine');
  await recorded.describeStack(STACK_ID);
  await recorded.describeResource(STACK_ID, 'Copy');
  await recorded.changeSharing('eu-west-1', 'snap-a', 'add', ['111122223333']);
  await recorded.archive('eu-west-1', 'snap-a');
  await recorded.restore('eu-west-1', 'snap-a');
  await recorded.lock('eu-west-1', { SnapshotId: 'snap-a', LockMode: 'governance', LockDuration: 7 });
  await recorded.unlock('eu-west-1', 'snap-a');
  const target = { region: 'eu-west-1', snapshotId: 'snap-a', zones: ['euw1-az1'], areIds: true };
  await recorded.enableFastRestore(target);
  await recorded.disableFastRestore({ ...target, zones: ['eu-west-1a'], areIds: false });
  expect(sent).toEqual([
    ['DescribeSnapshots', 'eu-west-1', { SnapshotIds: ['snap-a'] }],
    ['CopySnapshot', 'eu-west-1', COPY],
    ['DeleteSnapshot', 'eu-west-1', { SnapshotId: 'snap-a' }],
    ['DescribeLockedSnapshots', 'eu-west-1', { SnapshotIds: ['snap-a'] }],
    ['CreateTags', 'eu-west-1', { Resources: ['snap-a'], Tags: [{ Key: 'a', Value: '1' }] }],
    ['DeleteTags', 'eu-west-1', { Resources: ['snap-a'], Tags: [{ Key: 'a' }, { Key: 'b' }] }],
    ['DescribeKey', 'eu-west-1', { KeyId: 'alias/mine' }],
    ['DescribeStacks', { StackName: STACK_ID }],
    ['DescribeStackResource', { StackName: STACK_ID, LogicalResourceId: 'Copy' }],
    [
      'ModifySnapshotAttribute',
      'eu-west-1',
      { SnapshotId: 'snap-a', Attribute: 'createVolumePermission', OperationType: 'add', UserIds: ['111122223333'] },
    ],
    ['ModifySnapshotTier', 'eu-west-1', { SnapshotId: 'snap-a', StorageTier: 'archive' }],
    ['RestoreSnapshotTier', 'eu-west-1', { SnapshotId: 'snap-a', PermanentRestore: true }],
    ['LockSnapshot', 'eu-west-1', { SnapshotId: 'snap-a', LockMode: 'governance', LockDuration: 7 }],
    ['UnlockSnapshot', 'eu-west-1', { SnapshotId: 'snap-a' }],
    ['EnableFastSnapshotRestores', 'eu-west-1', { SourceSnapshotIds: ['snap-a'], AvailabilityZoneIds: ['euw1-az1'] }],
    ['DisableFastSnapshotRestores', 'eu-west-1', { SourceSnapshotIds: ['snap-a'], AvailabilityZones: ['eu-west-1a'] }],
  ]);
});

describe('an answer', () => {
  const empty = (): Promise<object> => Promise.resolve({});

  test('may omit what is empty', async () => {
    const port = aws({
      getEbsEncryptionByDefault: empty,
      describeSnapshotAttribute: empty,
      describeSnapshotTierStatus: empty,
      describeFastSnapshotRestores: empty,
    });
    expect(await port.encryptsByDefault('eu-west-1')).toBe(false);
    expect(await port.describeSharing('eu-west-1', 'snap-a')).toEqual([]);
    expect(await port.describeTier('eu-west-1', 'snap-a')).toEqual({});
    expect(await port.describeFastRestores('eu-west-1', 'snap-a')).toEqual([]);
  });

  test.each<[string, object]>([
    ['', {}],
    ['', { Unsuccessful: [] }],
    ['', { Unsuccessful: [{ SnapshotId: 'snap-a' }] }],
    ['Error: eu-west-1a: no reason given', { AvailabilityZone: 'eu-west-1a' }],
    ['Code: euw1-az1: No.', { AvailabilityZoneId: 'euw1-az1', Error: { Code: 'Code', Message: 'No.' } }],
    ['Code: : No.', { Error: { Code: 'Code', Message: 'No.' } }],
  ])('about fast restores becomes the error "%s"', async (expected, answer) => {
    const isError = expected !== '';
    const output = isError ? { Unsuccessful: [{ FastSnapshotRestoreStateErrors: [answer] }] } : answer;
    const port = aws({ enableFastSnapshotRestores: () => Promise.resolve(output) });
    const target = { region: 'eu-west-1', snapshotId: 'snap-a', zones: ['eu-west-1a'], areIds: false };
    const end: unknown = await port.enableFastRestore(target).catch((error: unknown) => error);
    expect(isError ? (end as Error).message : end).toBe(isError ? expected : undefined);
  });
});

test('if EC2 refuses several zones, a permanent error takes precedence', async () => {
  const errors = ['InternalError', 'InvalidAvailabilityZone', 'RequestLimitExceeded'];
  const all = errors.map((Code) => ({ AvailabilityZone: Code.toLowerCase(), Error: { Code, Message: 'No.' } }));
  const enabling = (FastSnapshotRestoreStateErrors: typeof all): Promise<unknown> =>
    aws({ enableFastSnapshotRestores: () => Promise.resolve({ Unsuccessful: [{ FastSnapshotRestoreStateErrors }] }) })
      .enableFastRestore({ region: 'eu-west-1', snapshotId: 'snap-a', zones: ['eu-west-1a'], areIds: false })
      .catch((error: unknown) => (error as Error).message);
  expect(await enabling(all)).toBe('InvalidAvailabilityZone: invalidavailabilityzone: No.');
  expect(await enabling(all.slice(0, 1))).toBe('InternalError: internalerror: No.');
});

describe('the operation of a stack', () => {
  const CreationTime = new Date(1_000);
  const status = 'UPDATE_IN_PROGRESS';
  const operationOf = (stack: object): ReturnType<Aws['describeStack']> =>
    aws({
      describeStacks: () => Promise.resolve({ Stacks: [{ StackStatus: status, CreationTime, ...stack }] }),
    }).describeStack(STACK_ID);

  test('began when the stack was last updated, or else created', async () => {
    expect(await operationOf({})).toEqual({ status, begunAt: 1_000, stackCreatedAt: 1_000 });
    const updated = { LastUpdatedTime: new Date(2_000) };
    expect(await operationOf(updated)).toEqual({ status, begunAt: 2_000, stackCreatedAt: 1_000 });
  });

  test('has the IDs of the latest operations, regardless of their order', async () => {
    const showing = (...ids: string[]): Promise<string | undefined> =>
      operationOf({ LastOperations: ids.map((OperationId) => ({ OperationId })) }).then((one) => one.ids);
    expect(await showing('b', 'a')).toBe(await showing('a', 'b'));
    expect(await showing('a', 'b')).not.toBe(await showing('a', 'c'));
    expect(await showing()).toBeUndefined();
  });
});

test('a resource has an ID, a status, and the time of its last change', async () => {
  const StackResourceDetail = {
    PhysicalResourceId: 'snap-a',
    ResourceStatus: 'CREATE_COMPLETE',
    LastUpdatedTimestamp: new Date(3_000),
  };
  const port = aws({ describeStackResource: () => Promise.resolve({ StackResourceDetail }) });
  expect(await port.describeResource(STACK_ID, 'Copy')).toEqual({
    physicalId: 'snap-a',
    status: 'CREATE_COMPLETE',
    changedAt: 3_000,
  });
});
