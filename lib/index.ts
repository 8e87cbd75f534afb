export { FastSnapshotRestore } from './fast-snapshot-restore';
export { type FastSnapshotRestoreProps } from './fast-snapshot-restore-props';
export { type LatestSource } from './latest-source';
export { type ISnapshotCopy } from './snapshot-copy-interface';
export { SnapshotCopy } from './snapshot-copy';
export { SnapshotCopyDryRun } from './snapshot-copy-dry-run';
export {
  type CommonSnapshotCopyProps,
  type SnapshotCopyDryRunProps,
  type SnapshotCopyProps,
  type SnapshotFromIdOptions,
} from './snapshot-copy-props';
export { SnapshotCopyProvider, type SnapshotCopyProviderProps } from './snapshot-copy-provider';
export { SnapshotGrants, type SnapshotGrantsOptions } from './snapshot-grants';
export { type ISnapshotRef, type SnapshotReference } from './snapshot-ref';
export { SnapshotLock } from './snapshot-lock';
export { StorageTier } from './storage-tier';
