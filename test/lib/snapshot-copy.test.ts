import { CfnParameter, Duration, RemovalPolicy, type Stack, Token } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { newStack, resourceOf, SOURCE, wiredBy } from './stacks';

const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

function copyWith(props: Partial<SnapshotCopyProps> = {}, id = 'Copy'): SnapshotCopy {
  return new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });
}

test('a copy with only a source sends both Regions and a timeout, and nothing else', () => {
  expect(wiredBy(copyWith())).toEqual({
    SourceSnapshotId: SOURCE,
    SourceRegion: 'us-east-1',
    DestinationRegion: 'us-east-1',
    TimeoutSeconds: '3000',
  });
});

test('every prop is sent as a string, and tags as a list', () => {
  const copy = copyWith({
    sourceRegion: 'us-west-2',
    destinationRegion: 'eu-west-1',
    description: 'nightly',
    encrypted: true,
    kmsKeyId: 'alias/dr',
    sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', KEY_ARN.replace('us-east-1', 'us-west-2')),
    completionDuration: Duration.minutes(15),
    tags: { team: 'storage', cost: 'low' },
    timeout: Duration.minutes(20),
    removalPolicy: RemovalPolicy.RETAIN,
  });
  expect(wiredBy(copy)).toEqual({
    SourceSnapshotId: SOURCE,
    SourceRegion: 'us-west-2',
    DestinationRegion: 'eu-west-1',
    Description: 'nightly',
    Encrypted: 'true',
    KmsKeyId: 'alias/dr',
    SourceKmsKeyArn: KEY_ARN.replace('us-east-1', 'us-west-2'),
    CompletionDurationMinutes: '15',
    Tags: [
      { Key: 'cost', Value: 'low' },
      { Key: 'team', Value: 'storage' },
    ],
    TimeoutSeconds: '1200',
    DeletionPolicy: 'Retain',
  });
});

test.each([
  ['destinationOutpostArn', 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0123456789abcdef0'],
  ['destinationAvailabilityZone', 'us-east-1-bos-1a'],
])('%s is sent', (prop, value) => {
  const name = prop.replace(/^d/, 'D');
  expect(wiredBy(copyWith({ [prop]: value }))).toMatchObject({ [name]: value });
});

test('an explicit default and an empty value are the same input as no value', () => {
  const explicit = { description: '', tags: {}, encrypted: false, removalPolicy: RemovalPolicy.DESTROY };
  const [a, b] = [copyWith(explicit, 'A'), copyWith({}, 'B')];
  expect(wiredBy(a)).toEqual(wiredBy(b));
});

test('a key is sent without Encrypted, because only the resolved token shows whether there is a key', () => {
  const key = kms.Key.fromKeyArn(stack, 'Key', KEY_ARN);
  const wired = wiredBy(copyWith({ kmsKey: key }));
  expect(wired).toMatchObject({ KmsKeyId: KEY_ARN });
  expect(wired).not.toHaveProperty('Encrypted');
});

test('a CfnKey is accepted as a key', () => {
  const key = new kms.CfnKey(stack, 'Key');
  expect(wiredBy(copyWith({ kmsKey: key }))).toMatchObject({ KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } });
});

test('a timeout that is a token is sent as a token', () => {
  const { valueAsNumber } = new CfnParameter(stack, 'Seconds', { type: 'Number' });
  expect(wiredBy(copyWith({ timeout: Duration.seconds(valueAsNumber) }))).toMatchObject({
    TimeoutSeconds: { Ref: 'Seconds' },
  });
});

test('a completionDuration that is a token is sent as a token', () => {
  const minutes = Token.asNumber(new CfnParameter(stack, 'Minutes').value);
  expect(wiredBy(copyWith({ completionDuration: Duration.minutes(minutes) }))).toMatchObject({
    CompletionDurationMinutes: { Ref: 'Minutes' },
  });
});

test('a copy’s environment has its destination Region', () => {
  expect(copyWith({ destinationRegion: 'eu-west-1' }).env).toEqual({ account: '111122223333', region: 'eu-west-1' });
  expect(copyWith({}, 'Here').env.region).toBe('us-east-1');
});

test('encryptionKey returns the key from the props', () => {
  const key = kms.Key.fromKeyArn(stack, 'Key', KEY_ARN);
  expect(copyWith({ kmsKey: key }).encryptionKey).toBe(key);
  expect(copyWith({ kmsKeyId: KEY_ARN }, 'ById').encryptionKey).toBeUndefined();
});

test.each([
  [Duration.minutes(1), '660'],
  [Duration.minutes(49), '3540'],
  [undefined, '3600'],
])('the service timeout is ten minutes longer than the timeout (%p)', (timeout, serviceTimeout) => {
  expect(resourceOf(copyWith({ timeout })).Properties).toMatchObject({ ServiceTimeout: serviceTimeout });
});
