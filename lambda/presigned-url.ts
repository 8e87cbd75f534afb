// CopySnapshot's PresignedUrl: the same request, signed for the source Region, in which EC2 authorizes it. The SDK's own
// URL contains the tags as "[object Object]", and an empty value for each absent parameter. With that, EC2 would fail the
// copy later, or a policy with tag conditions would not match. The SDK does not replace a PresignedUrl in the input.
import { formatUrl } from '@aws-sdk/core/util';
import { CopySnapshotCommand, type CopySnapshotCommandInput, type EC2Client } from '@aws-sdk/client-ec2';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';

/** Amazon EC2 API Reference, "CopySnapshot": 1 to 60 minutes. */
const VALID_SECONDS = 3_600;

/** @param source a client for the source Region */
export async function presignedUrl(source: EC2Client, input: CopySnapshotCommandInput): Promise<string> {
  const { hostname, port, protocol, ...unsigned } = await serialized(source, input);
  const parameters = [...new URLSearchParams(String(unsigned.body))].filter(([name]) => name !== 'PresignedUrl');
  const query = Object.fromEntries(parameters);
  const { credentials, region, sha256 } = source.config;
  const signer = new SignatureV4({ credentials, region, service: 'ec2', sha256 });
  const headers = { host: port === undefined ? hostname : `${hostname}:${port}` };
  const request = new HttpRequest({ protocol, hostname, port, method: 'GET', path: '/', query, headers });
  return formatUrl(await signer.presign(request, { expiresIn: VALID_SECONDS }));
}

/** The request as the SDK would send it, except for the URL. */
async function serialized(client: EC2Client, input: CopySnapshotCommandInput): Promise<HttpRequest> {
  const command = new CopySnapshotCommand({ ...input, PresignedUrl: 'not signed yet' });
  return new Promise((resolve, reject) => {
    command.middlewareStack.add(
      () => (args) => {
        resolve(args.request as HttpRequest);
        return Promise.resolve({ response: {}, output: { $metadata: {} } });
      },
      { step: 'build' },
    );
    client.send(command).catch(reject);
  });
}
