import { MAX_USER_TAGS, TAG_PREFIX } from './contract';
import { isKnown } from './tokens';
import { problemsOfTagKind } from './validate-kinds';

/** EC2's limit. */
const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Checks the tags in the props, and the tags that Aspects add. */
export function problemsOfTags(tags: Readonly<Record<string, string>>): string[] {
  const count = Object.keys(tags).length;
  const tooMany =
    count > MAX_USER_TAGS
      ? [
          `${count} tags are too many: EC2 allows ${MAX_TAGS}, of which the library reserves ${MAX_TAGS - MAX_USER_TAGS}; ` +
            `remove ${count - MAX_USER_TAGS} (tags that Tags.of adds to ancestors count as well)`,
        ]
      : [];
  return [...tooMany, ...Object.entries(tags).flatMap(([key, value]) => problemsOfTag(key, value))];
}

function problemsOfTag(key: string, value: string): string[] {
  const problems = [...(isKnown(key) ? problemsOfKey(key) : []), ...problemsOfTagKind(key, value)];
  if (problems.length === 0 && isKnown(value) && lengthOf(value) > MAX_VALUE) {
    problems.push(
      `the value "${value}" of tag "${key}" has ${lengthOf(value)} characters, but EC2 allows ${MAX_VALUE}: shorten it`,
    );
  }
  return problems;
}

/** EC2 counts Unicode characters. */
export function lengthOf(text: string): number {
  return Array.from(text).length;
}

function problemsOfKey(key: string): string[] {
  const problems: string[] = [];
  const length = lengthOf(key);
  if (length < 1 || length > MAX_KEY) {
    problems.push(`tag key "${key}" has ${length} characters, but EC2 allows 1 to ${MAX_KEY}: rename it`);
  }
  if (key.toLowerCase().startsWith('aws:')) {
    problems.push(`tag key "${key}" begins with "aws:", which AWS reserves: rename it`);
  }
  if (key.toLowerCase().startsWith(TAG_PREFIX)) {
    problems.push(`tag key "${key}" begins with "${TAG_PREFIX}", which marks the copies of this library: rename it`);
  }
  return problems;
}
