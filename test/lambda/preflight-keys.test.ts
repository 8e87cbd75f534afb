import type { Snapshot } from '@aws-sdk/client-ec2';
import type { CopyProperties } from '../../lib/contract';
import type { Aws, KeyMetadata } from '../../lambda/aws';
import { Failure, NotYet } from '../../lambda/failure';
import { preflight } from '../../lambda/preflight';
import { MINUTE, World } from './in-process';
import { requestFor } from './requests';

describe('the key of the source', () => {
  const account = '999988887777';

  test('that is a customer key and is not declared is refused, and named', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain(
      `is encrypted under the customer managed key ${key.arn}, but "sourceKmsKey" is not set; pass that key`,
    );
  });

  test('of another account is a customer key, which takes no call to KMS', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1', accountId: account });
    const source = world.ec2.addSnapshot({
      region: 'us-east-1',
      kmsKeyId: key.arn,
      ownerId: account,
      sharedWith: ['111122223333'],
    });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain('"sourceKmsKey" is not set');
    expect(world.services.calls.filter(({ action }) => action === 'DescribeKey')).toEqual([]);
  });

  test('that differs from the declared one is refused, and both are named', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addKey({ region: 'us-east-1' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await world.refusal({ SourceSnapshotId: source.id, SourceKmsKeyArn: other.arn })).toContain(
      `under the customer managed key ${key.arn}, but "sourceKmsKey" is ${other.arn}`,
    );
  });

  test.each(['its ARN', 'an alias', '"kmsKey" of a copy in the same Region', 'its id in the same Region'])(
    'is declared by %s',
    async (how) => {
      const world = new World();
      const key = world.ec2.kms.addKey({ region: 'us-east-1' });
      const alias = world.ec2.kms.addAlias('alias/source', key);
      const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
      const declared: Record<string, Partial<CopyProperties>> = {
        'its ARN': { SourceKmsKeyArn: key.arn },
        'an alias': { SourceKmsKeyArn: alias },
        '"kmsKey" of a copy in the same Region': { KmsKeyId: key.arn, DestinationRegion: 'us-east-1' },
        'its id in the same Region': { KmsKeyId: key.keyId, DestinationRegion: 'us-east-1' },
      };
      const { failure, answer } = await world.runCreate({ SourceSnapshotId: source.id, ...declared[how] });
      expect(failure).toBeUndefined();
      expect(answer?.Data?.Encrypted).toBe('true');
    },
  );

  test('is not declared by an alias of another key, or of no key', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addAlias('alias/other', world.ec2.kms.addKey({ region: 'us-east-1' }));
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    for (const SourceKmsKeyArn of [other, other.replace('other', 'nowhere')]) {
      expect(await world.refusal({ SourceSnapshotId: source.id, SourceKmsKeyArn })).toContain(
        `under the customer managed key ${key.arn}, but "sourceKmsKey" is ${SourceKmsKeyArn}`,
      );
    }
  });

  test('is not declared by the id of its replica in the Region of the copy', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1', multiRegion: true });
    world.ec2.kms.addKey({ region: 'eu-west-1', multiRegion: true, keyId: key.keyId });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await world.refusal({ SourceSnapshotId: source.id, KmsKeyId: key.keyId })).toContain(
      '"sourceKmsKey" is not set',
    );
  });

  test('that no longer exists is a customer key', async () => {
    const world = new World();
    const kmsKeyId = 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000';
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain(
      `under the customer managed key ${kmsKeyId}`,
    );
  });

  test('may be declared for a source that is not encrypted', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addKey({ region: 'us-east-1' });
    const { answer } = await world.runCreate({
      SourceKmsKeyArn: other.arn,
      KmsKeyId: key.arn,
      DestinationRegion: 'us-east-1',
    });
    expect(answer?.Data?.KmsKeyArn).toBe(key.arn);
  });

  test('that AWS manages needs no declaration', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', encrypted: true });
    const { answer } = await world.runCreate({ SourceSnapshotId: source.id });
    expect(answer?.Data?.Encrypted).toBe('true');
  });
});

describe('the key of the copy', () => {
  test('encrypts the copy, whichever of the four forms names it', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const aliasArn = world.ec2.kms.addAlias('alias/mine', key);
    for (const KmsKeyId of [key.keyId, key.arn, 'alias/mine', aliasArn]) {
      world.physicalId = undefined;
      const { answer } = await world.runCreate({ KmsKeyId });
      expect(answer?.Data).toMatchObject({ Encrypted: 'true', KmsKeyArn: key.arn, KmsKeyArnOrNone: key.arn });
    }
  });

  test('that does not exist is refused once a read cannot be stale', async () => {
    const world = new World();
    expect(await world.refusal({ KmsKeyId: 'alias/nowhere' })).toContain(
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
    const { failure, after } = await world.runCreate({ KmsKeyId: key.arn });
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

  test('that the handler may not read is waited for while policies arrive', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', accountId: '999988887777' });
    const { failure, after } = await world.runCreate({ KmsKeyId: key.arn });
    expect(after).toBe(300);
    expect(failure?.message).toContain('AccessDeniedException');
  });
});

describe('a key of the copy', () => {
  const enabled: KeyMetadata = {
    KeyId: 'k',
    Arn: 'arn:aws:kms:eu-west-1:111122223333:key/k',
    KeyState: 'Enabled',
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeySpec: 'SYMMETRIC_DEFAULT',
  };

  const preflightOf = (key: KeyMetadata | undefined, elapsedMs = Infinity): Promise<Snapshot> => {
    const aws: Partial<Aws> = {
      describeSnapshot: () => Promise.resolve({ State: 'completed' }),
      describeKey: () => Promise.resolve(key),
    };
    return preflight(aws as Aws, requestFor({ KmsKeyId: 'alias/mine' }), elapsedMs);
  };

  /** What the preflight answers or throws. */
  const check = (key: KeyMetadata): Promise<unknown> => preflightOf(key).catch((error: unknown) => error);

  test('that is enabled and in the destination Region passes', async () => {
    expect(await check(enabled)).toEqual({ State: 'completed' });
  });

  test.each<[KeyMetadata, string]>([
    [{ KeyId: 'k' }, 'KMS key alias/mine is in state unknown in eu-west-1'],
    [{ KeyId: 'k', KeyState: 'Enabled' }, 'KMS key alias/mine is of usage unknown and spec unknown in eu-west-1'],
    [{ ...enabled, Arn: undefined }, 'KMS key alias/mine (without ARN) is not in eu-west-1'],
    [
      { ...enabled, Arn: 'arn:aws:kms:eu-west-2:111122223333:key/k' },
      'KMS key alias/mine (arn:aws:kms:eu-west-2:111122223333:key/k) is not in eu-west-1',
    ],
  ])('that KMS shows as %j is refused', async (key, words) => {
    expect(await check(key)).toEqual(new Failure(`${words}; the copy needs an enabled symmetric encryption key there`));
  });

  test.each(['Creating', 'Updating'] as const)('that is %s is named by its id', async (KeyState) => {
    expect(await check({ ...enabled, KeyState })).toEqual(new NotYet(`KMS key k is in state ${KeyState}`));
  });

  test('that is not found is missing from the second minute on, and may be new before', async () => {
    await expect(preflightOf(undefined, 2 * MINUTE - 1)).rejects.toThrow(new NotYet('alias/mine was not found yet'));
    await expect(preflightOf(undefined, 2 * MINUTE)).rejects.toThrow(Failure);
  });
});
