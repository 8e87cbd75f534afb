// Values that are looked up. In the first pass, they are placeholders that validation would refuse. The CDK CLI looks them
// up and runs the app again.
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import {
  FastSnapshotRestore,
  SnapshotCopy,
  SnapshotCopyDryRun,
  type SnapshotCopyProps,
  SnapshotCopyProvider,
  SnapshotLock,
} from '../../lib';
import { ENV, SOURCE } from './stacks';

const KEY = `ssm:account=${ENV.account}:parameterName=/looked/up:region=${ENV.region}`;

/** Runs an app as the CDK CLI does: first without the looked-up values, and then with them. */
function run(declare: (stack: Stack, value: string) => void, lookedUp?: string): () => string[] {
  return () => {
    const context = lookedUp === undefined ? {} : { [KEY]: lookedUp };
    const app = new App({ context, builtinCloudFormationValidation: false });
    const stack = new Stack(app, 'Stack', { env: ENV });
    declare(stack, ssm.StringParameter.valueFromLookup(stack, '/looked/up'));
    return (app.synth().manifest.missing ?? []).map(({ provider }) => provider as string);
  };
}

const copyWith = (stack: Stack, props: Partial<SnapshotCopyProps>) =>
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, ...props });

const PROPS: [string, (value: string) => Partial<SnapshotCopyProps>, bad: string, message: RegExp][] = [
  ['sourceSnapshotId', (sourceSnapshotId) => ({ sourceSnapshotId }), 'ami-1', /sourceSnapshotId "ami-1" is not a sn/],
  ['sourceOwner', (sourceOwner) => ({ sourceOwner }), 'me', /sourceOwner "me" is not an account ID/],
  ['sourceRegion', (sourceRegion) => ({ sourceRegion }), 'home', /sourceRegion "home" is not a Region/],
  ['destinationRegion', (destinationRegion) => ({ destinationRegion }), 'away', /destinationRegion "away" is not a/],
  ['kmsKeyId', (kmsKeyId) => ({ kmsKeyId }), 'key', /kmsKeyId "key" is not a key/],
  [
    'destinationOutpostArn',
    (destinationOutpostArn) => ({ destinationOutpostArn }),
    'op-1',
    /destinationOutpostArn "op-1" is not the ARN/,
  ],
  [
    'destinationAvailabilityZone',
    (destinationAvailabilityZone) => ({ destinationAvailabilityZone }),
    'bos',
    /"bos" is not a Local Zone/,
  ],
  ['description', (value) => ({ description: value.repeat(20) }), 'd'.repeat(20), /has 400 characters/],
  ['tags', (value) => ({ tags: { team: value.repeat(20) } }), 'v'.repeat(20), /of tag "team" has 400 characters/],
  ['timeout', (value) => ({ timeout: Duration.minutes(Number(value)) }), '0', /timeout "0 minutes" is not allowed/],
  [
    'completionDuration',
    (value) => ({ completionDuration: Duration.minutes(Number(value)) }),
    '7',
    /completionDuration "7 minutes" is not allowed/,
  ],
  ['shareWith', (value) => ({ shareWith: value.split(',') }), 'all', /shareWith "all" is not an account ID/],
];

describe.each(PROPS)('%s', (_, props, bad, message) => {
  const declare = (stack: Stack, value: string) => copyWith(stack, props(value));

  test('may be a placeholder in the first pass, which reports what to look up', () => {
    expect(run(declare)()).toEqual(['ssm']);
  });

  test('is refused by name in the second pass if the looked-up value is invalid', () => {
    expect(run(declare, bad)).toThrow(message);
  });
});

test.each<[string, (stack: Stack, value: string) => void, bad: string, message: RegExp]>([
  [
    'a dry run',
    (stack, sourceSnapshotId) => new SnapshotCopyDryRun(stack, 'DryRun', { sourceSnapshotId }),
    'x',
    /sourceSnapshotId "x"/,
  ],
  ['an import', (stack, id) => SnapshotCopy.fromSnapshotId(stack, 'Import', id), 'x', /snapshotId "x" is not a/],
  [
    'a fast restore zone',
    (stack, zone) => {
      const snapshot = SnapshotCopy.fromSnapshotId(stack, 'Import', SOURCE);
      new FastSnapshotRestore(stack, 'Fast', { snapshot, availabilityZones: [zone] });
    },
    'x',
    /availabilityZones "x" is not a zone/,
  ],
  [
    'the latest source',
    (stack, volumeId) => new SnapshotCopy(stack, 'Copy', { latestSource: { volumeId } }),
    'x',
    /latestSource.volumeId "x"/,
  ],
  [
    'a setting',
    (stack, value) => {
      SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: Number(value) });
      copyWith(stack, {});
    },
    '0',
    /maxConcurrentCopies "0" is not allowed/,
  ],
  [
    'the duration of a lock',
    (stack, value) => {
      copyWith(stack, { lock: SnapshotLock.governance(Duration.days(Number(value))) }).applyRemovalPolicy(
        'retain' as never,
      );
    },
    '0',
    /duration "0 days" of lock/,
  ],
])('%s may be a placeholder in the first pass, and is validated in the second', (_, declare, bad, message) => {
  expect(run(declare)()).toEqual(['ssm']);
  expect(run(declare, bad)).toThrow(message);
});

test('a missing source is refused even in the first pass, because no lookup can provide it', () => {
  const declare = (stack: Stack) => copyWith(stack, { sourceSnapshotId: undefined });
  expect(run(declare)).toThrow(/sourceSnapshotId is undefined/);
});
