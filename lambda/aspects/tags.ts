// The tags of a finished copy: the declared ones, those of its source, and the copy's own ID.
import { TAG } from '../../lib/contract';
import type { ReconcileContext } from '../context';
import { declaredTags, toTags, type Copy } from '../copies';
import { Failure } from '../failure';
import { isCarried, isKept, isNamed, isRollback, keptInputs } from '../ownership';
import { checkTagCount, inheritedTags } from '../source-tags';

/**
 * Writes the declared tags. Writes every change of the declaration, whatever EC2 shows: a read may be older than the last
 * write. Tags that were never declared belong to somebody else, and stay.
 */
export async function alignTags(context: ReconcileContext, copy: Copy): Promise<void> {
  const { aws, log, request } = context;
  const { operation } = context.observed;
  const wanted: Tags = {
    ...(await newlyInherited(context, copy)),
    ...declaredTags(request.wanted),
    ...missingId(copy),
    [TAG.kept]: keptInputs(copy, request, operation).join(' ') || undefined,
  };
  const before: Tags = { ...declaredTags(request.before ?? request.wanted), [TAG.kept]: copy.tags[TAG.kept] };
  const changed = Object.keys({ ...wanted, ...before }).filter((key) => wanted[key] !== before[key]);
  const differs = (key: string) => changed.includes(key) || wanted[key] !== copy.tags[key];
  const set = Object.keys(wanted).filter((key) => wanted[key] !== undefined && differs(key));
  // An adopted copy stays marked as retained.
  const mayUnmark = isKept(copy, request, operation) && (isNamed(copy, request) || isCarried(copy, request));
  const removed = changed.filter((key) => wanted[key] === undefined && (mayUnmark || key !== TAG.retain));
  if (set.length > 0) {
    await aws.createTags(copy.region, copy.id, toTags(Object.fromEntries(set.map((key) => [key, wanted[key] ?? '']))));
  }
  if (removed.length > 0) await aws.deleteTags(copy.region, copy.id, removed);
  if (set.length + removed.length > 0) log('tag', { snapshotId: copy.id, set, removed });
}

type Tags = Readonly<Record<string, string | undefined>>;

/** A copy may finish before a poll could tag it with its ID. */
function missingId({ id, tags }: Copy): Record<string, string> {
  return tags[TAG.id] === undefined ? { [TAG.id]: id } : {};
}

/** A new copy starts with the tags of its source. The present copy gets them when `copySourceTags` is turned on. */
async function newlyInherited({ observed, request }: ReconcileContext, copy: Copy): Promise<Record<string, string>> {
  const { before, wanted } = request;
  const isSwitchedOn = before !== undefined && wanted.copySourceTags && !before.copySourceTags;
  const isOfPresentCopy = isSwitchedOn && isKept(copy, request, observed.operation);
  if (!isOfPresentCopy || isRollback(observed.operation)) return {};
  const source = await observed.sourceOf(wanted, copy);
  if (!source) {
    const id = wanted.sourceSnapshotId ?? copy.tags[TAG.source] ?? '(unknown)';
    throw new Failure(
      `the tags of source snapshot ${id} in ${wanted.sourceRegion} cannot be read: it was not found; remove "copySourceTags"`,
    );
  }
  checkTagCount(wanted, source);
  return inheritedTags(wanted, source);
}
