import { TAG, type LatestSourceProperties } from '../../lib/contract';
import type { Copy } from '../../lambda/copies';
import { CallError, Ended, Failure } from '../../lambda/failure';
import {
  copyFailed,
  deletedExternally,
  describeCopy,
  describeRequest,
  hasEnded,
  inUnknownState,
  isKeyFailure,
  lostTags,
  neverStarted,
  notAskedFor,
  notDeleted,
  tookTooLong,
  toFailure,
} from '../../lambda/reasons';
import { AwsError } from '../../local-aws/faults';
import { copyFor, HANDLE, requestFor } from './requests';

const ID = 'snap-0fedcba9876543210';
const COPY = 'copy of snap-0123456789abcdef0 from us-east-1 to eu-west-1';
const DRY_RUN = { ResourceType: 'Custom::SnapshotCopyDryRun' };

const failed = (StateMessage?: string): Copy => copyFor(requestFor(), { state: 'error', snapshot: { StateMessage } });

test('a copy is described by its source and its Regions', () => {
  expect(describeCopy(requestFor())).toBe(COPY);
});

test('a copy of the latest source is described by the selector, and by the source that was found', () => {
  const latest = (LatestSource: LatestSourceProperties, found?: string): string =>
    describeCopy(requestFor({ SourceSnapshotId: undefined, LatestSource }), found);
  const tags = [
    { Key: 'app', Value: 'shop' },
    { Key: 'env', Value: 'prod' },
  ];
  const to = 'from us-east-1 to eu-west-1';
  expect(latest({ VolumeId: 'vol-1' })).toBe(`copy of the latest snapshot of volume vol-1 ${to}`);
  expect(latest({ Tags: tags.slice(1) })).toBe(`copy of the latest snapshot with tag env=prod ${to}`);
  expect(latest({ VolumeId: 'vol-1', Tags: tags, Owner: '999900001111' }, ID)).toBe(
    `copy of ${ID} (the latest snapshot of volume vol-1 with tags app=shop, env=prod of account 999900001111) ${to}`,
  );
});

describe('a copy that failed', () => {
  const keys = (names: string): string =>
    `check that each key (${names}) is enabled and that its key policy lets this account’s IAM policies apply (kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)`;

  test('because of a key names both keys, and what their policies must allow', () => {
    const request = requestFor({ KmsKeyId: 'alias/mine', SourceKmsKeyArn: 'arn:source' });
    expect(copyFailed(request, failed('Given key ID is not accessible')).message).toBe(
      `${COPY} failed: EC2 says of ${ID} "Given key ID is not accessible"; ${keys('alias/mine in eu-west-1, arn:source in us-east-1')}`,
    );
  });

  test('because of an undeclared key names the account’s default key', () => {
    expect(copyFailed(requestFor(), failed('KMS Key is disabled')).message).toContain(
      keys('the account’s default EBS key in eu-west-1'),
    );
  });

  test('for another reason advises checking the source', () => {
    const advice =
      'check that the source still exists in us-east-1, is completed, and is still shared with this account, then deploy again';
    expect(copyFailed(requestFor(), failed('Internal fault')).message).toBe(
      `${COPY} failed: EC2 says of ${ID} "Internal fault"; ${advice}`,
    );
    expect(copyFailed(requestFor(), failed()).message).toBe(
      `${COPY} failed: EC2 says of ${ID} "no reason given"; ${advice}`,
    );
  });

  test.each([
    ['Given key ID is not accessible', true],
    ['KMS Key is disabled', true],
    ['The monkey is not accessible', false],
    ['The keyring is not accessible', false],
    [undefined, false],
  ])('with the message "%s" failed because of a key: %s', (message, expected) => {
    expect(isKeyFailure(failed(message))).toBe(expected);
    expect(copyFailed(requestFor(), failed(message)).message.includes('check that each key')).toBe(expected);
  });
});

describe('a copy that took too long', () => {
  const progress = (Progress?: string): Copy => copyFor(requestFor(), { state: 'pending', snapshot: { Progress } });

  test('says how far it got', () => {
    const request = requestFor({ TimeoutSeconds: '600' });
    const end = 'after 10 minutes; raise "timeout" (now 10 minutes), or set "completionDuration" for a faster copy';
    expect(tookTooLong(request, progress('40%')).message).toBe(`${COPY} was 40% done ${end}`);
    expect(tookTooLong(request, progress('')).message).toBe(`${COPY} had barely begun ${end}`);
    expect(tookTooLong(request, progress()).message).toBe(`${COPY} had barely begun ${end}`);
  });

  test.each([
    ['60', '1 minute'],
    ['90', '1.5 minutes'],
    ['3000', '50 minutes'],
    ['172740', '2879 minutes'],
  ])('after %s s says "%s"', (TimeoutSeconds, minutes) => {
    const { message } = tookTooLong(requestFor({ TimeoutSeconds }), progress('1%'));
    expect(message).toContain(`was 1% done after ${minutes}; raise "timeout" (now ${minutes}), or set`);
  });

  test.each([
    ['600', undefined, 'raise "timeout" (now 10 minutes), or set "completionDuration" for a faster copy'],
    ['600', '15', 'raise "timeout" (now 10 minutes)'],
    ['172800', undefined, 'set "completionDuration" for a faster copy'],
    ['172800', '15', 'deploy again when the Region is less busy'],
  ])(
    'advises what can still be changed, with a timeout of %s s and a completion duration of %s min: %s',
    (TimeoutSeconds, CompletionDurationMinutes, advice) => {
      const { message } = tookTooLong(requestFor({ TimeoutSeconds, CompletionDurationMinutes }), progress('1%'));
      expect(message.split('; ').at(-1)).toBe(advice);
    },
  );
});

