import type { WireProperties } from '../../lib/contract';
import type { Aws, KeyMetadata, Snapshot } from '../../lambda/aws';
import { Failure, NotYet } from '../../lambda/failure';
import { preflight } from '../../lambda/preflight';
import { AwsError } from '../../local-aws/faults';
import { MINUTE, requestFor, World, type Outcome } from './in-process';

async function create(world: World, declared: Partial<WireProperties>): Promise<Outcome> {
  return world.run(world.event('Create', { ResourceProperties: world.declare(declared) }));
}

/** What the deployment says, having started no copy. */
async function refusal(world: World, declared: Partial<WireProperties>): Promise<string> {
  const { failure } = await create(world, declared);
  expect(world.started()).toBe(0);
  return failure?.message ?? 'no failure';
}

describe('the source', () => {
  test('that is missing fails when reads are no longer stale, and says what to correct', async () => {
    const world = new World();
    const { failure, after } = await create(world, { SourceSnapshotId: 'snap-0123456789abcdef0' });
    expect(after).toBe(180);
    expect(failure?.message).toContain(
      'source snapshot snap-0123456789abcdef0 was not found in us-east-1: it does not exist there, or is not shared with this account; correct "sourceSnapshotId" or "sourceRegion"',
    );
    expect(world.started()).toBe(0);
  });

  test('that another account does not share is missing, that it shares is copied', async () => {
    const world = new World();
    const theirs = world.ec2.addSnapshot({ region: 'us-east-1', ownerId: '999988887777' });
    expect(await refusal(world, { SourceSnapshotId: theirs.id })).toContain('not shared with this account');
    theirs.sharedWith.add('111122223333');
    expect((await create(world, { SourceSnapshotId: theirs.id })).answer?.IsComplete).toBe(true);
  });

  test('that was made a moment ago, and is not to be seen yet, is waited for', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'eu-west-3' });
    const begun = world.time;
    world.services.faults = ({ region, time }) =>
      region === 'eu-west-3' && time - begun < MINUTE ? 'unavailable' : undefined;
    const { answer } = await create(world, { SourceSnapshotId: source.id, SourceRegion: 'eu-west-3' });
    expect(answer?.IsComplete).toBe(true);
  });

  test('that is pending is waited for', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 7 * MINUTE } });
    const { answer } = await create(world, { SourceSnapshotId: source.id });
    expect(answer?.IsComplete).toBe(true);
    expect(world.started()).toBe(1);
  });

  test('that stays pending is the reason at the deadline', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', course: { duration: 90 * MINUTE } });
    expect(await refusal(world, { SourceSnapshotId: source.id })).toMatch(
      /could not be started within 50 minutes: source snapshot \S+ in us-east-1 is pending/,
    );
  });

  test.each([
    ['is in state error', { course: { outcome: 'error', message: 'disk fault' } }, 'is in state error (disk fault)'],
    ['is archived', { storageTier: 'archive' as const }, 'is archived; restore it to the standard tier first'],
    ['is on an Outpost', { outpostArn: 'arn:aws:outposts:us-east-1:111122223333:outpost/op-1' }, 'is on an Outpost'],
  ])('that %s is refused', async (_, state, words) => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', ...state });
    world.time += 2 * MINUTE;
    expect(await refusal(world, { SourceSnapshotId: source.id })).toContain(words);
  });

  test('in the Recycle Bin is refused', async () => {
    const world = new World({ recycleBin: 'visible' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1' });
    world.ec2.deleteSnapshot('us-east-1', { SnapshotId: source.id });
    expect(await refusal(world, { SourceSnapshotId: source.id })).toContain('is in the Recycle Bin; recover it first');
  });

  test('whose id a token resolved to nonsense is refused before EC2 is asked for all snapshots', async () => {
    const world = new World();
    expect(await refusal(world, { SourceSnapshotId: '' })).toContain('"" is not a snapshot id');
    expect(world.services.calls.filter(({ action }) => action === 'DescribeSnapshots')).toHaveLength(2);
  });
});

