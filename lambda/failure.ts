// What went wrong: whether the next poll may mend it, and the one line that the user reads if not.

/** Ends the request: one line that says what happened and what to do. */
export class Failure extends Error {
  /** Cuts the message if it is too long, but never the suffix, which says where the log is. */
  constructor(message: string, suffix = '') {
    super(cut(message.replace(/\s+/g, ' ').trim(), MAX_BYTES - Buffer.byteLength(suffix)) + suffix);
    this.name = 'SnapshotCopyFailed';
    // The framework shows the stack below the message. Without frames, CloudFormation's event has the message alone.
    this.stack = this.message;
  }
}

/** Nothing is wrong that time does not mend: look again at the next poll. */
export class NotYet extends Error {}

/**
 * - `transient`: try again.
 * - `denied`: policies take minutes to arrive, so early on this means nothing yet.
 * - `missing`: what the call is about does not exist, or not yet.
 * - `refused`: a definite answer.
 */
export type Kind = 'transient' | 'denied' | 'missing' | 'refused';

const TRANSIENT = new Set([
  'ResourceLimitExceeded',
  'PendingSnapshotLimitExceeded',
  'ConcurrentSnapshotLimitExceeded',
  'RequestLimitExceeded',
  'Unavailable',
  'ServiceUnavailable',
  'InternalError',
  'InternalFailure',
  'RequestTimeout',
  'TimeoutError',
  'TooManyRequestsException',
  'CredentialsProviderError',
  'KMSInternalException',
  'DependencyTimeoutException',
]);
const DENIED = new Set([
  'UnauthorizedOperation',
  'AccessDenied',
  'AccessDeniedException',
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
]);
const MISSING = new Set(['InvalidSnapshot.NotFound', 'NotFoundException']);

interface AwsError {
  name?: string;
  message?: string;
  code?: unknown;
  $metadata?: { httpStatusCode?: number };
  $response?: unknown;
}

export function kindOf(error: unknown): Kind {
  const { name = '', message = '', code, $metadata, $response } = error as AwsError;
  if (MISSING.has(name)) return 'missing';
  // CloudFormation's answer for a stack or a resource that does not exist, or no longer.
  if (name === 'ValidationError' && message.includes('not exist')) return 'missing';
  if (DENIED.has(name) || /key.* not accessible/i.test(message)) return 'denied';
  if (TRANSIENT.has(name) || name.startsWith('Throttl')) return 'transient';
  const status = $metadata?.httpStatusCode ?? 0;
  if (status >= 400) return status >= 500 || status === 429 ? 'transient' : 'refused';
  // No status: the answer got lost (a system error has a code), or could not be read. All else is a bug of ours.
  const isOnTheWire = typeof code === 'string' || $metadata !== undefined || $response !== undefined;
  return isOnTheWire ? 'transient' : 'refused';
}

/** Describes an AWS error by its code and message, without the blob that only its owner can decode. */
export function describeError(error: unknown): string {
  const { name = 'Error', message = '' } = error as AwsError;
  const text = message.replace(/Encoded authorization failure message:.*/s, '').trim();
  return text === '' || text === name ? name : `${name}: ${text}`;
}

/** Far below the 4096 bytes of an answer, whose other parts are not ours. */
const MAX_BYTES = 1_000;

function cut(line: string, bytes: number): string {
  const whole = Buffer.from(line);
  if (whole.length <= bytes) return line;
  const start = whole.subarray(0, bytes - 6).toString();
  // A character that the cut went through decodes as U+FFFD.
  return `${start.replace(/\uFFFD$/, '')}…`;
}
