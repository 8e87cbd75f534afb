// The tags that a copy inherits from its source.
import { MAX_USER_TAGS, TAG_PREFIX } from '../lib/contract';
import type { Snapshot } from './aws';
import { Failure } from './failure';
import type { Declaration } from './request';

/**
 * Tags that mean something to whoever reads them on a snapshot, so that they may not be on another one: AWS's own, those
 * of Data Lifecycle Manager, and ours, by which a copy of a copy would be taken for the copy itself.
 */
const NOT_INHERITED = ['aws:', 'dlm:', TAG_PREFIX];

/** The account sees no tags on the snapshot of another account. */
export function inheritedTags({ copySourceTags }: Declaration, { Tags: tags = [] }: Snapshot): Record<string, string> {
  if (!copySourceTags) return {};
  const all = tags.map(({ Key = '', Value = '' }) => [Key, Value] as const);
  // IAM's condition keys do not know the case of a tag.
  return Object.fromEntries(
    all.filter(([key]) => !NOT_INHERITED.some((prefix) => key.toLowerCase().startsWith(prefix))),
  );
}

/** Declared tags replace those of the source. */
export function checkTagCount(declared: Declaration, source: Snapshot): void {
  const inherited = inheritedTags(declared, source);
  const count = Object.keys({ ...inherited, ...declared.tags }).length;
  if (count <= MAX_USER_TAGS) return;
  throw new Failure(
    `the copy would have ${count} tags, ${Object.keys(inherited).length} of them from source snapshot ${source.SnapshotId ?? ''}; at most ${MAX_USER_TAGS} are possible: remove tags, or "copySourceTags"`,
  );
}
