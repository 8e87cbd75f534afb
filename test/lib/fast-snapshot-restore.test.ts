import { type App, CfnParameter, Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { FastSnapshotRestore, type FastSnapshotRestoreProps, SnapshotCopy } from '../../lib';
import { cycleIn, waitsFor } from './cycles';
import { ENV, idOf, newApp, range, type Resource, SOURCE, templateOf, wiredBy } from './stacks';

const TYPE = 'Custom::FastSnapshotRestore';
const ZONES = ['us-east-1a', 'us-east-1b'];

let app: App;
let stack: Stack;
let snapshot: SnapshotCopy;

beforeEach(() => {
  app = newApp();
  stack = new Stack(app, 'Stack', { env: ENV });
  snapshot = new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
});

const fast = (props: Partial<FastSnapshotRestoreProps> = {}, id = 'Fast') =>
  new FastSnapshotRestore(stack, id, { snapshot, availabilityZones: ZONES, ...props });

const resources = () => Object.entries(templateOf(stack).Resources);
const ofType = (type: string): Resource[] =>
  resources()
    .filter(([, { Type }]) => Type === type)
    .map(([, resource]) => resource);

test('the snapshot, its Region, and the zones are sent, without waiting by default', () => {
  const restore = fast();
  const [arn] = [stack.resolve(snapshot.snapshotArn) as unknown];
  expect(wiredBy(restore)).toEqual({
    SnapshotId: { 'Fn::Select': [1, { 'Fn::Split': ['/', arn] }] },
    Region: 'us-east-1',
    AvailabilityZones: ZONES,
    TimeoutSeconds: '3000',
  });
});

test('zone IDs are sent as IDs', () => {
  const wired = wiredBy(fast({ availabilityZones: ['use1-az1', 'use1-az2'] }));
  expect(wired).toMatchObject({ AvailabilityZoneIds: ['use1-az1', 'use1-az2'] });
  expect(wired).not.toHaveProperty('AvailabilityZones');
});

test('zones known only at deployment are sent as names', () => {
  const zone = Fn.select(0, Fn.getAzs());
  expect(wiredBy(fast({ availabilityZones: [zone] }))).toHaveProperty('AvailabilityZones');
});

test('a list known only at deployment is sent as a token', () => {
  const { valueAsList } = new CfnParameter(stack, 'Zones', { type: 'CommaDelimitedList' });
  expect(wiredBy(fast({ availabilityZones: valueAsList }))).toMatchObject({ AvailabilityZones: { Ref: 'Zones' } });
});

test('fast restore of an imported snapshot is enabled in its own Region', () => {
  const imported = SnapshotCopy.fromSnapshotId(stack, 'Theirs', SOURCE, { region: 'eu-west-1' });
  const restore = fast({ snapshot: imported, availabilityZones: ['eu-west-1c'] });
  expect(wiredBy(restore)).toMatchObject({ Region: 'eu-west-1', AvailabilityZones: ['eu-west-1c'] });
});

// The oldest aws-cdk-lib that the library supports has no CfnSnapshot.
const testIfCdkCan = 'CfnSnapshot' in ec2 ? test : test.skip;
testIfCdkCan('fast restore of a CfnSnapshot waits for it', () => {
  const made = new ec2.CfnSnapshot(stack, 'Snapshot', { volumeId: 'vol-0123456789abcdef0' });
  const restore = fast({ snapshot: made });
  expect(waitsFor(templateOf(stack), idOf(restore), idOf(made))).toBe(true);
});

describe('waiting', () => {
  test('takes up to two hours by default, in stages', () => {
    fast({ waitUntilEnabled: true });
    const [owner, ...others] = ofType(TYPE);
    const stages = ofType('Custom::FastSnapshotRestoreStage').map(({ Properties }) => Properties);
    expect(owner?.Properties).toMatchObject({ WaitUntilEnabled: 'true', TimeoutSeconds: '7200' });
    expect(others).toEqual([]);
    expect(stages).toMatchObject(['2', '3'].map((Stage) => ({ Stage, TimeoutSeconds: '7200' })));
    for (const stage of stages) expect(stage).toMatchObject({ WaitUntilEnabled: 'true', AvailabilityZones: ZONES });
  });

  test('takes at most the given timeout', () => {
    fast({ waitUntilEnabled: true, timeout: Duration.minutes(50) });
    expect(ofType(TYPE)[0]?.Properties).toMatchObject({ TimeoutSeconds: '3000', ServiceTimeout: '3600' });
    expect(ofType('Custom::FastSnapshotRestoreStage')).toEqual([]);
  });

  test('accepts a timeout known only at deployment', () => {
    const seconds = Token.asNumber(new CfnParameter(stack, 'Seconds').value);
    expect(wiredBy(fast({ timeout: Duration.seconds(seconds) }))).toMatchObject({ TimeoutSeconds: { Ref: 'Seconds' } });
  });

  test('set to false sends the same input as by default', () => {
    const [no, none] = [fast({ waitUntilEnabled: false }, 'A'), fast({}, 'B')];
    expect(wiredBy(no)).toEqual(wiredBy(none));
  });
});

describe('order', () => {
  test('fast restore is created after the copy and its permission, and disabled before they are deleted', () => {
    const restore = fast();
    const template = templateOf(stack);
    expect(cycleIn(template)).toBeUndefined();
    expect(waitsFor(template, idOf(restore), idOf(snapshot))).toBe(true);
    const [policy = ''] = Object.keys(template.Resources).filter((id) => id.startsWith('FastPolicy'));
    expect(waitsFor(template, idOf(restore), policy)).toBe(true);
  });

  test('fast restore does not create a cycle between copies', () => {
    let last = snapshot;
    for (const n of range(5)) {
      fast({ snapshot: last }, `Fast${n}`);
      last = new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: last.snapshotId });
    }
    expect(cycleIn(templateOf(stack))).toBeUndefined();
  });

  test('fast restore of a copy in another stack depends on that stack', () => {
    const other = new Stack(app, 'Other', { env: ENV });
    new FastSnapshotRestore(other, 'Fast', { snapshot, availabilityZones: ZONES });
    expect(JSON.stringify(templateOf(other))).toContain('Fn::ImportValue');
    expect(other.dependencies).toEqual([stack]);
  });
});

