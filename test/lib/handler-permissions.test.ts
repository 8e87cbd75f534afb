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
/** The name of a snapshot that has no ID yet. For IAM, it is a literal asterisk. */
const newSnapshots = (where: string) => snapshots(where, '${*}');
const sources = (...ids: string[]) => ids.map((id) => snapshots('*', id));
const tagged = (by: string) => ({ [`aws:${by}/cdk-ebs-snapshot-copy:stack`]: STACK_ID });

interface Grants {
  /** Sources by the account that must own them; '' for any account. */
  readonly from: Record<string, string[]>;
  readonly to: string[];
}

/** The CopySnapshot statements: for sources, and for copies. */
function copySnapshotIn(statements: readonly Statement[]): Grants {
  const grants: Grants = { from: {}, to: [] };
  for (const statement of allows(statements, 'ec2:CopySnapshot')) {
    const { StringEqualsIfExists: owner, StringEquals: tag } = statement.Condition ?? {};
    if (tag !== undefined) grants.to.push(...resourcesOf(statement));
    else grants.from[(owner?.['ec2:Owner'] as string | undefined) ?? ''] = resourcesOf(statement);
  }
  return grants;
}

const warningsOf = (count: number, declare: Declare) =>
  Annotations.fromStack(stackOf(count, declare))
    .findWarning('*', Match.stringLikeRegexp('cdk-ebs-snapshot-copy:anySource'))
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);

test('the stack’s tag limits what the handler may do with copies', () => {
  expect(sharedPolicy(1, () => ({ sourceRegion: 'us-gov-east-1' }))).toEqual(
    expect.arrayContaining([
      { Effect: 'Allow', Action: 'ec2:CopySnapshot', Resource: snapshots('*', source(0)) },
      {
        Effect: 'Allow',
        Action: 'ec2:CopySnapshot',
        Resource: [newSnapshots('us-gov-west-1'), newSnapshots('us-gov-east-1')],
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
            'aws:TagKeys': ['stack', 'resource', 'inputs', 'handle', 'source'].map(
              (name) => `cdk-ebs-snapshot-copy:${name}`,
            ),
          },
          Null: { 'aws:TagKeys': 'false' },
        },
      },
      {
        Effect: 'Allow',
        Action: [
          'ec2:DeleteSnapshot',
          'ec2:DescribeSnapshotAttribute',
          'ec2:UnlockSnapshot',
          'ec2:RestoreSnapshotTier',
        ],
        Resource: snapshots('*'),
        Condition: { StringEquals: tagged('ResourceTag') },
      },
      {
        Effect: 'Allow',
        Action: 'ec2:ModifySnapshotAttribute',
        Resource: snapshots('*'),
        Condition: {
          StringEquals: tagged('ResourceTag'),
          'ForAllValues:StringLike': { 'ec2:Add/userId': ['none'] },
          Null: { 'ec2:Add/group': 'true' },
        },
      },
      {
        Effect: 'Allow',
        Action: ['cloudformation:DescribeStacks', 'cloudformation:DescribeStackResource'],
        Resource: STACK_ID,
      },
    ]),
  );
});

test('only read actions are allowed on all resources', () => {
  const wide = sharedPolicy(1).filter((statement) => resourcesOf(statement).includes('*'));
  expect(wide.map(({ Action }) => Action)).toEqual([
    [
      'ec2:DescribeSnapshots',
      'ec2:DescribeLockedSnapshots',
      'ec2:DescribeSnapshotTierStatus',
      'ec2:GetEbsEncryptionByDefault',
    ],
  ]);
});

