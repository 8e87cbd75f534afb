import { createHash } from 'node:crypto';
import type { DescribeKeyRequest, DescribeKeyResponse, KeyMetadata } from '@aws-sdk/client-kms';
import { AwsError, type Clock } from './faults';

export const ACCOUNT_ID = '111122223333';
const DEFAULT_EBS_ALIAS = 'alias/aws/ebs';

/**
 * What the policies let our account do with a key: `describe` is enough for DescribeKey, but not for the grant
 * that EC2 needs to encrypt under it.
 */
export type KeyAccess = 'full' | 'describe' | 'none';

/** A key. Its fields may be changed while a test runs. */
export interface StoredKey {
  readonly arn: string;
  readonly keyId: string;
  readonly region: string;
  readonly accountId: string;
  state: NonNullable<KeyMetadata['KeyState']>;
  usage: NonNullable<KeyMetadata['KeyUsage']>;
  spec: NonNullable<KeyMetadata['KeySpec']>;
  manager: NonNullable<KeyMetadata['KeyManager']>;
  multiRegion: boolean;
  access: KeyAccess;
}

export type NewKey = Partial<Omit<StoredKey, 'arn' | 'region'>> & {
  readonly region: string;
  /** Name of an alias, `alias/…`, to be made with the key. */
  readonly alias?: string;
};

export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) {
    return 'aws-cn';
  }
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** The part of KMS that our handler and EC2 see. */
export class SimulatedKms {
  readonly accountId: string;
  private readonly clock: Clock;
  private readonly keys = new Map<string, StoredKey>();
  /** ARN of the alias to ARN of the key. */
  private readonly aliases = new Map<string, string>();

  constructor(options: { clock: Clock; accountId?: string }) {
    this.clock = options.clock;
    this.accountId = options.accountId ?? ACCOUNT_ID;
  }

  /** A customer key, enabled and symmetric unless told otherwise. A key of another account is not shared with us. */
  addKey(key: NewKey): StoredKey {
    const { alias, ...given } = key;
    const accountId = key.accountId ?? this.accountId;
    const keyId = key.keyId ?? this.newKeyId(key.multiRegion ?? false);
    const stored: StoredKey = {
      state: 'Enabled',
      usage: 'ENCRYPT_DECRYPT',
      spec: 'SYMMETRIC_DEFAULT',
      manager: 'CUSTOMER',
      multiRegion: false,
      access: accountId === this.accountId ? 'full' : 'none',
      ...given,
      accountId,
      keyId,
      arn: arnOf(key.region, accountId, `key/${keyId}`),
    };
    this.keys.set(stored.arn, stored);
    if (alias !== undefined) {
      this.addAlias(alias, stored);
    }
    return stored;
  }

  /** Makes an alias in the key's account and Region, or moves it to another key. Returns its ARN. */
  addAlias(name: string, key: StoredKey): string {
    const arn = arnOf(key.region, key.accountId, name);
    this.aliases.set(arn, key.arn);
    return arn;
  }

  /** The AWS managed key for EBS, which an account has in every Region as soon as it is used. */
  defaultEbsKey(region: string, accountId = this.accountId): StoredKey {
    return (
      this.byArn(arnOf(region, accountId, DEFAULT_EBS_ALIAS)) ??
      this.addKey({ region, accountId, manager: 'AWS', alias: DEFAULT_EBS_ALIAS })
    );
  }

  describeKey(region: string, input: DescribeKeyRequest): DescribeKeyResponse {
    const id = input.KeyId ?? '';
    if (id === '') {
      throw new AwsError(
        'ValidationException',
        "1 validation error detected: Value at 'keyId' failed to satisfy constraint: Member must not be null",
      );
    }
    const key = this.find(region, id);
    if (!key) {
      throw this.notFound(region, id);
    }
    if (key.access === 'none') {
      throw this.accessDenied(key.arn);
    }
    return { KeyMetadata: metadataOf(key, this.clock.now()) };
  }

  /** The key that an ID means in a Region of our account: a key ID, an alias name, a key ARN or an alias ARN. */
  find(region: string, id: string): StoredKey | undefined {
    if (id.startsWith('arn:')) {
      return id.split(':')[3] === region ? this.byArn(id) : undefined;
    }
    if (id === DEFAULT_EBS_ALIAS) {
      return this.defaultEbsKey(region);
    }
    return this.byArn(arnOf(region, this.accountId, id.startsWith('alias/') ? id : `key/${id}`));
  }

  private byArn(arn: string): StoredKey | undefined {
    return this.keys.get(this.aliases.get(arn) ?? arn);
  }

  private notFound(region: string, id: string): AwsError {
    if (id.startsWith('arn:')) {
      const [, , , arnRegion = '', accountId] = id.split(':');
      if (arnRegion !== region) {
        return new AwsError('NotFoundException', `Invalid arn ${arnRegion}`);
      }
      if (accountId !== this.accountId) {
        return this.accessDenied(id);
      }
      return new AwsError('NotFoundException', missing(id));
    }
    const arn = arnOf(region, this.accountId, id.startsWith('alias/') ? id : `key/${id}`);
    return new AwsError(
      'NotFoundException',
      KEY_ID.test(id) || id.startsWith('alias/') ? missing(arn) : `Invalid keyId '${id}'`,
    );
  }

  private accessDenied(arn: string): AwsError {
    return new AwsError(
      'AccessDeniedException',
      `User: arn:aws:sts::${this.accountId}:assumed-role/handler/handler is not authorized to perform: ` +
        `kms:DescribeKey on resource: ${arn} because the resource does not exist in this Region, ` +
        'no resource-based policies allow access, or a resource-based policy explicitly denies access',
    );
  }

  private newKeyId(multiRegion: boolean): string {
    const hex = createHash('sha256').update(`key ${this.keys.size}`).digest('hex').slice(0, 32);
    return multiRegion ? `mrk-${hex}` : hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
}

const KEY_ID = /^(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Whether EBS can encrypt under a key. */
export function isUsable(key: StoredKey | undefined): key is StoredKey {
  return (
    key?.access === 'full' &&
    key.state === 'Enabled' &&
    key.usage === 'ENCRYPT_DECRYPT' &&
    key.spec === 'SYMMETRIC_DEFAULT'
  );
}

function arnOf(region: string, accountId: string, resource: string): string {
  return `arn:${partitionOf(region)}:kms:${region}:${accountId}:${resource}`;
}

function missing(arn: string): string {
  return arn.includes(':alias/') ? `Alias ${arn} is not found.` : `Key '${arn}' does not exist`;
}

function metadataOf(key: StoredKey, now: number): KeyMetadata {
  return {
    AWSAccountId: key.accountId,
    Arn: key.arn,
    CreationDate: new Date(now - 365 * 86_400_000),
    Description: '',
    Enabled: key.state === 'Enabled',
    KeyId: key.keyId,
    KeyManager: key.manager,
    KeySpec: key.spec,
    KeyState: key.state,
    KeyUsage: key.usage,
    MultiRegion: key.multiRegion,
    Origin: 'AWS_KMS',
  };
}
