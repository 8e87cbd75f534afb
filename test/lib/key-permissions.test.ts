import { Aws, CfnParameter, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { cycleIn } from './cycles';
import { policiesIn, type Statement } from './iam';
import { allows, type Declare, keyArn, resourcesOf, sharedPolicy, source, stackOf } from './policy-declarations';
import { range, templateOf, newApp } from './stacks';

const keysIn = (region: string, account = '111122223333') => `arn:aws-us-gov:kms:${region}:${account}:key/*`;
const OWN_KEYS = keysIn('us-gov-west-1');

/** The handler's key permissions in all its policies. */
function uses(declare: Declare, count = 1): Statement[] {
  return policiesIn(templateOf(stackOf(count, declare))).flatMap((statements) => allows(statements, 'kms:Decrypt'));
}

const warningsOf = (count: number, declare: Declare) =>
  Annotations.fromStack(stackOf(count, declare))
    .findWarning('*', Match.stringLikeRegexp('cdk-ebs-snapshot-copy:anyKey'))
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);

test('a key is used only through EC2, granted only to AWS services, and described directly', () => {
  const statements = sharedPolicy(1, () => ({ kmsKeyId: keyArn(1) }));
  const throughEc2 = { StringLike: { 'kms:ViaService': 'ec2.*' } };
  expect(statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kms:')))).toEqual(
    expect.arrayContaining([
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
        Resource: keyArn(1),
        Condition: throughEc2,
      },
      {
        Effect: 'Allow',
        Action: 'kms:CreateGrant',
        Resource: keyArn(1),
        Condition: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
      { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: [keysIn('*'), keyArn(1)] },
    ]),
  );
});

/** The condition for keys that are not named. */
const FOR_EBS = { 'kms:EncryptionContextKeys': 'aws:ebs:id' };

