import { CfnParameter, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { ENV, SOURCE, newApp } from './stacks';

const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const OUTPOST = 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0123456789abcdef0';
const ZONE = 'us-east-1-bos-1a';
const keyArn = (region: string) => `arn:aws:kms:${region}:111122223333:key/${KEY_ID}`;
const manyTags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

type Case = Partial<SnapshotCopyProps> | ((stack: Stack) => Partial<SnapshotCopyProps>);

function declare(props: Case): () => SnapshotCopy {
  const stack = new Stack(newApp(), 'Stack', { env: ENV });
  const given = typeof props === 'function' ? props(stack) : props;
  return () => new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, ...given });
}

const importedKey = (region: string) => (stack: Stack) => kms.Key.fromKeyArn(stack, 'Key', keyArn(region));
const alias = (stack: Stack) => kms.Alias.fromAliasName(stack, 'Alias', 'alias/ebs');

const REFUSED: [what: string, props: Case, message: RegExp][] = [
  ['a volume ID', { sourceSnapshotId: 'vol-0123456789abcdef0' }, /"vol-0123456789abcdef0".*specify "snap-"/],
  ['an ID with capitals', { sourceSnapshotId: 'snap-0123456789ABCDEF0' }, /lower case/],
  ['an ID that is too short', { sourceSnapshotId: 'snap-0123456' }, /sourceSnapshotId "snap-0123456"/],
  ['an empty ID', { sourceSnapshotId: '' }, /sourceSnapshotId ""/],
  ['an invalid source Region', { sourceRegion: 'us-east' }, /sourceRegion "us-east" is not a Region/],
  ['a zone as Region', { destinationRegion: 'us-east-1a' }, /destinationRegion "us-east-1a" is not a Region/],
  ['the ID of an Outpost', { destinationOutpostArn: 'op-0123456789abcdef0' }, /"op-0123456789abcdef0" is not the ARN/],
  [
    'an Outpost with a short account',
    { destinationOutpostArn: OUTPOST.replace('111122223333', '1111') },
    /account of 12 digits/,
  ],
  [
    'an Outpost in another Region',
    { destinationOutpostArn: OUTPOST, destinationRegion: 'eu-west-1', sourceRegion: 'eu-west-1' },
    /is in "us-east-1", but the copy is in "eu-west-1"/,
  ],
  [
    'an Outpost in another partition',
    { destinationOutpostArn: OUTPOST.replace('arn:aws:', 'arn:aws-cn:') },
    /partition "aws-cn", but us-east-1 is in the partition "aws"/,
  ],
  [
    'an Outpost with a source in another Region',
    { destinationOutpostArn: OUTPOST, sourceRegion: 'eu-west-1' },
    /sourceRegion "eu-west-1" is not the Region of the Outpost/,
  ],
  [
    'an Outpost and a Local Zone',
    { destinationOutpostArn: OUTPOST, destinationAvailabilityZone: ZONE },
    /are mutually exclusive/,
  ],
  [
    'a Local Zone in another Region',
    { destinationAvailabilityZone: 'us-west-2-lax-1a' },
    /"us-west-2-lax-1a" is not a Local Zone of the destination Region "us-east-1"/,
  ],
  ['an ordinary zone', { destinationAvailabilityZone: 'us-east-1a' }, /"us-east-1a" is not a Local Zone/],
  ['a long description', { description: 'd'.repeat(256) }, /has 256 characters, but EC2 allows 255/],
  [
    'encrypted: false with a key',
    { encrypted: false, kmsKeyId: KEY_ID },
    /encrypted "false" cannot be combined with kmsKeyId, which encrypts the copy/,
  ],
  [
    'encrypted: false with a key construct',
    (stack) => ({ encrypted: false, kmsKey: importedKey('us-east-1')(stack) }),
    /encrypted "false" cannot be combined with kmsKey,/,
  ],
  [
    'two keys',
    (stack) => ({ kmsKey: importedKey('us-east-1')(stack), kmsKeyId: KEY_ID }),
    /kmsKey "Stack\/Key" and kmsKeyId/,
  ],
  ['an invalid key ID', { kmsKeyId: 'my-key' }, /kmsKeyId "my-key" is not a key: specify a key ID/],
  [
    'a key ARN with a short account',
    { kmsKeyId: keyArn('us-east-1').replace('111122223333', '1111') },
    /account of 12 digits/,
  ],
  ['a key ARN without a key ID', { kmsKeyId: 'arn:aws:kms:us-east-1:111122223333:key/my-key' }, /is not a key/],
  [
    'a key ARN in another Region',
    { kmsKeyId: keyArn('eu-west-1') },
    /kmsKeyId ".*" is in "eu-west-1", but the copy is in "us-east-1"/,
  ],
  ['an alias ARN in another Region', { kmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:alias/ebs' }, /is in "eu-west-1"/],
  [
    'a key ARN of another partition',
    { kmsKeyId: keyArn('us-east-1').replace('arn:aws:', 'arn:aws-us-gov:') },
    /partition "aws-us-gov"/,
  ],
  [
    'an imported key in another Region',
    (stack) => ({ kmsKey: importedKey('eu-west-1')(stack) }),
    /kmsKey "Stack\/Key" is in "eu-west-1", but the copy is in "us-east-1": specify a key in that Region/,
  ],
  [
    'a key of the stack for a copy in another Region',
    (stack) => ({ kmsKey: new kms.Key(stack, 'Own'), destinationRegion: 'eu-west-1' }),
    /kmsKey "Stack\/Own" is in "us-east-1"/,
  ],
  [
    'an alias name for a copy in another Region',
    (stack) => ({ kmsKey: alias(stack), destinationRegion: 'eu-west-1' }),
    /kmsKey "Stack\/Alias" is in "us-east-1", .*"eu-west-1": .* use kmsKeyId: 'alias\/ebs' instead/,
  ],
  [
    'an alias name for a source in another Region',
    (stack) => ({ sourceKmsKey: alias(stack), sourceRegion: 'eu-west-1' }),
    /sourceKmsKey "Stack\/Alias" .* use kms.Key.fromKeyArn\(this, 'Key', 'arn:PARTITION:kms:REGION:ACCOUNT:alias\/ebs'\)/,
  ],
  [
    'a malformed imported key',
    (stack) => ({ kmsKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:12:key/x') }),
    /kmsKey "arn:aws:kms:us-east-1:12:key\/x" is not the ARN of a key/,
  ],
  [
    'a source key in another Region',
    (stack) => ({ sourceKmsKey: importedKey('eu-west-1')(stack) }),
    /sourceKmsKey "Stack\/Key" is in "eu-west-1", but the source is in "us-east-1"/,
  ],
  [
    'a completion duration that is not a multiple of 15 minutes',
    { completionDuration: Duration.minutes(20) },
    /completionDuration "20 minutes".*15-minute increments/,
  ],
  ['a completion duration of zero', { completionDuration: Duration.minutes(0) }, /completionDuration "0 minutes"/],
  ['a completion duration over two days', { completionDuration: Duration.hours(49) }, /"49 hours" is not allowed/],
  [
    'a completion duration longer than the timeout',
    { completionDuration: Duration.minutes(90), timeout: Duration.hours(1) },
    /completionDuration "90 minutes" is longer than timeout "1 hour"/,
  ],
  [
    'a completion duration to an Outpost',
    { completionDuration: Duration.minutes(15), destinationOutpostArn: OUTPOST },
    /completionDuration and destinationOutpostArn are mutually exclusive/,
  ],
  [
    'a completion duration to a Local Zone',
    { completionDuration: Duration.minutes(15), destinationAvailabilityZone: ZONE },
    /completionDuration and destinationAvailabilityZone are mutually exclusive/,
  ],
  [
    'a timeout under a minute',
    { timeout: Duration.seconds(59) },
    /timeout "59 seconds" is not allowed: specify 1 minute to 48 hours, in whole seconds/,
  ],
  ['a timeout over two days', { timeout: Duration.days(3) }, /timeout "3 days"/],
  ['a timeout with half a second', { timeout: Duration.millis(90_500) }, /timeout "90500 millis".*whole seconds/],
  [
    'too many tags',
    { tags: manyTags(41) },
    /41 tags are too many: EC2 allows 50, of which the library reserves 10; remove 1/,
  ],
  ['an AWS tag', { tags: { 'AWS:x': 'v' } }, /tag key "AWS:x" begins with "aws:"/],
  ['a tag of the library', { tags: { 'cdk-ebs-snapshot-copy:x': 'v' } }, /begins with "cdk-ebs-snapshot-copy:"/],
  [
    'a tag of the library in capitals',
    { tags: { 'CDK-EBS-Snapshot-Copy:x': 'v' } },
    /"CDK-EBS-Snapshot-Copy:x" begins/,
  ],
  ['an empty tag key', { tags: { '': 'v' } }, /tag key "" has 0 characters/],
  ['a long tag key', { tags: { ['k'.repeat(129)]: 'v' } }, /has 129 characters, but EC2 allows 1 to 128/],
  ['a long tag value', { tags: { k: 'v'.repeat(257) } }, /of tag "k" has 257 characters, but EC2 allows 256/],
  [
    'RemovalPolicy.SNAPSHOT',
    { removalPolicy: RemovalPolicy.SNAPSHOT },
    /removalPolicy "snapshot".*RETAIN_ON_UPDATE_OR_DELETE/,
  ],
];
const ACCEPTED: [what: string, props: Case][] = [
  ['an old snapshot ID', { sourceSnapshotId: 'snap-01234567' }],
  ['an Outpost', { destinationOutpostArn: OUTPOST }],
  ['a Local Zone', { destinationAvailabilityZone: 'us-west-2-lax-1a', destinationRegion: 'us-west-2' }],
  ['a description at the limit', { description: 'd'.repeat(255) }],
  ['an empty description', { description: '' }],
  ['encrypted: true', { encrypted: true }],
  ['encrypted: false', { encrypted: false }],
  ['a key ID', { kmsKeyId: KEY_ID }],
  ['a multi-Region key ID', { kmsKeyId: 'mrk-0123456789abcdef0123456789abcdef' }],
  ['an alias', { kmsKeyId: 'alias/team/ebs' }],
  ['a key ARN', { kmsKeyId: keyArn('us-east-1') }],
  ['an alias ARN', { kmsKeyId: 'arn:aws:kms:us-east-1:444455556666:alias/ebs' }],
  [
    'a key in the copy’s Region',
    (stack) => ({ kmsKey: importedKey('eu-west-1')(stack), destinationRegion: 'eu-west-1' }),
  ],
  [
    'an alias ARN as the source key in another Region',
    (stack) => ({
      sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:alias/ebs'),
      sourceRegion: 'eu-west-1',
    }),
  ],
  [
    'a source key in the source Region',
    (stack) => ({ sourceKmsKey: importedKey('eu-west-1')(stack), sourceRegion: 'eu-west-1' }),
  ],
  ['the shortest completion duration', { completionDuration: Duration.minutes(15) }],
  [
    'a completion duration as long as the timeout',
    { completionDuration: Duration.minutes(45), timeout: Duration.minutes(45) },
  ],
  ['the shortest timeout', { timeout: Duration.minutes(1) }],
  ['the longest timeout', { timeout: Duration.hours(48) }],
  ['the longest completion duration', { completionDuration: Duration.hours(48) }],
  ['tags at the limits', { tags: { ...manyTags(39), ['k'.repeat(128)]: 'v'.repeat(256) } }],
  ['an empty tag value', { tags: { k: '' } }],
];

const TOKENS: [prop: keyof SnapshotCopyProps, value: (text: string, number: number) => unknown][] = [
  ['sourceSnapshotId', (text) => text],
  ['sourceRegion', (text) => text],
  ['destinationRegion', (text) => text],
  ['destinationOutpostArn', (text) => text],
  ['destinationAvailabilityZone', (text) => text],
  ['description', (text) => text.repeat(100)],
  ['kmsKeyId', (text) => `arn:aws:kms:${text}`],
  ['completionDuration', (_, number) => Duration.minutes(number)],
  ['timeout', (_, number) => Duration.seconds(number)],
  ['tags', (text) => ({ [`aws:${text}`]: text.repeat(100) })],
];

test.each(REFUSED)('%s is refused', (_, props, message) => {
  expect(declare(props)).toThrow(message);
});

test('the error names the construct and every invalid prop', () => {
  const bad = declare({ sourceSnapshotId: 'x', sourceRegion: 'y' });
  expect(bad).toThrow(/^Stack\/Copy: sourceSnapshotId "x".*\nStack\/Copy: sourceRegion "y"/);
});

test.each(ACCEPTED)('%s is accepted', (_, props) => {
  expect(declare(props)).not.toThrow();
});

test.each(TOKENS)('a token is accepted as %s', (prop, value) => {
  const withToken: Case = (stack) => {
    const parameter = new CfnParameter(stack, 'Parameter');
    return { [prop]: value(parameter.valueAsString, Token.asNumber(parameter.value)) };
  };
  expect(declare(withToken)).not.toThrow();
});

test('an unknown stack Region is not compared with anything', () => {
  const stack = new Stack(newApp(), 'Stack');
  const declareInAnyRegion = () =>
    new SnapshotCopy(stack, 'Copy', {
      sourceSnapshotId: SOURCE,
      kmsKey: kms.Key.fromKeyArn(stack, 'Key', keyArn('eu-west-1')),
      destinationAvailabilityZone: 'us-west-2-lax-1a',
    });
  expect(declareInAnyRegion).not.toThrow();
});
