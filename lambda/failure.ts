// What went wrong: whether a later poll may succeed, and if not, the one line that the user reads.
import { isThrottlingError, isTransientError } from '@smithy/core/retry';

/** Ends the request. Its message is one line that says what happened and what to do. */
export class Failure extends Error {
  /** Truncates the message if it is too long, but never the suffix, which says where the log is. */
  constructor(message: string, suffix = '') {
    super(cut(message.replace(/\s+/g, ' ').trim(), MAX_BYTES - Buffer.byteLength(suffix)) + suffix);
    this.name = 'SnapshotCopyFailed';
    // The framework appends the stack to the message. Without frames, CloudFormation's event shows the message alone.
    this.stack = this.message;
  }
}

/** CloudFormation no longer waits for the answer. */
export class Ended extends Failure {}

/** Not a failure yet: the next poll looks again. */
export class NotYet extends Error {}

/** An AWS call that failed, and where. */
export class CallError extends Error {
  constructor(
    override readonly cause: unknown,
    readonly region: string,
    /** Since when this process has been unable to reach the endpoint. Absent if the endpoint answered. */
    readonly unreachableSince?: number,
  ) {
    super(describeError(cause));
    this.name = 'CallError';
  }
}

/**
 * - `transient`: try again.
 * - `unreachable`: no answer. The network is down, or the Region does not exist.
 * - `denied`: means nothing in the first minutes, because policies take minutes to take effect.
 * - `closed`: the account cannot use the Region, or a policy explicitly denies the call.
 * - `missing`: the object of the call does not exist, or is not visible yet.
 * - `refused`: a definite answer.
 */
export type Kind = 'transient' | 'unreachable' | 'denied' | 'closed' | 'missing' | 'refused';

/** Errors that pass, but that the SDK does not retry, or corrects only when it retries. */
const TRANSIENT = new Set([
  'InvalidSignatureException',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'Unavailable',
  'ServiceUnavailable',
  'InternalError',
  'InternalFailure',
  'ConcurrentTagAccess',
  'CredentialsProviderError',
  'KMSInternalException',
  'DependencyTimeoutException',
]);
/** Quotas that free up by themselves, such as concurrent copies. Those that do not are listed in FULL_FOR_GOOD. */
const FULL = /(LimitExceeded|QuotaExceeded|RateExceeded)$/;
const FULL_FOR_GOOD = new Set(['SnapshotLimitExceeded', 'TagLimitExceeded']);
const CLOSED = new Set(['AuthFailure', 'OptInRequired']);
const DENIED = new Set([
  'UnauthorizedOperation',
  'AccessDenied',
  'AccessDeniedException',
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
  if (error instanceof CallError) return kindOf(error.cause);
  const { name = '', message = '', $metadata } = error as AwsError;
  if (MISSING.has(name)) return 'missing';
  // CloudFormation's answer for a stack or a resource that does not exist.
  if (name === 'ValidationError' && message.includes('not exist')) return 'missing';
  if (CLOSED.has(name) || (DENIED.has(name) && message.includes('explicit deny'))) return 'closed';
  if (DENIED.has(name) || /key.* not accessible/i.test(message)) return 'denied';
  const status = $metadata?.httpStatusCode ?? 0;
  if (status === 0 && isUnanswered(error as AwsError)) return 'unreachable';
  // The SDK could not parse the answer, so its status means nothing.
  const isUnread = status > 0 && status < 400;
  return isPassing(error as Error & { cause?: Error }) || isUnread || status >= 500 ? 'transient' : 'refused';
}

function isPassing(error: Parameters<typeof isTransientError>[0]): boolean {
  const { name } = error;
  const isFull = FULL.test(name) && !FULL_FOR_GOOD.has(name);
  return TRANSIENT.has(name) || isFull || isThrottlingError(error) || isTransientError(error);
}

/** System errors have a code. Any other error without a status is a bug in the handler. */
function isUnanswered({ name, code, $metadata, $response }: AwsError): boolean {
  return name === 'TimeoutError' || typeof code === 'string' || $metadata !== undefined || $response !== undefined;
}

/** Describes an AWS error by its code and message, without the encoded authorization message. */
export function describeError(error: unknown): string {
  if (error instanceof CallError) return describeError(error.cause);
  if (error instanceof NotYet) return error.message;
  const { name = 'Error', message = '' } = error as AwsError;
  const text = message.replace(/Encoded authorization failure message:.*/s, '').trim();
  return text === '' || text === name ? name : `${name}: ${text}`;
}

export const nameOf = (error: unknown): string =>
  error instanceof CallError ? nameOf(error.cause) : ((error as AwsError).name ?? '');

/** CloudFormation limits the whole response to 4096 bytes, and the framework needs some of them. */
const MAX_BYTES = 1_000;

function cut(line: string, bytes: number): string {
  const whole = Buffer.from(line);
  if (whole.length <= bytes) return line;
  const start = whole.subarray(0, bytes - 6).toString();
  // A character that was cut in half decodes as U+FFFD.
  return `${start.replace(/\uFFFD$/, '')}…`;
}
