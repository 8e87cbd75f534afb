// Anyone who may tag snapshots can put our tags on any snapshot. So the handler adopts, reports or deletes a finished copy
// only if CloudFormation has its ID, or if it looks like what the declaration asks for.
import type { ReconcileContext } from './context';
import { isFinished, placeOf, type Copy } from './copies';
import { isOfOrigin } from './latest-source';
import { isMadeFor, isNamed, isRollback } from './ownership';
import type { Declaration } from './request';
import { EC2_SKEW_MS } from './times';
import { TAG } from '../lib/contract';

type Use = 'adopt' | 'delete';

/** Returns why a snapshot cannot be the declared copy, or nothing. Ignores what EC2 does not show. */
export async function flawOf(context: ReconcileContext, copy: Copy, use: Use): Promise<string | undefined> {
  const { memory, request } = context;
  const { before, keepsCopy, stage, startedAt, type, wanted } = request;
  // EC2 may not show the final values of an unfinished copy.
  if (!isFinished(copy)) return undefined;
  const hasNewHandle = type !== 'Delete' && !keepsCopy && stage === 1;
  if (hasNewHandle && isNamed(copy, request) && copy.startedAt < startedAt - EC2_SKEW_MS)
    return 'it began before the request';
  const declared = [wanted, before].find((one) => one && isMadeFor(copy, one));
  const flaw = declared && (flawOfPlace(copy, declared) ?? (await flawAgainst(context, copy, declared, use)));
  if (flaw !== undefined || copy.snapshot.TransferType !== undefined) return flaw;
  // Only copies have a transfer type. EC2 may not show it in every kind of place.
  const isNoCopy = !declared || memory.transferTypesIn.has(placeOf(copy));
  return isNoCopy ? 'EC2 does not show it as a copy' : undefined;
}

/** The snapshot must be where the declaration says, as far as EC2 shows that. */
function flawOfPlace({ region, snapshot }: Copy, declared: Declaration): string | undefined {
  const { AvailabilityZone: zone, OutpostArn: outpostArn } = snapshot;
  if (outpostArn && outpostArn !== declared.destinationOutpostArn) return `it is on the Outpost ${outpostArn}`;
  // An ordinary zone ("eu-west-1a") is part of its Region. Only a Local Zone ("us-west-2-lax-1a") is a place of its own.
  const isLocalZone = zone !== undefined && zone.length > region.length + 1;
  if (isLocalZone && zone !== declared.destinationAvailabilityZone) return `it is in the zone ${zone}`;
  return undefined;
}

async function flawAgainst(
  context: ReconcileContext,
  copy: Copy,
  declared: Declaration,
  use: Use,
): Promise<string | undefined> {
  const { observed } = context;
  const { Encrypted: isEncrypted = false, KmsKeyId: keyArn, VolumeSize: size } = copy.snapshot;
  const source = await observed.sourceOf(declared, copy);
  if (source && declared.latestSource && !isOfOrigin(source, declared.latestSource, context.request)) {
    return `its source is said to be ${source.SnapshotId ?? ''}, which is none that was asked for`;
  }
  const wantedSize = source?.VolumeSize ?? knownSize(context, copy);
  if (wantedSize !== undefined && wantedSize !== size) return `its size is ${size ?? 0} GiB, not ${wantedSize} GiB`;
  if (!isEncrypted && (declared.encrypted || source?.Encrypted)) return 'it is not encrypted';
  const isAnyKey = isByAlias(declared) && (use === 'delete' || isOfBefore(context));
  const key = isAnyKey ? undefined : await observed.keyOf(declared);
  if (key?.Arn !== undefined && key.Arn !== keyArn) return `its key is ${keyArn ?? 'none'}, not ${key.Arn}`;
  return undefined;
}

/** An alias may have been moved since an existing copy was made. Only a new copy must have the key that it means now. */
const isByAlias = ({ kmsKeyId }: Declaration): boolean => /(^|:)alias\//.test(kmsKeyId ?? '');

/** Whether the request is about a copy of an earlier operation. */
const isOfBefore = ({ observed, request }: ReconcileContext): boolean =>
  request.keepsCopy || isRollback(observed.operation);

/** The size of the source, which may have been deleted: the chosen copy, and the one that CloudFormation has, share it. */
function knownSize({ copies = [], copy: chosen, request }: ReconcileContext, { id, tags }: Copy): number | undefined {
  const genuine = [chosen, ...copies.filter((one) => one.id === request.presentId)];
  const alike = genuine.find(
    (one) => one && one.id !== id && one.tags[TAG.inputs] === tags[TAG.inputs] && isFinished(one),
  );
  return alike?.snapshot.VolumeSize;
}