describe('a copy that was never started', () => {
  test('gives the reason, and advises waiting longer', () => {
    expect(neverStarted(requestFor({ TimeoutSeconds: '600' }), 'no room').message).toBe(
      `${COPY} could not be started within 10 minutes: no room; raise "timeout" (now 10 minutes), or set "completionDuration" for a faster copy`,
    );
  });

  test('in a dry run, which has no timeout to raise, advises deploying again', () => {
    expect(neverStarted(requestFor({}, DRY_RUN), 'no room').message).toBe(
      `${COPY} could not be started within 10 minutes: no room; deploy again`,
    );
  });
});

test('a copy in an unknown state names the state, and advises waiting for completion', () => {
  expect(inUnknownState(requestFor(), copyFor(requestFor(), { state: 'recovering' })).message).toBe(
    `${COPY}: ${ID} in eu-west-1 was in state "recovering" after 50 minutes; wait until it is completed, then deploy again`,
  );
});

test('a copy that somebody else deleted is named', () => {
  expect(deletedExternally(requestFor(), ID).message).toBe(
    `${COPY}: ${ID} was deleted by somebody else before it was completed; find out who, then deploy again`,
  );
});

test('a copy that lost its tags names the tags to restore', () => {
  const { stack, resource, inputs, handle, source } = TAG;
  expect(lostTags(copyFor(requestFor())).message).toBe(
    `${ID} in eu-west-1 does not carry the tags that make it this resource’s copy (${[stack, resource, inputs, handle, source].join(', ')}), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );
});

describe('a copy that cannot be deleted quotes EC2, and', () => {
  const LOCKED = new AwsError('SnapshotLocked', 'The snapshot is locked.');
  const DENIED = new AwsError('UnauthorizedOperation', 'No.', 403);
  const HOLDERS = 'deregister the AMI, unlock the snapshot, or release what else holds it';

  test.each<[string, Error, string | undefined, string]>([
    ['advises unlocking it', LOCKED, 'governance', 'its lock is in state governance: unlock it'],
    ['advises unlocking it', LOCKED, 'compliance-cooloff', 'its lock is in state compliance-cooloff: unlock it'],
    ['names what may hold it', LOCKED, undefined, HOLDERS],
    ['names what may hold it', LOCKED, 'expired', HOLDERS],
    ['names policies to check', DENIED, undefined, 'check the policies, boundaries and key policies that apply to'],
  ])('%s: %s, with a lock in state %s', (_, error, lock, advice) => {
    const what = `${ID} in eu-west-1 could not be deleted: ${error.name}: ${error.message}; `;
    const { message } = notDeleted(copyFor(requestFor()), error, lock);
    expect(message.startsWith(what + advice)).toBe(true);
    expect(message.endsWith(', then delete again')).toBe(true);
  });
});

test('a request that nobody is waiting for says so', () => {
  expect(hasEnded(COPY)).toEqual(
    new Ended(`the stack operation that requested the ${COPY} has ended, or already has its answer`),
  );
});

test('a Delete that nobody asked for says so', () => {
  expect(notAskedFor(requestFor({}, { RequestType: 'Delete' }))).toEqual(
    new Ended(`the stack is idle, so CloudFormation did not request the deletion of ${HANDLE}`),
  );
});

describe('the error message that the user reads', () => {
  const read = (error: unknown, more = {}): string =>
    toFailure(error, describeRequest(requestFor({}, more)), 'eu-west-1', 'handler-logs').message;
  const LIMIT = new AwsError('SnapshotLimitExceeded', 'Limit reached.');
  const WHERE = ' (log group handler-logs)';

  test('contains the reason for a failure, and the log group', () => {
    expect(read(new Failure('what happened; what to do'))).toBe('what happened; what to do (log group handler-logs)');
  });

  test('contains the copy, the AWS error, and the Region of the call', () => {
    const what = `${COPY}: SnapshotLimitExceeded: Limit reached. in`;
    expect(read(new CallError(LIMIT, 'us-east-1'))).toBe(`${what} us-east-1${WHERE}`);
    expect(read(LIMIT)).toBe(`${what} eu-west-1${WHERE}`);
  });

  test('contains the physical ID in a Delete', () => {
    expect(read(new CallError(LIMIT, 'eu-west-1'), { RequestType: 'Delete' })).toBe(
      `deletion of ${HANDLE}: SnapshotLimitExceeded: Limit reached. in eu-west-1${WHERE}`,
    );
  });

  test.each<[string, Error, string]>([
    [
      'the policies if a call was denied',
      new AwsError('UnauthorizedOperation', 'No. Encoded authorization failure message: xyz'),
      'UnauthorizedOperation: No. in us-east-1; check the policies, boundaries and key policies that apply to the handler’s role',
    ],
    [
      'the Region and the organization if the Region is closed',
      new AwsError('AuthFailure', 'No.'),
      'AuthFailure: No. in us-east-1; check that the account has enabled us-east-1, and that no service control policy denies it to the handler’s role',
    ],
    [
      'the spelling and the VPC if a call was not answered',
      Object.assign(new Error('getaddrinfo ENOTFOUND ec2.us-esat-1.amazonaws.com'), { code: 'ENOTFOUND' }),
      'Error: getaddrinfo ENOTFOUND ec2.us-esat-1.amazonaws.com in us-east-1; check that us-east-1 is spelled right, and that the functions can reach it from their VPC, if they are in one',
    ],
  ])('advises checking %s', (_, error, words) => {
    expect(read(new CallError(error, 'us-east-1'))).toBe(`${COPY}: ${words}${WHERE}`);
  });
});
