import { App, Aws, CfnParameter, CustomResource, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, SnapshotCopyProvider, type SnapshotCopyProps } from '../../lib';
import { cycleIn } from './cycles';
import { policiesIn, STACK_ID, STACK_NAME, type Statement } from './iam';

const MAX_CHARACTERS = 6_000;
const MAX_CHARACTERS_OF_ROLE = 10_240;

const hex = (n: number) => n.toString(16).padStart(17, '0');
const source = (n: number) => `snap-${hex(n)}`;
const keyArn = (n: number, region = 'us-gov-west-1', account = '111122223333') =>
  `arn:aws-us-gov:kms:${region}:${account}:key/1234abcd-12ab-34cd-56ef-${n.toString(16).padStart(12, '0')}`;
const region = (n: number) => `us-${'abcdefghij'[n % 10] ?? ''}-west-${Math.floor(n / 10) + 1}`;
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

type Declare = (stack: Stack, n: number) => Partial<SnapshotCopyProps>;

function templateOf(count: number, declare: Declare = () => ({}), order = range(count)): object {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack', { stackName: STACK_NAME });
  for (const n of order) {
    new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: source(0), ...declare(stack, n) });
  }
  return Template.fromStack(stack).toJSON();
}

function stackWidePolicy(count: number, declare?: Declare): Statement[] {
  return policiesIn(templateOf(count, declare))[0] ?? [];
}

function makerIn(stack: Stack): CustomResource {
  const existing = stack.node.tryFindChild('Maker') as CustomResource | undefined;
  const serviceToken = 'arn:aws:sns:us-east-1:111122223333:maker';
  return existing ?? new CustomResource(stack, 'Maker', { serviceToken });
}

function allows(statements: readonly Statement[], action: string): Statement[] {
  return statements.filter((statement) => [statement.Action].flat().includes(action));
}

const resourcesOf = (statement: Statement | undefined) => [statement?.Resource ?? []].flat();
const snapshots = (where: string, id = '*') => `arn:aws-us-gov:ec2:${where}::snapshot/${id}`;
const ownKeys = 'arn:aws-us-gov:kms:*:111122223333:key/*';
const tagged = (by: string) => ({ [`aws:${by}/cdk-ebs-snapshot-copy:stack`]: STACK_ID });

