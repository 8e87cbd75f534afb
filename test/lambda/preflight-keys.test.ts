import type { Snapshot } from '@aws-sdk/client-ec2';
import type { CopyProperties } from '../../lib/contract';
import type { Aws, KeyMetadata } from '../../lambda/aws';
import { Failure, NotYet } from '../../lambda/failure';
import { preflight } from '../../lambda/preflight';
import { MINUTE, World } from './in-process';
import { requestFor } from './requests';

describe('the source key', () => {
  const account = '999988887777';

  test('is refused and named if it is customer managed but not declared', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain(
      `is encrypted under the customer managed key ${key.arn}, but "sourceKmsKey" is not set; pass that key`,
    );
  });

  test('in another account counts as customer managed, without a call to KMS', async () => {
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

  test('is refused if a different key is declared, and the reason names both', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1' });
    const other = world.ec2.kms.addKey({ region: 'us-east-1' });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await world.refusal({ SourceSnapshotId: source.id, SourceKmsKeyArn: other.arn })).toContain(
      `under the customer managed key ${key.arn}, but "sourceKmsKey" is ${other.arn}`,
    );
  });

  test.each(['its ARN', 'an alias', '"kmsKey" of a copy in the same Region', 'its id in the same Region'])(
    'can be declared by %s',
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

  test('is not declared by an alias of another key, or by an alias that does not exist', async () => {
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

  test('is not declared by the ID of its replica in the destination Region', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'us-east-1', multiRegion: true });
    world.ec2.kms.addKey({ region: 'eu-west-1', multiRegion: true, keyId: key.keyId });
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId: key.arn });
    expect(await world.refusal({ SourceSnapshotId: source.id, KmsKeyId: key.keyId })).toContain(
      '"sourceKmsKey" is not set',
    );
  });

  test('counts as customer managed if it no longer exists', async () => {
    const world = new World();
    const kmsKeyId = 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000';
    const source = world.ec2.addSnapshot({ region: 'us-east-1', kmsKeyId });
    expect(await world.refusal({ SourceSnapshotId: source.id })).toContain(
      `under the customer managed key ${kmsKeyId}`,
    );
  });

  test('may be declared for an unencrypted source', async () => {
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

  test('need not be declared if AWS manages it', async () => {
    const world = new World();
    const source = world.ec2.addSnapshot({ region: 'us-east-1', encrypted: true });
    const { answer } = await world.runCreate({ SourceSnapshotId: source.id });
    expect(answer?.Data?.Encrypted).toBe('true');
  });
});

describe('the key for the copy', () => {
  test('encrypts the copy, whether its ID, its ARN, an alias, or an alias ARN is declared', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1' });
    const aliasArn = world.ec2.kms.addAlias('alias/mine', key);
    for (const KmsKeyId of [key.keyId, key.arn, 'alias/mine', aliasArn]) {
      world.physicalId = undefined;
      const { answer } = await world.runCreate({ KmsKeyId });
      expect(answer?.Data).toMatchObject({ Encrypted: 'true', KmsKeyArn: key.arn, KmsKeyArnOrNone: key.arn });
    }
  });

  test('is refused if it does not exist', async () => {
    const world = new World();
    expect(await world.refusal({ KmsKeyId: 'alias/nowhere' })).toContain(
      'KMS key alias/nowhere does not exist in eu-west-1; the copy needs an enabled symmetric encryption key there',
    );
  });

  test.each([
    ['disabled', { state: 'Disabled' as const }, 'is in state Disabled'],
    ['pending deletion', { state: 'PendingDeletion' as const }, 'is in state PendingDeletion'],
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
  ])('is refused at once if it is %s', async (_, properties, words) => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', ...properties });
    const { failure, after } = await world.runCreate({ KmsKeyId: key.arn });
    expect(failure?.message).toContain(`KMS key ${key.arn} ${words} in eu-west-1`);
    expect(after).toBe(0);
    expect(world.started()).toBe(0);
  });

  test.each(['Creating', 'Updating'] as const)('is waited for while it is in state %s', async (state) => {
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

  test('fails the request only after the grace period if the handler may not read it', async () => {
    const world = new World();
    const key = world.ec2.kms.addKey({ region: 'eu-west-1', accountId: '999988887777' });
    const { failure, after } = await world.runCreate({ KmsKeyId: key.arn });
    expect(after).toBe(300);
    expect(failure?.message).toContain('AccessDeniedException');
  });
});

describe('a declared key', () => {
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

  /** What the preflight returns or throws. */
  const check = (key: KeyMetadata): Promise<unknown> => preflightOf(key).catch((error: unknown) => error);

  test('passes if it is enabled and in the destination Region', async () => {
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
  ])('is refused if KMS shows it as %j', async (key, words) => {
    expect(await check(key)).toEqual(new Failure(`${words}; the copy needs an enabled symmetric encryption key there`));
  });

  test.each(['Creating', 'Updating'] as const)('in state %s is waited for, and named by its ID', async (KeyState) => {
    expect(await check({ ...enabled, KeyState })).toEqual(new NotYet(`KMS key k is in state ${KeyState}`));
  });

  test('that is not found counts as new in the first two minutes, and as missing after that', async () => {
    await expect(preflightOf(undefined, 2 * MINUTE - 1)).rejects.toThrow(new NotYet('alias/mine was not found yet'));
    await expect(preflightOf(undefined, 2 * MINUTE)).rejects.toThrow(Failure);
  });
});
