// The tags that a copy gets from its source.
import { MAX_USER_TAGS, TAG_PREFIX } from '../lib/contract';
import type { Snapshot } from './aws';
import { Failure } from './failure';
import type { Declaration } from './request';

/**
 * Prefixes of tags that must not be copied, because they say something about the source itself: AWS's own tags, those of
 * Data Lifecycle Manager, and ours, which would make the handler mistake a copy of a copy for the copy itself.
 */
const NOT_INHERITED = ['aws:', 'dlm:', TAG_PREFIX];

/** Empty for a source of another account, whose tags EC2 does not show. */
export function inheritedTags({ copySourceTags }: Declaration, { Tags: tags = [] }: Snapshot): Record<string, string> {
  if (!copySourceTags) return {};
  const all = tags.map(({ Key = '', Value = '' }) => [Key, Value] as const);
  // IAM's condition keys ignore the case of tag keys.
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
