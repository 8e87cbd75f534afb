import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CopySnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  paginateDescribeSnapshots,
  type CopySnapshotCommandInput,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { SimulatedEc2, type NewSnapshot, type StoredSnapshot } from '../../local-aws/ec2';
import { Endpoint } from '../../local-aws/endpoint';
import { AwsError } from '../../local-aws/faults';
import { SimulatedKms } from '../../local-aws/kms';
import { Services } from '../../local-aws/services';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HERE = 'eu-west-1';
const THERE = 'us-east-1';

let now: number;
let kms: SimulatedKms;
let ec2: SimulatedEc2;
let services: Services;
let endpoint: Endpoint;
let source: StoredSnapshot;
let client: { ec2: EC2Client; kms: KMSClient; cloudformation: CloudFormationClient };

beforeEach(async () => {
  now = Date.parse('2026-03-01T12:00:00Z');
  const clock = { now: () => now };
  kms = new SimulatedKms({ clock });
  ec2 = new SimulatedEc2({ clock, kms });
  services = new Services({ clock, ec2 });
  endpoint = await Endpoint.start({ services, clock });
  source = ec2.addSnapshot({ region: THERE, volumeSize: 20, description: 'a <b> & "c"\r\n', tags: { Name: 'source' } });
  const config = {
    endpoint: endpoint.url,
    region: HERE,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
    maxAttempts: 1,
  };
  client = { ec2: new EC2Client(config), kms: new KMSClient(config), cloudformation: new CloudFormationClient(config) };
});

afterEach(async () => {
  Object.values(client).forEach((each) => {
    each.destroy();
  });
  await endpoint.stop();
});

const copyInput = (input: Partial<CopySnapshotCommandInput> = {}): CopySnapshotCommandInput => ({
  SourceRegion: THERE,
  SourceSnapshotId: source.id,
  ...input,
});

async function copy(input: Partial<CopySnapshotCommandInput> = {}): Promise<string> {
  const { SnapshotId = '' } = await client.ec2.send(new CopySnapshotCommand(copyInput(input)));
  return SnapshotId;
}

async function read(id: string): Promise<Snapshot> {
  const { Snapshots = [] } = await client.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
  return Snapshots[0] ?? {};
}

async function search(name: string, ...values: string[]): Promise<(string | undefined)[]> {
  const Filters = [{ Name: name, Values: values }];
  const { Snapshots = [] } = await client.ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters }));
  return Snapshots.map(({ SnapshotId }) => SnapshotId);
}

const tagged = (tags: Record<string, string>): Partial<CopySnapshotCommandInput> => ({
  TagSpecifications: [{ ResourceType: 'snapshot', Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }],
});

/** The code and message of the error that refuses a call. */
async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'not refused',
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
  );
}