test('without a key, any account key is allowed in the copy’s Regions: the default may be a customer key', () => {
  expect(uses(() => ({})).map(resourcesOf)).toEqual([[OWN_KEYS]]);
  expect(uses(() => ({ sourceRegion: 'us-gov-east-1' })).map(resourcesOf)).toEqual([
    expect.arrayContaining([keysIn('us-gov-east-1'), OWN_KEYS]),
  ]);
  const withSourceKey = uses((stack) => ({ sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', keyArn(1)) }));
  expect(withSourceKey.map(resourcesOf)).toEqual([[OWN_KEYS], [keyArn(1)]]);
  // A declared key may be used for anything in EC2; an undeclared key only for volumes and snapshots.
  expect(withSourceKey.map(({ Condition }) => Condition?.['ForAllValues:StringEquals'])).toEqual([FOR_EBS, undefined]);
});

test('without a key, up to two Regions are listed; a third allows all, but only for volumes and snapshots', () => {
  const declare: Declare = (_, n) => ({ sourceRegion: [undefined, 'us-gov-east-1', 'us-gov-north-1'][n] });
  expect(uses(declare, 2).map((use) => resourcesOf(use).sort())).toEqual([[keysIn('us-gov-east-1'), OWN_KEYS]]);
  const [three] = uses(declare, 3);
  expect(resourcesOf(three)).toContain(keysIn('*'));
  expect(three?.Condition?.['ForAllValues:StringEquals']).toEqual(FOR_EBS);
});

test.each<[string, Partial<SnapshotCopyProps>, resource: string, alias: string | undefined]>([
  ['a key ID', { kmsKeyId: keyArn(1).split('/')[1] }, keyArn(1), undefined],
  [
    'a key ID in another Region',
    { kmsKeyId: keyArn(1).split('/')[1], destinationRegion: 'us-gov-east-1' },
    keyArn(1, 'us-gov-east-1'),
    undefined,
  ],
  ['an alias', { kmsKeyId: 'alias/ebs' }, OWN_KEYS, 'alias/ebs'],
  [
    'an alias ARN',
    { kmsKeyId: 'arn:aws-us-gov:kms:us-gov-west-1:444455556666:alias/a/b' },
    keysIn('us-gov-west-1', '444455556666'),
    'alias/a/b',
  ],
])('%s is allowed in the form that IAM can match', (_, props, resource, alias) => {
  const [use, ...more] = uses(() => props);
  expect(resourcesOf(use)).toEqual([resource]);
  expect(use?.Condition?.['ForAnyValue:StringEquals']).toEqual(alias && { 'kms:ResourceAliases': alias });
  expect(use?.Condition).not.toHaveProperty('ForAllValues:StringEquals');
  expect(more).toEqual([]);
});

test('an alias in a Region known only at deployment is allowed in all Regions', () => {
  const [use] = uses((stack) => ({
    kmsKeyId: 'alias/ebs',
    destinationRegion: new CfnParameter(stack, 'Region').valueAsString,
  }));
  expect(resourcesOf(use)).toEqual([keysIn('*')]);
});

test.each<[string, Declare, string]>([
  ['imported', (stack) => ({ kmsKey: kms.Alias.fromAliasName(stack, 'Alias', 'alias/ebs') }), 'alias/ebs'],
  ['in the stack', (stack) => ({ kmsKey: new kms.Key(stack, 'Key').addAlias('own') }), 'alias/own'],
])('an alias construct that is %s is allowed by name', (_, declare, name) => {
  const conditions = uses(declare).map(({ Condition }) => Condition?.['ForAnyValue:StringEquals']);
  expect(conditions).toEqual([{ 'kms:ResourceAliases': name }]);
});

test('a key whose ARN consists of pseudo parameters is listed', () => {
  const arn = `arn:${Aws.PARTITION}:kms:${Aws.REGION}:${Aws.ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-000000000001`;
  expect(uses((stack) => ({ kmsKey: kms.Key.fromKeyArn(stack, 'Key', arn) })).map(resourcesOf)).toEqual([[keyArn(1)]]);
});

test('a token as kmsKeyId allows any key of the account, with a warning', () => {
  const declare: Declare = (stack) => ({ kmsKeyId: new CfnParameter(stack, 'Key').valueAsString });
  expect(uses(declare).map(resourcesOf)).toEqual([[OWN_KEYS]]);
  expect(warningsOf(1, declare)).toEqual([
    '/Stack/Copy0: The handler of the snapshot copies may use any key of this account through EC2, because kmsKeyId is a ' +
      'token. [ack: cdk-ebs-snapshot-copy:anyKey]',
  ]);
});

test('a token as kmsKeyId causes no warning if the handler may already use all keys of the account', () => {
  const declare: Declare = (stack, n) => (n === 0 ? {} : { kmsKeyId: new CfnParameter(stack, 'Key').valueAsString });
  expect(warningsOf(2, declare)).toEqual([]);
});

test('up to two keys are listed, and a third allows all keys of its account, with a warning', () => {
  const declare: Declare = (_, n) => ({ kmsKeyId: keyArn(n, 'us-gov-west-1', '444455556666') });
  const listed = range(2).map((n) => keyArn(n, 'us-gov-west-1', '444455556666'));
  expect(uses(declare, 2).map(resourcesOf)).toEqual([listed]);
  expect(warningsOf(2, declare)).toEqual([]);
  const beyond = uses(declare, 6);
  expect(beyond.map(resourcesOf)).toEqual([listed, [keysIn('*', '444455556666')]]);
  expect(beyond.map(({ Condition }) => Condition?.['ForAllValues:StringEquals'])).toEqual([undefined, FOR_EBS]);
  expect(warningsOf(6, declare)).toEqual([
    expect.stringMatching(/^\/Stack\/Copy2: .* any key of account 444455556666 /),
  ]);
});

test('aliases are listed up to 64 characters in total', () => {
  const declare: Declare = (_, n) => ({ kmsKeyId: `alias/${String(n).repeat(26)}` });
  const names = (count: number) => uses(declare, count).map(({ Condition }) => Condition?.['ForAnyValue:StringEquals']);
  expect(names(2)).toEqual(range(2).map((n) => ({ 'kms:ResourceAliases': `alias/${String(n).repeat(26)}` })));
  expect(names(3)).toEqual([...names(2), undefined]);
});

describe('a key of the stack', () => {
  test('has its own policy, which copies share', () => {
    let keys: kms.Key[] = [];
    const declare: Declare = (stack, n) => {
      if (n === 0) keys = range(2).map((k) => new kms.Key(stack, `Key${k}`));
      return { kmsKey: keys[n % 2] };
    };
    const own = [expect.stringContaining('Key') as unknown];
    expect(uses(declare, 4).map(resourcesOf)).toEqual([own, own]);
  });

  test('has its own policy even if passed as an alias whose name is a reference, as in new apps', () => {
    const template = templateOf(
      stackOf(1, (stack) => {
        stack.node.setContext('@aws-cdk/aws-kms:aliasNameRef', true);
        return { kmsKey: new kms.Key(stack, 'Key').addAlias('own') };
      }),
    );
    const [shared = [], ofKey = []] = policiesIn(template);
    expect(allows(shared, 'kms:Decrypt')).toEqual([]);
    const aliases = allows(ofKey, 'kms:Decrypt').map(({ Condition }) => Condition?.['ForAnyValue:StringEquals']);
    expect(aliases).toEqual([{ 'kms:ResourceAliases': expect.stringMatching(/^KeyAlias/) as unknown }]);
    expect(cycleIn(template)).toBeUndefined();
  });

  test('differs from a key in another stack with the same logical ID', () => {
    const app = newApp();
    const env = { account: '111122223333', region: 'us-gov-west-1' };
    const stack = new Stack(app, 'Stack', { env });
    for (const n of range(2)) {
      const kmsKey = new kms.Key(new Stack(app, `Keys${n}`, { env }), 'Key');
      new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: source(0), kmsKey });
    }
    expect(policiesIn(Template.fromStack(stack).toJSON())).toHaveLength(3);
  });

  test('beyond the third allows all keys of the account, with a warning', () => {
    const declare: Declare = (stack, n) => ({ kmsKey: new kms.Key(stack, `Key${n}`) });
    const template = templateOf(stackOf(20, declare));
    const [shared = [], ...ofKeys] = policiesIn(template);
    expect(allows(shared, 'kms:Decrypt').map(resourcesOf)).toEqual([[OWN_KEYS]]);
    expect(ofKeys).toHaveLength(3);
    expect(cycleIn(template)).toBeUndefined();
    expect(warningsOf(4, declare)).toEqual([
      expect.stringMatching(/^\/Stack\/Copy3: .*more than 3 keys that are tokens/),
    ]);
  });
});
