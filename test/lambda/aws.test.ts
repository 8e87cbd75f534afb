import type { DescribeSnapshotsCommandInput } from '@aws-sdk/client-ec2';
import { awsOver, type Calls } from '../../lambda/aws';
import { AwsError } from '../../local-aws/faults';

const aws = (calls: Partial<Calls>): ReturnType<typeof awsOver> => awsOver(calls as Calls);

const NO_SNAPSHOT = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
const NO_KEY = new AwsError('NotFoundException', 'Alias alias/nowhere is not found.');
const NO_STACK = new AwsError('ValidationError', 'Stack with id app does not exist');
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

  test('is a stack that began no operation, and a resource without an id', async () => {
    const gone = aws({
      describeStacks: () => Promise.reject(NO_STACK),
      describeStackResource: () => Promise.reject(NO_STACK),
    });
    expect(await gone.describeStack('app')).toEqual({ status: '', begunAt: NaN });
    expect(await gone.describeResource('app', 'Copy')).toEqual({ physicalId: undefined, status: undefined });
    const empty = aws({ describeStacks: () => Promise.resolve({}), describeStackResource: () => Promise.resolve({}) });
    expect(await empty.describeStack('app')).toEqual({ status: '', begunAt: NaN });
    expect(await empty.describeResource('app', 'Copy')).toEqual({ physicalId: undefined, status: undefined });
  });

  test('is deleted already', async () => {
    await aws({ deleteSnapshot: () => Promise.reject(NO_SNAPSHOT) }).deleteSnapshot('eu-west-1', 'snap-a');
  });
});

test('an error that does not say "missing" stays an error', async () => {
  const throttled = aws({
    describeSnapshots: () => Promise.reject(THROTTLED),
    deleteSnapshot: () => Promise.reject(THROTTLED),
    describeKey: () => Promise.reject(THROTTLED),
    describeStacks: () => Promise.reject(THROTTLED),
    describeStackResource: () => Promise.reject(THROTTLED),
  });
  await expect(throttled.describeSnapshot('eu-west-1', 'snap-a')).rejects.toBe(THROTTLED);
  await expect(throttled.deleteSnapshot('eu-west-1', 'snap-a')).rejects.toBe(THROTTLED);
  await expect(throttled.describeKey('eu-west-1', 'alias/mine')).rejects.toBe(THROTTLED);
  await expect(throttled.describeStack('app')).rejects.toBe(THROTTLED);
  await expect(throttled.describeResource('app', 'Copy')).rejects.toBe(THROTTLED);
});

describe('a search for snapshots', () => {
  test('reads all pages, of a thousand snapshots of this account each', async () => {
    const inputs: DescribeSnapshotsCommandInput[] = [];
    const pages = [{ Snapshots: [{ SnapshotId: 'snap-a' }], NextToken: '2' }, { NextToken: '3' }];
    const describeSnapshots: Calls['describeSnapshots'] = (_, input) => {
      inputs.push(input);
      return Promise.resolve(pages.shift() ?? { Snapshots: [{ SnapshotId: 'snap-b' }, { SnapshotId: 'snap-c' }] });
    };
    const Filters = [{ Name: 'tag:a', Values: ['1'] }];
    const found = await aws({ describeSnapshots }).findSnapshots('eu-west-1', Filters);
    expect(found.map(({ SnapshotId }) => SnapshotId)).toEqual(['snap-a', 'snap-b', 'snap-c']);
    const first = { Filters, OwnerIds: ['self'], MaxResults: 1_000 };
    expect(inputs).toEqual([first, { ...first, NextToken: '2' }, { ...first, NextToken: '3' }]);
  });

  test('takes an empty token for the last page', async () => {
    const describeSnapshots = jest.fn(() => Promise.resolve({ Snapshots: [], NextToken: '' }));
    expect(await aws({ describeSnapshots }).findSnapshots('eu-west-1', [])).toEqual([]);
    expect(describeSnapshots).toHaveBeenCalledTimes(1);
  });

  test('does not take an error for the absence of snapshots', async () => {
    const missing = aws({ describeSnapshots: () => Promise.reject(NO_SNAPSHOT) });
    await expect(missing.findSnapshots('eu-west-1', [])).rejects.toBe(NO_SNAPSHOT);
  });
});