describe('a copy', () => {
  it('is pending with growing progress and meaningless values, then completed with its attributes', async () => {
    const id = await copy({ Description: 'for DR', ...tagged({ Name: 'é & <x>', empty: '' }) });
    expect(id).toMatch(/^snap-[0-9a-f]{17}$/);
    expect(await read(id)).toMatchObject({ State: 'pending', Progress: '', VolumeSize: 0, StateMessage: /./ });
    now += 4 * MINUTE;
    expect(await read(id)).toMatchObject({ State: 'pending', Progress: '40%' });
    now += 6 * MINUTE;
    expect(await read(id)).toEqual({
      SnapshotId: id,
      State: 'completed',
      Progress: '100%',
      Description: 'for DR',
      OwnerId: '111122223333',
      VolumeId: 'vol-ffffffff',
      VolumeSize: 20,
      FullSnapshotSizeInBytes: 10 * 2 ** 30,
      Encrypted: false,
      StorageTier: 'standard',
      TransferType: 'standard',
      StartTime: new Date('2026-03-01T12:00:00Z'),
      CompletionTime: new Date('2026-03-01T12:10:00Z'),
      Tags: [
        { Key: 'Name', Value: 'é & <x>' },
        { Key: 'empty', Value: '' },
      ],
    });
  });

  it('is made in the endpoint’s Region, and requested with a presigned URL', async () => {
    await copy();
    const { parameters, region } = endpoint.requests[0] ?? {};
    expect(region).toBe(HERE);
    expect(parameters).toMatchObject({ Action: 'CopySnapshot', Version: '2016-11-15', DestinationRegion: HERE });
    expect(parameters?.PresignedUrl).toContain(`SourceSnapshotId=${source.id}`);
    expect(services.calls).toMatchObject([
      { service: 'ec2', region: HERE, action: 'CopySnapshot', count: 1, time: now },
    ]);
  });

  it.each([
    ['missing', 'Source snapshot is not found', () => 'snap-00000000000000001'],
    [
      'not shared with us',
      'Source snapshot is not found',
      () => ec2.addSnapshot({ region: THERE, ownerId: '999988887777' }).id,
    ],
    [
      'still pending',
      'Source snapshot is not complete',
      () => ec2.addSnapshot({ region: THERE, course: { duration: MINUTE } }).id,
    ],
  ])('of a source that is %s is accepted, and fails later', async (_, message, sourceId) => {
    const id = await copy({ SourceSnapshotId: sourceId() });
    expect((await read(id)).State).toBe('pending');
    now += 5 * SECOND;
    expect(await read(id)).toMatchObject({ State: 'error', StateMessage: message });
  });

  it('is encrypted under the given key, in each of four forms, and reports the ARN', async () => {
    const key = kms.addKey({ region: HERE, alias: 'alias/mine' });
    const alias = key.arn.replace(/key\/.*/, 'alias/mine');
    for (const KmsKeyId of [key.keyId, 'alias/mine', key.arn, alias]) {
      const id = await copy({ Encrypted: true, KmsKeyId });
      now += 10 * MINUTE;
      expect(await read(id)).toMatchObject({ State: 'completed', Encrypted: true, KmsKeyId: key.arn });
    }
  });

  it('of an encrypted source gets the destination’s default key, not the source’s key', async () => {
    source = ec2.addSnapshot({ region: THERE, kmsKeyId: kms.addKey({ region: THERE }).arn });
    const id = await copy();
    now += 10 * MINUTE;
    expect(await read(id)).toMatchObject({ Encrypted: true, KmsKeyId: kms.defaultEbsKey(HERE).arn });
  });

  it('fails later under a disabled, foreign, missing, or asymmetric key, or is refused immediately', async () => {
    const bad = [
      kms.addKey({ region: HERE, state: 'Disabled' }).arn,
      kms.addKey({ region: HERE, spec: 'RSA_2048' }).arn,
      kms.addKey({ region: HERE, accountId: '999988887777' }).arn,
      kms.addKey({ region: THERE }).arn,
      'alias/none',
    ];
    for (const KmsKeyId of bad) {
      const id = await copy({ Encrypted: true, KmsKeyId });
      now += 5 * SECOND;
      expect(await read(id)).toMatchObject({ State: 'error', StateMessage: 'Given key ID is not accessible' });
    }
    ec2.settings.badKeyCode = 'InvalidParameterValue';
    expect(await refusal(copy({ Encrypted: true, KmsKeyId: 'alias/none' }))).toMatch(/^InvalidParameterValue: /);
  });

  it('can stall, fail, or reach an unknown state', async () => {
    ec2.settings.course = ({ count }) =>
      [{ outcome: 'pending', stallAt: 43 }, { outcome: 'error', message: 'Internal error' }, { outcome: 'thawing' }][
        count - 1
      ];
    const ids = [await copy(), await copy(), await copy()];
    now += 24 * 60 * MINUTE;
    expect(await Promise.all(ids.map(read))).toMatchObject([
      { State: 'pending', Progress: '43%' },
      { State: 'error', StateMessage: 'Internal error' },
      { State: 'thawing' },
    ]);
  });

  it('is time-based with a completion duration', async () => {
    ec2.settings.copyDuration = 60 * MINUTE;
    const id = await copy({ CompletionDurationMinutes: 15 });
    now += 15 * MINUTE;
    expect(await read(id)).toMatchObject({ State: 'completed', TransferType: 'time-based' });
  });

  it('does not wait for others: beyond the quota of its destination Region, it is refused', async () => {
    ec2.settings.maxConcurrentCopies = 2;
    await copy();
    await copy();
    expect(await refusal(copy())).toBe(
      'ResourceLimitExceeded: Too many snapshot copies in progress. The limit is 2 for this destination region.',
    );
    now += 10 * MINUTE;
    await copy();
  });

  const manyTags = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, '']));
  const outpostThere = 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0123456789abcdef0';

  it.each<[what: string, code: string, input: Partial<CopySnapshotCommandInput>]>([
    ['a malformed ID', 'InvalidSnapshotID.Malformed', { SourceSnapshotId: 'snap-xyz' }],
    ['an ID of something else', 'InvalidParameterValue', { SourceSnapshotId: 'vol-00000000000000001' }],
    ['no ID', 'MissingParameter', { SourceSnapshotId: undefined }],
    ['an unknown Region', 'InvalidRegion', { SourceRegion: 'mars' }],
    ['Encrypted false', 'InvalidParameterValue', { Encrypted: false }],
    ['a key without Encrypted', 'InvalidParameterDependency', { KmsKeyId: 'alias/aws/ebs' }],
    ['a duration between increments', 'InvalidParameterValue', { CompletionDurationMinutes: 20 }],
    [
      'a duration for a Local Zone',
      'InvalidParameterCombination',
      { CompletionDurationMinutes: 30, DestinationAvailabilityZone: 'eu-west-1-lon-1a' },
    ],
    ['a zone that is not local', 'InvalidParameterValue', { DestinationAvailabilityZone: 'eu-west-1a' }],
    ['an Outpost outside the source’s Region', 'InvalidParameterValue', { DestinationOutpostArn: outpostThere }],
    ['a long description', 'InvalidParameterValue', { Description: 'x'.repeat(256) }],
    ['an AWS tag', 'InvalidParameterValue', tagged({ 'aws:mine': '' })],
    ['51 tags', 'TagLimitExceeded', tagged(manyTags)],
    ['a dry run', 'DryRunOperation', { DryRun: true }],
  ])('is refused immediately: %s, with %s', async (_, code, input) => {
    expect(await refusal(copy(input))).toMatch(new RegExp(`^${code}: .`));
    expect(ec2.remainingCopies()).toEqual([]);
  });
});

