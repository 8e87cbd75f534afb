// The statements of the handler's role. Each grants one thing, and is complete when it is added to the role.
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { snapshotArn } from './arns';
import { OWNER_TAGS, TAG } from './contract';
import type { KeyReference } from './key-reference';

const KEY_USE = ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'];

/**
 * Matches EC2 in every Region and partition. The wildcard is safe: only an AWS service can call through itself, and a
 * key is used only in its own Region, which the ARN of the key names.
 */
const THROUGH_EC2 = { StringLike: { 'kms:ViaService': 'ec2.*' } };

export function writeLogs(logGroupArn: string): PolicyStatement {
  return allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroupArn);
}

/** EC2 has no resource-level permissions for these calls. */
export function describeSnapshots(): PolicyStatement {
  return allow(
    [
      'ec2:DescribeSnapshots',
      'ec2:DescribeLockedSnapshots',
      'ec2:DescribeSnapshotTierStatus',
      'ec2:GetEbsEncryptionByDefault',
    ],
    '*',
  );
}

/** Lets the handler find out whether a copy is still wanted. */
export function readStack(stackId: string): PolicyStatement {
  return allow(['cloudformation:DescribeStacks', 'cloudformation:DescribeStackResource'], stackId);
}

/**
 * CopySnapshot, as EC2 authorizes it for the source. The ARN may have the Region of either snapshot, so the statement
 * names no Region, like the policies of AWS.
 *
 * @param id `snap-*` for any snapshot
 * @param owner the account that must own the source. AWS does not document that EC2 knows the owner in every Region,
 * hence IfExists
 */
export function copyFrom(id: string, owner?: string): PolicyStatement {
  return allow(
    ['ec2:CopySnapshot'],
    snapshotArn('*', id),
    owner === undefined ? undefined : { StringEqualsIfExists: { 'ec2:Owner': owner } },
  );
}

/**
 * CopySnapshot, as EC2 authorizes it for the new snapshot. The new snapshot has no ID yet; its ARN has a literal
 * asterisk instead, which matches no existing snapshot.
 */
export function copyTo(region: string, stackId: string): PolicyStatement {
  return allow(['ec2:CopySnapshot'], snapshotArn(region, '${*}'), { StringEquals: requestTag(stackId) });
}

/** CreateTags for the tags in a CopySnapshot call. */
export function tagAtCopy(stackId: string): PolicyStatement {
  return allow(['ec2:CreateTags'], snapshotArn('*', '*'), {
    StringEquals: { 'ec2:CreateAction': 'CopySnapshot', ...requestTag(stackId) },
  });
}

/**
 * Only the tag of the stack limits what the handler may do with its copies. Regions, sources and keys must not limit
 * it, because an update that changes them changes this policy before CloudFormation deletes the old copy.
 *
 * - A DeleteTags call without keys would delete all tags, so keys are required.
 * - Condition keys ignore the case of tags, so the owner tags are protected in any case.
 */
export function changeOwnCopies(stackId: string): PolicyStatement[] {
  const { StringEquals: ofThisStack } = ownedBy(stackId);
  return [
    allow(['ec2:CreateTags', 'ec2:DeleteTags'], snapshotArn('*', '*'), {
      StringEquals: ofThisStack,
      'ForAllValues:StringNotEqualsIgnoreCase': { 'aws:TagKeys': OWNER_TAGS },
      Null: { 'aws:TagKeys': 'false' },
    }),
    allow(
      ['ec2:DeleteSnapshot', 'ec2:DescribeSnapshotAttribute', 'ec2:UnlockSnapshot', 'ec2:RestoreSnapshotTier'],
      snapshotArn('*', '*'),
      { StringEquals: ofThisStack },
    ),
  ];
}

/** Adds accounts, and removes any. Never adds a group: the only group is everybody. */
export function shareOwnCopies(stackId: string): PolicyStatement {
  return allow(['ec2:ModifySnapshotAttribute'], snapshotArn('*', '*'), {
    ...ownedBy(stackId),
    Null: { 'ec2:Add/group': 'true' },
  });
}

/**
 * Sets the accounts that the statement allows to add. It is called again for each copy, because a lazy list would be
 * missing from the report of `iam.Role.customizeRoles`.
 *
 * @param accounts account IDs, or `*` for any account
 */
export function shareWith(statement: PolicyStatement, accounts: readonly string[]): void {
  // A call that adds no account does not have this key, and is allowed.
  statement.addCondition('ForAllValues:StringLike', { 'ec2:Add/userId': accounts });
}

export function archiveOwnCopies(stackId: string): PolicyStatement {
  return allow(['ec2:ModifySnapshotTier'], snapshotArn('*', '*'), ownedBy(stackId));
}

export function lockOwnCopies(stackId: string): PolicyStatement {
  return allow(['ec2:LockSnapshot'], snapshotArn('*', '*'), ownedBy(stackId));
}

/** Disabling is allowed for any snapshot in any Region, because the previous declaration may name another one. */
export function restoreFast(snapshotArnToEnable: string): PolicyStatement[] {
  return [
    allow(['ec2:EnableFastSnapshotRestores'], snapshotArnToEnable),
    allow(['ec2:DisableFastSnapshotRestores'], snapshotArn('*', '*')),
    allow(['ec2:DescribeFastSnapshotRestores'], '*'),
  ];
}

/**
 * Use of a key by EC2 on behalf of the handler. If neither an ARN nor an alias names the key, EC2 may use it only for
 * volumes and snapshots, which have their own encryption context.
 */
export function useKey({ arn, alias }: KeyReference): PolicyStatement[] {
  const conditions = {
    ...THROUGH_EC2,
    ...(alias !== undefined
      ? { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } }
      : arn.endsWith('*') && { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': 'aws:ebs:id' } }),
  };
  return [
    allow(KEY_USE, arn, conditions),
    allow(['kms:CreateGrant'], arn, { ...conditions, Bool: { 'kms:GrantIsForAWSResource': 'true' } }),
  ];
}

/** The handler itself calls this before it copies. */
export function describeKey(arn: string): PolicyStatement {
  return allow(['kms:DescribeKey'], arn);
}

/** Lambda uses the role to create and delete network interfaces, and none exists when the policy is made. */
export function useNetwork(): PolicyStatement {
  return allow(
    [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    '*',
  );
}

function allow(actions: string[], resource: string, conditions?: Record<string, Record<string, unknown>>) {
  return new PolicyStatement({ actions, resources: [resource], conditions });
}

function ownedBy(stackId: string) {
  return { StringEquals: { [`aws:ResourceTag/${TAG.stack}`]: stackId } };
}

function requestTag(stackId: string): Record<string, string> {
  return { [`aws:RequestTag/${TAG.stack}`]: stackId };
}