describe('the key of the source', () => {
  const account = '999988887777';

  test('that is a customer key and was not declared is refused with its ARN', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await refusal(world, { SourceSnapshotId: source.id })).toContain(
      `is encrypted under the customer key ${key.arn}, but "sourceKmsKey" is not set; pass that key`,
    );
  });

  test('of another account is a customer key, which KMS need not be asked about', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1', accountId: account });
    const source = world.ec2.addSnapshot({
      region: 'us-east-1',
      kmsKeyId: key.arn,
      ownerId: account,
      sharedWith: ['111122223333'],
    });
    expect(await refusal(world, { SourceSnapshotId: source.id })).toContain('"sourceKmsKey" is not set');
    expect(world.services.calls.filter(({ action }) => action === 'DescribeKey')).toEqual([]);
  });

  test('other than the declared one is refused with both', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addKey({ region: 'us-east-1' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await refusal(world, { SourceSnapshotId: source.id, SourceKmsKeyArn: other.arn })).toContain(
      `under the customer key ${key.arn}, but "sourceKmsKey" is ${other.arn}`,
    );
  });

  test.each(['its ARN', 'an alias', 'kmsKeyId in the same Region', 'a bare id in the same Region'])(
    'is declared by %s',
    async (how) => {
      const world = new World();
      const key = world.ec2.kms.addKey({ region: 'us-east-1' });
      const alias = world.ec2.kms.addAlias('alias/source', key);
      const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
      const declared: Record<string, Partial<WireProperties>> = {
        'its ARN': { SourceKmsKeyArn: key.arn },
        'an alias': { SourceKmsKeyArn: alias },
        'kmsKeyId in the same Region': { KmsKeyId: key.arn, DestinationRegion: 'us-east-1' },
        'a bare id in the same Region': { KmsKeyId: key.keyId, DestinationRegion: 'us-east-1' },
      };
      const { failure, answer } = await create(world, { SourceSnapshotId: source.id, ...declared[how] });
      expect(failure).toBeUndefined();
      expect(answer?.Data?.Encrypted).toBe('true');
    },
  );

  test('is not declared by an alias of another key, or of none', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addAlias('alias/other', world.ec2.kms.addKey({ region: 'us-east-1' }));
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    for (const SourceKmsKeyArn of [other, other.replace('other', 'nowhere')]) {
      expect(await refusal(world, { SourceSnapshotId: source.id, SourceKmsKeyArn })).toContain(
        `under the customer key ${key.arn}, but "sourceKmsKey" is ${SourceKmsKeyArn}`,
      );
    }
  });

  test('is not declared by the id of its replica in the other Region', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1', multiRegion: true });
    world.ec2.kms.addKey({ region: 'eu-west-1', multiRegion: true, keyId: key.keyId });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await refusal(world, { SourceSnapshotId: source.id, KmsKeyId: key.keyId })).toContain(
      '"sourceKmsKey" is not set',
    );
  });

  test('that does not exist any more is a customer key', async () => {
    const world = new World();
    const kmsKeyId = 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000';
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId });
    expect(await refusal(world, { SourceSnapshotId: source.id })).toContain(`under the customer key ${kmsKeyId}`);
  });

  test('may be declared for a source that is not encrypted', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addKey({ region: 'us-east-1' });
    const { answer } = await create(world, {
      SourceKmsKeyArn: other.arn,
      KmsKeyId: key.arn,
      DestinationRegion: 'us-east-1',
    });
    expect(answer?.Data?.KmsKeyArn).toBe(key.arn);
  });

  test('that AWS manages needs no declaration', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', encrypted: true });
    const { answer } = await create(world, { SourceSnapshotId: source.id });
    expect(answer?.Data?.Encrypted).toBe('true');
  });
});

describe('the key of the copy', () => {
  test('makes the copy encrypted under it, whichever of the four forms names it', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const aliasArn = world.ec2.kms.addAlias('alias/mine', key);
    for (const KmsKeyId of [key.keyId, key.arn, 'alias/mine', aliasArn]) {
      world.physicalId = undefined;
      const { answer } = await create(world, { KmsKeyId });
      expect(answer?.Data).toMatchObject({ Encrypted: 'true', KmsKeyArn: key.arn, KmsKeyGrantArn: key.arn });
    }
  });

  test('that does not exist is refused when reads are no longer stale', async () => {
    const world = new World();
    expect(await refusal(world, { KmsKeyId: 'alias/nowhere' })).toContain(
      'KMS key alias/nowhere does not exist in eu-west-1; the copy needs an enabled symmetric encryption key there',
    );
  });

  test.each([
    ['disabled', { state: 'Disabled' as const }, 'is in state Disabled'],
    ['about to be deleted', { state: 'PendingDeletion' as const }, 'is in state PendingDeletion'],
    [
      'for signing',
      { usage: 'SIGN_VERIFY' as const, spec: 'RSA_2048' as const },
      'is of usage SIGN_VERIFY and spec RSA_2048',
    ],
    ['asymmetric', { spec: 'RSA_2048' as const }, 'is of usage ENCRYPT_DECRYPT and spec RSA_2048'],
    [
      'for MACs',
      { usage: 'GENERATE_VERIFY_MAC' as const },
      'is of usage GENERATE_VERIFY_MAC and spec SYMMETRIC_DEFAULT',
    ],
  ])('that is %s is refused at once', async (_, properties, words) => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', ...properties });
    const { failure, after } = await create(world, { KmsKeyId: key.arn });
    expect(failure?.message).toContain(`KMS key ${key.arn} ${words} in eu-west-1`);
    expect(after).toBe(0);
    expect(world.started()).toBe(0);
  });

  test.each(['Creating', 'Updating'] as const)('that is %s is waited for', async (state) => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', state });
    const event = await world.accept(
      world.event('Create', { ResourceProperties: world.declare({ KmsKeyId: key.arn }) }),
    );
    await world.poll(event);
    expect(world.started()).toBe(0);
    key.state = 'Enabled';
    expect((await world.wait(event)).answer?.IsComplete).toBe(true);
  });

  test('that may not be looked at is a matter of policies, which take five minutes to arrive', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', accountId: '999988887777' });
    const { failure, after } = await create(world, { KmsKeyId: key.arn });
    expect(after).toBe(360);
    expect(failure?.message).toContain('AccessDeniedException');
  });
});

