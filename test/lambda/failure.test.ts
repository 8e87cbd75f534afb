import { describeError, Failure, kindOf, type Kind } from '../../lambda/failure';

const awsError = (name: string, httpStatusCode?: number, message = ''): Error =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });

describe('an error from AWS', () => {
  test.each<[string, number | undefined, Kind]>([
    ['ResourceLimitExceeded', 400, 'transient'],
    ['PendingSnapshotLimitExceeded', 400, 'transient'],
    ['ConcurrentSnapshotLimitExceeded', 400, 'transient'],
    ['RequestLimitExceeded', 503, 'transient'],
    ['Throttling', 400, 'transient'],
    ['ThrottlingException', 400, 'transient'],
    ['ServiceUnavailable', 503, 'transient'],
    ['Unavailable', 503, 'transient'],
    ['InternalError', 500, 'transient'],
    ['InternalFailure', 500, 'transient'],
    ['SomethingNew', 500, 'transient'],
    ['SomethingNew', 502, 'transient'],
    ['SomethingNew', 429, 'transient'],
    ['SomethingNew', undefined, 'transient'],
    ['SomethingNew', 200, 'transient'],
    ['UnauthorizedOperation', 403, 'denied'],
    ['AccessDenied', 403, 'denied'],
    ['AccessDeniedException', 400, 'denied'],
    ['AuthFailure', 401, 'denied'],
    ['InvalidSnapshot.NotFound', 400, 'missing'],
    ['NotFoundException', 400, 'missing'],
    ['SnapshotLimitExceeded', 400, 'refused'],
    ['SnapshotCopyUnsupported.InterRegion', 400, 'refused'],
    ['InvalidSnapshotID.Malformed', 400, 'refused'],
    ['InvalidRegion', 400, 'refused'],
    ['InvalidParameterValue', 400, 'refused'],
    ['MissingParameter', 400, 'refused'],
    ['CustomerKeyHasBeenRevoked', 400, 'refused'],
    ['TagLimitExceeded', 400, 'refused'],
    ['TagPolicyViolation', 400, 'refused'],
  ])('%s (%s) is %s', (name, status, kind) => {
    expect(kindOf(awsError(name, status))).toBe(kind);
  });

  test('about a stack or a resource that does not exist is missing, and another validation error is refused', () => {
    expect(kindOf(awsError('ValidationError', 400, 'Stack with id app does not exist'))).toBe('missing');
    expect(kindOf(awsError('ValidationError', 400, 'Stack name is too long'))).toBe('refused');
    expect(kindOf(awsError('InvalidParameterValue', 400, 'The volume does not exist'))).toBe('refused');
  });

  test.each<[Kind, string[]]>([
    ['transient', ['RequestLimitExceeded', 'Unavailable', 'ServiceUnavailable', 'InternalError', 'InternalFailure']],
    ['transient', ['RequestTimeout', 'TimeoutError', 'TooManyRequestsException', 'CredentialsProviderError']],
    ['transient', ['KMSInternalException', 'DependencyTimeoutException']],
    ['denied', ['ExpiredToken', 'ExpiredTokenException', 'InvalidClientTokenId', 'UnrecognizedClientException']],
    ['denied', ['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException', 'AuthFailure']],
  ])('is %s by its code alone, whatever its status: %j', (kind, codes) => {
    for (const code of codes) expect([code, kindOf(awsError(code, 400))]).toEqual([code, kind]);
  });

  test('about a key that is not accessible is denied, whatever its code', () => {
    expect(kindOf(awsError('InvalidParameterValue', 400, 'Given key ID is not accessible'))).toBe('denied');
  });

  test('from the network is transient', () => {
    expect(kindOf(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))).toBe('transient');
    expect(kindOf(Object.assign(new Error('slow'), { name: 'TimeoutError' }))).toBe('transient');
  });

  test('about an answer that could not be read is transient', () => {
    expect(kindOf(Object.assign(new SyntaxError('Unexpected token'), { $response: {} }))).toBe('transient');
  });

  test('is described without the blob that only its owner can decode', () => {
    const message = 'You are not authorized. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm';
    expect(describeError(awsError('UnauthorizedOperation', 403, message))).toBe(
      'UnauthorizedOperation: You are not authorized.',
    );
  });

  test('is described without a blob of several lines', () => {
    const message = ' Denied.\nEncoded authorization failure message: 4GIO\nhlTk';
    expect(describeError(awsError('AccessDenied', 403, message))).toBe('AccessDenied: Denied.');
  });

  test('without a message is described by its code', () => {
    expect(describeError({})).toBe('Error');
    expect(describeError(awsError('Throttling', 400))).toBe('Throttling');
    expect(describeError(awsError('TimeoutError', 400, 'TimeoutError'))).toBe('TimeoutError');
  });
});

test('a bug of the handler is refused, not waited for', () => {
  expect(kindOf(new TypeError('x is not a function'))).toBe('refused');
  expect(kindOf({})).toBe('refused');
});

describe('a failure', () => {
  test('is one line, and so is its stack, so that the event shows nothing else', () => {
    const failure = new Failure('first\n  second\tthird ');
    expect(failure.message).toBe('first second third');
    expect(failure.stack).toBe('first second third');
    expect(failure.name).toBe('SnapshotCopyFailed');
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

  test('is cut below a thousand bytes in any script, and keeps its suffix', () => {
    const failure = new Failure('ключ '.repeat(500));
    expect(Buffer.byteLength(failure.message)).toBeLessThanOrEqual(1000);
    expect(failure.message).toMatch(/кл?ю?ч?…$|ключ …$/);
    expect(Buffer.byteLength(new Failure('ключ '.repeat(500), ' (log group x)').message)).toBeLessThanOrEqual(1000);
    expect(new Failure('ключ '.repeat(500), ' (log group x)').message.endsWith('… (log group x)')).toBe(true);
  });
});
