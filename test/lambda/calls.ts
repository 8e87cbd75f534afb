import type { Calls } from '../../lambda/calls';
import type { Services } from '../../local-aws/services';

/** The handler's calls over the simulated services, as lambda/sdk.ts makes them over the SDK. */
export function callsOver(services: Pick<Services, 'send'>): Calls {
  const home = 'us-east-1';
  return {
    describeSnapshots: (region, input) => services.send(region, 'DescribeSnapshots', input),
    copySnapshot: (region, input) => services.send(region, 'CopySnapshot', input),
    deleteSnapshot: (region, input) => services.send(region, 'DeleteSnapshot', input),
    createTags: (region, input) => services.send(region, 'CreateTags', input),
    deleteTags: (region, input) => services.send(region, 'DeleteTags', input),
    describeLockedSnapshots: (region, input) => services.send(region, 'DescribeLockedSnapshots', input),
    getEbsEncryptionByDefault: (region) => services.send(region, 'GetEbsEncryptionByDefault', {}),
    describeSnapshotAttribute: (region, input) => services.send(region, 'DescribeSnapshotAttribute', input),
    modifySnapshotAttribute: (region, input) => services.send(region, 'ModifySnapshotAttribute', input),
    describeSnapshotTierStatus: (region, input) => services.send(region, 'DescribeSnapshotTierStatus', input),
    modifySnapshotTier: (region, input) => services.send(region, 'ModifySnapshotTier', input),
    restoreSnapshotTier: (region, input) => services.send(region, 'RestoreSnapshotTier', input),
    lockSnapshot: (region, input) => services.send(region, 'LockSnapshot', input),
    unlockSnapshot: (region, input) => services.send(region, 'UnlockSnapshot', input),
    describeFastSnapshotRestores: (region, input) => services.send(region, 'DescribeFastSnapshotRestores', input),
    enableFastSnapshotRestores: (region, input) => services.send(region, 'EnableFastSnapshotRestores', input),
    disableFastSnapshotRestores: (region, input) => services.send(region, 'DisableFastSnapshotRestores', input),
    describeKey: (region, input) => services.send(region, 'DescribeKey', input),
    describeStacks: (input) => services.send(home, 'DescribeStacks', input),
    describeStackResource: (input) => services.send(home, 'DescribeStackResource', input),
  };
}
