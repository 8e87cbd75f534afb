/** The storage tier of a snapshot. */
export enum StorageTier {
  /** The snapshot is ready for use. */
  STANDARD = 'standard',

  /** Costs less. The snapshot must be restored before it can be used. */
  ARCHIVE = 'archive',
}
