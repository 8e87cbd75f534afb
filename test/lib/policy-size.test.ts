import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { type SnapshotCopyProps, SnapshotCopyProvider } from '../../lib';
import { policiesIn } from './iam';
import { type Declare, keyArn, makerIn, region, source, stackOf } from './policy-declarations';
import { range, templateOf } from './stacks';

const MAX_CHARACTERS = 6_000;
const MAX_CHARACTERS_OF_ROLE = 10_240;

function keyAtTheLimits(stack: Stack, n: number): Partial<SnapshotCopyProps> {
  if (n < 2) return { kmsKeyId: keyArn(n, region(n), '444455556666') };
  if (n < 3) return { kmsKeyId: `alias/${'a'.repeat(94)}` };
  return n < 7 ? { kmsKey: new kms.Key(stack, `Key${n}`) } : {};
}

function inVpc(stack: Stack): Partial<SnapshotCopyProps> {
  SnapshotCopyProvider.configure(stack, { vpc: new ec2.Vpc(stack, 'Vpc') });
  return {};
}

const atTheLimits: Declare = (stack, n) => ({
  ...(n === 0 && inVpc(stack)),
  sourceSnapshotId: source(n),
  sourceRegion: region(n % 4),
  destinationRegion: region(n % 4),
  ...keyAtTheLimits(stack, n),
});

const distinct: Declare = (_, n) => ({
  sourceSnapshotId: source(n),
  sourceRegion: region(n),
  destinationRegion: region(n + 1),
  kmsKeyId: keyArn(n, region(n + 1)),
});

function sizesOf(count: number, declare: Declare): number[] {
  const template = templateOf(stackOf(count, declare));
  // The CDK moves statements into managed policies if it takes them for more than the role may have.
  expect(Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy')).toEqual([]);
  return policiesIn(template).map((policy) => JSON.stringify(policy).length);
}

test.each<[string, number, Declare]>([
  ['one copy', 1, () => ({})],
  ['450 plain copies', 450, () => ({})],
  ['450 sources', 450, (_, n) => ({ sourceSnapshotId: source(n) })],
  ['450 sources, Regions and keys', 450, distinct],
  [
    '450 keys of other accounts',
    450,
    (_, n) => ({ kmsKeyId: keyArn(n, 'us-gov-west-1', String(100_000_000_000 + n)) }),
  ],
  ['450 aliases', 450, (_, n) => ({ kmsKeyId: `alias/${'a'.repeat(100)}${n}` })],
  ['450 sources that are tokens', 450, (stack, n) => ({ sourceSnapshotId: makerIn(stack).getAttString(`Id${n}`) })],
  ['as many of all as are listed, as many keys of the stack as have policies, and a VPC', 10, atTheLimits],
])('the size of the policies is bounded: %s', (_, count, declare) => {
  const sizes = sizesOf(count, declare);
  expect(sizes[0]).toBeLessThanOrEqual(MAX_CHARACTERS);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_CHARACTERS_OF_ROLE);
});

test('the role stays below what IAM allows when 450 copies go past all limits at once', () => {
  const declare: Declare = (stack, n) =>
    n < 10 ? atTheLimits(stack, n) : { ...distinct(stack, n), ...(n % 2 === 1 && { kmsKeyId: undefined }) };
  expect(sizesOf(450, declare).reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_CHARACTERS_OF_ROLE);
});

test('within the limits, the order of declaration changes nothing in the policies', () => {
  const declare: Declare = (stack, n) => ({
    sourceSnapshotId: source(n),
    sourceRegion: region(n % 4),
    kmsKeyId: n % 2 === 0 ? keyArn(n) : `alias/key${n}`,
    sourceKmsKey: n === 0 ? kms.Key.fromKeyArn(stack, `SourceKey${n}`, keyArn(n, region(n % 4))) : undefined,
  });
  const policiesFor = (order: readonly number[]) => policiesIn(templateOf(stackOf(3, declare, [...order])));
  expect(policiesFor(range(3).reverse())).toEqual(policiesFor(range(3)));
});
