// CopySnapshot over the wire: its presigned URL repeats the request, signed for the source Region.
import { createHash, createHmac } from 'node:crypto';
import { EC2Client } from '@aws-sdk/client-ec2';
import { copyInput } from '../../lambda/copies';
import { presignedUrl } from '../../lambda/presigned-url';
import { sdkCalls } from '../../lambda/sdk';
import type { CopyProperties } from '../../lib/contract';
import { SimulatedEc2 } from '../../local-aws/ec2';
import { Endpoint } from '../../local-aws/endpoint';
import { Services } from '../../local-aws/services';
import { requestFor } from './requests';

const SOURCE = 'us-east-1';
const DESTINATION = 'eu-west-1';
const NASTY = 'é & <x> "y" %+=~*\'()!';
const SECRET = 'example';
const ENVIRONMENT = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: 'to/k+en=' };

const EVERYTHING: Partial<CopyProperties> = {
  SourceRegion: SOURCE,
  Description: NASTY,
  KmsKeyId: 'alias/aws/ebs',
  CompletionDurationMinutes: '45',
  Tags: [
    { Key: 'Name', Value: NASTY },
    { Key: 'team', Value: 'storage' },
  ],
  DeletionPolicy: 'Retain',
};
const DRY_RUN = { ResourceType: 'Custom::SnapshotCopyDryRun' };
const OUTPOST = `arn:aws:outposts:${DESTINATION}:111122223333:outpost/op-0123456789abcdef0`;

const environment = process.env;
let endpoint: Endpoint;
let source: string;

beforeEach(async () => {
  const clock = { now: () => Date.now() };
  const ec2 = new SimulatedEc2({ clock });
  source = ec2.addSnapshot({ region: SOURCE }).id;
  endpoint = await Endpoint.start({ services: new Services({ clock, ec2 }), clock });
  process.env = { ...environment, ...ENVIRONMENT, AWS_ENDPOINT_URL: endpoint.url, AWS_REGION: SOURCE };
});

afterEach(async () => {
  process.env = environment;
  await endpoint.stop();
});

/** What the handler sends for a copy: the body of the only request, and the URL in it. */
async function sent(
  declared: Partial<CopyProperties>,
  event = {},
  region = DESTINATION,
): Promise<[body: Record<string, string>, url: URL]> {
  const input = copyInput(requestFor({ SourceSnapshotId: source, DestinationRegion: region, ...declared }, event), {});
  const outcome: unknown = await sdkCalls()
    .copySnapshot(region, input)
    .catch((error: unknown) => error);
  expect(outcome).toMatchObject(
    input.DryRun ? { name: 'DryRunOperation' } : { SnapshotId: expect.stringMatching(/^snap-/) as string },
  );
  expect(endpoint.requests).toMatchObject([{ action: 'CopySnapshot', region }]);
  const parameters: Readonly<Record<string, unknown>> = endpoint.requests[0]?.parameters ?? {};
  const { PresignedUrl, ...body } = parameters as Record<string, string>;
  return [body, new URL(PresignedUrl ?? '')];
}

const isOfSignature = ([name]: [string, string]): boolean => name.startsWith('X-Amz-');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature that a service computes for such a URL (AWS Signature Version 4, in query parameters). */
function signatureOf({ host, searchParams }: URL): string {
  const [date = '', region = '', service = ''] = searchParams.get('X-Amz-Credential')?.split('/').slice(1) ?? [];
  const query = [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
  const canonical = ['GET', '/', query, `host:${host}`, '', 'host', sha256('')].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', searchParams.get('X-Amz-Date'), scope, sha256(canonical)].join('\n');
  const keyed = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    `AWS4${SECRET}`,
  );
  return createHmac('sha256', keyed).update(text).digest('hex');
}

