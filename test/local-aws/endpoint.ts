import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock, Service } from './faults';
import type { Services } from './services';

export type { StackDirectory, StackResourceSummary, StackSummary } from './services';

/** A request as it came over the wire. */
export interface WireRequest {
  readonly service: Service;
  readonly region: string;
  readonly action: string;
  /** The form fields of a query protocol, or the members of a JSON body. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** All services of the simulated AWS on one port of the loopback interface. */
export class Endpoint {
  readonly requests: WireRequest[] = [];
  private readonly server: Server;

  private constructor(
    private readonly services: Services,
    private readonly clock: Clock,
  ) {
    this.server = createServer();
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
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