describe('what the handler may do to snapshots', () => {
  test('copies of one stack are bound by its tag', () => {
    const statements = stackWidePolicy(1, () => ({ sourceRegion: 'us-gov-east-1' }));
    expect(statements).toEqual(
      expect.arrayContaining([
        { Effect: 'Allow', Action: 'ec2:CopySnapshot', Resource: [snapshots('us-gov-east-1', source(0))] },
        {
          Effect: 'Allow',
          Action: 'ec2:CopySnapshot',
          Resource: [snapshots('us-gov-west-1')],
          Condition: { StringEquals: tagged('RequestTag') },
        },
        {
          Effect: 'Allow',
          Action: 'ec2:CreateTags',
          Resource: [snapshots('us-gov-west-1')],
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

  test('nothing else is allowed on all resources', () => {
    const wide = stackWidePolicy(1).filter((statement) => resourcesOf(statement).includes('*'));
    expect(wide.map(({ Action }) => Action)).toEqual(['ec2:DescribeSnapshots']);
  });

  test('ten sources are listed, of eleven any may be copied', () => {
    const sourcesAt = (count: number) =>
      resourcesOf(
        allows(
          stackWidePolicy(count, (_, n) => ({ sourceSnapshotId: source(n) })),
          'ec2:CopySnapshot',
        )[0],
      );
    expect(sourcesAt(10)).toEqual(range(10).map((n) => snapshots('us-gov-west-1', source(n))));
    expect(sourcesAt(11)).toEqual([snapshots('us-gov-west-1')]);
  });

  test('a source that is a token widens the sources to those of its Region', () => {
    const [from] = allows(
      stackWidePolicy(1, (stack) => ({
        sourceSnapshotId: new CfnParameter(stack, 'Source').valueAsString,
        sourceRegion: 'us-gov-east-1',
      })),
      'ec2:CopySnapshot',
    );
    expect(resourcesOf(from)).toEqual([snapshots('us-gov-east-1')]);
  });

  test('four Regions are listed, five are all', () => {
    const destinationsAt = (count: number) =>
      resourcesOf(
        allows(
          stackWidePolicy(count, (_, n) => ({ destinationRegion: region(n) })),
          'ec2:CopySnapshot',
        )[1],
      );
    expect(destinationsAt(4)).toEqual(range(4).map((n) => snapshots(region(n))));
    expect(destinationsAt(5)).toEqual([snapshots('*')]);
  });

  test('a Region that is known at deployment only is any', () => {
    const statements = stackWidePolicy(1, (stack) => {
      const maker = makerIn(stack);
      return { sourceRegion: maker.getAttString('Region'), destinationRegion: maker.getAttString('Region') };
    });
    const [from, to] = allows(statements, 'ec2:CopySnapshot');
    expect(resourcesOf(from)).toEqual([snapshots('*', source(0))]);
    expect(resourcesOf(to)).toEqual([snapshots('*')]);
  });
});

describe('what the handler may do with keys', () => {
  function uses(declare: Declare, count = 1): Statement[] {
    return policiesIn(templateOf(count, declare)).flatMap((statements) => allows(statements, 'kms:Decrypt'));
  }

  const byAlias = (...aliases: string[]) => ({ 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliases } });

  test('use is through EC2 only, grants only for AWS services, a look is direct', () => {
    const statements = stackWidePolicy(1, () => ({ kmsKeyId: keyArn(1) }));
    const throughEc2 = { StringLike: { 'kms:ViaService': ['ec2.us-gov-west-1.*'] } };
    expect(statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kms:')))).toEqual([
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
        Resource: [keyArn(1)],
        Condition: throughEc2,
      },
      {
        Effect: 'Allow',
        Action: 'kms:CreateGrant',
        Resource: [keyArn(1)],
        Condition: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
      { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: [keyArn(1), ownKeys] },
    ]);
  });

  test('without a key of the copy, it may be any of the account: the default one for EBS may be a customer key', () => {
    expect(uses(() => ({})).map(resourcesOf)).toEqual([[ownKeys]]);
    const withSourceKey = uses((stack) => ({ sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', keyArn(1)) }));
    expect(withSourceKey.map(resourcesOf)).toEqual([[keyArn(1), ownKeys]]);
  });

  test.each<[string, Partial<SnapshotCopyProps>, resource: string, alias: string | undefined]>([
    ['a key id', { kmsKeyId: keyArn(1).split('/')[1] }, keyArn(1), undefined],
    [
      'a key id elsewhere',
      { kmsKeyId: keyArn(1).split('/')[1], destinationRegion: 'us-gov-east-1' },
      keyArn(1, 'us-gov-east-1'),
      undefined,
    ],
    ['an alias', { kmsKeyId: 'alias/ebs' }, 'arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/*', 'alias/ebs'],
    [
      'an alias ARN',
      { kmsKeyId: 'arn:aws-us-gov:kms:us-gov-west-1:444455556666:alias/a/b' },
      'arn:aws-us-gov:kms:us-gov-west-1:444455556666:key/*',
      'alias/a/b',
    ],
  ])('%s is allowed as IAM can name it', (_, props, resource, alias) => {
    const [use, ...more] = uses(() => props);
    expect(resourcesOf(use)).toEqual([resource]);
    expect(use?.Condition?.['ForAnyValue:StringEquals']).toEqual(alias && { 'kms:ResourceAliases': [alias] });
    expect(more).toEqual([]);
  });

  test('an imported alias is allowed by its name, one of the stack too', () => {
    const imported = uses((stack) => ({ kmsKey: kms.Alias.fromAliasName(stack, 'Alias', 'alias/ebs') }));
    expect(imported.map(({ Condition }) => Condition)).toEqual([expect.objectContaining(byAlias('alias/ebs'))]);
    const own = uses((stack) => ({ kmsKey: new kms.Key(stack, 'Key').addAlias('own') }));
    expect(own.map(({ Condition }) => Condition)).toEqual([expect.objectContaining(byAlias('alias/own'))]);
  });

  test('a key whose ARN is made of pseudo parameters is listed', () => {
    const arn = `arn:${Aws.PARTITION}:kms:${Aws.REGION}:${Aws.ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-000000000001`;
    const all = uses((stack) => ({ kmsKey: kms.Key.fromKeyArn(stack, 'Key', arn) }));
    expect(all.map(resourcesOf)).toEqual([[keyArn(1)]]);
  });

  test('text that is a token may be any key of the account', () => {
    expect(uses((stack) => ({ kmsKeyId: new CfnParameter(stack, 'Key').valueAsString })).map(resourcesOf)).toEqual([
      [ownKeys],
    ]);
  });

  test('four keys are listed, of five all of their accounts are allowed', () => {
    const declare: Declare = (_, n) => ({
      kmsKeyId: keyArn(n, 'us-gov-west-1', n % 2 === 0 ? '111122223333' : '444455556666'),
    });
    expect(resourcesOf(uses(declare, 4)[0])).toHaveLength(4);
    expect(resourcesOf(uses(declare, 5)[0])).toEqual([ownKeys, ownKeys.replace('111122223333', '444455556666')]);
  });

  test('copies under one key of the stack share a policy, two keys have two', () => {
    let keys: kms.Key[] = [];
    const declare: Declare = (stack, n) => {
      if (n === 0) keys = range(2).map((k) => new kms.Key(stack, `Key${k}`));
      return { kmsKey: keys[n % 2] };
    };
    expect(uses(declare, 4).map(resourcesOf)).toEqual([
      [expect.stringContaining('Key')],
      [expect.stringContaining('Key')],
    ]);
  });

  test('keys of two stacks with the same logical id are two keys', () => {
    const app = new App();
    const env = { account: '111122223333', region: 'us-gov-west-1' };
    const stack = new Stack(app, 'Stack', { env });
    for (const n of range(2)) {
      const kmsKey = new kms.Key(new Stack(app, `Keys${n}`, { env }), 'Key');
      new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: source(0), kmsKey });
    }
    expect(policiesIn(Template.fromStack(stack).toJSON())).toHaveLength(3);
  });

  test('many keys of the stack are allowed as those of the account', () => {
    const template = templateOf(20, (stack, n) => ({ kmsKey: new kms.Key(stack, `Key${n}`) }));
    const [stackWide = [], ...ofKeys] = policiesIn(template);
    expect(allows(stackWide, 'kms:Decrypt').map(resourcesOf)).toEqual([[ownKeys]]);
    expect(ofKeys).toHaveLength(3);
    expect(cycleIn(template)).toBeUndefined();
  });
});

function keyAtTheLimits(stack: Stack, n: number): Partial<SnapshotCopyProps> {
  if (n < 3) return { kmsKeyId: keyArn(n, region(n), '444455556666') };
  if (n < 4) return { kmsKeyId: `alias/${'a'.repeat(94)}` };
  return n < 8 ? { kmsKey: new kms.Key(stack, `Key${n}`) } : {};
}

function inVpc(stack: Stack): Partial<SnapshotCopyProps> {
  SnapshotCopyProvider.configure(stack, { vpc: new ec2.Vpc(stack, 'Vpc') });
  return {};
}

const CROWDS: [string, number, Declare][] = [
  ['one copy', 1, () => ({})],
  ['450 plain copies', 450, () => ({})],
  [
    '450 sources, Regions and keys',
    450,
    (_, n) => ({
      sourceSnapshotId: source(n),
      sourceRegion: region(n),
      destinationRegion: region(n + 1),
      kmsKeyId: keyArn(n, region(n + 1)),
    }),
  ],
  [
    '450 keys of other accounts',
    450,
    (_, n) => ({ kmsKeyId: keyArn(n, 'us-gov-west-1', String(100_000_000_000 + n)) }),
  ],
  ['450 aliases', 450, (_, n) => ({ kmsKeyId: `alias/${'a'.repeat(100)}${n}` })],
  ['450 sources that are tokens', 450, (stack, n) => ({ sourceSnapshotId: makerIn(stack).getAttString(`Id${n}`) })],
  [
    'as many of all as are listed, as many keys of the stack as have policies, and a VPC',
    10,
    (stack, n) => ({
      ...(n === 0 && inVpc(stack)),
      sourceSnapshotId: source(n),
      sourceRegion: region(n % 4),
      destinationRegion: region(n % 4),
      ...keyAtTheLimits(stack, n),
    }),
  ],
];

describe('the size of the policies is bounded', () => {
  test.each(CROWDS)('%s', (_, count, declare) => {
    const sizes = policiesIn(templateOf(count, declare)).map((policy) => JSON.stringify(policy).length);
    expect(sizes[0]).toBeLessThanOrEqual(MAX_CHARACTERS);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_CHARACTERS_OF_ROLE);
  });
});

test('the order of declaration changes nothing in the policies', () => {
  const declare: Declare = (stack, n) => ({
    sourceSnapshotId: source(n),
    sourceRegion: region(n % 4),
    kmsKeyId: n % 2 === 0 ? keyArn(n) : `alias/key${n}`,
    sourceKmsKey: kms.Key.fromKeyArn(stack, `SourceKey${n}`, keyArn(n, region(n % 4))),
  });
  const forwards = policiesIn(templateOf(5, declare));
  const backwards = policiesIn(templateOf(5, declare, range(5).reverse()));
  expect(backwards).toEqual(forwards);
});
