import { CfnParameter } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { STACK_ID, type Statement } from './iam';
import {
  allows,
  type Declare,
  makerIn,
  region,
  resourcesOf,
  sharedPolicy,
  source,
  stackOf,
} from './policy-declarations';
import { range } from './stacks';

const snapshots = (where: string, id = '*') => `arn:aws-us-gov:ec2:${where}::snapshot/${id}`;
const tagged = (by: string) => ({ [`aws:${by}/cdk-ebs-snapshot-copy:stack`]: STACK_ID });

/** The CopySnapshot statements: for sources, and for copies. */
function copySnapshotIn(statements: readonly Statement[]): [from: string[], to: string[]] {
  const [from, to] = [false, true].map((isTo) =>
    allows(statements, 'ec2:CopySnapshot').filter(({ Condition: condition }) => (condition !== undefined) === isTo),
  );
  return [resourcesOf(from?.[0]), resourcesOf(to?.[0])];
}

const warningsOf = (count: number, declare: Declare) =>
  Annotations.fromStack(stackOf(count, declare))
    .findWarning('*', Match.stringLikeRegexp('cdk-ebs-snapshot-copy:'))
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);

test('the tag of the stack limits what the handler may do with copies', () => {
  expect(sharedPolicy(1, () => ({ sourceRegion: 'us-gov-east-1' }))).toEqual(
    expect.arrayContaining([
      { Effect: 'Allow', Action: 'ec2:CopySnapshot', Resource: snapshots('us-gov-east-1', source(0)) },
      {
        Effect: 'Allow',
        Action: 'ec2:CopySnapshot',
        Resource: snapshots('us-gov-west-1'),
        Condition: { StringEquals: tagged('RequestTag') },
      },
      {
        Effect: 'Allow',
        Action: 'ec2:CreateTags',
        Resource: snapshots('*'),
        Condition: { StringEquals: { 'ec2:CreateAction': 'CopySnapshot', ...tagged('RequestTag') } },
      },
      {
        Effect: 'Allow',
        Action: ['ec2:CreateTags', 'ec2:DeleteTags'],
        Resource: snapshots('*'),
        Condition: {
          StringEquals: tagged('ResourceTag'),
          'ForAllValues:StringNotEqualsIgnoreCase': {
            'aws:TagKeys': ['stack', 'resource', 'inputs', 'handle'].map((name) => `cdk-ebs-snapshot-copy:${name}`),
          },
          Null: { 'aws:TagKeys': 'false' },
        },
      },
      {
        Effect: 'Allow',
        Action: 'ec2:DeleteSnapshot',
        Resource: snapshots('*'),
        Condition: { StringEquals: tagged('ResourceTag') },
      },
      { Effect: 'Allow', Action: 'ec2:DescribeSnapshots', Resource: '*' },
      {
        Effect: 'Allow',
        Action: ['cloudformation:DescribeStacks', 'cloudformation:DescribeStackResource'],
        Resource: STACK_ID,
      },
    ]),
  );
});

test('only listing snapshots is allowed on all resources', () => {
  const wide = sharedPolicy(1).filter((statement) => resourcesOf(statement).includes('*'));
  expect(wide.map(({ Action }) => Action)).toEqual(['ec2:DescribeSnapshots']);
});

describe('sources', () => {
  const distinct: Declare = (_, n) => ({ sourceSnapshotId: source(n) });

  test('are listed up to ten, and an eleventh lets the handler copy any in its Region', () => {
    const listed = range(10).map((n) => snapshots('us-gov-west-1', source(n)));
    expect(copySnapshotIn(sharedPolicy(10, distinct))[0]).toEqual(listed);
    expect(copySnapshotIn(sharedPolicy(11, distinct))[0]).toEqual([snapshots('us-gov-west-1'), ...listed]);
  });

  test('are listed once, however many copies they have', () => {
    expect(copySnapshotIn(sharedPolicy(30))[0]).toEqual([snapshots('us-gov-west-1', source(0))]);
  });

  test('that are tokens let the handler copy any in their Region', () => {
    const statements = sharedPolicy(1, (stack) => ({
      sourceSnapshotId: new CfnParameter(stack, 'Source').valueAsString,
      sourceRegion: 'us-gov-east-1',
    }));
    expect(copySnapshotIn(statements)[0]).toEqual([snapshots('us-gov-east-1')]);
  });

  test('that are too many are warned of once, on the copy that is one too many', () => {
    expect(warningsOf(10, distinct)).toEqual([]);
    expect(warningsOf(13, distinct)).toEqual([
      '/Stack/Copy10: The handler of the snapshot copies may copy any snapshot in the Region of the stack, because the ' +
        'stack has more than 10 sources. [ack: cdk-ebs-snapshot-copy:anySource]',
    ]);
  });

  test('that are tokens are warned of once for each Region', () => {
    const tokens: Declare = (stack, n) => ({
      sourceSnapshotId: makerIn(stack).getAttString(`Id${n}`),
      sourceRegion: region(n % 2),
    });
    expect(warningsOf(4, tokens)).toEqual([
      expect.stringMatching(/^\/Stack\/Copy0: .* in us-a-west-1, because sourceSnapshotId is a token\./),
      expect.stringMatching(/^\/Stack\/Copy1: .* in us-b-west-1, because sourceSnapshotId is a token\./),
    ]);
  });
});

describe('Regions', () => {
  test('of copies are listed up to four, and a fifth allows all', () => {
    const to: Declare = (_, n) => ({ destinationRegion: region(n) });
    expect(copySnapshotIn(sharedPolicy(4, to))[1]).toEqual(range(4).map((n) => snapshots(region(n))));
    expect(copySnapshotIn(sharedPolicy(5, to))[1]).toContain(snapshots('*'));
  });

  test('that are known at deployment only allow all', () => {
    const statements = sharedPolicy(1, (stack) => {
      const maker = makerIn(stack);
      return { sourceRegion: maker.getAttString('Region'), destinationRegion: maker.getAttString('Region') };
    });
    expect(copySnapshotIn(statements)).toEqual([[snapshots('*', source(0))], [snapshots('*')]]);
  });
});
