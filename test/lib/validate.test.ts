import { App, CfnParameter, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';

const SOURCE = 'snap-0123456789abcdef0';
const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const OUTPOST = 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0123456789abcdef0';
const keyArn = (region: string) => `arn:aws:kms:${region}:111122223333:key/${KEY_ID}`;
const manyTags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

type Case = Partial<SnapshotCopyProps> | ((stack: Stack) => Partial<SnapshotCopyProps>);

function declare(props: Case): () => SnapshotCopy {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'us-east-1' } });
  const given = typeof props === 'function' ? props(stack) : props;
  return () => new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, ...given });
}

const importedKey = (region: string) => (stack: Stack) => kms.Key.fromKeyArn(stack, 'Key', keyArn(region));

const REFUSED: [what: string, props: Case, message: RegExp][] = [
  [
    'an id that is none',
    { sourceSnapshotId: 'vol-0123456789abcdef0' },
    /sourceSnapshotId "vol-0123456789abcdef0".*give "snap-"/,
  ],
  ['an id with capitals', { sourceSnapshotId: 'snap-0123456789ABCDEF0' }, /lower case/],
  ['an id that is too short', { sourceSnapshotId: 'snap-0123456' }, /sourceSnapshotId "snap-0123456"/],
  ['an empty id', { sourceSnapshotId: '' }, /sourceSnapshotId ""/],
  ['a source Region that is none', { sourceRegion: 'us-east' }, /sourceRegion "us-east" is not a Region/],
  ['a zone for a Region', { destinationRegion: 'us-east-1a' }, /destinationRegion "us-east-1a" is not a Region/],
  [
    'an Outpost id for its ARN',
    { destinationOutpostArn: 'op-0123456789abcdef0' },
    /"op-0123456789abcdef0" is not the ARN/,
  ],
  [
    'an Outpost with a short account',
    { destinationOutpostArn: OUTPOST.replace('111122223333', '1111') },
    /account of 12 digits/,
  ],
  [
    'an Outpost of another Region',
    { destinationOutpostArn: OUTPOST, destinationRegion: 'eu-west-1', sourceRegion: 'eu-west-1' },
    /is in "us-east-1", the copy in "eu-west-1"/,
  ],
  [
    'an Outpost of another partition',
    { destinationOutpostArn: OUTPOST.replace('arn:aws:', 'arn:aws-cn:') },
    /partition "aws-cn": the one of us-east-1 is "aws"/,
  ],
  [
    'an Outpost with a source elsewhere',
    { destinationOutpostArn: OUTPOST, sourceRegion: 'eu-west-1' },
    /sourceRegion "eu-west-1" is not the Region of the Outpost/,
  ],
  [
    'an Outpost and a Local Zone',
    { destinationOutpostArn: OUTPOST, destinationAvailabilityZone: 'us-east-1-bos-1a' },
    /exclude each other/,
  ],
  [
    'a Local Zone elsewhere',
    { destinationAvailabilityZone: 'us-west-2-lax-1a' },
    /"us-west-2-lax-1a" is not a Local Zone of the destination Region "us-east-1"/,
  ],
  ['a usual zone', { destinationAvailabilityZone: 'us-east-1a' }, /"us-east-1a" is not a Local Zone/],
  ['a long description', { description: 'd'.repeat(256) }, /has 256 characters: EC2 takes 255/],
  ['encrypted: false', { encrypted: false }, /encrypted "false".*no way to decrypt/],
  [
    'two keys',
    (stack) => ({ kmsKey: importedKey('us-east-1')(stack), kmsKeyId: KEY_ID }),
    /kmsKey "Stack\/Key" and kmsKeyId/,
  ],
  ['a key id that is none', { kmsKeyId: 'my-key' }, /kmsKeyId "my-key" is not a key: give a key id/],
  [
    'a key ARN with a short account',
    { kmsKeyId: keyArn('us-east-1').replace('111122223333', '1111') },
    /account of 12 digits/,
  ],
  ['a key ARN without a key id', { kmsKeyId: 'arn:aws:kms:us-east-1:111122223333:key/my-key' }, /is not a key/],
  [
    'a key ARN elsewhere',
    { kmsKeyId: keyArn('eu-west-1') },
    /kmsKeyId ".*" is in "eu-west-1", the copy in "us-east-1"/,
  ],
  ['an alias ARN elsewhere', { kmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:alias/ebs' }, /is in "eu-west-1"/],
  [
    'a key ARN of another partition',
    { kmsKeyId: keyArn('us-east-1').replace('arn:aws:', 'arn:aws-us-gov:') },
    /partition "aws-us-gov"/,
  ],
  [
    'an imported key elsewhere',
    (stack) => ({ kmsKey: importedKey('eu-west-1')(stack) }),
    /kmsKey "Stack\/Key" is in "eu-west-1", the copy in "us-east-1"/,
  ],
  [
    'a key of the stack for a copy elsewhere',
    (stack) => ({ kmsKey: new kms.Key(stack, 'Own'), destinationRegion: 'eu-west-1' }),
    /kmsKey "Stack\/Own" is in "us-east-1"/,
  ],
  [
    'a malformed imported key',
    (stack) => ({ kmsKey: kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:12:key/x') }),
    /kmsKey "arn:aws:kms:us-east-1:12:key\/x" is not the ARN of a key/,
  ],
  [
    'a source key elsewhere',
    (stack) => ({ sourceKmsKey: importedKey('eu-west-1')(stack) }),
    /sourceKmsKey "Stack\/Key" is in "eu-west-1", the source snapshot in "us-east-1"/,
  ],
  [
    'a completion duration off the grid',
    { completionDuration: Duration.minutes(20) },
    /completionDuration "20 minutes".*steps of 15/,
  ],
  ['a completion duration of nothing', { completionDuration: Duration.minutes(0) }, /completionDuration "0 minutes"/],
  [
    'a completion duration over two days',
    { completionDuration: Duration.minutes(2895) },
    /"2895 minutes" is not possible/,
  ],
  [
    'a completion duration over the timeout',
    { completionDuration: Duration.minutes(30), timeout: Duration.minutes(20) },
    /longer than timeout, 20 minutes/,
  ],
  [
    'a completion duration to an Outpost',
    { completionDuration: Duration.minutes(15), destinationOutpostArn: OUTPOST },
    /does not go with destinationOutpostArn/,
  ],
  [
    'a completion duration to a Local Zone',
    { completionDuration: Duration.minutes(15), destinationAvailabilityZone: 'us-east-1-bos-1a' },
    /does not go with destinationAvailabilityZone/,
  ],
  [
    'a timeout under a minute',
    { timeout: Duration.seconds(59) },
    /timeout "59 seconds" is out of range: give 1 minute to 48 hours, in whole seconds/,
  ],
  ['a timeout over two days', { timeout: Duration.seconds(172_801) }, /timeout "172801 seconds"/],
  ['a timeout with a fraction', { timeout: Duration.millis(90_500) }, /timeout "90.5 seconds".*whole seconds/],
  [
    'too many tags',
    { tags: manyTags(46) },
    /46 tags are too many: EC2 takes 50, of which the construct needs 5.*take 1 away/,
  ],
  ['a tag of AWS', { tags: { 'AWS:x': 'v' } }, /tag key "AWS:x" begins with "aws:"/],
  ['a tag of the construct', { tags: { 'cdk-ebs-snapshot-copy:retain': 'v' } }, /begins with "cdk-ebs-snapshot-copy:"/],
  ['an empty tag key', { tags: { '': 'v' } }, /tag key "" has 0 characters/],
  ['a long tag key', { tags: { ['k'.repeat(129)]: 'v' } }, /has 129 characters: EC2 takes 1 to 128/],
  ['a long tag value', { tags: { k: 'v'.repeat(257) } }, /of tag "k" has 257 characters: EC2 takes 256/],
  [
    'RemovalPolicy.SNAPSHOT',
    { removalPolicy: RemovalPolicy.SNAPSHOT },
    /removalPolicy "snapshot".*RETAIN_ON_UPDATE_OR_DELETE/,
  ],
];

const ACCEPTED: [what: string, props: Case][] = [
  ['an old snapshot id', { sourceSnapshotId: 'snap-01234567' }],
  ...[
    'us-gov-west-1',
    'ap-southeast-2',
    'eu-isoe-west-1',
    'cn-north-1',
    'us-isob-east-1',
    'eusc-de-east-1',
    'il-central-1',
  ].map((region): [string, Case] => [`the Region ${region}`, { sourceRegion: region, destinationRegion: region }]),
  ['an Outpost', { destinationOutpostArn: OUTPOST }],
  ['a Local Zone', { destinationAvailabilityZone: 'us-west-2-lax-1a', destinationRegion: 'us-west-2' }],
  ['a description at the limit', { description: 'd'.repeat(255) }],
  ['an empty description', { description: '' }],
  ['encrypted: true', { encrypted: true }],
  ['a key id', { kmsKeyId: KEY_ID }],
  ['a multi-Region key id', { kmsKeyId: 'mrk-0123456789abcdef0123456789abcdef' }],
  ['an alias', { kmsKeyId: 'alias/team/ebs' }],
  ['a key ARN', { kmsKeyId: keyArn('us-east-1') }],
  ['an alias ARN', { kmsKeyId: 'arn:aws:kms:us-east-1:444455556666:alias/ebs' }],
  [
    'a key elsewhere for a copy there',
    (stack) => ({ kmsKey: importedKey('eu-west-1')(stack), destinationRegion: 'eu-west-1' }),
  ],
  [
    'a source key in the source Region',
    (stack) => ({ sourceKmsKey: importedKey('eu-west-1')(stack), sourceRegion: 'eu-west-1' }),
  ],
  ['the least completion duration', { completionDuration: Duration.minutes(15) }],
  [
    'a completion duration as long as the timeout',
    { completionDuration: Duration.minutes(45), timeout: Duration.minutes(45) },
  ],
  ['the least timeout', { timeout: Duration.minutes(1) }],
  ['the longest timeout', { timeout: Duration.hours(48) }],
  ['the longest completion duration', { completionDuration: Duration.hours(48) }],
  ['tags at the limits', { tags: { ...manyTags(44), ['k'.repeat(128)]: 'v'.repeat(256) } }],
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

describe('bad input fails at synthesis', () => {
  test.each(REFUSED)('%s is refused with the value and what to do', (_, props, message) => {
    expect(declare(props)).toThrow(message);
  });

  test('the error names the construct and every bad prop', () => {
    const bad = declare({ sourceSnapshotId: 'x', sourceRegion: 'y' });
    expect(bad).toThrow(/^Stack\/Copy: sourceSnapshotId "x".*\nStack\/Copy: sourceRegion "y"/);
  });
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

test('nothing is compared with the Region of a stack that has none', () => {
  const stack = new Stack(new App(), 'Stack');
  const declareInAnyRegion = () =>
    new SnapshotCopy(stack, 'Copy', {
      sourceSnapshotId: SOURCE,
      kmsKey: kms.Key.fromKeyArn(stack, 'Key', keyArn('eu-west-1')),
      destinationAvailabilityZone: 'us-west-2-lax-1a',
    });
  expect(declareInAnyRegion).not.toThrow();
});
