import { CfnParameter, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { FastSnapshotRestore, SnapshotCopy, type SnapshotCopyProps, StorageTier } from '../../lib';
import { newStack, SOURCE, wiredBy } from './stacks';

const OUTPOST = 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0123456789abcdef0';
const ARCHIVE = { storageTier: StorageTier.ARCHIVE };

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyWith = (props: Partial<SnapshotCopyProps>, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

const warnings = () =>
  Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('cdk-ebs-snapshot-copy:archive'))
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);

test('the archive tier is sent, with a warning about its cost and its effect on volumes', () => {
  const wired = wiredBy(copyWith(ARCHIVE));
  expect(wired).toMatchObject({ StorageTier: 'archive' });
  expect(warnings()).toEqual([
    expect.stringMatching(/^\/Stack\/Copy: EC2 bills .* 90 days, .* full one\. If this stack creates a volume/),
  ]);
});

test('the standard tier is the same input as no tier, without a warning', () => {
  const [standard, none] = [copyWith({ storageTier: StorageTier.STANDARD }, 'A'), copyWith({}, 'B')];
  expect(wiredBy(standard)).toEqual(wiredBy(none));
  expect(warnings()).toEqual([]);
});

test.each<[prop: string, () => Partial<SnapshotCopyProps>]>([
  ['shareWith', () => ({ shareWith: ['555566667777'] })],
  ['shareWith', () => ({ shareWith: new CfnParameter(stack, 'List', { type: 'CommaDelimitedList' }).valueAsList })],
  ['destinationOutpostArn', () => ({ destinationOutpostArn: OUTPOST })],
  ['destinationAvailabilityZone', () => ({ destinationAvailabilityZone: 'us-east-1-bos-1a' })],
])('the archive tier and %s are mutually exclusive', (prop, props) => {
  expect(() => copyWith({ ...ARCHIVE, ...props() })).toThrow(
    `Stack/Copy: storageTier "archive" and ${prop} are mutually exclusive: remove one`,
  );
});

test('the archive tier may be combined with an empty list of accounts', () => {
  expect(() => copyWith({ ...ARCHIVE, shareWith: [] })).not.toThrow();
});

test.each<[unknown, RegExp]>([
  ['Archive', /storageTier is the string "Archive": specify a StorageTier, such as StorageTier\.ARCHIVE$/],
  [null, /storageTier is null: specify a StorageTier/],
  [true, /storageTier is the boolean true: specify a StorageTier/],
])('%p is not a tier', (storageTier, message) => {
  expect(() => copyWith({ storageTier: storageTier as StorageTier })).toThrow(message);
});

test.each<[string, Partial<SnapshotCopyProps>]>([
  ['storageTier "archive"', ARCHIVE],
  ['destinationOutpostArn', { destinationOutpostArn: OUTPOST }],
  ['destinationAvailabilityZone', { destinationAvailabilityZone: 'us-east-1-bos-1a' }],
])('fast restore of a copy with %s is refused', (prop, props) => {
  const snapshot = copyWith(props);
  const declare = () => new FastSnapshotRestore(stack, 'Fast', { snapshot, availabilityZones: ['us-east-1a'] });
  expect(declare).toThrow(
    `Stack/Fast: snapshot "Stack/Copy" has ${prop}, with which EC2 does not support fast restore`,
  );
});
