import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import {
  SnapshotCopy,
  FastSnapshotRestore,
  SnapshotLock,
  type SnapshotCopyProps,
  SnapshotCopyProvider,
  StorageTier,
} from '../../lib';
import { policiesIn, type Statement } from './iam';
import { type Declare, keyArn, makerIn, region, source, stackOf } from './policy-declarations';
import { range, templateOf } from './stacks';

const MAX_CHARACTERS = 6_000;
/** IAM's limit is 10,240. Beyond this, the CDK moves statements into managed policies. */
const MAX_CHARACTERS_OF_ROLE = 10_000;

function keyAtTheLimits(stack: Stack, n: number): Partial<SnapshotCopyProps> {
  if (n < 1) return { kmsKeyId: keyArn(n, region(n), '444455556666') };
  if (n < 2) return { kmsKeyId: `alias/${'a'.repeat(58)}` };
  return n < 5 ? { kmsKey: new kms.Key(stack, `Key${n}`) } : {};
}

function inVpc(stack: Stack): Partial<SnapshotCopyProps> {
  SnapshotCopyProvider.configure(stack, { vpc: new ec2.Vpc(stack, 'Vpc'), tracing: true });
  return {};
}

/** The account that owns the source of a copy: 111122223330 to 111122223333. */
const owner = (n: number) => `11112222333${n % 4}`;

const atTheLimits: Declare = (stack, n) => ({
  ...(n === 0 && inVpc(stack)),
  sourceSnapshotId: source(n),
  sourceRegion: region(n % 3),
  destinationRegion: region(n % 3),
  ...keyAtTheLimits(stack, n),
});

/** Each finished copy is shared with two accounts of its own, archived, or locked. */
const handedOver = (n: number): Partial<SnapshotCopyProps> => {
  const accounts = [0, 1].map((i) => String(500_000_000_000 + 2 * n + i));
  const lock = SnapshotLock.compliance(Duration.days(30), Duration.hours(24));
  return n % 3 === 0
    ? { shareWith: accounts }
    : { storageTier: StorageTier.ARCHIVE, lock, removalPolicy: RemovalPolicy.RETAIN };
};

const distinct: Declare = (_, n) => ({
  sourceSnapshotId: source(n),
  sourceRegion: region(n),
  destinationRegion: region(n + 1),
  kmsKeyId: keyArn(n, region(n + 1)),
});

function sizesOf(count: number, declare: Declare): number[] {
  const template = templateOf(stackOf(count, declare));
  // The CDK moves statements into managed policies if it estimates that they exceed the limit of the role.
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
  ['450 sources of four accounts', 450, (_, n) => ({ sourceSnapshotId: source(n), sourceOwner: owner(n) })],
  [
    '450 sources, Regions and keys, shared, archived and locked',
    450,
    (stack, n) => ({ ...distinct(stack, n), ...handedOver(n) }),
  ],
  ['450 plain copies, shared, archived and locked', 450, (_, n) => handedOver(n)],
  ['everything up to its limit, including keys with their own policy, with a VPC and tracing', 6, atTheLimits],
])('the size of the policies is bounded: %s', (_, count, declare) => {
  const sizes = sizesOf(count, declare);
  expect(sizes[0]).toBeLessThanOrEqual(MAX_CHARACTERS);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_CHARACTERS_OF_ROLE);
});

test('the role stays within IAM’s limits when 450 copies exceed all lists', () => {
  const declare: Declare = (stack, n) => {
    if (n < 10) return { ...atTheLimits(stack, n), sourceOwner: n < 4 ? undefined : owner(n) };
    const { kmsKeyId, ...others } = distinct(stack, n);
    return {
      ...others,
      ...handedOver(n),
      ...(n % 2 === 0 && { kmsKeyId: kmsKeyId?.replace('111122223333', String(100_000_000_000 + n)) }),
      ...(n % 3 === 0 && { sourceSnapshotId: makerIn(stack).getAttString(`Id${n}`), sourceOwner: owner(n) }),
    };
  };
  expect(sizesOf(450, declare).reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_CHARACTERS_OF_ROLE);
});

test('fast restore of many snapshots keeps the policies within the limit', () => {
  const stack = stackOf(0);
  for (const n of range(50)) {
    new FastSnapshotRestore(stack, `Fast${n}`, {
      snapshot: SnapshotCopy.fromSnapshotId(stack, `Snapshot${n}`, source(n)),
      availabilityZones: ['us-gov-west-1a'],
    });
  }
  const sizes = policiesIn(templateOf(stack)).map((policy) => JSON.stringify(policy).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_CHARACTERS_OF_ROLE);
});

/** What a policy allows, regardless of the order of its statements and their resources. */
const inAnyOrder = (statements: readonly Statement[]) =>
  statements.map((statement) => JSON.stringify({ ...statement, Resource: [statement.Resource].flat().sort() })).sort();

test('within the limits, the order of declaration does not change what the policies allow', () => {
  const declare: Declare = (stack, n) => ({
    sourceSnapshotId: source(n),
    sourceRegion: region(0),
    sourceOwner: n === 0 ? undefined : owner(n),
    kmsKeyId: ['alias/key', undefined, undefined][n],
    sourceKmsKey: n === 0 ? kms.Key.fromKeyArn(stack, `SourceKey${n}`, keyArn(n, region(0))) : undefined,
  });
  const policiesFor = (order: readonly number[]) =>
    policiesIn(templateOf(stackOf(3, declare, [...order]))).map(inAnyOrder);
  expect(policiesFor(range(3).reverse())).toEqual(policiesFor(range(3)));
});