describe('a search', () => {
  it('supports wildcards, tags, states, and owners', async () => {
    const mine = await copy(tagged({ 'app:stack': 'arn:aws:x/*', Other: '1' }));
    const other = await copy(tagged({ 'app:stack': 'arn:aws:y' }));
    expect(await search('tag:app:stack', 'arn:aws:x/\\*')).toEqual([mine]);
    expect((await search('tag:app:stack', 'arn:*')).sort()).toEqual([mine, other].sort());
    expect(await search('tag-key', 'Other')).toEqual([mine]);
    expect(await search('status', 'completed')).toEqual([]);
    expect(await refusal(search('colour', 'red'))).toMatch(/^InvalidParameterValue: The filter 'colour' is invalid/);
  });

  it('comes in pages, which are split before the filters are applied', async () => {
    ec2.settings.maxConcurrentCopies = 30;
    for (let i = 0; i < 12; i++) {
      await copy(i % 6 === 0 ? tagged({ rare: 'yes' }) : {});
    }
    const pages: number[] = [];
    const input = { Filters: [{ Name: 'tag:rare', Values: ['yes'] }] };
    for await (const page of paginateDescribeSnapshots({ client: client.ec2, pageSize: 5 }, input)) {
      pages.push(page.Snapshots?.length ?? 0);
    }
    expect(pages).toHaveLength(3);
    expect(pages.reduce((a, b) => a + b)).toBe(2);
  });

  it('sees what is shared with us, but not what is not', async () => {
    const ownerId = '999988887777';
    const shared = ec2.addSnapshot({ region: HERE, ownerId, sharedWith: ['111122223333'] });
    const unshared = ec2.addSnapshot({ region: HERE, ownerId });
    expect(await read(shared.id)).toMatchObject({ OwnerId: ownerId });
    expect(await refusal(read(unshared.id))).toBe(
      `InvalidSnapshot.NotFound: The snapshot '${unshared.id}' does not exist.`,
    );
    expect(await refusal(client.ec2.send(new DeleteSnapshotCommand({ SnapshotId: shared.id })))).toMatch(
      /^AuthFailure/,
    );
  });

  it('is stale for as long as configured, separately for IDs, tags, and deletions', async () => {
    ec2.settings.staleness = { ids: 30 * SECOND, tags: 60 * SECOND, deletions: 10 * SECOND, writes: 0 };
    const id = await copy(tagged({ a: '1' }));
    expect(await refusal(read(id))).toMatch(/^InvalidSnapshot.NotFound/);
    now += 30 * SECOND;
    expect((await read(id)).Tags).toEqual([{ Key: 'a', Value: '1' }]);
    expect(await search('tag:a', '1')).toEqual([]);
    now += 30 * SECOND;
    expect(await search('tag:a', '1')).toEqual([id]);
    await client.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    expect((await read(id)).SnapshotId).toBe(id);
    now += 10 * SECOND;
    expect(await refusal(read(id))).toMatch(/^InvalidSnapshot.NotFound/);
  });
});

