// EC2 on the loopback interface, over TLS, with one answer to everything: one snapshot that is not completed yet.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ANSWER = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><snapshotSet><item>
<snapshotId>snap-0123456789abcdef0</snapshotId><status>pending</status><ownerId>111122223333</ownerId>
</item></snapshotSet></DescribeSnapshotsResponse>`;

export class Loopback {
  requests = 0;
  /** The file of the server's own certificate. */
  readonly certificate: string;
  private readonly server: Server;

  static async start(): Promise<Loopback> {
    const loopback = new Loopback();
    await new Promise<void>((resolve) => loopback.server.listen(0, '127.0.0.1', resolve));
    return loopback;
  }

  private constructor() {
    const { key, cert } = selfSigned();
    this.certificate = cert;
    this.server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      this.requests += 1;
      request.resume().on('end', () => response.setHeader('Content-Type', 'text/xml;charset=UTF-8').end(ANSWER));
    });
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function selfSigned(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const name = ['-subj', '/CN=loopback', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...name, '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { key, cert };
}
