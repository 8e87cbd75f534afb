export { SnapshotCopyProvider, type SnapshotCopyProviderProps } from './settings';
export { SnapshotCopy, type SnapshotCopyProps } from './snapshot-copy';
