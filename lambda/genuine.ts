// Whoever may tag snapshots can put our tags on any of them. So a finished copy that CloudFormation does not name by its id
// is adopted, reported or deleted only if it looks like what was asked for.
import type { ReconcileContext } from './context';
import { isFinished, placeOf, type Copy } from './copies';
import { isOfOrigin } from './latest-source';
import { isMadeFor, isNamed, isRollback } from './ownership';
import type { Declaration } from './request';
import { EC2_SKEW_MS } from './times';
import { TAG } from '../lib/contract';

type Use = 'adopt' | 'delete';

/** Answers what is wrong with a copy, or nothing. What EC2 does not show is not judged. */
export async function flawOf(context: ReconcileContext, copy: Copy, use: Use): Promise<string | undefined> {
  const { memory, request } = context;
  const { before, keepsCopy, stage, startedAt, type, wanted } = request;
  // A copy that is under way may show anything.
  if (!isFinished(copy)) return undefined;
  const hasNewHandle = type !== 'Delete' && !keepsCopy && stage === 1;
  if (hasNewHandle && isNamed(copy, request) && copy.startedAt < startedAt - EC2_SKEW_MS)
    return 'it began before the request';
  const declared = [wanted, before].find((one) => one && isMadeFor(copy, one));
  const flaw = declared && (flawOfPlace(copy, declared) ?? (await flawAgainst(context, copy, declared, use)));
  if (flaw !== undefined || copy.snapshot.TransferType !== undefined) return flaw;
  // Only copies have a transfer type, and EC2 may not show it in every place.
  const isNoCopy = !declared || memory.transferTypesIn.has(placeOf(copy));
  return isNoCopy ? 'EC2 does not show it as a copy' : undefined;
}

/** What EC2 shows of a place must be what was declared. */
function flawOfPlace({ region, snapshot }: Copy, declared: Declaration): string | undefined {
  const { AvailabilityZone: zone, OutpostArn: outpostArn } = snapshot;
  if (outpostArn && outpostArn !== declared.destinationOutpostArn) return `it is on the Outpost ${outpostArn}`;
  // "eu-west-1a" is a part of its Region. Only a Local Zone, such as "us-west-2-lax-1a", is a place of its own.
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

/** Whoever makes a copy needs the key that the alias means now. For a copy that is there, it may have meant another. */
const isByAlias = ({ kmsKeyId }: Declaration): boolean => /(^|:)alias\//.test(kmsKeyId ?? '');

/** Whether the request is about a copy from before. */
const isOfBefore = ({ observed, request }: ReconcileContext): boolean =>
  request.keepsCopy || isRollback(observed.operation);

/** The source may be gone by now. The chosen copy, or the one that CloudFormation has, is of its size, too. */
function knownSize({ copies = [], copy: chosen, request }: ReconcileContext, { id, tags }: Copy): number | undefined {
  const genuine = [chosen, ...copies.filter((one) => one.id === request.presentId)];
  const alike = genuine.find(
    (one) => one && one.id !== id && one.tags[TAG.inputs] === tags[TAG.inputs] && isFinished(one),
  );
  return alike?.snapshot.VolumeSize;
}
