// CloudFormation's side of the custom resource protocol: an event to the function, an answer to the ResponseURL.
import { TIMED_OUT, type VirtualClock } from './clock';
import type { Properties, Value } from './template';

export type RequestType = 'Create' | 'Update' | 'Delete';

export interface CustomResourceEvent {
  readonly RequestType: RequestType;
  readonly RequestId: string;
  readonly ResponseURL: string;
  readonly ServiceToken: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Properties;
  readonly OldResourceProperties?: Properties;
  readonly PhysicalResourceId?: string;
}

export type NewRequest = Omit<CustomResourceEvent, 'RequestId' | 'ResponseURL' | 'ServiceToken'>;

export interface Answer {
  readonly requestId: string;
  readonly physicalId: string;
  readonly data: Properties;
}

/** Why CloudFormation fails a resource, and the ID that it knows by then. */
export class ResourceFailure extends Error {
  constructor(
    message: string,
    readonly physicalId?: string,
  ) {
    super(message);
  }
}

export interface Duplicate {
  /** Whether the second event has a RequestId of its own. Either may answer. */
  readonly newRequestId?: boolean;
  readonly afterSeconds?: number;
}

interface Response {
  readonly Status: string;
  readonly Reason?: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly Data?: Properties;
}

const MAX_RESPONSE_BYTES = 4096;
const MAX_PHYSICAL_ID_BYTES = 1024;
const MAX_SECONDS = 3600;
const RESPONSE_HOST = 'https://cloudformation-custom-resource-response.s3.amazonaws.com';
/** Lambda tries an asynchronous invocation twice more. */
const RETRY_SECONDS = [60, 120];

export class CustomResources {
  private readonly waiting = new Map<string, (body: string) => void>();
  private readonly duplicates = new Map<string, Duplicate>();

  /** @param invoke rejects when the function cannot be run or fails */
  constructor(
    private readonly clock: VirtualClock,
    private readonly newId: () => string,
    private readonly invoke: (functionArn: string, event: CustomResourceEvent) => Promise<void>,
  ) {}

  /** The next such event is delivered twice. */
  duplicateNext(logicalId: string, type: RequestType, duplicate: Duplicate): void {
    this.duplicates.set(`${type} ${logicalId}`, duplicate);
  }

  /** What was sent to a ResponseURL. Nobody waits any more for a late answer or a second one. */
  respond(url: string, body: string): void {
    this.waiting.get(url)?.(body);
  }

  async request(request: NewRequest, canceled: Promise<never>): Promise<Answer> {
    const id = this.newId();
    const event: CustomResourceEvent = {
      ...request,
      RequestId: id,
      ResponseURL: `${RESPONSE_HOST}/${id}`,
      ServiceToken: toText(request.ResourceProperties.ServiceToken),
    };
    const events = [event, ...this.duplicateOf(event)];
    const urls = events.map(({ ResponseURL }) => ResponseURL);
    const answered = new Promise<string>((resolve) => {
      for (const url of urls) this.waiting.set(url, resolve);
    });
    this.deliver(event);
    try {
      const body = await this.clock.waitAtMost(Promise.race([answered, canceled]), timeoutSeconds(event) * 1000);
      if (body === TIMED_OUT) {
        throw new ResourceFailure(
          `CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [${id}]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.`,
        );
      }
      return read(body, events);
    } finally {
      for (const url of urls) this.waiting.delete(url);
    }
  }

  private duplicateOf(event: CustomResourceEvent): CustomResourceEvent[] {
    const key = `${event.RequestType} ${event.LogicalResourceId}`;
    const duplicate = this.duplicates.get(key);
    if (!duplicate) return [];
    this.duplicates.delete(key);
    const id = duplicate.newRequestId ? this.newId() : event.RequestId;
    const second = { ...event, RequestId: id, ResponseURL: `${RESPONSE_HOST}/${id}` };
    this.clock.at(this.clock.now() + (duplicate.afterSeconds ?? 0) * 1000, () => {
      this.deliver(second);
    });
    return [second];
  }

  private deliver(event: CustomResourceEvent): void {
    void this.clock.spawn(async () => {
      for (const pause of [...RETRY_SECONDS, 0]) {
        try {
          await this.invoke(event.ServiceToken, event);
          return;
        } catch {
          await this.clock.sleep(pause * 1000);
        }
      }
    });
  }
}

/** All scalars of the properties arrive as strings. */
export function stringify(value: Value): Value {
  if (Array.isArray(value)) return value.map(stringify);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, stringify(inner)]));
  }
  return String(value);
}

function timeoutSeconds({ ResourceProperties: { ServiceTimeout } }: CustomResourceEvent): number {
  return Math.min(Number(ServiceTimeout ?? MAX_SECONDS), MAX_SECONDS);
}

function read(body: string, events: readonly CustomResourceEvent[]): Answer {
  if (Buffer.byteLength(body) > MAX_RESPONSE_BYTES) throw new ResourceFailure('Response object is too long.');
  const response = JSON.parse(body) as Response;
  const event = events.find(({ RequestId }) => RequestId === response.RequestId);
  if (event?.StackId !== response.StackId || event.LogicalResourceId !== response.LogicalResourceId) {
    throw new ResourceFailure('Invalid response: StackId, RequestId and LogicalResourceId must match the request');
  }
  const { PhysicalResourceId: physicalId, Status, Reason, Data } = response;
  if (!physicalId || Buffer.byteLength(physicalId) > MAX_PHYSICAL_ID_BYTES) {
    throw new ResourceFailure('Invalid PhysicalResourceId');
  }
  if (Status !== 'SUCCESS') {
    throw new ResourceFailure(
      `Received response status [FAILED] from custom resource. Message returned: ${Reason ?? ''} (RequestId: ${event.RequestId})`,
      physicalId,
    );
  }
  return { requestId: event.RequestId, physicalId, data: Data ?? {} };
}

function toText(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}
