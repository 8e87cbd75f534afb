// What a finished copy must have: its tags.
import { TAG } from '../../lib/contract';
import { chosenCopy, type ReconcileContext } from '../context';
import { declaredTags, toTags, type Copy } from '../copies';
import { isNamed } from '../ownership';

/**
 * Writes the tags as declared now. Tags whose declaration changed are written without trusting what was read, which
 * may be older than the last write. Tags that were never declared belong to somebody else and stay.
 */
export async function align(context: ReconcileContext): Promise<undefined> {
  const { aws, log, request } = context;
  const copy = chosenCopy(context);
  const wanted = { ...declaredTags(request.wanted), ...missingId(copy) };
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
