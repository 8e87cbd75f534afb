import { toCopy } from '../../lambda/copies';
import { copyFailed, hasEnded, howToWaitLonger, isKeyFailure, lostTags, minutes } from '../../lambda/reasons';
import { requestFor } from './in-process';

const id = 'snap-0fedcba9876543210';
const failed = (StateMessage?: string): ReturnType<typeof toCopy> =>
  toCopy({ SnapshotId: id, State: 'error', StateMessage }, 'eu-west-1');

const COPY = 'copy of snap-0123456789abcdef0 from us-east-1 to eu-west-1';
const KEYS = (keys: string): string =>
  `check of each key (${keys}) that it is enabled, and that its key policy lets this account’s IAM policies apply (kms:CreateGrant, kms:Decrypt, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)`;

describe('a copy that failed', () => {
  test('over a key names the keys on both sides, and what their policies must allow', () => {
    const request = requestFor({ KmsKeyId: 'alias/mine', SourceKmsKeyArn: 'arn:source' });
    expect(copyFailed(request, failed('Given key ID is not accessible')).message).toBe(
      `${COPY} failed: EC2 says of ${id} "Given key ID is not accessible"; ${KEYS('alias/mine in eu-west-1, arn:source in us-east-1')}`,
    );
  });

  test('over a key that was not declared names the account’s default', () => {
    expect(copyFailed(requestFor(), failed('KMS Key is disabled')).message).toContain(
      KEYS('the account’s default EBS key in eu-west-1'),
    );
  });

  test('over something else has a look at the source as the next step', () => {
    const hint =
      'check that the source still exists in us-east-1, is completed and still shared with this account, then deploy again';
    expect(copyFailed(requestFor(), failed('Internal fault')).message).toBe(
      `${COPY} failed: EC2 says of ${id} "Internal fault"; ${hint}`,
    );
    expect(copyFailed(requestFor(), failed()).message).toBe(
      `${COPY} failed: EC2 says of ${id} "EC2 gave no reason"; ${hint}`,
    );
  });

  test.each([
    ['Given key ID is not accessible', true],
    ['KMS Key is disabled', true],
    ['The monkey is not accessible', false],
    ['The keyring is not accessible', false],
    [undefined, false],
  ])('with the message %s has failed over its key: %s', (message, expected) => {
    expect(isKeyFailure(failed(message))).toBe(expected);
    const advice = copyFailed(requestFor(), failed(message)).message;
    expect(advice.includes('check of each key')).toBe(expected);
  });
});

test.each([
  ['60', '1 minute', 'raise "timeout" (now 1 minute) or set "completionDuration"'],
  ['90', '1.5 minutes', 'raise "timeout" (now 1.5 minutes) or set "completionDuration"'],
  ['3000', '50 minutes', 'raise "timeout" (now 50 minutes) or set "completionDuration"'],
  ['172740', '2879 minutes', 'raise "timeout" (now 2879 minutes) or set "completionDuration"'],
  ['172800', '2880 minutes', 'set "completionDuration" for a faster copy'],
])('a time-out of %s s is %s, and the advice is to %s', (TimeoutSeconds, words, advice) => {
  const request = requestFor({ TimeoutSeconds });
  expect([minutes(request), howToWaitLonger(request)]).toEqual([words, advice]);
});

test('a copy that has lost its tags is told with the tags to restore', () => {
  expect(lostTags(id, 'eu-west-1').message).toBe(
    `${id} in eu-west-1 does not carry the tags that make it this resource’s copy (cdk-ebs-snapshot-copy:stack, cdk-ebs-snapshot-copy:resource, cdk-ebs-snapshot-copy:inputs, cdk-ebs-snapshot-copy:handle), so it is neither changed nor deleted; restore the tags, or handle the snapshot yourself`,
  );
});

test('a request that nobody waits for is told as one', () => {
  expect(hasEnded(requestFor()).message).toBe(
    `the stack operation that asked for the ${COPY} has ended, or has its answer`,
  );
});
