/** Where EC2 stores a snapshot. */
export enum StorageTier {
  /** Can be used at once. */
  STANDARD = 'standard',

  /** Costs less, and must be restored before it can be used. */
  ARCHIVE = 'archive',
}
