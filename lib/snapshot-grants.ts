import { AccountPrincipal, Grant, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { aws_kms } from 'aws-cdk-lib/interfaces';
import { volumeArns } from './arns';
import { type KeyReference, referenceOf } from './key-reference';
import type { ISnapshotRef } from './snapshot-ref';
import { isKnown } from './tokens';
import { refuse } from './validate';
import { problemsOfAccount } from './validate-handover';
import { KINDS, problemsOfKinds } from './validate-kinds';

/** Options for `SnapshotGrants.fromSnapshot`: what cannot be derived from the ARN of the snapshot. */
export interface SnapshotGrantsOptions {
  /**
   * KMS key that encrypts the snapshot.
   *
   * @default - no permissions on a key, which is enough if the snapshot is unencrypted or encrypted with the AWS
   * managed key for EBS
   */
  readonly encryptionKey?: aws_kms.IKeyRef;
}

/**
 * Grants permissions on an EBS snapshot. Use `copy.grants` for a copy, and `SnapshotGrants.fromSnapshot(…)` for any
 * other snapshot.
 *
 * @example
 * declare const snapshot: ec2.CfnSnapshot;
 * declare const role: iam.Role;
 * SnapshotGrants.fromSnapshot(snapshot).createVolume(role);
 */
export class SnapshotGrants {
  /**
   * Returns the grants for any construct that represents a snapshot.
   *
   * @param snapshot the snapshot
   * @param options what cannot be derived from the ARN of the snapshot
   */
  public static fromSnapshot(snapshot: ISnapshotRef, options: SnapshotGrantsOptions = {}): SnapshotGrants {
    refuse(snapshot, problemsOfKinds(options, KINDS.grants));
    return new SnapshotGrants(snapshot, options.encryptionKey && referenceOf(options.encryptionKey));
  }

  /**
   * Returns statements for a key policy that let other accounts use the snapshots that you share with them. Each
   * account must also allow its own users to use the key.
   *
   * Throws an error if the list is empty, or if a value is not an account ID.
   *
   * @param accountIds the IDs of the accounts: 12 digits each
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
   */
  public static keyPolicyForSharing(accountIds: string[]): PolicyStatement[] {
    const problems = problemsOfKinds({ accountIds }, KINDS.sharing, 'accountIds');
    if (problems.length === 0) {
      problems.push(...accountIds.filter(isKnown).flatMap((account) => problemsOfAccount('accountIds', account)));
      if (accountIds.length === 0) problems.push('accountIds is empty: specify at least one account');
    }
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const principals = accountIds.map((account) => new AccountPrincipal(account));
    return [
      new PolicyStatement({
        principals,
        actions: ['kms:DescribeKey', 'kms:Decrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        resources: ['*'],
      }),
      new PolicyStatement({
        principals,
        actions: ['kms:CreateGrant'],
        resources: ['*'],
        conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      }),
    ];
  }

  /** @internal */
  public static _withKey(snapshot: ISnapshotRef, key: KeyReference): SnapshotGrants {
    return new SnapshotGrants(snapshot, key);
  }

  private constructor(
    private readonly snapshot: ISnapshotRef,
    private readonly key?: KeyReference,
  ) {}

  /**
   * Lets the grantee create volumes from this snapshot in its Region and account, and use its key through EC2 to do so.
   *
   * Changes only the identity policy of the grantee, never the key policy. The key policy must allow IAM policies of
   * the account to grant access.
   *
   * @param grantee the principal that may create volumes
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
   */
  public createVolume(grantee: IGrantable): Grant {
    const { snapshotRef, env } = this.snapshot;
    const volumes = Grant.addToPrincipal({
      grantee,
      actions: ['ec2:CreateVolume'],
      resourceArns: [snapshotRef.snapshotArn, volumeArns(env.region, env.account)],
    });
    return this.key === undefined ? volumes : volumes.combine(this.useKey(grantee, this.key));
  }

  private useKey(grantee: IGrantable, { arn, alias }: KeyReference): Grant {
    const conditions = {
      // The domain differs between partitions. The wildcard is safe, because only AWS can call through a service.
      StringLike: { 'kms:ViaService': `ec2.${this.snapshot.env.region}.*` },
      ...(alias !== undefined && { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } }),
    };
    return Grant.addToPrincipal({
      grantee,
      actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
      resourceArns: [arn],
      conditions,
    }).combine(
      Grant.addToPrincipal({
        grantee,
        actions: ['kms:CreateGrant'],
        resourceArns: [arn],
        conditions: { ...conditions, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      }),
    );
  }
}