describe('tags', () => {
  const tagsOf = async (id: string) => (await read(id)).Tags;

  it('are added, overwritten and removed, by key, by value, or all at once', async () => {
    const id = await copy(tagged({ a: '1', b: '2' }));
    await client.ec2.send(
      new CreateTagsCommand({
        Resources: [id],
        Tags: [
          { Key: 'b', Value: '3' },
          { Key: 'c', Value: '' },
        ],
      }),
    );
    expect(ec2.tagsOf(id)).toEqual({ a: '1', b: '3', c: '' });
    await client.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'a' }, { Key: 'b', Value: 'no' }] }));
    expect(ec2.tagsOf(id)).toEqual({ b: '3', c: '' });
    await client.ec2.send(new DeleteTagsCommand({ Resources: [id] }));
    expect(await tagsOf(id)).toEqual([]);
  });

  it('are refused on what does not exist', async () => {
    const tags = new CreateTagsCommand({ Resources: ['snap-00000000000000001'], Tags: [{ Key: 'a', Value: '1' }] });
    expect(await refusal(client.ec2.send(tags))).toMatch(/^InvalidSnapshot.NotFound/);
  });
});

describe('a deletion', () => {
  const remove = (id: string) => client.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));

  it('removes a pending copy immediately, or when it ends', async () => {
    const id = await copy();
    await remove(id);
    expect(ec2.stateOf(id)).toBe('deleted');
    expect(await refusal(remove(id))).toMatch(/^InvalidSnapshot.NotFound/);
    ec2.settings.pendingDeletion = 'when ended';
    const late = await copy();
    await remove(late);
    expect((await read(late)).State).toBe('pending');
    now += 10 * MINUTE;
    expect(ec2.remainingCopies()).toEqual([]);
    expect(ec2.all()).toHaveLength(3);
  });

  it('is refused for what an AMI uses, what is locked, and what AWS Backup manages', async () => {
    const scenes: Record<string, Partial<NewSnapshot>> = {
      'InvalidSnapshot.InUse': { imageId: 'ami-00000000000000001' },
      InvalidParameterValue: { backupManaged: true },
      SnapshotLocked: { lock: 'governance' },
    };
    for (const [code, scene] of Object.entries(scenes)) {
      const { id } = ec2.addSnapshot({ region: HERE, ...scene });
      expect(await refusal(remove(id))).toMatch(new RegExp(`^${code}: `));
    }
  });

  it('is refused while a lock lasts, and DescribeLockedSnapshots shows the state of the lock', async () => {
    const locks = ['governance', 'compliance-cooloff', 'compliance', 'expired'] as const;
    const ids = locks.map((lock) => ec2.addSnapshot({ region: HERE, lock }).id);
    const unlocked = ec2.addSnapshot({ region: HERE }).id;
    const elsewhere = ec2.addSnapshot({ region: THERE, lock: 'governance' }).id;
    const SnapshotIds = [...ids, unlocked, elsewhere];
    const { Snapshots = [] } = await client.ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds }));
    expect(Snapshots).toEqual(
      ids.map((SnapshotId, i) => ({ SnapshotId, OwnerId: '111122223333', LockState: locks[i] })),
    );
    expect(await client.ec2.send(new DescribeLockedSnapshotsCommand({ SnapshotIds: [unlocked] }))).toMatchObject({
      Snapshots: [],
    });
    expect(await Promise.all(ids.map((id) => refusal(remove(id))))).toEqual([
      ...Array<unknown>(3).fill(expect.stringMatching(/^SnapshotLocked: /)),
      'not refused',
    ]);
  });

  it('leaves in the Recycle Bin what a rule covers', async () => {
    const { id } = ec2.addSnapshot({ region: HERE });
    ec2.settings.recycleBin = 'visible';
    await remove(id);
    expect((await read(id)).State).toBe('recoverable');
  });
});