describe('what EC2 and KMS rarely say', () => {
  const completed: Snapshot = { State: 'completed' };
  const enabled: KeyMetadata = {
    KeyId: 'k',
    Arn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
    KeyState: 'Enabled',
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeySpec: 'SYMMETRIC_DEFAULT',
  };

  /** What a look at this source and, if there is one, this key comes to. */
  async function look(source: Snapshot, key?: KeyMetadata, declared?: Partial<WireProperties>): Promise<unknown> {
    const aws: Partial<Aws> = {
      describeSnapshot: () => Promise.resolve(source),
      describeKey: () => Promise.resolve(key ?? { KeyId: undefined }),
    };
    const request = requestFor(declared ?? { KmsKeyId: key && 'alias/mine' });
    return preflight(aws as Aws, request, Infinity).catch((error: unknown) => error);
  }

  test('a source in error without a reason, or in no state', async () => {
    expect(await look({ State: 'error' })).toEqual(
      new Failure('source snapshot snap-0123456789abcdef0 in us-east-1 is in state error (no reason given)'),
    );
    expect(await look({})).toEqual(
      new NotYet('source snapshot snap-0123456789abcdef0 in us-east-1 is in no state, not completed yet'),
    );
  });

  test('an archived source that has been restored for a while is copied', async () => {
    const RestoreExpiryTime = new Date(Date.UTC(2031, 0, 1));
    expect(await look({ ...completed, StorageTier: 'archive', RestoreExpiryTime })).toBeUndefined();
  });

  test('an encrypted source whose key is not told is left to EC2', async () => {
    const arn = enabled.Arn ?? '';
    const declared = { DestinationRegion: 'eu-west-1', SourceRegion: 'eu-west-1', KmsKeyId: arn, SourceKmsKeyArn: arn };
    expect(await look({ ...completed, Encrypted: true }, enabled, declared)).toBeUndefined();
  });

  test.each<[KeyMetadata, string]>([
    [{ KeyId: 'k' }, 'KMS key alias/mine is in state unknown in eu-west-1'],
    [{ KeyId: 'k', KeyState: 'Enabled' }, 'KMS key alias/mine is of usage unknown and spec unknown in eu-west-1'],
    [{ ...enabled, Arn: undefined }, 'KMS key alias/mine (without ARN) is not in eu-west-1'],
    [
      { ...enabled, Arn: 'arn:aws:kms:eu-west-2:111122223333:key/k' },
      'KMS key alias/mine (arn:aws:kms:eu-west-2:111122223333:key/k) is not in eu-west-1',
    ],
  ])('a key that is %j', async (key, words) => {
    expect(await look(completed, key)).toEqual(
      new Failure(`${words}; the copy needs an enabled symmetric encryption key there`),
    );
  });

  test.each(['Creating', 'Updating'] as const)('a key that is %s is named by its id', async (KeyState) => {
    expect(await look(completed, { ...enabled, KeyState })).toEqual(new NotYet(`KMS key k is in state ${KeyState}`));
  });

  test('a source that is not found is missing from the second minute on, and before it may be new', async () => {
    const missing = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
    const aws: Partial<Aws> = { describeSnapshot: () => Promise.reject(missing) };
    await expect(preflight(aws as Aws, requestFor(), 2 * MINUTE - 1)).rejects.toThrow(NotYet);
    await expect(preflight(aws as Aws, requestFor(), 2 * MINUTE)).rejects.toThrow(Failure);
  });
});
