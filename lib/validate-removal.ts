import { CfnDeletionPolicy, type ICfnResourceOptions, RemovalPolicy } from 'aws-cdk-lib';

export function problemsOfRemoval(policy: RemovalPolicy | undefined): string[] {
  return policy === RemovalPolicy.SNAPSHOT
    ? [
        'removalPolicy "snapshot" is not possible, because EC2 takes no snapshots of snapshots: ' +
          'give DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE',
      ]
    : [];
}

/** What Aspects and escape hatches have made of the resource. */
export function problemsOfPolicies({ deletionPolicy, updateReplacePolicy }: ICfnResourceOptions): string[] {
  if (deletionPolicy === CfnDeletionPolicy.SNAPSHOT) return problemsOfRemoval(RemovalPolicy.SNAPSHOT);
  const isDeleted = deletionPolicy === undefined || deletionPolicy === CfnDeletionPolicy.DELETE;
  return isDeleted && updateReplacePolicy === CfnDeletionPolicy.RETAIN
    ? [
        'updateReplacePolicy "Retain" needs a deletion policy that retains, too, or replaced copies would be deleted with ' +
          'the stack: use RETAIN or RETAIN_ON_UPDATE_OR_DELETE',
      ]
    : [];
}
