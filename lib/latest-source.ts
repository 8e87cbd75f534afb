import type { Duration } from 'aws-cdk-lib';

/** The newest of all snapshots that match. At least one of `volumeId` and `tags` is needed. */
export interface LatestSource {
  /**
   * Id of the volume of which the snapshots were taken, such as `vol-0123456789abcdef0`. Copies have an arbitrary volume id,
   * so it never finds a copy: find copies by their tags.
   *
   * @default - snapshots of all volumes
   */
  readonly volumeId?: string;

  /**
   * Tags that the snapshots have, all of them. EC2 shows an account only its own tags, so they exclude the `owner` of another
   * account. If the newest snapshots of two volumes began at the same time, the deployment fails: add `volumeId`.
   *
   * @default - whatever their tags
   */
  // eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- jsii knows maps in this form only
  readonly tags?: { readonly [key: string]: string };

  /**
   * Account that owns the snapshots: `self`, or the 12 digits of an account that shares them with this one.
   *
   * @default 'self'
   */
  readonly owner?: string;

  /**
   * How old the newest snapshot may be, in whole seconds. If it is older, the deployment fails, so that a backup plan that
   * has died is noticed. Another value alone does not make the handler look again.
   *
   * @default - any age
   */
  readonly maxAge?: Duration;
}
