import { Annotations as CdkAnnotations, Aws, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { ENV, newApp, SOURCE } from './stacks';

const ACCOUNT = ENV.account;
const UNKNOWN = 'cdk-ebs-snapshot-copy:unknownRegion';

function copyIn(region: string | undefined, props: Partial<SnapshotCopyProps>): SnapshotCopy {
  const stack = new Stack(newApp(), 'Stack', { env: { account: ACCOUNT, region } });
  return new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, ...props });
}

function warningsOf(copy: SnapshotCopy): string[] {
  const found = Annotations.fromStack(Stack.of(copy)).findWarning('*', Match.stringLikeRegexp(UNKNOWN));
  return found.map(({ id, entry }) => `${id}: ${entry.data as string}`);
}

const REGIONS = [
  'us-gov-west-1',
  'us-gov-east-1',
  'cn-north-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'eusc-de-east-1',
  'il-central-1',
  'ap-southeast-5',
];

test.each(REGIONS)('the Region %s is accepted in its own partition, without a warning', (region) => {
  const regions = { sourceRegion: region, destinationRegion: region };
  expect(warningsOf(copyIn(region, regions))).toEqual([]);
  expect(warningsOf(copyIn(undefined, regions))).toEqual([]);
});

const ELSEWHERE: [string, string | undefined, Partial<SnapshotCopyProps>, RegExp][] = [
  [
    'a source outside the stack’s partition',
    'us-east-1',
    { sourceRegion: 'us-gov-west-1' },
    /^Stack\/Copy: sourceRegion "us-gov-west-1" is in the partition "aws-us-gov", but "us-east-1" is in the partition "aws": EC2 copies only within a partition$/,
  ],
  ['a copy in another partition', 'us-east-1', { destinationRegion: 'cn-north-1' }, /destinationRegion "cn-north-1"/],
  [
    'a copy outside its source’s partition, in a stack whose Region is a token',
    undefined,
    { sourceRegion: 'us-east-1', destinationRegion: 'eusc-de-east-1' },
    /destinationRegion "eusc-de-east-1" is in the partition "aws-eusc", but "us-east-1" is in the partition "aws"/,
  ],
  [
    'a source and its copy outside the stack’s partition',
    'cn-north-1',
    { sourceRegion: 'us-east-1', destinationRegion: 'eu-west-1' },
    /sourceRegion "us-east-1".*\n.*destinationRegion "eu-west-1"/,
  ],
];

test.each(ELSEWHERE)('%s is refused', (_, region, props, message) => {
  expect(() => copyIn(region, props)).toThrow(message);
});

test('a single Region is not compared in a stack whose Region is a token', () => {
  expect(() => copyIn(undefined, { destinationRegion: 'cn-north-1' })).not.toThrow();
});

test('a token as Region is not compared, and causes no warning', () => {
  const regions = { sourceRegion: Aws.REGION, destinationRegion: '{{resolve:ssm:/region}}' };
  expect(warningsOf(copyIn('us-east-1', regions))).toEqual([]);
});

test.each(['sourceRegion', 'destinationRegion'])('a %s that the CDK does not know causes a warning', (prop) => {
  const copy = copyIn('us-east-1', { [prop]: 'eu-west-9' });
  expect(warningsOf(copy)).toEqual([
    `/Stack/Copy: The CDK does not know ${prop} "eu-west-9": check its spelling, or acknowledge this warning if the Region is ` +
      `new. [ack: ${UNKNOWN}]`,
  ]);
});

test('the warning about a new Region can be acknowledged', () => {
  const copy = copyIn('us-east-1', { sourceRegion: 'eu-west-9' });
  CdkAnnotations.of(Stack.of(copy)).acknowledgeWarning(UNKNOWN);
  expect(warningsOf(copy)).toEqual([]);
});
