import { AccountPrincipal, Grant, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { aws_kms } from 'aws-cdk-lib/interfaces';
import { volumeArns } from './arns';
import { type KeyReference, referenceOf } from './key-reference';
import type { ISnapshotRef } from './snapshot-ref';
import { isKnown } from './tokens';
import { refuse } from './validate';
import { problemsOfAccount } from './validate-handover';
import { KINDS, problemsOfKinds } from './validate-kinds';

/** What `SnapshotGrants` must know about a snapshot beyond its ARN. */
export interface SnapshotGrantsOptions {
  /**
   * KMS key that encrypts the snapshot.
   *
   * @default - grants nothing on keys: enough for a snapshot that is not encrypted, or under the AWS managed key
   */
  readonly encryptionKey?: aws_kms.IKeyRef;
}

/**
 * Grants permissions on an EBS snapshot: `copy.grants`, or `SnapshotGrants.fromSnapshot(…)` for any other.
 *
 * @example
 * declare const snapshot: ec2.CfnSnapshot;
 * declare const role: iam.Role;
 * SnapshotGrants.fromSnapshot(snapshot).createVolume(role);
 */
export class SnapshotGrants {
  /**
   * Grants for anything that stands for a snapshot.
   *
   * @param snapshot the snapshot
   * @param options what the ARN of the snapshot does not contain
   */
  public static fromSnapshot(snapshot: ISnapshotRef, options: SnapshotGrantsOptions = {}): SnapshotGrants {
    refuse(snapshot, problemsOfKinds(options, KINDS.grants));
    return new SnapshotGrants(snapshot, options.encryptionKey && referenceOf(options.encryptionKey));
  }

  /**
   * Statements for the policy of a key, which let other accounts use the snapshots that are shared with them. Each account
   * must also permit its own users to use the key.
   *
   * Throws an error if a value is not the id of an account.
   *
   * @param accountIds the accounts: 12 digits each
   * @see https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
   */
  public static keyPolicyForSharing(accountIds: string[]): PolicyStatement[] {
    const problems = problemsOfKinds({ accountIds }, KINDS.sharing, 'accountIds');
    if (problems.length === 0) {
      problems.push(...accountIds.filter(isKnown).flatMap((account) => problemsOfAccount('accountIds', account)));
      if (accountIds.length === 0) problems.push('accountIds is empty: give at least one account');
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
   * Lets the grantee create volumes from this snapshot, in its Region and account, and use its key through EC2 for that.
   *
   * Changes only the identity policy of the grantee, never the policy of the key: that one must let IAM policies of the
   * account grant access.
   *
   * @param grantee who may create volumes
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
      // The domain differs between partitions, and only AWS can call through a service.
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
