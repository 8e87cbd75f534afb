// The tags of a finished copy: those of the declaration, those of the source, and the copy's own id.
import { TAG } from '../../lib/contract';
import type { ReconcileContext } from '../context';
import { declaredTags, toTags, type Copy } from '../copies';
import { Failure } from '../failure';
import { isNamed, isRollback } from '../ownership';
import { checkTagCount, inheritedTags } from '../source-tags';

/**
 * Writes the tags as declared now. Tags whose declaration changed are written without trusting what was read, which
 * may be older than the last write. Tags that were never declared belong to somebody else and stay.
 */
export async function alignTags(context: ReconcileContext, copy: Copy): Promise<void> {
  const { aws, log, request } = context;
  const wanted = { ...(await newlyInherited(context)), ...declaredTags(request.wanted), ...missingId(copy) };
  const before = declaredTags(request.before ?? request.wanted);
  const changed = Object.keys({ ...wanted, ...before }).filter((key) => wanted[key] !== before[key]);
  const set = Object.keys(wanted).filter((key) => changed.includes(key) || wanted[key] !== copy.tags[key]);
  // A copy that was to be retained when it was made, and is adopted, keeps that mark.
  const mayUnmark = request.keepsCopy && isNamed(copy, request);
  const removed = changed.filter((key) => wanted[key] === undefined && (mayUnmark || key !== TAG.retain));
  if (set.length > 0) {
    await aws.createTags(copy.region, copy.id, toTags(Object.fromEntries(set.map((key) => [key, wanted[key] ?? '']))));
  }
  if (removed.length > 0) await aws.deleteTags(copy.region, copy.id, removed);
  if (set.length + removed.length > 0) log('tag', { snapshotId: copy.id, set, removed });
}

/** For a copy that was finished before a poll could put its id on it. */
function missingId({ id, tags }: Copy): Record<string, string> {
  return tags[TAG.id] === undefined ? { [TAG.id]: id } : {};
}

/** Tags of the source come with a new copy. A present copy gets them when that is switched on. */
async function newlyInherited({ observed, request }: ReconcileContext): Promise<Record<string, string>> {
  const { before, keepsCopy, wanted } = request;
  const isSwitchedOn = keepsCopy && before !== undefined && wanted.copySourceTags && !before.copySourceTags;
  if (!isSwitchedOn || isRollback(observed.operation)) return {};
  const source = await observed.sourceOf(wanted);
  if (!source) {
    throw new Failure(
      `the tags of source snapshot ${wanted.sourceSnapshotId} in ${wanted.sourceRegion} cannot be read: it was not found; remove "copySourceTags"`,
    );
  }
  checkTagCount(wanted, source);
  return inheritedTags(wanted, source);
}
