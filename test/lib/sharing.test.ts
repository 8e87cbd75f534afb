// shareWith: what is refused and what is sent. The resulting permissions are tested in handover-privilege.test.ts.
import { CfnParameter, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps, SnapshotGrants } from '../../lib';
import { ENV, newApp, newStack, SOURCE, templateOf, wiredBy } from './stacks';

const PARTNER = '555566667777';
const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyWith = (props: Partial<SnapshotCopyProps>, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

test('accounts are sent as given', () => {
  const other = new CfnParameter(stack, 'Other').valueAsString;
  const copy = copyWith({ shareWith: [PARTNER, other, '{{resolve:ssm:/partner}}'] });
  expect(wiredBy(copy)).toMatchObject({ ShareWith: [PARTNER, { Ref: 'Other' }, '{{resolve:ssm:/partner}}'] });
});

test('a list known only at deployment is sent as a token', () => {
  const { valueAsList } = new CfnParameter(stack, 'Partners', { type: 'CommaDelimitedList' });
  expect(wiredBy(copyWith({ shareWith: valueAsList }))).toMatchObject({ ShareWith: { Ref: 'Partners' } });
});

test('an empty list is the same input as no list', () => {
  const [empty, none] = [copyWith({ shareWith: [] }, 'A'), copyWith({}, 'B')];
  expect(wiredBy(empty)).toEqual(wiredBy(none));
});

const REFUSED: [string, () => unknown, RegExp][] = [
  ['a short ID', () => [PARTNER, '5555'], /^Stack\/Copy: shareWith "5555" is not an account ID: specify 12 digits$/],
  ['everyone', () => ['all'], /shareWith "all" is not an account ID/],
  ['an ARN', () => [`arn:aws:iam::${PARTNER}:root`], /is not an account ID/],
  ['an empty ID', () => [''], /shareWith "" is not an account ID/],
  ['the stack’s account', () => [ENV.account], /shareWith "111122223333" is the account of the stack.*: remove it/],
  ['null', () => null, /shareWith is null: specify a list of strings/],
  ['a string', () => PARTNER, /shareWith is the string "555566667777": specify a list of strings$/],
  [
    'a number in the list',
    () => [555566667777],
    /shareWith\[0\] is the number 555566667777: specify a string \(put it in quotes\)$/,
  ],
];

test.each(REFUSED)('%s is refused', (_, shareWith, message) => {
  expect(() => copyWith({ shareWith: shareWith() as string[] })).toThrow(message);
});

test('an environment-agnostic stack does not check for its own account', () => {
  stack = new Stack(newApp(), 'Stack');
  expect(() => copyWith({ shareWith: [ENV.account] })).not.toThrow();
});

describe('a copy under the AWS managed key', () => {
  const alias = 'alias/aws/ebs';
  const cases: [string, () => Partial<SnapshotCopyProps>, RegExp][] = [
    [
      'encrypted without a declared key',
      () => ({ encrypted: true }),
      /^Stack\/Copy: shareWith requires the key of an encrypted copy, .* and encrypted is true: specify a customer managed key as kmsKey or kmsKeyId$/,
    ],
    [
      'from an encrypted source',
      () => ({ sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', KEY_ARN) }),
      /and its source is encrypted: specify/,
    ],
    ['by alias', () => ({ kmsKeyId: alias }), /shareWith and "alias\/aws\/ebs" are mutually exclusive/],
    [
      'by alias ARN',
      () => ({ kmsKeyId: `arn:aws:kms:us-east-1:111122223333:${alias}` }),
      /are mutually exclusive, because EC2 does not share snapshots that are encrypted with an AWS managed key: specify a customer managed key/,
    ],
    [
      'by alias construct',
      () => ({ kmsKey: kms.Alias.fromAliasName(stack, 'Alias', alias) }),
      /shareWith and "alias\/aws\/ebs" are mutually exclusive/,
    ],
  ];

  test.each(cases)('cannot be shared: %s', (_, props, message) => {
    const given = props();
    expect(() => copyWith({ shareWith: [PARTNER], ...given })).toThrow(message);
    expect(() => copyWith(given, 'Alone')).not.toThrow();
  });

  test.each<[string, () => Partial<SnapshotCopyProps>]>([
    ['a customer managed key', () => ({ encrypted: true, kmsKeyId: KEY_ARN })],
    ['an alias in the account', () => ({ encrypted: true, kmsKeyId: 'alias/aws-partners' })],
    ['a key known only at deployment', () => ({ kmsKeyId: new CfnParameter(stack, 'Key').valueAsString })],
    ['no encryption setting', () => ({})],
    ['encrypted: false', () => ({ encrypted: false })],
  ])('is not assumed with %s', (_, props) => {
    expect(() => copyWith({ shareWith: [PARTNER], ...props() })).not.toThrow();
  });
});

describe('the key policy for sharing', () => {
  test('lets the accounts use the key, and create grants only for AWS services', () => {
    const key = new kms.Key(stack, 'Key');
    for (const statement of SnapshotGrants.keyPolicyForSharing([PARTNER, '666677778888'])) {
      key.addToResourcePolicy(statement);
    }
    const { KeyPolicy: policy } = templateOf(stack).Resources[stack.getLogicalId(key.node.defaultChild as kms.CfnKey)]
      ?.Properties as { KeyPolicy: { Statement: object[] } };
    const Principal = { AWS: [PARTNER, '666677778888'].map(rootOf) };
    expect(policy.Statement.slice(1)).toEqual([
      {
        Effect: 'Allow',
        Action: ['kms:DescribeKey', 'kms:Decrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        Resource: '*',
        Principal,
      },
      {
        Effect: 'Allow',
        Action: 'kms:CreateGrant',
        Resource: '*',
        Principal,
        Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
    ]);
  });

  test('accepts an account known only at deployment', () => {
    const { valueAsString } = new CfnParameter(stack, 'Partner');
    const [statement = new iam.PolicyStatement()] = SnapshotGrants.keyPolicyForSharing([valueAsString]);
    expect(JSON.stringify(stack.resolve(statement.toStatementJson()))).toContain('{"Ref":"Partner"}');
  });

  test.each<[unknown, RegExp]>([
    [[], /^accountIds is empty: specify at least one account$/],
    [['all'], /^accountIds "all" is not an account ID: specify 12 digits$/],
    [null, /^accountIds is null: specify a list of strings$/],
    [undefined, /^accountIds is undefined: specify a list of strings$/],
  ])('refuses %p', (accountIds, message) => {
    expect(() => SnapshotGrants.keyPolicyForSharing(accountIds as string[])).toThrow(message);
  });

  test('is not added by shareWith', () => {
    const key = new kms.Key(stack, 'Key');
    const policyOf = () => JSON.stringify(stack.resolve((key.node.defaultChild as kms.CfnKey).keyPolicy));
    const before = policyOf();
    copyWith({ shareWith: [PARTNER], kmsKey: key });
    expect(policyOf()).toBe(before);
  });
});

function rootOf(account: string): object {
  return { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${account}:root`]] };
}
