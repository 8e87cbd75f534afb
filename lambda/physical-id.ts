// The physical IDs of a copy's resource. Only this file looks at their format.
import { createHash } from 'node:crypto';

/** `text` is the ID that CloudFormation has. Copies carry it in their handle tag. */
export type PhysicalId =
  /** onEvent returned it for a copy that did not exist yet. */
  | { readonly kind: 'handle'; readonly text: string }
  /** The ID of the copy itself. */
  | { readonly kind: 'snapshot'; readonly text: string }
  /** CloudFormation or the framework made it up, for a Create that was never answered. */
  | { readonly kind: 'unknown'; readonly text: string };

export function decodePhysicalId(text: string): PhysicalId {
  if (/^copy-[0-9a-f]{32}$/.test(text)) return { kind: 'handle', text };
  if (/^snap-[0-9a-f]{8,17}$/.test(text)) return { kind: 'snapshot', text };
  return { kind: 'unknown', text };
}

/** Derived from what identifies a request, so that onEvent returns the same handle if it runs twice. */
export function handleFor(...identity: readonly string[]): string {
  return `copy-${shortHash(identity)}`;
}

export function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
