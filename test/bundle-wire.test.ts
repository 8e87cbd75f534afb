// What is cut from the bundle makes no difference: the cut bundle and an uncut one make the same calls over the wire.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, request as send, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as cloudFormationSdk from '@aws-sdk/client-cloudformation';
import * as kmsSdk from '@aws-sdk/client-kms';
import type { Calls } from '../lambda/calls';
import { copyInput } from '../lambda/copies';
import { decodeRequest } from '../lambda/request';
import { COPY_RESOURCE_TYPE, DRY_RUN_RESOURCE_TYPE, TAG, type CopyProperties } from '../lib/contract';
import { SimulatedEc2 } from '../local-aws/ec2';
import { Endpoint } from '../local-aws/endpoint';
import { AwsError, type FaultHook } from '../local-aws/faults';
import { Services, type StackDirectory } from '../local-aws/services';

type Call = { [M in keyof Calls]: [method: M, ...args: Parameters<Calls[M]>] }[keyof Calls];

interface Outcome {
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly $metadata?: unknown };
}

interface Sent {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const HERE = 'eu-west-1';
const THERE = 'us-east-1';
const STACK = `arn:aws:cloudformation:${HERE}:111122223333:stack/app/1`;
const NOW = Date.parse('2026-03-01T12:00:00Z');
const NASTY = 'é & <x> "y" %+=\r\n~*';
const root = join(__dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'bundles-'));

let bundles: string[];
let recorder: Recorder;

beforeAll(async () => {
  bundles = [[], ['--uncut']].map((flags, index) => {
    const file = join(directory, `${index}.js`);
    execFileSync(process.execPath, ['scripts/bundle.mjs', ...flags, '--entry', 'lambda/sdk.ts', file], { cwd: root });
    return file;
  });
  recorder = await Recorder.start();
});

afterAll(() => {
  recorder.stop();
});

