import { Duration, Fn, Token } from 'aws-cdk-lib';
import { type LatestSource, SnapshotCopy, SnapshotCopyDryRun, type SnapshotCopyProps } from '../../lib';
import { sharedPolicy, allows, resourcesOf } from './policy-declarations';
import { ENV, newStack, SOURCE, templateOf, wiredBy } from './stacks';

const VOLUME = 'vol-0123456789abcdef0';
const OTHER_ACCOUNT = '999988887777';

const declare = (props: SnapshotCopyProps) => new SnapshotCopy(newStack(), 'Copy', props);
const latest = (latestSource: LatestSource, more: SnapshotCopyProps = {}) => declare({ latestSource, ...more });

test('the selector and the refresh text are sent to the handler, without a source', () => {
  const tags = { app: 'shop', env: 'prod' };
  const copy = latest(
    { volumeId: VOLUME, tags, owner: ENV.account, maxAge: Duration.days(2) },
    { refresh: 'build 7', sourceRegion: 'us-west-2' },
  );
  const wired = wiredBy(copy);
  expect(wired).toMatchObject({
    LatestSource: {
      VolumeId: VOLUME,
      Tags: [
        { Key: 'app', Value: 'shop' },
        { Key: 'env', Value: 'prod' },
      ],
      Owner: ENV.account,
      MaxAgeSeconds: '172800',
    },
    Refresh: 'build 7',
    SourceRegion: 'us-west-2',
  });
  expect(Object.keys(wired)).not.toEqual(expect.arrayContaining(['SourceSnapshotId', 'SourceOwner']));
});

test('an explicit default is the same as no value', () => {
  expect(wiredBy(latest({ volumeId: VOLUME, owner: 'self', tags: {} })).LatestSource).toEqual({ VolumeId: VOLUME });
});

test('a dry run also sends the latest source and the refresh text', () => {
  const dryRun = new SnapshotCopyDryRun(newStack(), 'DryRun', { latestSource: { volumeId: VOLUME }, refresh: '7' });
  expect(wiredBy(dryRun)).toMatchObject({ LatestSource: { VolumeId: VOLUME }, Refresh: '7' });
});

test('the same declaration synthesizes the same bytes on another day', () => {
  const bytes = () => JSON.stringify(templateOf(latest({ volumeId: VOLUME, maxAge: Duration.hours(1) }).stack));
  const before = bytes();
  jest.useFakeTimers({ now: Date.now() + 86_400_000 });
  expect(bytes()).toBe(before);
  jest.useRealTimers();
});

test.each([
  [undefined, '111122223333'],
  ['self', '111122223333'],
  [OTHER_ACCOUNT, OTHER_ACCOUNT],
])('with the owner %s, the handler may copy snapshots of account %s', (owner, account) => {
  const policy = sharedPolicy(1, () => ({ sourceSnapshotId: undefined, latestSource: { volumeId: VOLUME, owner } }));
  const [from] = allows(policy, 'ec2:CopySnapshot').filter(({ Condition }) => !Condition?.StringEquals);
  expect(resourcesOf(from)).toEqual(['arn:aws-us-gov:ec2:*::snapshot/snap-*']);
  expect(from?.Condition).toEqual({ StringEqualsIfExists: { 'ec2:Owner': account } });
});

const bad = (latestSource: unknown): SnapshotCopyProps => ({ latestSource: latestSource as LatestSource });

test.each<[what: string, props: SnapshotCopyProps, message: RegExp]>([
  ['a missing source', {}, /sourceSnapshotId is undefined: specify a string .*, or specify latestSource/],
  [
    'a source with latestSource',
    { sourceSnapshotId: SOURCE, latestSource: { volumeId: VOLUME } },
    /sourceSnapshotId "snap-0123456789abcdef0" and latestSource are mutually exclusive: remove one/,
  ],
  [
    'sourceOwner with latestSource',
    { latestSource: { volumeId: VOLUME }, sourceOwner: OTHER_ACCOUNT },
    /sourceOwner "999988887777" and latestSource are mutually exclusive: specify latestSource.owner instead/,
  ],
  [
    'a refresh without latestSource',
    { sourceSnapshotId: SOURCE, refresh: '1' },
    /refresh "1" has an effect only with latestSource/,
  ],
  ['an empty refresh', { latestSource: { volumeId: VOLUME }, refresh: '' }, /refresh is empty: specify any text/],
  ['a selector without criteria', bad({}), /latestSource matches every snapshot: specify volumeId or tags/],
  ['a selector with empty tags', bad({ tags: {} }), /latestSource matches every snapshot: specify volumeId or tags/],
  ['an invalid volume ID', bad({ volumeId: SOURCE }), /latestSource.volumeId "snap-0123456789abcdef0" is not a/],
  [
    'an owner that is an alias',
    bad({ volumeId: VOLUME, owner: 'amazon' }),
    /latestSource.owner "amazon" is not an account/,
  ],
  [
    'tags of another account’s snapshots',
    bad({ tags: { a: 'b' }, owner: OTHER_ACCOUNT }),
    /latestSource.owner "999988887777" and latestSource.tags are mutually exclusive/,
  ],
  [
    'a maximum age of zero',
    bad({ volumeId: VOLUME, maxAge: Duration.seconds(0) }),
    /latestSource.maxAge "0 seconds" is not allowed/,
  ],
  [
    'a maximum age of 1.5 seconds',
    bad({ volumeId: VOLUME, maxAge: Duration.millis(1500) }),
    /latestSource.maxAge "1500 millis" is not allowed: specify whole seconds, at least 1/,
  ],
  ['a string as selector', bad(VOLUME), /latestSource is the string "vol-0123456789abcdef0": specify an object/],
  ['a list as tags', bad({ tags: ['a'] }), /latestSource.tags is a list: specify an object/],
  ['a tag without a value', bad({ tags: { a: undefined } }), /latestSource: the value of tag "a" is undefined/],
  [
    'a number as maximum age',
    bad({ volumeId: VOLUME, maxAge: 60 }),
    /latestSource.maxAge is the number 60: specify a Duration/,
  ],
  [
    'a number as refresh',
    { ...bad({ volumeId: VOLUME }), refresh: 7 as never },
    /refresh is the number 7: specify a string/,
  ],
])('%s is refused', (_, props, message) => {
  expect(() => declare(props)).toThrow(message);
});

test.each<[what: string, latestSource: LatestSource, refresh?: string]>([
  ['a token as volume', { volumeId: Fn.importValue('Volume') }],
  ['tokens as tags', { tags: { [Fn.ref('AWS::StackName')]: Fn.ref('AWS::Region') } }],
  ['a token as owner', { tags: { a: 'b' }, owner: Fn.importValue('Account') }],
  ['a token as age', { volumeId: VOLUME, maxAge: Duration.seconds(Token.asNumber(Fn.importValue('Age'))) }],
  ['a token as refresh', { volumeId: VOLUME }, Fn.importValue('Build')],
  ['an old volume ID', { volumeId: 'vol-01234567' }],
  ['an empty tag value', { tags: { a: '' } }],
])('%s is accepted', (_, latestSource, ...[refresh]) => {
  expect(() => templateOf(latest(latestSource, { refresh }).stack)).not.toThrow();
});
