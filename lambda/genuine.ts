// Whoever may tag snapshots can put our tags on any of them. So a finished copy is adopted, reported or deleted besides
// only if it is what was asked for.
import type { ReconcileContext } from './context';
import { isFinished, type Copy } from './copies';
import { isOfOrigin } from './latest-source';
import { isMadeFor, isNamed } from './ownership';
import type { Declaration } from './request';
import { TAG } from '../lib/contract';

/** The clocks of EC2 and of the handler differ by less than this. */
const SKEW_MS = 60_000;

/** Answers what is wrong with a copy, or nothing. What EC2 does not show is not judged. */
export async function flawOf(context: ReconcileContext, copy: Copy): Promise<string | undefined> {
  const { request } = context;
  const { before, keepsCopy, stage, startedAt, type, wanted } = request;
  // A copy that is under way may show anything.
  if (!isFinished(copy)) return undefined;
  const hasNewHandle = type !== 'Delete' && !keepsCopy && stage === 1;
  if (hasNewHandle && isNamed(copy, request) && copy.startedAt < startedAt - SKEW_MS)
    return 'it began before the request';
  const declared = [wanted, before].find((one) => one && isMadeFor(copy, one));
  const flaw = declared && (await flawAgainst(context, copy, declared));
  if (flaw !== undefined || copy.snapshot.TransferType !== undefined) return flaw;
  // Of an earlier declaration, nobody knows any more what it asked for.
  return !declared || (await showsTransferType(context)) ? 'EC2 does not show it as a copy' : undefined;
}

/** Only copies have a transfer type, if EC2 shows it at all: then it shows that of the copy that CloudFormation has. */
async function showsTransferType({ observed, request }: ReconcileContext): Promise<boolean> {
  const { physicalId, presentId, type } = request;
  const isDelete = type === 'Delete' && physicalId.kind === 'snapshot';
  // By now, the Delete may have deleted it.
  const present = isDelete
    ? await observed.copyById(physicalId.text)
    : (await observed.search()).find(({ id }) => id === presentId);
  return present?.snapshot.TransferType !== undefined;
}

async function flawAgainst(context: ReconcileContext, copy: Copy, declared: Declaration): Promise<string | undefined> {
  const { observed } = context;
  const { Encrypted: isEncrypted = false, KmsKeyId: keyArn, VolumeSize: size } = copy.snapshot;
  const source = await observed.sourceOf(declared, copy);
  if (source && declared.latestSource && !isOfOrigin(source, declared.latestSource, context.request)) {
    return `its source is said to be ${source.SnapshotId ?? ''}, which is none that was asked for`;
  }
  const wantedSize = source?.VolumeSize ?? knownSize(context, copy);
  if (wantedSize !== undefined && wantedSize !== size) return `its size is ${size ?? 0} GiB, not ${wantedSize} GiB`;
  if (!isEncrypted && (declared.encrypted || source?.Encrypted)) return 'it is not encrypted';
  const key = await observed.keyOf(declared);
  if (key?.Arn !== undefined && key.Arn !== keyArn) return `its key is ${keyArn ?? 'none'}, not ${key.Arn}`;
  return undefined;
}

/** The source may be gone by now. The chosen copy, or the one that CloudFormation has, is of its size, too. */
function knownSize({ copies = [], copy: chosen, request }: ReconcileContext, { id, tags }: Copy): number | undefined {
  const genuine = [chosen, ...copies.filter((one) => one.id === request.presentId)];
  const alike = genuine.find(
    (one) => one && one.id !== id && one.tags[TAG.inputs] === tags[TAG.inputs] && isFinished(one),
  );
  return alike?.snapshot.VolumeSize;
}
