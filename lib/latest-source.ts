import type { Duration } from 'aws-cdk-lib';

/** Selects the newest snapshot that matches. Requires `volumeId`, `tags`, or both. */
export interface LatestSource {
  /**
   * ID of the volume from which the snapshots were taken, such as `vol-0123456789abcdef0`. Copies have an arbitrary
   * volume ID, so `volumeId` never finds a copy. Use `tags` to find copies.
   *
   * @default - snapshots of all volumes
   */
  readonly volumeId?: string;

  /**
   * Tags that a snapshot must have, all of them. EC2 shows an account only its own tags, so they cannot be combined
   * with an `owner` that is another account. If the newest snapshots of two volumes started at the same time, the
   * deployment fails. Add `volumeId` in that case.
   *
   * @default - snapshots with any tags, or none
   */
  // eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- jsii knows maps in this form only
  readonly tags?: { readonly [key: string]: string };

  /**
   * Account that owns the snapshots: `self`, or the 12-digit ID of an account that shares them with this one.
   *
   * @default 'self'
   */
  readonly owner?: string;

  /**
   * Maximum age of the newest snapshot, in whole seconds. If it is older, the deployment fails, so that you notice a
   * backup plan that has stopped working. Changing only this value does not make the handler search again.
   *
   * @default - any age
   */
  readonly maxAge?: Duration;
}