describe('what EC2 and KMS answer', () => {
  test('is the id of the new snapshot, or nothing that could be taken for one', async () => {
    const input = { SourceRegion: 'us-east-1', SourceSnapshotId: 'snap-a' };
    const copying = (SnapshotId?: string): Promise<string> =>
      aws({ copySnapshot: () => Promise.resolve({ SnapshotId }) }).copySnapshot('eu-west-1', input);
    expect(await Promise.all([copying('snap-b'), copying()])).toEqual(['snap-b', '']);
  });

  test('is the metadata of a key, or its id alone', async () => {
    const KeyMetadata = { KeyId: 'k', KeyState: 'Enabled' as const };
    const full = aws({ describeKey: () => Promise.resolve({ KeyMetadata }) });
    expect(await full.describeKey('eu-west-1', 'alias/mine')).toBe(KeyMetadata);
    const empty = aws({ describeKey: () => Promise.resolve({}) });
    expect(await empty.describeKey('eu-west-1', 'alias/mine')).toEqual({ KeyId: 'alias/mine' });
  });
});

test('each call goes to the Region that it is about, with the names that the API has', async () => {
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
    createTags: record('CreateTags'),
    deleteTags: record('DeleteTags'),
    describeKey: record('DescribeKey'),
    describeStacks: record('DescribeStacks'),
    describeStackResource: record('DescribeStackResource'),
  };
  const copy = { SourceRegion: 'us-east-1', SourceSnapshotId: 'snap-a' };
  const recorded = aws(calls);
  await recorded.describeSnapshot('eu-west-1', 'snap-a');
  await recorded.copySnapshot('eu-west-1', copy);
  await recorded.deleteSnapshot('eu-west-1', 'snap-a');
  await recorded.createTags('eu-west-1', 'snap-a', [{ Key: 'a', Value: '1' }]);
  await recorded.deleteTags('eu-west-1', 'snap-a', ['a', 'b']);
  await recorded.describeKey('eu-west-1', 'alias/mine');
  await recorded.describeStack('app');
  await recorded.describeResource('app', 'Copy');
  expect(sent).toEqual([
    ['DescribeSnapshots', 'eu-west-1', { SnapshotIds: ['snap-a'] }],
    ['CopySnapshot', 'eu-west-1', copy],
    ['DeleteSnapshot', 'eu-west-1', { SnapshotId: 'snap-a' }],
    ['CreateTags', 'eu-west-1', { Resources: ['snap-a'], Tags: [{ Key: 'a', Value: '1' }] }],
    ['DeleteTags', 'eu-west-1', { Resources: ['snap-a'], Tags: [{ Key: 'a' }, { Key: 'b' }] }],
    ['DescribeKey', 'eu-west-1', { KeyId: 'alias/mine' }],
    ['DescribeStacks', { StackName: 'app' }],
    ['DescribeStackResource', { StackName: 'app', LogicalResourceId: 'Copy' }],
  ]);
});

test('the operation of a stack began when the stack was last updated, or else created', async () => {
  const CreationTime = new Date(1_000);
  const stack = (LastUpdatedTime?: Date): ReturnType<ReturnType<typeof awsOver>['describeStack']> =>
    aws({
      describeStacks: () =>
        Promise.resolve({ Stacks: [{ StackStatus: 'UPDATE_IN_PROGRESS', CreationTime, LastUpdatedTime }] }),
    }).describeStack('app');
  expect(await stack()).toEqual({ status: 'UPDATE_IN_PROGRESS', begunAt: 1_000 });
  expect(await stack(new Date(2_000))).toEqual({ status: 'UPDATE_IN_PROGRESS', begunAt: 2_000 });
});
