import type { WireProperties } from '../../lib/contract';
import { MINUTE, World, type Outcome } from './in-process';

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
  ])('that is %s is refused at once', async (_, properties, words) => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', ...properties });
    const { failure, after } = await create(world, { KmsKeyId: key.arn });
    expect(failure?.message).toContain(`KMS key ${key.arn} ${words} in eu-west-1`);
    expect(after).toBe(0);
    expect(world.started()).toBe(0);
  });

  test('that is being created is waited for', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', state: 'Creating' });
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
