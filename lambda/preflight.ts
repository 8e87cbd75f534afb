// Look before you copy: EC2 accepts a wrong source or key, hands out a snapshot id, and fails later.
import type { Aws, KeyMetadata, Snapshot } from './aws';
import { Failure, inWords, kindOf, NotYet } from './failure';
import { isSnapshotId, type Declaration, type Request } from './request';

/** Reads are stale for up to two minutes: before that, what is not found may just be new. */
export const STALE_MS = 120_000;

/** Throws a Failure for what will never work, and NotYet for what may still come. */
export async function preflight(aws: Aws, request: Request, elapsed: number): Promise<void> {
  const source = await lookAtSource(aws, request.wanted, elapsed);
  await Promise.all([lookAtSourceKey(aws, source, request, elapsed), lookAtKey(aws, request.wanted, elapsed)]);
}

async function lookAtSource(aws: Aws, wanted: Declaration, elapsed: number): Promise<Snapshot> {
  const { sourceSnapshotId: id, sourceRegion: region } = wanted;
  if (!isSnapshotId(id)) throw new Failure(`"${id}" is not a snapshot id; correct "sourceSnapshotId"`);
  const source = await orMissing(() => aws.describeSnapshot(region, id), elapsed);
  if (!source) {
    throw new Failure(
      `source snapshot ${id} was not found in ${region}: it does not exist there, or is not shared with this account; correct "sourceSnapshotId" or "sourceRegion", or have its owner share it`,
    );
  }
  const { State: state, StateMessage: message } = source;
  switch (state) {
    case 'completed':
      break;
    case 'error':
      throw new Failure(`source snapshot ${id} in ${region} is in state error (${message ?? 'no reason given'})`);
    case 'recoverable':
      throw new Failure(`source snapshot ${id} in ${region} is in the Recycle Bin; recover it first`);
    default:
      throw new NotYet(`source snapshot ${id} in ${region} is ${state ?? 'in no state'}, not completed yet`);
  }
  if (source.StorageTier === 'archive' && !source.RestoreExpiryTime) {
    throw new Failure(`source snapshot ${id} in ${region} is archived; restore it to the standard tier first`);
  }
  if (source.OutpostArn) {
    throw new Failure(`source snapshot ${id} is on an Outpost; EC2 copies from Regions only`);
  }
  return source;
}

/**
 * The role may use declared keys. An AWS managed key needs no declaration; a customer key that is not declared would
 * let the copy start and fail. Keys of other accounts are customer keys: AWS managed ones cannot be shared.
 */
async function lookAtSourceKey(aws: Aws, source: Snapshot, request: Request, elapsed: number): Promise<void> {
  const { KmsKeyId: key, Encrypted: encrypted } = source;
  if (!encrypted || !key) return;
  const { sourceRegion: region, sourceKmsKeyArn: declared, sourceSnapshotId: id, ...wanted } = request.wanted;
  const sameRegion = region === wanted.destinationRegion;
  for (const name of [declared, sameRegion ? wanted.kmsKeyId : undefined]) {
    if (name === key) return;
    // An alias or a bare key id: KMS knows which key that is.
    if (name && !name.includes(':key/') && (await describeKey(aws, region, name, elapsed))?.Arn === key) return;
  }
  const isForeign = key.split(':')[4] !== request.account;
  if (!isForeign && (await describeKey(aws, region, key, elapsed))?.KeyManager === 'AWS') return;
  const found = declared ? `"sourceKmsKey" is ${declared}` : '"sourceKmsKey" is not set';
  throw new Failure(
    `source snapshot ${id} is encrypted under the customer key ${key}, but ${found}; pass that key as "sourceKmsKey", so that the handler may use it`,
  );
}

async function lookAtKey(aws: Aws, wanted: Declaration, elapsed: number): Promise<void> {
  const { kmsKeyId: id, destinationRegion: region } = wanted;
  if (id === undefined) return;
  const key = await describeKey(aws, region, id, elapsed);
  const fault = key ? faultOf(key, region) : 'does not exist';
  if (fault) {
    throw new Failure(`KMS key ${id} ${fault} in ${region}; the copy needs an enabled symmetric encryption key there`);
  }
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

const describeKey = (aws: Aws, region: string, keyId: string, elapsed: number): Promise<KeyMetadata | undefined> =>
  orMissing(() => aws.describeKey(region, keyId), elapsed);

async function orMissing<Found>(look: () => Promise<Found>, elapsed: number): Promise<Found | undefined> {
  try {
    return await look();
  } catch (error) {
    if (kindOf(error) !== 'missing') throw error;
    if (elapsed < STALE_MS) throw new NotYet(inWords(error));
    return undefined;
  }
}
