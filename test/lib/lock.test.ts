import { Aspects, CfnDeletionPolicy, CfnParameter, CfnResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SnapshotCopy, type SnapshotCopyProps, SnapshotLock, StorageTier } from '../../lib';
import { newApp, ENV, newStack, SOURCE, templateOf, wiredBy } from './stacks';

const WEEK = Duration.days(7);
const DAY = Duration.hours(24);
const OUTPOST = 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0123456789abcdef0';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyWith = (props: Partial<SnapshotCopyProps>, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, removalPolicy: RemovalPolicy.RETAIN, ...props });

test('a governance lock is sent with its days', () => {
  const wired = wiredBy(copyWith({ lock: SnapshotLock.governance(WEEK) }));
  expect(wired).toMatchObject({ LockMode: 'governance', LockDurationDays: '7', DeletionPolicy: 'Retain' });
  expect(wired).not.toHaveProperty('CoolOffPeriodHours');
});

test('a compliance lock is sent with its days and cool-off hours', () => {
  const lock = SnapshotLock.compliance(Duration.days(36_500), Duration.days(3));
  expect(wiredBy(copyWith({ lock }))).toMatchObject({
    LockMode: 'compliance',
    LockDurationDays: '36500',
    CoolOffPeriodHours: '72',
  });
});

test('durations in other units send the same input', () => {
  const odd = copyWith({ lock: SnapshotLock.compliance(Duration.hours(168), Duration.minutes(1_440)) }, 'A');
  const plain = copyWith({ lock: SnapshotLock.compliance(WEEK, DAY) }, 'B');
  expect(wiredBy(odd)).toEqual(wiredBy(plain));
});

test('durations known only at deployment are sent as tokens', () => {
  const of = (id: string) => new CfnParameter(stack, id, { type: 'Number' }).valueAsNumber;
  const lock = SnapshotLock.compliance(Duration.days(of('Days')), Duration.hours(of('Hours')));
  expect(wiredBy(copyWith({ lock }))).toMatchObject({
    LockDurationDays: { Ref: 'Days' },
    CoolOffPeriodHours: { Ref: 'Hours' },
  });
});

const REFUSED: [string, () => SnapshotLock, RegExp][] = [
  ['0 days', () => SnapshotLock.governance(Duration.days(0)), /^Stack\/Copy: duration "0 days" of lock is not allowed/],
  [
    '1.5 days',
    () => SnapshotLock.governance(Duration.hours(36)),
    /duration "36 hours" of lock is not allowed: specify 1 to 36500 days, in whole days$/,
  ],
  ['more than a century', () => SnapshotLock.governance(Duration.days(36_501)), /duration "36501 days"/],
  ['0 hours of cool-off', () => SnapshotLock.compliance(WEEK, Duration.hours(0)), /coolOff "0 hours" of lock/],
  [
    '1.5 hours of cool-off',
    () => SnapshotLock.compliance(WEEK, Duration.minutes(90)),
    /coolOff "90 minutes" of lock is not allowed: specify 1 to 72 hours, in whole hours$/,
  ],
  ['a long cool-off', () => SnapshotLock.compliance(WEEK, Duration.hours(73)), /coolOff "73 hours"/],
  [
    'two invalid durations',
    () => SnapshotLock.compliance(Duration.hours(1), Duration.minutes(1)),
    /duration "1 hour" of lock.*\nStack\/Copy: coolOff "1 minute" of lock/,
  ],
  // JavaScript does not check types.
  [
    'no cool-off in compliance mode',
    () => SnapshotLock.compliance(WEEK, undefined as never),
    /^Stack\/Copy: lock: coolOff is undefined: specify a Duration/,
  ],
  ['a null value', () => SnapshotLock.compliance(null as never, DAY), /lock: duration is null: specify a Duration/],
  ['a numeric value', () => SnapshotLock.governance(7 as never), /lock: duration is the number 7: specify a Duration/],
  ['no value', () => SnapshotLock.governance(undefined as never), /lock: duration is undefined: specify a Duration/],
  ['a plain object', () => ({ mode: 'governance' }) as never, /lock is an object: specify a SnapshotLock/],
  ['a string', () => 'governance' as never, /lock is the string "governance": specify a SnapshotLock/],
];

test.each(REFUSED)('a lock with %s is refused', (_, lock, message) => {
  expect(() => copyWith({ lock: lock() })).toThrow(message);
});

test('a copy on an Outpost cannot be locked', () => {
  const props = { lock: SnapshotLock.governance(WEEK), destinationOutpostArn: OUTPOST };
  expect(() => copyWith(props)).toThrow(/lock and destinationOutpostArn are mutually exclusive/);
});

test('a lock can be combined with the archive tier', () => {
  const props = { lock: SnapshotLock.governance(WEEK), storageTier: StorageTier.ARCHIVE };
  expect(wiredBy(copyWith(props))).toMatchObject({ LockMode: 'governance', StorageTier: 'archive' });
});

describe('a locked copy needs a removal policy that retains', () => {
  const lock = SnapshotLock.governance(WEEK);
  const message = /\[Stack\/Copy\] lock requires a removal policy that retains.*RETAIN_ON_UPDATE_OR_DELETE or RETAIN/;

  test.each([
    ['by default', undefined],
    ['with DESTROY', RemovalPolicy.DESTROY],
  ])('%s, synthesis fails', (_, removalPolicy) => {
    copyWith({ lock, removalPolicy });
    expect(() => templateOf(stack)).toThrow(message);
  });

  test.each([[RemovalPolicy.RETAIN], [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE]])('%s is accepted', (policy) => {
    copyWith({ lock, removalPolicy: policy });
    expect(() => templateOf(stack)).not.toThrow();
  });

  test('a removal policy that is applied later counts', () => {
    copyWith({ lock, removalPolicy: undefined }).applyRemovalPolicy(RemovalPolicy.RETAIN);
    expect(() => templateOf(stack)).not.toThrow();
  });

  test('synthesis fails if an Aspect removes the policy', () => {
    copyWith({ lock });
    Aspects.of(stack).add({
      visit: (node) => {
        if (CfnResource.isCfnResource(node)) node.cfnOptions.deletionPolicy = CfnDeletionPolicy.DELETE;
      },
    });
    expect(() => templateOf(stack)).toThrow(/lock requires a removal policy that retains|updateReplacePolicy/);
  });
});

test('without a lock, no lock properties are sent', () => {
  stack = new Stack(newApp(), 'Stack', { env: ENV });
  expect(Object.keys(wiredBy(copyWith({})))).toEqual([
    'SourceSnapshotId',
    'SourceRegion',
    'DestinationRegion',
    'TimeoutSeconds',
    'DeletionPolicy',
  ]);
});