/** One address for both bundles, because requests sign it. Records everything that is sent. */
class Recorder {
  sent: Sent[] = [];
  target = '';
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Recorder> {
    const recorder: Recorder = new Recorder(
      createServer((incoming, outgoing) => {
        void text(incoming).then((body) => {
          const { method, url = '', headers } = incoming;
          recorder.sent.push({ headers, body });
          send(recorder.target + url, { method, headers }, (answer) => {
            outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
            answer.pipe(outgoing);
          })
            .on('error', () => incoming.socket.destroy())
            .end(body);
        });
      }),
    );
    await new Promise<void>((resolve) => recorder.server.listen(0, '127.0.0.1', resolve));
    return recorder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** Makes the calls in an account that is always the same. */
async function make(calls: Call[], bundle: string, faults?: FaultHook): Promise<{ outcomes: Outcome[]; sent: Sent[] }> {
  const clock = { now: () => NOW };
  const services = new Services({ clock, ec2: account(), stacks: STACKS, faults });
  const endpoint = await Endpoint.start({ services, clock });
  recorder.sent = [];
  recorder.target = endpoint.url;
  try {
    const env = { AWS_ENDPOINT_URL: recorder.url, AWS_REGION: HERE, ...CREDENTIALS };
    const execArgv = ['--no-warnings'];
    const child = fork(join(__dirname, 'bundle-caller.js'), { env, execArgv, serialization: 'advanced' });
    child.send({ bundle, calls });
    const [outcomes] = (await once(child, 'message')) as [Outcome[]];
    return { outcomes, sent: recorder.sent };
  } finally {
    await endpoint.stop();
  }
}

/** Has more snapshots than fit on one page. */
function account(): SimulatedEc2 {
  const ec2 = new SimulatedEc2({ clock: { now: () => NOW } });
  for (let i = 0; i <= 1000; i += 1) ec2.addSnapshot({ region: HERE, id: snapshotId(i), tags: { Name: NASTY } });
  ec2.addSnapshot({ region: THERE, id: snapshotId(2000), encrypted: true, description: NASTY });
  ec2.kms.defaultEbsKey(HERE);
  return ec2;
}

const STACKS: StackDirectory = {
  describeStack: (id) =>
    id === STACK
      ? { StackId: STACK, StackName: 'app', StackStatus: 'CREATE_IN_PROGRESS', CreationTime: new Date(NOW) }
      : undefined,
  describeStackResource: (_, LogicalResourceId) =>
    LogicalResourceId === 'Copy'
      ? {
          LogicalResourceId,
          PhysicalResourceId: snapshotId(1),
          ResourceType: COPY_RESOURCE_TYPE,
          ResourceStatus: 'CREATE_COMPLETE',
          LastUpdatedTimestamp: new Date(NOW),
        }
      : undefined,
};

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example', AWS_SESSION_TOKEN: 'token' };

function snapshotId(n: number): string {
  return `snap-${n.toString(16).padStart(17, '0')}`;
}

/** The call that the handler makes when CloudFormation sends these properties. */
function copyOf(properties: Partial<CopyProperties>, ResourceType = COPY_RESOURCE_TYPE): Call {
  const wire = { SourceSnapshotId: snapshotId(1), SourceRegion: HERE, DestinationRegion: HERE, ...properties };
  const request = decodeRequest(
    {
      RequestType: 'Create',
      RequestId: '1',
      StackId: STACK,
      ResourceType,
      LogicalResourceId: 'Copy',
      PhysicalResourceId: 'copy-0123456789abcdef0123456789abcdef',
      ResourceProperties: wire,
      Begun: { At: NOW },
    },
    HERE,
  );
  return ['copySnapshot', wire.DestinationRegion, copyInput(request, {})];
}

function sharing(OperationType: 'add' | 'remove', ...UserIds: string[]) {
  return { SnapshotId: snapshotId(3), Attribute: 'createVolumePermission', OperationType, UserIds } as const;
}

function withId(n: number) {
  return { Filters: [{ Name: 'snapshot-id', Values: [snapshotId(n)] }] };
}

function fastRestore(...AvailabilityZones: string[]) {
  return { SourceSnapshotIds: [snapshotId(6)], AvailabilityZones };
}

const OUTPOST = `arn:aws:outposts:${HERE}:111122223333:outpost/op-0123456789abcdef0`;

const CALLS: Call[] = [
  copyOf({
    SourceSnapshotId: snapshotId(2000),
    SourceRegion: THERE,
    Description: NASTY,
    Encrypted: 'true',
    KmsKeyId: 'alias/aws/ebs',
    CompletionDurationMinutes: '45',
    Tags: [
      { Key: 'Name', Value: NASTY },
      { Key: 'empty', Value: '' },
    ],
    DeletionPolicy: 'Retain',
  }),
  copyOf({ DestinationOutpostArn: OUTPOST }),
  copyOf({ DestinationAvailabilityZone: `${HERE}-abc-1a` }),
  copyOf({ DestinationRegion: 'cn-north-1', SourceRegion: 'cn-northwest-1' }),
  copyOf({}, DRY_RUN_RESOURCE_TYPE),
  ['describeSnapshots', THERE, { SnapshotIds: [snapshotId(2000)] }],
  ['describeSnapshots', HERE, { SnapshotIds: ['snap-00000000'] }],
  ['describeSnapshots', 'us-gov-west-1', { SnapshotIds: ['nonsense'] }],
  ['describeSnapshots', HERE, { Filters: [{ Name: 'tag:Name', Values: [NASTY, 'x'] }], OwnerIds: ['self'] }],
  ['describeSnapshots', HERE, { Filters: [{ Name: `tag:${TAG.stack}`, Values: [STACK] }], MaxResults: 1000 }],
  ['createTags', HERE, { Resources: [snapshotId(1)], Tags: [{ Key: 'a', Value: NASTY }, { Key: 'b', Value: '' }] }], // prettier-ignore
  ['deleteTags', HERE, { Resources: [snapshotId(1)], Tags: [{ Key: 'a' }, { Key: NASTY }] }],
  ['deleteSnapshot', HERE, { SnapshotId: snapshotId(2) }],
  ['getEbsEncryptionByDefault', HERE],
  ['getEbsEncryptionByDefault', THERE],
  ['modifySnapshotAttribute', HERE, sharing('add', '111122223333', '999988887777')],
  ['modifySnapshotAttribute', HERE, sharing('remove', '111122223333')],
  ['modifySnapshotAttribute', HERE, sharing('add', 'nobody')],
  ['describeSnapshotAttribute', HERE, { SnapshotId: snapshotId(3), Attribute: 'createVolumePermission' }],
  ['describeSnapshotAttribute', HERE, { SnapshotId: snapshotId(4), Attribute: 'createVolumePermission' }],
  ['lockSnapshot', HERE, { SnapshotId: snapshotId(3), LockMode: 'governance', LockDuration: 7 }],
  ['lockSnapshot', HERE, { SnapshotId: snapshotId(4), LockMode: 'compliance', LockDuration: 30, CoolOffPeriod: 24 }],
  ['describeLockedSnapshots', HERE, { SnapshotIds: [snapshotId(3), snapshotId(4)] }],
  ['describeLockedSnapshots', HERE, { SnapshotIds: [snapshotId(5)] }],
  ['unlockSnapshot', HERE, { SnapshotId: snapshotId(3) }],
  ['unlockSnapshot', HERE, { SnapshotId: snapshotId(5) }],
  ['modifySnapshotTier', HERE, { SnapshotId: snapshotId(5), StorageTier: 'archive' }],
  ['restoreSnapshotTier', HERE, { SnapshotId: snapshotId(5), PermanentRestore: true }],
  ['describeSnapshotTierStatus', HERE, withId(5)],
  ['describeSnapshotTierStatus', HERE, withId(6)],
  ['enableFastSnapshotRestores', HERE, fastRestore(`${HERE}a`, `${THERE}a`)],
  ['enableFastSnapshotRestores', HERE, { SourceSnapshotIds: [snapshotId(6)], AvailabilityZoneIds: ['euw1-az2'] }],
  ['describeFastSnapshotRestores', HERE, withId(6)],
  ['describeFastSnapshotRestores', HERE, withId(7)],
  ['disableFastSnapshotRestores', HERE, fastRestore(`${HERE}a`, `${HERE}c`)],
  ['describeKey', HERE, { KeyId: 'alias/aws/ebs' }],
  ['describeKey', HERE, { KeyId: 'alias/nothing' }],
  ['describeStacks', { StackName: STACK }],
  ['describeStacks', { StackName: `${STACK}2` }],
  ['describeStackResource', { StackName: STACK, LogicalResourceId: 'Copy' }],
  ['describeStackResource', { StackName: STACK, LogicalResourceId: 'Other' }],
];

async function compare(calls: Call[], faults?: FaultHook): Promise<{ outcomes: Outcome[]; sent: Sent[] }> {
  const [cut = '', uncut = ''] = bundles;
  const [made, expected] = [await make(calls, cut, faults), await make(calls, uncut, faults)];
  expect(made.sent).toEqual(expected.sent);
  expect(made.outcomes).toEqual(expected.outcomes);
  return made;
}

test('every request has the same bytes, and every result is the same', async () => {
  const { outcomes, sent } = await compare(CALLS);
  // The comparison includes calls that succeed, not only failures.
  expect(outcomes.filter(({ error }) => error === undefined)).toHaveLength(32);
  const shown = outcomes.find(({ value }) => Object.hasOwn(value ?? {}, 'FastSnapshotRestores'));
  expect(shown?.value).toMatchObject({ FastSnapshotRestores: [{ State: 'enabling' }, { State: 'enabling' }] });
  const { PresignedUrl, DestinationRegion } = Object.fromEntries(new URLSearchParams(sent[0]?.body));
  expect(DestinationRegion).toBe(HERE);
  expect(new URL(PresignedUrl ?? '').searchParams.get('X-Amz-Credential')).toContain(`/${THERE}/ec2/`);
});

const CODES = {
  describeSnapshots: [
    'InvalidSnapshot.NotFound',
    'InvalidSnapshotID.Malformed',
    'UnauthorizedOperation',
    'AuthFailure',
    'ExpiredToken',
    'SnapshotCopyUnsupported.InterRegion',
    'ResourceLimitExceeded',
    'DryRunOperation',
    'Client.Ünknown & <strange>',
  ],
  describeKey: exceptionsOf(kmsSdk, kmsSdk.KMSServiceException),
  describeStacks: [
    ...exceptionsOf(cloudFormationSdk, cloudFormationSdk.CloudFormationServiceException),
    'ValidationError',
    'AccessDenied',
    'ExpiredToken',
  ],
};

/** All errors for which the SDK has a class. */
function exceptionsOf(sdk: object, base: new (...args: never[]) => Error): string[] {
  const isException = (value: unknown): boolean =>
    typeof value === 'function' && Object.prototype.isPrototypeOf.call(base.prototype, value.prototype as object);
  return Object.keys(sdk).filter((name) => isException(sdk[name as keyof typeof sdk]));
}

const LOOK = {
  describeSnapshots: (id: string): Call => ['describeSnapshots', HERE, { SnapshotIds: [id] }],
  describeKey: (id: string): Call => ['describeKey', HERE, { KeyId: id }],
  describeStacks: (id: string): Call => ['describeStacks', { StackName: id }],
};

/** A service that answers with the error that the request names. */
const refuse: FaultHook = ({ input }) => {
  const [code] = Object.values(input as Record<string, string | string[]>).flat();
  return new AwsError(code ?? '', NASTY);
};

test.each(['describeSnapshots', 'describeKey', 'describeStacks'] as const)(
  'every error of %s is read the same way',
  async (method) => {
    const { outcomes } = await compare(CODES[method].map(LOOK[method]), refuse);
    expect(outcomes.map(({ error }) => error?.name)).toEqual(CODES[method]);
    expect(outcomes[0]?.error).toMatchObject({ message: NASTY, $metadata: { httpStatusCode: 400, attempts: 1 } });
  },
);

test.each(['throttled', 'internal-error', 'unavailable', 'denied', 'lost-response', 'refused-connection'] as const)(
  '%s: both bundles retry equally often, for all services',
  async (fault) => {
    const calls = [copyOf({}), ...Object.values(LOOK).map((look) => look(snapshotId(1)))];
    await compare([...calls, ...calls], ({ count }) => (count <= 3 ? fault : undefined));
  },
);
