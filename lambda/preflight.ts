// Checks the source and the keys before a copy: EC2 accepts wrong ones, returns a snapshot ID, and fails the copy later.
import type { Aws, KeyMetadata, Snapshot } from './aws';
import { describeError, Failure, NotYet } from './failure';
import { decodePhysicalId } from './physical-id';
import type { Poll } from './context';
import { latestSourceOf } from './latest-source';
import { neverStarted } from './reasons';
import type { Declaration, Request } from './request';
import { checkTagCount } from './source-tags';
import { STALENESS_MS } from './times';

/** Returns the source. Throws a Failure for what will never work, and NotYet for what may work later. */
export async function preflight(
  aws: Aws,
  request: Request,
  elapsedMs: number,
  latestSource?: Snapshot,
): Promise<Snapshot> {
  const look = new Look(aws, elapsedMs);
  const source = latestSource ?? (await checkSource(look, request.wanted));
  checkTagCount(request.wanted, source);
  await Promise.all([
    checkSourceKey(look, source, request),
    checkKey(look, request.wanted),
    checkSharing(aws, source, request.wanted),
  ]);
  return source;
}

/** The reason to give at the deadline. */
export async function whyNeverStarted(poll: Poll): Promise<Failure> {
  const { aws, memory, request } = poll;
  try {
    await preflight(aws, request, Infinity, await latestSourceOf(poll));
  } catch (error) {
    if (error instanceof Failure) return error;
    return neverStarted(request, describeError(error));
  }
  const obstacle = memory.obstacleOf(request);
  return neverStarted(request, obstacle ?? 'see the log for the answer to each attempt');
}

/** Reads that treat a missing object as too new to be visible, as long as reads may be older than the request. */
class Look {
  constructor(
    private readonly aws: Aws,
    private readonly elapsedMs: number,
  ) {}

  snapshot(region: string, id: string): Promise<Snapshot | undefined> {
    return this.unlessNew(id, this.aws.describeSnapshot(region, id));
  }

  key(region: string, id: string): Promise<KeyMetadata | undefined> {
    return this.unlessNew(id, this.aws.describeKey(region, id));
  }

  private async unlessNew<Found>(id: string, read: Promise<Found | undefined>): Promise<Found | undefined> {
    const found = await read;
    if (found === undefined && this.elapsedMs < STALENESS_MS) throw new NotYet(`${id} was not found yet`);
    return found;
  }
}

async function checkSource(look: Look, declared: Declaration): Promise<Snapshot> {
  const { sourceSnapshotId: id = '', sourceRegion: region, sourceOwner: owner } = declared;
  if (decodePhysicalId(id).kind !== 'snapshot') {
    throw new Failure(`"${id}" is not a snapshot ID; correct "sourceSnapshotId"`);
  }
  const source = await look.snapshot(region, id);
  if (!source) {
    throw new Failure(
      `source snapshot ${id} was not found in ${region}: it does not exist there, or is not shared with this account; correct "sourceSnapshotId" or "sourceRegion", or have its owner share it`,
    );
  }
  if (owner !== undefined && source.OwnerId !== owner) {
    throw new Failure(
      `source snapshot ${id} in ${region} belongs to account ${source.OwnerId ?? '(unknown)'}, not to ${owner}; correct "sourceSnapshotId", or set "sourceOwner" to that account if you trust it`,
    );
  }
  checkState(source, `source snapshot ${id} in ${region}`);
  if (source.OutpostArn) throw new Failure(`source snapshot ${id} is on an Outpost; EC2 copies from Regions only`);
  return source;
}

function checkState({ State, StateMessage, StorageTier, RestoreExpiryTime }: Snapshot, what: string): void {
  switch (State) {
    case 'completed':
      break;
    case 'error':
      throw new Failure(`${what} is in state error (${StateMessage ?? 'no reason given'})`);
    case 'recoverable':
      throw new Failure(`${what} is in the Recycle Bin; recover it first`);
    default:
      throw new NotYet(`${what} is ${State ?? 'in no state'}, not completed yet`);
  }
  if (StorageTier === 'archive' && !RestoreExpiryTime) {
    throw new Failure(`${what} is archived; restore it to the standard tier first`);
  }
}

/**
 * The role may use only declared keys: with an undeclared customer managed key, the copy would start, and then fail. AWS
 * managed keys need no declaration. They cannot be shared, so a key of another account is always customer managed.
 */
async function checkSourceKey(look: Look, source: Snapshot, request: Request): Promise<void> {
  const { KmsKeyId: key, Encrypted, SnapshotId: id = '' } = source;
  if (!Encrypted || !key) return;
  const { sourceRegion: region, sourceKmsKeyArn: declared, ...wanted } = request.wanted;
  const isSameRegion = region === wanted.destinationRegion;
  for (const name of [declared, isSameRegion ? wanted.kmsKeyId : undefined]) {
    if (name === key) return;
    // Only KMS knows which key an alias or a bare key ID means.
    if (name && !name.includes(':key/') && (await look.key(region, name))?.Arn === key) return;
  }
  const isForeign = key.split(':')[4] !== request.account;
  if (!isForeign && (await look.key(region, key))?.KeyManager === 'AWS') return;
  const found = declared ? `"sourceKmsKey" is ${declared}` : '"sourceKmsKey" is not set';
  throw new Failure(
    `source snapshot ${id} is encrypted under the customer managed key ${key}, but ${found}; pass that key as "sourceKmsKey", so that the handler may use it`,
  );
}

async function checkKey(look: Look, { kmsKeyId: id, destinationRegion: region }: Declaration): Promise<void> {
  if (id === undefined) return;
  const key = await look.key(region, id);
  const fault = key ? faultOf(key, region) : 'does not exist';
  if (fault) {
    throw new Failure(`KMS key ${id} ${fault} in ${region}; the copy needs an enabled symmetric encryption key there`);
  }
}

/** A snapshot under the AWS managed key cannot be shared, and the account's default key may become that key any time. */
async function checkSharing(aws: Aws, source: Snapshot, declared: Declaration): Promise<void> {
  const { destinationRegion: region, encrypted, kmsKeyId, shareWith } = declared;
  if (shareWith.length === 0 || kmsKeyId !== undefined) return;
  const willBeEncrypted = encrypted || source.Encrypted === true || (await aws.encryptsByDefault(region));
  if (!willBeEncrypted) return;
  throw new Failure(
    `the copy in ${region} would be encrypted under the account’s default key, which "shareWith" cannot rely on; set "kmsKey" to a customer managed key that the accounts may use`,
  );
}

function faultOf(key: KeyMetadata, region: string): string | undefined {
  if (key.KeyState === 'Creating' || key.KeyState === 'Updating') {
    throw new NotYet(`KMS key ${key.KeyId ?? ''} is in state ${key.KeyState}`);
  }
  if (key.KeyState !== 'Enabled') return `is in state ${key.KeyState ?? 'unknown'}`;
  if (key.KeyUsage !== 'ENCRYPT_DECRYPT' || key.KeySpec !== 'SYMMETRIC_DEFAULT') {
    return `is of usage ${key.KeyUsage ?? 'unknown'} and spec ${key.KeySpec ?? 'unknown'}`;
  }
  return key.Arn?.split(':')[3] === region ? undefined : `(${key.Arn ?? 'without ARN'}) is not`;
}
