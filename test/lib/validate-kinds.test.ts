// Values of the wrong kind, which JavaScript and context allow: the error names each prop and each setting.
import { Duration, Lazy, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import {
  SnapshotCopy,
  type SnapshotCopyProps,
  SnapshotCopyProvider,
  type SnapshotCopyProviderProps,
  SnapshotGrants,
} from '../../lib';
import { newStack, SOURCE, wiredBy } from './stacks';

const declare = (props: object) => () => new SnapshotCopy(newStack(), 'Copy', { sourceSnapshotId: SOURCE, ...props });
const configure = (settings: object) => () => {
  SnapshotCopyProvider.configure(newStack(), settings);
};

type Wanted = readonly [wanted: string, wrong: unknown, said: string];

const TEXT: Wanted = ['a string', 7, 'is the number 7'];
const DURATION: Wanted = ['a Duration', '30', 'is the string "30"'];
const BOOLEAN: Wanted = ['true or false', 'true', 'is the string "true"'];
const OBJECT: Wanted = ['an object', ['a'], 'is a list'];
const CONSTRUCT: Wanted = ['a construct', 'name', 'is the string "name"'];

const PROPS: Readonly<Record<keyof Omit<SnapshotCopyProps, 'latestSource' | 'refresh'>, Wanted>> = {
  sourceSnapshotId: TEXT,
  sourceOwner: ['a string', 111122223333, 'is the number 111122223333'],
  sourceRegion: TEXT,
  destinationRegion: TEXT,
  destinationOutpostArn: TEXT,
  destinationAvailabilityZone: TEXT,
  description: ['a string', true, 'is the boolean true'],
  encrypted: BOOLEAN,
  kmsKey: ['a key construct, or use kmsKeyId', 'alias/ebs', 'is the string "alias/ebs"'],
  kmsKeyId: ['a string', {}, 'is an object'],
  sourceKmsKey: ['a key construct', 'alias/ebs', 'is the string "alias/ebs"'],
  completionDuration: DURATION,
  tags: OBJECT,
  timeout: ['a Duration', 3_000, 'is the number 3000'],
  removalPolicy: ['a RemovalPolicy', 'RETAIN', 'is the string "RETAIN"'],
  copySourceTags: BOOLEAN,
  shareWith: ['a list of strings', '555566667777', 'is the string "555566667777"'],
  storageTier: ['a StorageTier', 'ARCHIVE', 'is the string "ARCHIVE"'],
  lock: ['a SnapshotLock', {}, 'is an object'],
};

describe.each(Object.entries(PROPS))('%s', (prop, [wanted, wrong, said]) => {
  test('of a wrong kind is refused', () => {
    expect(declare({ [prop]: wrong })).toThrow(`Stack/Copy: ${prop} ${said}: specify ${wanted}`);
  });

  test('null is refused', () => {
    expect(declare({ [prop]: null })).toThrow(`Stack/Copy: ${prop} is null: specify ${wanted}`);
  });

  test('undefined is the same as absent', () => {
    if (prop === 'sourceSnapshotId') {
      expect(declare({ [prop]: undefined })).toThrow('Stack/Copy: sourceSnapshotId is undefined: specify a string');
    } else {
      expect(wiredBy(declare({ [prop]: undefined })())).toEqual(wiredBy(declare({})()));
    }
  });
});

const MAY_BE_EMPTY = ['description'];
const TEXTS = Object.keys(PROPS).filter((prop) => PROPS[prop as keyof typeof PROPS][0] === 'a string');

test.each(TEXTS.filter((prop) => !MAY_BE_EMPTY.includes(prop)))('an empty %s is refused', (prop) => {
  expect(declare({ [prop]: '' })).toThrow(new RegExp(`^Stack/Copy: ${prop} "" is not `));
});

const SETTINGS: Readonly<Record<keyof SnapshotCopyProviderProps, Wanted>> = {
  logGroup: CONSTRUCT,
  stateMachineLogGroup: CONSTRUCT,
  tracing: BOOLEAN,
  vpc: CONSTRUCT,
  vpcSubnets: OBJECT,
  securityGroups: ['a list of constructs', [], 'is an empty list'],
  pollInterval: DURATION,
  maxConcurrentCopies: ['a number', '5', 'is the string "5"'],
};

describe.each(Object.entries(SETTINGS))('the setting %s', (setting, [wanted, wrong, said]) => {
  test('of a wrong kind is refused', () => {
    expect(configure({ [setting]: wrong })).toThrow(`Stack: ${setting} ${said}: specify ${wanted}`);
  });

  test('null is refused', () => {
    expect(configure({ [setting]: null })).toThrow(`Stack: ${setting} is null: specify ${wanted}`);
  });

  test('undefined is the same as absent', () => {
    expect(configure({ [setting]: undefined })).not.toThrow();
  });
});

test.each<[string, unknown, RegExp]>([
  ['undefined', undefined, /the value of tag "team" is undefined: specify a string/],
  ['null', null, /the value of tag "team" is null: specify a string/],
  ['a number', 7, /the value of tag "team" is the number 7: specify a string/],
  [
    'a token of another type',
    Token.asAny('x'),
    /is a token of another type: specify a string \(Token\.asString converts any/,
  ],
])('%s is not a tag value', (_, value, message) => {
  expect(declare({ tags: { team: value } })).toThrow(message);
});

test('an empty string is a valid tag value, but not a valid key', () => {
  expect(declare({ tags: { team: '' } })).not.toThrow();
  expect(declare({ tags: { '': 'storage' } })).toThrow(/tag key "" has 0 characters/);
});

test('a token that is not a string is refused, with a hint on how to convert it', () => {
  const number = Lazy.any({ produce: () => 'x' });
  expect(declare({ sourceSnapshotId: number })).toThrow(
    'sourceSnapshotId is a token of another type: specify a string (Token.asString converts any token to a string)',
  );
});

test('a string where another kind is expected is refused, with a hint about context values', () => {
  const hint = '(context values from -c are strings: convert them)';
  expect(declare({ encrypted: 'true' })).toThrow(hint);
  expect(declare({ timeout: '30' })).toThrow(hint);
  expect(configure({ maxConcurrentCopies: '5' })).toThrow(hint);
  expect(declare({ kmsKeyId: 7 })).not.toThrow(hint);
});

test.each<[object, string]>([
  [{ sourceRegon: 'us-east-1' }, 'sourceRegon is not a prop: did you mean sourceRegion?'],
  [{ kmsKeyID: 'alias/ebs' }, 'kmsKeyID is not a prop: did you mean kmsKeyId?'],
  [{ refesh: '1' }, 'refesh is not a prop: did you mean refresh?'],
  [{ Tags: {} }, 'Tags is not a prop: did you mean tags?'],
  [{ tag: {} }, 'tag is not a prop: did you mean tags?'],
  [{ locks: {} }, 'locks is not a prop: did you mean lock?'],
  [{ removalpolicy: 'RETAIN' }, 'removalpolicy is not a prop: did you mean removalPolicy?'],
  [
    { sourceSnapshotId: undefined, latestSource: { volumeId: 'vol-0123456789abcdef0', maxage: Duration.hours(1) } },
    'latestSource.maxage is not a prop: did you mean maxAge?',
  ],
])('a misspelled prop is refused, with the likely name: %j', (props, message) => {
  expect(declare(props)).toThrow(`Stack/Copy: ${message}`);
});

test('a misspelled setting is refused, with the likely name', () => {
  const message = 'Stack: maxConcurentCopies is not a prop: did you mean maxConcurrentCopies?';
  expect(configure({ maxConcurentCopies: 5 })).toThrow(message);
});

test.each<[string, object]>([
  ['resembles no prop', { env: {}, stackName: 'x', availabilityZone: 'us-east-1a', toString: 1 }],
  [
    'resembles a prop that is also given',
    { Tags: [], tags: { team: 'storage' }, timeouts: 1, timeout: Duration.hours(2) },
  ],
  ['has no value', { sourceRegon: undefined }],
])('an unknown name, as in an object with more members, is accepted if it %s', (_, props) => {
  expect(declare(props)).not.toThrow();
});

test('a list item of the wrong kind is named by its index', () => {
  expect(declare({ shareWith: ['555566667777', 666677778888] })).toThrow(
    'Stack/Copy: shareWith[1] is the number 666677778888: specify a string (put it in quotes)',
  );
});

test.each<[object, string]>([
  [{ timeout: 30 }, 'Duration.hours(2)'],
  [{ completionDuration: 30 }, 'Duration.minutes(15)'],
])('%j is refused, with an example of an allowed duration', (props, example) => {
  expect(declare(props)).toThrow(`specify a Duration, such as ${example}`);
});

test('a poll interval that is not a Duration is refused, with an example', () => {
  expect(configure({ pollInterval: 30 })).toThrow('specify a Duration, such as Duration.seconds(30)');
});

test('all values of the wrong kind are reported together, and nothing else is validated', () => {
  expect(declare({ sourceSnapshotId: 'x', encrypted: 'yes', timeout: 60 })).toThrow(
    /^Stack\/Copy: encrypted is .*\nStack\/Copy: timeout is the number 60: specify a Duration, such as Duration.hours\(2\)$/,
  );
});

describe('elsewhere', () => {
  const importIt =
    (id: unknown, options: object = {}) =>
    () =>
      SnapshotCopy.fromSnapshotId(newStack(), 'Import', id as string, options);

  test.each<[unknown, object, RegExp]>([
    [undefined, {}, /^Stack\/Import: snapshotId is undefined: specify a string/],
    [null, {}, /snapshotId is null: specify a string/],
    ['', {}, /snapshotId "" is not a snapshot ID/],
    ['vol-0123456789abcdef0', {}, /snapshotId "vol-0123456789abcdef0" is not a snapshot ID/],
    [SOURCE, { region: null }, /region is null: specify a string/],
    [SOURCE, { region: 'us-east' }, /region "us-east" is not a Region/],
    [SOURCE, { encryptionKey: 'alias/ebs' }, /encryptionKey is the string "alias\/ebs": specify a key construct/],
  ])('an import of %p with %p is refused', (id, options, message) => {
    expect(importIt(id, options)).toThrow(message);
  });

  test('an import of a dynamic reference is not validated', () => {
    expect(importIt('{{resolve:ssm:/golden/snapshot}}', { region: '{{resolve:ssm:/region}}' })).not.toThrow();
  });

  test('grants refuse a value that is not a key', () => {
    const snapshot = importIt(SOURCE)();
    const fromKey = () => SnapshotGrants.fromSnapshot(snapshot, { encryptionKey: 'alias/ebs' as never });
    expect(fromKey).toThrow(/encryptionKey is the string/);
  });
});

test('valid values are accepted, however they were created', () => {
  const props = { encrypted: true, timeout: Duration.hours(1), removalPolicy: RemovalPolicy.RETAIN, tags: {} };
  expect(declare(props)).not.toThrow();
  const stack = newStack();
  const logGroup = logs.LogGroup.fromLogGroupName(stack, 'Logs', 'copies');
  expect(() => {
    SnapshotCopyProvider.configure(stack, { logGroup, pollInterval: Duration.minutes(1), tracing: false });
  }).not.toThrow();
});
