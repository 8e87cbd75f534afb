import { createHash } from 'node:crypto';

export interface Clock {
  /** Milliseconds since the epoch, in virtual time. */
  now(): number;
}

export type Service = 'ec2' | 'kms' | 'cloudformation';

/** One call of an API, as it was seen on the far side. */
export interface Call {
  readonly service: Service;
  readonly region: string;
  readonly action: string;
  /** The input in the shape of the SDK. */
  readonly input: unknown;
  /** The how-manieth call of this action it is, from 1, over all Regions. */
  readonly count: number;
  /** Virtual time, in milliseconds. */
  readonly time: number;
}

/**
 * What goes wrong with a call. `lost-response`: it takes effect, then the connection breaks.
 * `refused-connection`: the connection breaks before that.
 */
export type Fault =
  'throttled' | 'internal-error' | 'unavailable' | 'denied' | 'lost-response' | 'refused-connection' | AwsError;

/** Asked before each call, whether it comes over HTTP or in process. */
export type FaultHook = (call: Call) => Fault | undefined;

/** An error that a service answers, shaped like the exceptions of the SDK: both ways of calling look alike. */
export class AwsError extends Error {
  readonly $fault: 'client' | 'server';
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
    this.name = code;
    this.$fault = status < 500 ? 'client' : 'server';
    this.$metadata = { httpStatusCode: status };
  }
}

/** A broken connection, named as the SDK's HTTP handler names it. */
export class ConnectionReset extends Error {
  readonly code = 'ECONNRESET';

  constructor() {
    super('socket hang up');
    this.name = 'TimeoutError';
  }
}

type AnsweredFault = Exclude<Fault, 'lost-response' | 'refused-connection'>;

/** What the service answers for a fault that has an answer. */
export function errorOf(fault: AnsweredFault, call: Call, accountId: string): AwsError {
  if (fault instanceof AwsError) {
    return fault;
  }
  if (fault === 'denied') {
    return denied(call, accountId);
  }
  const [code, message, status] = ANSWERS[call.service][fault];
  return new AwsError(code, message, status);
}

type Answer = [code: string, message: string, status: number];

const ANSWERS: Record<Service, Record<'throttled' | 'internal-error' | 'unavailable', Answer>> = {
  ec2: {
    throttled: ['RequestLimitExceeded', 'Request limit exceeded.', 503],
    'internal-error': ['InternalError', 'An internal error has occurred', 500],
    unavailable: ['Unavailable', 'The service is unavailable. Please try again shortly.', 503],
  },
  kms: {
    throttled: ['ThrottlingException', 'Rate exceeded', 400],
    'internal-error': ['KMSInternalException', 'The request was rejected because of an internal error.', 500],
    unavailable: ['DependencyTimeoutException', 'The system timed out while trying to fulfil the request.', 503],
  },
  cloudformation: {
    throttled: ['Throttling', 'Rate exceeded', 400],
    'internal-error': ['InternalFailure', 'An internal failure has occurred', 500],
    unavailable: ['ServiceUnavailable', 'Service is unavailable', 503],
  },
};

function denied(call: Call, accountId: string): AwsError {
  const user = `User: arn:aws:sts::${accountId}:assumed-role/handler/handler`;
  const deed = `is not authorized to perform: ${call.service}:${call.action}`;
  const reason = `because no identity-based policy allows the ${call.service}:${call.action} action`;
  switch (call.service) {
    case 'ec2':
      return new AwsError(
        'UnauthorizedOperation',
        `You are not authorized to perform this operation. ${user} ${deed} ${reason}. ` +
          `Encoded authorization failure message: ${blob(`${call.action}${call.count}`)}`,
        403,
      );
    case 'kms':
      return new AwsError('AccessDeniedException', `${user} ${deed} ${reason}`);
    case 'cloudformation':
      return new AwsError('AccessDenied', `${user} ${deed} ${reason}`, 403);
  }
}

/** As long as EC2's encoded messages, which have to be kept out of what users read. */
function blob(seed: string): string {
  const parts = Array.from({ length: 16 }, (_, i) => createHash('sha256').update(`${seed}${i}`).digest('base64url'));
  return parts.join('');
}
