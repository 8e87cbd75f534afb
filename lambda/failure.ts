// What went wrong: whether the next poll may mend it, and the one line that the user reads if not.
import { isThrottlingError, isTransientError } from '@smithy/core/retry';

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

/** Nobody waits for the answer any more. */
export class Ended extends Failure {}

/** Nothing is wrong that time does not mend: look again at the next poll. */
export class NotYet extends Error {}

/** An AWS call that failed, and where. */
export class CallError extends Error {
  constructor(
    override readonly cause: unknown,
    readonly region: string,
    /** Since when this process has not reached the endpoint. Absent if an answer came. */
    readonly unreachableSince?: number,
  ) {
    super(describeError(cause));
    this.name = 'CallError';
  }
}

/**
 * - `transient`: try again.
 * - `unreachable`: no answer came. A Region that does not exist looks like that, and so does a network that is down.
 * - `denied`: policies take minutes to arrive, so early on this means nothing yet.
 * - `closed`: the account cannot use the Region, or a policy denies the call explicitly.
 * - `missing`: what the call is about does not exist, or not yet.
 * - `refused`: a definite answer.
 */
export type Kind = 'transient' | 'unreachable' | 'denied' | 'closed' | 'missing' | 'refused';

/** Errors that pass, and that the SDK does not know as such, or would correct if it tried again. */
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
/** A queue that is full: a quota of any kind that empties by itself. Quotas that do not are named. */
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
  // CloudFormation's answer for a stack or a resource that does not exist, or no longer.
  if (name === 'ValidationError' && message.includes('not exist')) return 'missing';
  if (CLOSED.has(name) || (DENIED.has(name) && message.includes('explicit deny'))) return 'closed';
  if (DENIED.has(name) || /key.* not accessible/i.test(message)) return 'denied';
  const status = $metadata?.httpStatusCode ?? 0;
  if (status === 0 && isUnanswered(error as AwsError)) return 'unreachable';
  // An answer that could not be read has a status that says nothing.
  const isUnread = status > 0 && status < 400;
  return isPassing(error as Error & { cause?: Error }) || isUnread || status >= 500 ? 'transient' : 'refused';
}

function isPassing(error: Parameters<typeof isTransientError>[0]): boolean {
  const { name } = error;
  const isFull = FULL.test(name) && !FULL_FOR_GOOD.has(name);
  return TRANSIENT.has(name) || isFull || isThrottlingError(error) || isTransientError(error);
}

/** A system error has a code. All else without a status is a bug of ours. */
function isUnanswered({ name, code, $metadata, $response }: AwsError): boolean {
  return name === 'TimeoutError' || typeof code === 'string' || $metadata !== undefined || $response !== undefined;
}

/** Describes an AWS error by its code and message, without the blob that only its owner can decode. */
export function describeError(error: unknown): string {
  if (error instanceof CallError) return describeError(error.cause);
  if (error instanceof NotYet) return error.message;
  const { name = 'Error', message = '' } = error as AwsError;
  const text = message.replace(/Encoded authorization failure message:.*/s, '').trim();
  return text === '' || text === name ? name : `${name}: ${text}`;
}

export const nameOf = (error: unknown): string =>
  error instanceof CallError ? nameOf(error.cause) : ((error as AwsError).name ?? '');

/** Far below the 4096 bytes of an answer, whose other parts are not ours. */
const MAX_BYTES = 1_000;

function cut(line: string, bytes: number): string {
  const whole = Buffer.from(line);
  if (whole.length <= bytes) return line;
  const start = whole.subarray(0, bytes - 6).toString();
  // A character that the cut went through decodes as U+FFFD.
  return `${start.replace(/\uFFFD$/, '')}…`;
}
