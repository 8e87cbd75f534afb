import { CfnDeletionPolicy, type ICfnResourceOptions, RemovalPolicy } from 'aws-cdk-lib';

export function problemsOfRemoval(policy: RemovalPolicy | undefined): string[] {
  return policy === RemovalPolicy.SNAPSHOT
    ? [
        'removalPolicy "snapshot" is not allowed, because EC2 cannot take a snapshot of a snapshot: ' +
          'specify DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE',
      ]
    : [];
}

/** Checks the policies that the resource has after Aspects and escape hatches. */
export function problemsOfPolicies({ deletionPolicy, updateReplacePolicy }: ICfnResourceOptions): string[] {
  if (deletionPolicy === CfnDeletionPolicy.SNAPSHOT) return problemsOfRemoval(RemovalPolicy.SNAPSHOT);
  const isDeleted = deletionPolicy === undefined || deletionPolicy === CfnDeletionPolicy.DELETE;
  return isDeleted && updateReplacePolicy === CfnDeletionPolicy.RETAIN
    ? [
        'updateReplacePolicy "Retain" requires a deletion policy that also retains, because otherwise replaced copies ' +
          'would be deleted with the stack: use RETAIN or RETAIN_ON_UPDATE_OR_DELETE',
      ]
    : [];
}