describe('DescribeKey', () => {
  const describeKey = async (KeyId: string) => (await client.kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;

  it('finds a key by each of four forms in its Region', async () => {
    const key = kms.addKey({ region: HERE, alias: 'alias/mine', state: 'PendingDeletion' });
    const alias = key.arn.replace(/key\/.*/, 'alias/mine');
    for (const id of [key.keyId, 'alias/mine', key.arn, alias]) {
      expect(await describeKey(id)).toMatchObject({
        Arn: key.arn,
        KeyId: key.keyId,
        AWSAccountId: '111122223333',
        Enabled: false,
        KeyState: 'PendingDeletion',
        KeyUsage: 'ENCRYPT_DECRYPT',
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyManager: 'CUSTOMER',
        MultiRegion: false,
      });
    }
    expect((await describeKey('alias/aws/ebs'))?.KeyManager).toBe('AWS');
  });

  it('says what is missing, in another Region, or foreign', async () => {
    expect(await refusal(describeKey('alias/none'))).toBe(
      'NotFoundException: Alias arn:aws:kms:eu-west-1:111122223333:alias/none is not found.',
    );
    expect(await refusal(describeKey(kms.addKey({ region: THERE }).arn))).toBe(
      'NotFoundException: Invalid arn us-east-1',
    );
    const foreign = kms.addKey({ region: HERE, accountId: '999988887777' });
    expect(await refusal(describeKey(foreign.arn))).toMatch(/^AccessDeniedException: .*kms:DescribeKey/);
  });
});

describe('CloudFormation', () => {
  it('returns the status of a stack and of a resource, and says what does not exist', async () => {
    const CreationTime = new Date(now);
    const stack = {
      StackId: 'arn:aws:cloudformation:s',
      StackName: 'S',
      StackStatus: 'CREATE_IN_PROGRESS',
      CreationTime,
    };
    const resource = {
      LogicalResourceId: 'Copy',
      PhysicalResourceId: 'snap-1',
      ResourceType: 'Custom::SnapshotCopy',
      ResourceStatus: 'CREATE_COMPLETE',
      LastUpdatedTimestamp: CreationTime,
    };
    services.stacks = {
      describeStack: (id) => (id === stack.StackId ? stack : undefined),
      describeStackResource: (_, id) => (id === 'Copy' ? resource : undefined),
    };
    const stacks = (StackName: string) => client.cloudformation.send(new DescribeStacksCommand({ StackName }));
    const resources = (LogicalResourceId: string) =>
      client.cloudformation.send(new DescribeStackResourceCommand({ StackName: stack.StackId, LogicalResourceId }));
    expect((await stacks(stack.StackId)).Stacks).toEqual([stack]);
    expect((await resources('Copy')).StackResourceDetail).toEqual(resource);
    expect(await refusal(stacks('none'))).toBe('ValidationError: Stack with id none does not exist');
    expect(await refusal(resources('None'))).toMatch(/^ValidationError: Resource None does not exist for stack/);
  });
});

describe('a fault', () => {
  it('is answered as the service would', async () => {
    const codes = [];
    for (const fault of ['throttled', 'internal-error', 'unavailable', 'denied', new AwsError('Odd', 'odd')] as const) {
      services.faults = () => fault;
      const refusals = [await refusal(copy()), await refusal(client.kms.send(new DescribeKeyCommand({ KeyId: 'x' })))];
      codes.push(...refusals.map((each) => each.split(':')[0]));
    }
    expect(codes).toEqual([
      ...['RequestLimitExceeded', 'ThrottlingException', 'InternalError', 'KMSInternalException'],
      ...['Unavailable', 'DependencyTimeoutException', 'UnauthorizedOperation', 'AccessDeniedException', 'Odd', 'Odd'],
    ]);
    services.faults = () => 'denied';
    expect(await refusal(copy())).toMatch(/ec2:CopySnapshot .* Encoded authorization failure message: [\w-]{500,}$/);
  });

  it.each([
    ['lost-response', 1],
    ['refused-connection', 0],
  ] as const)('%s breaks the connection after %d copies, and looks the same in process', async (fault, copies) => {
    services.faults = () => fault;
    // Jest's modules have their own Error class, so the SDK wraps the error that it gets from Node here.
    expect(await refusal(copy())).toMatch(/TimeoutError: socket hang up$/);
    expect(ec2.remainingCopies()).toHaveLength(copies);
    await expect(services.send(HERE, 'CopySnapshot', copyInput())).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ECONNRESET',
    });
    expect(ec2.remainingCopies()).toHaveLength(2 * copies);
  });

  it('can affect a single call', async () => {
    services.faults = ({ action, count }) => (action === 'CopySnapshot' && count === 1 ? 'throttled' : undefined);
    expect(await refusal(copy())).toMatch(/^RequestLimitExceeded/);
    await copy();
  });
});

describe('a slow call', () => {
  /** How long a call took, in milliseconds, according to its response. */
  async function delayOf(action: string, region = HERE): Promise<string | null> {
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/${region}/ec2/aws4_request`;
    const body = `Action=${action}&Version=2016-11-15&SnapshotId.1=${source.id}`;
    const answer = await fetch(endpoint.url, { method: 'POST', headers: { authorization }, body });
    return answer.headers.get('x-delay-ms');
  }

  it('reports how much virtual time has passed, which may depend on the whole request', async () => {
    expect(await delayOf('DescribeSnapshots', THERE)).toBe('0');
    services.delays = ({ region, action, input }) =>
      region === THERE && action === 'DescribeSnapshots' && JSON.stringify(input).includes(source.id) ? 7_000 : 0;
    expect(await delayOf('DescribeSnapshots', THERE)).toBe('7000');
    expect(await delayOf('DescribeSnapshots')).toBe('0');
    expect(await delayOf('DescribeLockedSnapshots', THERE)).toBe('0');
  });
});