test.each<[string, Partial<CopyProperties>, object]>([
  ['a minimal copy', {}, {}],
  ['a copy with many properties', EVERYTHING, {}],
  ['a copy to an Outpost', { SourceRegion: DESTINATION, DestinationOutpostArn: OUTPOST }, {}],
  ['a copy to a Local Zone', { DestinationAvailabilityZone: 'eu-west-1-ham-1a' }, {}],
  ['a dry run', EVERYTHING, DRY_RUN],
])('the URL has exactly the parameters of the request, and no empty ones: %s', async (_, declared, event) => {
  const [body, { searchParams }] = await sent(declared, event);
  const asked = [...searchParams].filter((parameter) => !isOfSignature(parameter));
  expect(Object.fromEntries(asked)).toEqual(body);
  expect(asked).toHaveLength(Object.keys(body).length);
  expect(asked.filter(([, value]) => value === '')).toEqual([]);
});

test('the request and its URL name what EC2 authorizes: source, Regions, encryption, and each tag', async () => {
  const [body, { searchParams }] = await sent(EVERYTHING);
  expect(Object.keys(body).sort()).toEqual([
    'Action',
    'CompletionDurationMinutes',
    'Description',
    'DestinationRegion',
    'Encrypted',
    'KmsKeyId',
    'SourceRegion',
    'SourceSnapshotId',
    'TagSpecification.1.ResourceType',
    ...[1, 2, 3, 4, 5, 6, 7, 8].flatMap((n) => [
      `TagSpecification.1.Tag.${n}.Key`,
      `TagSpecification.1.Tag.${n}.Value`,
    ]),
    'Version',
  ]);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    Action: 'CopySnapshot',
    Version: '2016-11-15',
    SourceRegion: SOURCE,
    SourceSnapshotId: source,
    DestinationRegion: DESTINATION,
    Description: NASTY,
    Encrypted: 'true',
    'TagSpecification.1.ResourceType': 'snapshot',
    'TagSpecification.1.Tag.1.Key': 'Name',
    'TagSpecification.1.Tag.1.Value': NASTY,
  });
});

test.each([
  ['another Region', { SourceRegion: SOURCE }, SOURCE],
  ['the same Region', { SourceRegion: DESTINATION }, DESTINATION],
])(
  'the URL of a copy from %s is signed for the source Region, for an hour, by the handler’s role',
  async (_, declared, region) => {
    const [, url] = await sent(declared);
    const signed = Object.fromEntries([...url.searchParams].filter(isOfSignature));
    expect(signed).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': expect.stringMatching(
        new RegExp(`^AKIDEXAMPLE/\\d{8}/${region}/ec2/aws4_request$`),
      ) as string,
      'X-Amz-Date': expect.stringMatching(/^\d{8}T\d{6}Z$/) as string,
      'X-Amz-Expires': '3600',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Security-Token': 'to/k+en=',
      'X-Amz-Signature': signatureOf(url),
    });
  },
);

test.each([
  ['us-east-1', 'ec2.us-east-1.amazonaws.com'],
  ['cn-north-1', 'ec2.cn-north-1.amazonaws.com.cn'],
])('without a custom endpoint, the URL points to the endpoint of the Region: %s', async (region, host) => {
  delete process.env.AWS_ENDPOINT_URL;
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET };
  const input = copyInput(requestFor({ SourceSnapshotId: source, SourceRegion: region }), {});
  const url = new URL(await presignedUrl(new EC2Client({ region, credentials }), input));
  expect([url.protocol, url.host, url.pathname]).toEqual(['https:', host, '/']);
  expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url));
  expect(endpoint.requests).toEqual([]);
});

test('signing the URL reads the credentials only once', async () => {
  const credentials = jest.fn().mockResolvedValue({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET });
  await presignedUrl(new EC2Client({ region: SOURCE, credentials }), copyInput(requestFor(), {}));
  expect(credentials).toHaveBeenCalledTimes(1);
});

test('a credentials error fails the call, instead of producing a URL that EC2 would refuse later', async () => {
  const credentials = (): Promise<never> => Promise.reject(new Error('no credentials'));
  const client = new EC2Client({ region: SOURCE, credentials });
  await expect(presignedUrl(client, copyInput(requestFor(), {}))).rejects.toThrow('no credentials');
});