test('fast restore has no removal policy, so it is deleted with its stack', () => {
  const restore = fast();
  const { DeletionPolicy, UpdateReplacePolicy } = templateOf(stack).Resources[idOf(restore)] ?? {};
  expect([DeletionPolicy, UpdateReplacePolicy]).toEqual([undefined, undefined]);
});

test('a stack with only fast restore has one provider', () => {
  stack = new Stack(newApp(), 'Stack');
  fast({ snapshot: SnapshotCopy.fromSnapshotId(stack, 'Theirs', SOURCE) });
  expect(ofType('AWS::StepFunctions::StateMachine')).toHaveLength(1);
  expect(ofType('Custom::SnapshotCopy')).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  [
    'an undefined list',
    { availabilityZones: undefined },
    /^Stack\/Fast: availabilityZones is undefined: specify a list of strings$/,
  ],
  ['an empty list', { availabilityZones: [] }, /availabilityZones is empty: specify at least one zone/],
  ['null', { availabilityZones: null }, /availabilityZones is null/],
  ['a zone as a string', { availabilityZones: 'us-east-1a' }, /is the string "us-east-1a": specify a list of strings/],
  [
    'a Region',
    { availabilityZones: ['us-east-1'] },
    /"us-east-1" is not a zone: specify names .* or IDs such as use1-az1/,
  ],
  ['a Local Zone', { availabilityZones: ['us-east-1-bos-1a'] }, /"us-east-1-bos-1a" is not a zone/],
  [
    'a zone in another Region',
    { availabilityZones: ['us-west-2a'] },
    /"us-west-2a" is not in "us-east-1", the Region of the/,
  ],
  [
    'a mix of names and IDs',
    { availabilityZones: ['us-east-1a', 'use1-az2'] },
    /"us-east-1a, use1-az2" mixes names and IDs/,
  ],
  ['an undefined snapshot', { snapshot: undefined }, /snapshot is undefined: specify a snapshot construct/],
  [
    'a snapshot ID',
    { snapshot: SOURCE },
    /snapshot is the string "snap-0123456789abcdef0": specify a snapshot construct, such as Sn/,
  ],
  ['waiting as a string', { waitUntilEnabled: 'true' }, /waitUntilEnabled is the string "true"/],
  ['a timeout as a number', { timeout: 60 }, /timeout is the number 60: specify a Duration/],
  [
    'a short timeout',
    { timeout: Duration.seconds(599) },
    /timeout "599 seconds" is not allowed: specify 10 minutes to 48 hours/,
  ],
  ['a long timeout', { timeout: Duration.hours(49) }, /timeout "49 hours" is not allowed/],
])('%s is refused', (_, props, message) => {
  expect(() => fast(props as FastSnapshotRestoreProps)).toThrow(message);
});