describe('sources', () => {
  const distinct: Declare = (_, n) => ({ sourceSnapshotId: source(n) });
  const token: Declare = (stack, n) => ({ sourceSnapshotId: makerIn(stack).getAttString(`Id${n}`) });
  const owners: Declare = (stack, n) => ({ ...token(stack, n), sourceOwner: account(n) });
  const account = (n: number) => `44445555666${n}`;

  test('are listed, up to six; a seventh lets the handler copy any source', () => {
    const listed = sources(...range(6).map(source));
    expect(copySnapshotIn(sharedPolicy(6, distinct)).from).toEqual({ '': listed });
    expect(copySnapshotIn(sharedPolicy(7, distinct)).from).toEqual({
      '': [snapshots('*', 'snap-*'), ...listed].sort(),
    });
  });

  test('are listed once, however many copies they have, for any Region', () => {
    const declare: Declare = (_, n) => ({ sourceRegion: region(n % 3) });
    expect(copySnapshotIn(sharedPolicy(30, declare)).from).toEqual({ '': sources(source(0)) });
  });

  test('whose owner is declared are listed for that owner', () => {
    const declare: Declare = (_, n) => ({ sourceSnapshotId: source(n), sourceOwner: n < 2 ? account(n) : undefined });
    expect(copySnapshotIn(sharedPolicy(3, declare)).from).toEqual({
      '': sources(source(2)),
      [account(0)]: sources(source(0)),
      [account(1)]: sources(source(1)),
    });
  });

  test('that are tokens may be any in the stack’s account, without a warning', () => {
    expect(copySnapshotIn(sharedPolicy(4, token)).from).toEqual({ '111122223333': sources('snap-*') });
    expect(warningsOf(4, token)).toEqual([]);
  });

  test('that are dynamic references may also be any in the stack’s account', () => {
    const declare: Declare = () => ({ sourceSnapshotId: '{{resolve:ssm:/golden/snapshot}}' });
    expect(copySnapshotIn(sharedPolicy(1, declare)).from).toEqual({ '111122223333': sources('snap-*') });
  });

  test('that are tokens have up to two owners; a third lets the handler copy any source', () => {
    const two = { [account(0)]: sources('snap-*'), [account(1)]: sources('snap-*') };
    expect(copySnapshotIn(sharedPolicy(2, owners)).from).toEqual(two);
    expect(copySnapshotIn(sharedPolicy(3, owners)).from).toEqual({ ...two, '': sources('snap-*') });
    expect(warningsOf(2, owners)).toEqual([]);
    expect(warningsOf(4, owners)).toEqual([
      '/Stack/Copy2: The handler of the snapshot copies may copy any snapshot, because the stack has more than 2 ' +
        'sourceOwners. [ack: cdk-ebs-snapshot-copy:anySource]',
    ]);
  });

  test('whose owner is also a token may be any, with a warning', () => {
    const declare: Declare = (stack, n) => ({
      ...token(stack, n),
      sourceOwner: new CfnParameter(stack, 'Owner').valueAsString,
    });
    expect(copySnapshotIn(sharedPolicy(1, declare)).from).toEqual({ '': sources('snap-*') });
    expect(warningsOf(1, declare)).toEqual([
      expect.stringMatching(/^\/Stack\/Copy0: .* because sourceOwner is a token\./),
    ]);
  });

  test('beyond the limit cause one warning, on the first copy beyond it', () => {
    expect(warningsOf(6, distinct)).toEqual([]);
    expect(warningsOf(9, distinct)).toEqual([
      '/Stack/Copy6: The handler of the snapshot copies may copy any snapshot, because the stack has more than 6 ' +
        'sources. [ack: cdk-ebs-snapshot-copy:anySource]',
    ]);
  });

  test('beyond the limit cause no warning if their owner is declared', () => {
    const declare: Declare = (_, n) => ({ sourceSnapshotId: source(n), sourceOwner: account(0) });
    expect(copySnapshotIn(sharedPolicy(7, declare)).from).toEqual({
      [account(0)]: sources('snap-*', ...range(6).map(source)).sort(),
    });
    expect(warningsOf(11, declare)).toEqual([]);
  });
});

describe('Regions', () => {
  test('of sources and copies are listed, up to three; a fourth allows all Regions', () => {
    const to: Declare = (_, n) => ({ sourceRegion: region(0), destinationRegion: region(n) });
    expect(copySnapshotIn(sharedPolicy(3, to)).to).toEqual(range(3).map((n) => newSnapshots(region(n))));
    expect(copySnapshotIn(sharedPolicy(4, to)).to).toContain(newSnapshots('*'));
  });

  test('known only at deployment allow all Regions', () => {
    const statements = sharedPolicy(1, (stack) => {
      const maker = makerIn(stack);
      return { sourceRegion: maker.getAttString('Region'), destinationRegion: maker.getAttString('Region') };
    });
    expect(copySnapshotIn(statements)).toEqual({ from: { '': sources(source(0)) }, to: [newSnapshots('*')] });
  });
});
