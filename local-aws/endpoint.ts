import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AwsError, ConnectionReset, type Clock, type Service } from './faults';
import type { Inputs, Services } from './services';
import { PROTOCOLS, type Protocol } from './wire';

export type { StackDirectory, StackResourceSummary, StackSummary } from './services';

/** A request as it came over the wire. */
export interface WireRequest {
  readonly service: Service;
  readonly region: string;
  readonly action: string;
  /** The form fields of a query protocol, or the members of a JSON body. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Tells the caller how many milliseconds of virtual time the call has taken. */
const DELAY_HEADER = 'x-delay-ms';

interface Scope {
  readonly protocol: Protocol;
  readonly service: Service;
  readonly region: string;
  readonly requestId: string;
}

/** All services of the simulated AWS on one port of the loopback interface. */
export class Endpoint {
  readonly requests: WireRequest[] = [];
  private readonly server: Server;
  private answers = 0;

  private constructor(
    private readonly services: Services,
    private readonly clock: Clock,
  ) {
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  static async start(options: { services: Services; clock: Clock }): Promise<Endpoint> {
    const endpoint = new Endpoint(options.services, options.clock);
    await new Promise<void>((resolve) => endpoint.server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  /** For AWS_ENDPOINT_URL. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { service, region } = scopeOf(request.headers.authorization) ?? {};
    if (service === undefined || region === undefined) {
      this.end(response, 403, 'MissingAuthenticationToken: not signed for a service that is simulated');
      return;
    }
    const protocol = PROTOCOLS[service];
    const requestId = this.nextRequestId();
    response.setHeader('Content-Type', protocol.contentType);
    response.setHeader('x-amzn-RequestId', requestId);
    try {
      const answer = await this.answer({ protocol, service, region, requestId }, request, response);
      this.end(response, 200, answer);
    } catch (error) {
      if (error instanceof ConnectionReset) {
        request.socket.destroy();
        return;
      }
      const refusal = error instanceof AwsError ? error : defect(error);
      this.end(response, refusal.status, protocol.refuse(refusal, requestId));
    }
  }

  private async answer(
    { protocol, service, region, requestId }: Scope,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<string> {
    const target = request.headers['x-amz-target'];
    const { action, parameters, input } = protocol.decode(await text(request), target?.toString());
    this.requests.push({ service, region, action, parameters });
    const decoded = input() as Inputs[typeof action];
    response.setHeader(DELAY_HEADER, this.services.delays?.({ region, action, input: decoded }) ?? 0);
    const output = await this.services.send(region, action, decoded);
    return protocol.answer(action, output, requestId);
  }

  /** The date is that of the virtual clock: the SDK corrects its signatures by it. */
  private end(response: ServerResponse, status: number, body: string): void {
    response.writeHead(status, { Date: new Date(this.clock.now()).toUTCString() });
    response.end(body);
  }

  private nextRequestId(): string {
    this.answers += 1;
    const hex = createHash('sha256').update(`request ${this.answers}`).digest('hex').slice(0, 32);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
}

/** Service and Region of a call stand in the scope of its signature. */
function scopeOf(authorization = ''): { service: Service; region: string } | undefined {
  const scope = /Credential=[^/]+\/\d{8}\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request/.exec(
    authorization,
  )?.groups;
  const { region = '', service = '' } = scope ?? {};
  return Object.hasOwn(PROTOCOLS, service) ? { service: service as Service, region } : undefined;
}

/** A mistake of the local AWS itself; not an error that a client tries again or takes for EC2's. */
function defect(error: unknown): AwsError {
  return new AwsError('LocalAwsDefect', error instanceof Error ? (error.stack ?? error.message) : String(error));
}
