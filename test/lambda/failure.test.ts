import { CallError, describeError, Ended, Failure, kindOf, nameOf, NotYet, type Kind } from '../../lambda/failure';

const awsError = (name: string, httpStatusCode?: number, message = ''): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });

describe('an error from AWS', () => {
  test.each<[string, number | undefined, Kind]>([
    ['SomethingNew', 500, 'transient'],
    ['SomethingNew', 502, 'transient'],
    ['SomethingNew', 505, 'transient'],
    ['SomethingNew', 429, 'transient'],
    ['SomethingNew', 200, 'transient'],
    ['SomethingNew', 399, 'transient'],
    ['SomethingNew', 400, 'refused'],
    ['SomethingNew', undefined, 'unreachable'],
    ['UnauthorizedOperation', 403, 'denied'],
    ['AuthFailure', 401, 'closed'],
    ['InvalidSnapshot.NotFound', 400, 'missing'],
    ['NotFoundException', 400, 'missing'],
  ])('with code %s and status %s is %s', (name, status, kind) => {
    expect(kindOf(awsError(name, status))).toBe(kind);
  });

  test('about a stack that does not exist is missing, and any other validation error is refused', () => {
    expect(kindOf(awsError('ValidationError', 400, 'Stack with id app does not exist'))).toBe('missing');
    expect(kindOf(awsError('ValidationError', 400, 'Stack name is too long'))).toBe('refused');
    expect(kindOf(awsError('InvalidParameterValue', 400, 'The volume does not exist'))).toBe('refused');
  });

  test.each<[Kind, string, string[]]>([
    ['transient', 'of services', ['Unavailable', 'ServiceUnavailable', 'InternalError', 'InternalFailure']],
    ['transient', 'of KMS', ['KMSInternalException', 'DependencyTimeoutException']],
    ['transient', 'of the network', ['RequestTimeout', 'RequestTimeoutException', 'CredentialsProviderError']],
    [
      'transient',
      'of throttling',
      ['RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'EC2ThrottledException'],
    ],
    ['transient', 'of throttling', ['RequestThrottled', 'RequestThrottledException', 'TooManyRequestsException']],
    ['transient', 'of concurrent writers', ['ConcurrentTagAccess', 'PriorRequestNotComplete']],
    ['transient', 'of clocks', ['RequestExpired', 'RequestTimeTooSkewed', 'RequestInTheFuture']],
    ['transient', 'of clocks', ['SignatureDoesNotMatch', 'InvalidSignatureException']],
    ['transient', 'of full quotas', ['ResourceLimitExceeded', 'PendingSnapshotLimitExceeded']],
    ['transient', 'of full quotas', ['ConcurrentSnapshotLimitExceeded', 'SnapshotCopyThroughputQuotaExceeded']],
    ['transient', 'of full quotas', ['SomethingLimitExceeded', 'SomethingQuotaExceeded', 'SomethingRateExceeded']],
    ['refused', 'of quotas that stay full', ['SnapshotLimitExceeded', 'TagLimitExceeded']],
    ['refused', 'that only resemble quotas', ['LimitExceededForGood', 'QuotaExceededX', 'Exceeded']],
    ['refused', 'of parameters', ['InvalidParameterValue', 'MissingParameter', 'InvalidRegion']],
    ['refused', 'of EC2', ['SnapshotCopyUnsupported.InterRegion', 'InvalidSnapshotID.Malformed']],
    ['refused', 'of EC2', ['CustomerKeyHasBeenRevoked', 'TagPolicyViolation']],
    ['closed', 'of Regions', ['AuthFailure', 'OptInRequired']],
    ['denied', 'of policies', ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException']],
    ['denied', 'of credentials', ['ExpiredToken', 'ExpiredTokenException']],
    ['denied', 'of credentials', ['InvalidClientTokenId', 'UnrecognizedClientException']],
  ])('is %s by its code alone (codes %s): %j', (kind, _, codes) => {
    for (const code of codes) expect([code, kindOf(awsError(code, 400))]).toEqual([code, kind]);
  });

  test('with any denial code is closed if a policy explicitly denies the call', () => {
    const message = 'You are not authorized … with an explicit deny in a service control policy';
    for (const code of ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException']) {
      expect(kindOf(awsError(code, 403, message))).toBe('closed');
    }
    expect(kindOf(awsError('InvalidParameterValue', 400, message))).toBe('refused');
  });

  test('about an inaccessible key is denied, regardless of its code', () => {
    expect(kindOf(awsError('InvalidParameterValue', 400, 'Given key ID is not accessible'))).toBe('denied');
  });

  test.each<[string, object]>([
    ['loses its connection', { code: 'ECONNRESET' }],
    ['cannot resolve its host', { code: 'ENOTFOUND' }],
    ['times out', { name: 'TimeoutError' }],
    ['gets an incomplete answer', { $response: {} }],
    ['fails without a status', { $metadata: { attempts: 3 } }],
  ])('of a call that %s is unreachable', (_, properties) => {
    expect(kindOf(Object.assign(new Error('no answer'), properties))).toBe('unreachable');
  });

  test('about an unreadable answer is transient', () => {
    const $metadata = { httpStatusCode: 200 };
    expect(kindOf(Object.assign(new SyntaxError('Unexpected token'), { $response: {}, $metadata }))).toBe('transient');
  });

  test('keeps its kind, name, and message when a CallError adds its Region', () => {
    const refusal = awsError('SnapshotLimitExceeded', 400, 'Limit reached.');
    const wrapped = new CallError(refusal, 'eu-west-1');
    expect([kindOf(wrapped), nameOf(wrapped)]).toEqual(['refused', 'SnapshotLimitExceeded']);
    expect(describeError(wrapped)).toBe('SnapshotLimitExceeded: Limit reached.');
    expect(wrapped).toMatchObject({ name: 'CallError', message: 'SnapshotLimitExceeded: Limit reached.' });
    expect([nameOf(refusal), nameOf({})]).toEqual(['SnapshotLimitExceeded', '']);
  });

  test('is described without the encoded authorization message', () => {
    const message = 'You are not authorized. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm';
    expect(describeError(awsError('UnauthorizedOperation', 403, message))).toBe(
      'UnauthorizedOperation: You are not authorized.',
    );
  });

  test('is described without an encoded message of several lines', () => {
    const message = ' Denied.\nEncoded authorization failure message: 4GIO\nhlTk';
    expect(describeError(awsError('AccessDenied', 403, message))).toBe('AccessDenied: Denied.');
  });

  test('without a message is described by its code', () => {
    expect(describeError({})).toBe('Error');
    expect(describeError(awsError('Throttling', 400))).toBe('Throttling');
    expect(describeError(awsError('TimeoutError', 400, 'TimeoutError'))).toBe('TimeoutError');
  });
});

test('a NotYet is described by its message alone', () => {
  expect(describeError(new NotYet('snap-a was not found yet'))).toBe('snap-a was not found yet');
});

test('a bug in the handler is refused, not waited for', () => {
  expect(kindOf(new TypeError('x is not a function'))).toBe('refused');
  expect(kindOf({})).toBe('refused');
});

describe('a failure', () => {
  test('has a one-line message and stack trace, so the stack event shows nothing else', () => {
    const failure = new Failure('first\n  second\tthird ');
    expect(failure.message).toBe('first second third');
    expect(failure.stack).toBe('first second third');
    expect(failure.name).toBe('SnapshotCopyFailed');
    expect(new Ended('over')).toBeInstanceOf(Failure);
  });

  test('is complete up to a thousand bytes', () => {
    expect(new Failure('x'.repeat(1000)).message).toBe('x'.repeat(1000));
    expect(new Failure('x'.repeat(1001)).message).toBe(`${'x'.repeat(994)}…`);
  });

  test('is cut between characters, wherever the limit falls', () => {
    for (let shift = 0; shift < 4; shift++) {
      expect(new Failure('a'.repeat(shift) + '🔑'.repeat(500)).message).toMatch(/^a*(🔑)+…$/u);
    }
    expect(new Failure(`\uFFFD${'x'.repeat(1000)}`).message).toMatch(/^\uFFFDx+…$/);
  });

  test('is cut to at most a thousand bytes in any script, and keeps its suffix', () => {
    const failure = new Failure('ключ '.repeat(500));
    expect(Buffer.byteLength(failure.message)).toBeLessThanOrEqual(1000);
    expect(failure.message).toMatch(/кл?ю?ч?…$|ключ …$/);
    expect(Buffer.byteLength(new Failure('ключ '.repeat(500), ' (log group x)').message)).toBeLessThanOrEqual(1000);
    expect(new Failure('ключ '.repeat(500), ' (log group x)').message.endsWith('… (log group x)')).toBe(true);
  });
});
