export { SnapshotCopy, type SnapshotCopyProps } from './snapshot-copy';
