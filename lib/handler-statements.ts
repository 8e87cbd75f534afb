// The statements of the handler's role. Each says one thing, and is finished when it is added to the role.
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { snapshotArn } from './arns';
import { OWNER_TAGS, TAG } from './contract';
import type { KeyReference } from './key-reference';

const KEY_USE = ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'];

/**
 * Only an AWS service can make a call through itself, and its domain differs between partitions. A key serves its own
 * Region only, so the Region in the ARN of the key says which EC2 that is.
 */
const THROUGH_EC2 = { StringLike: { 'kms:ViaService': 'ec2.*' } };

export function writeLogs(logGroupArn: string): PolicyStatement {
  return allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroupArn);
}

/** EC2 has no resource-level permissions for them. */
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

/** So that the handler can tell whether a copy is still wanted. */
export function readStack(stackId: string): PolicyStatement {
  return allow(['cloudformation:DescribeStacks', 'cloudformation:DescribeStackResource'], stackId);
}

/**
 * CopySnapshot, as EC2 authorizes it for the source. The Region in the ARN may be that of either snapshot, so none is
 * named, as in AWS's own policies.
 *
 * @param id `snap-*` for any snapshot
 * @param owner the account that must own the source. Nothing says that EC2 knows the owner in every Region, hence IfExists
 */
export function copyFrom(id: string, owner?: string): PolicyStatement {
  return allow(
    ['ec2:CopySnapshot'],
    snapshotArn('*', id),
    owner === undefined ? undefined : { StringEqualsIfExists: { 'ec2:Owner': owner } },
  );
}

/**
 * CopySnapshot, as EC2 authorizes it for the new snapshot. That one has no id yet, but an asterisk, literally, which
 * matches no snapshot that exists.
 */
export function copyTo(region: string, stackId: string): PolicyStatement {
  return allow(['ec2:CopySnapshot'], snapshotArn(region, '${*}'), { StringEquals: requestTag(stackId) });
}

/** Tags that are part of a CopySnapshot call. */
export function tagAtCopy(stackId: string): PolicyStatement {
  return allow(['ec2:CreateTags'], snapshotArn('*', '*'), {
    StringEquals: { 'ec2:CreateAction': 'CopySnapshot', ...requestTag(stackId) },
  });
}

/**
 * Only the stack's tag limits what the handler may do with copies: an update that changes Regions, sources and keys
 * changes this policy before CloudFormation deletes the old copy.
 *
 * - A call that deletes tags without naming keys would delete all of them, so keys must be named.
 * - A condition key finds a tag in whatever case, so the owner tags are protected in every case.
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

/** Adding accounts, and removing any. Never with a group, of which the only one is everybody. */
export function shareOwnCopies(stackId: string): PolicyStatement {
  return allow(['ec2:ModifySnapshotAttribute'], snapshotArn('*', '*'), {
    ...ownedBy(stackId),
    Null: { 'ec2:Add/group': 'true' },
  });
}

/**
 * Sets whom the statement lets add. The copies of a stack come one by one, and a list that is resolved later would be
 * missing from the report of `iam.Role.customizeRoles`.
 *
 * @param accounts the ids of accounts, or `*` for any
 */
export function shareWith(statement: PolicyStatement, accounts: readonly string[]): void {
  // A call that adds nobody has no such key, and passes.
  statement.addCondition('ForAllValues:StringLike', { 'ec2:Add/userId': accounts });
}

export function archiveOwnCopies(stackId: string): PolicyStatement {
  return allow(['ec2:ModifySnapshotTier'], snapshotArn('*', '*'), ownedBy(stackId));
}

export function lockOwnCopies(stackId: string): PolicyStatement {
  return allow(['ec2:LockSnapshot'], snapshotArn('*', '*'), ownedBy(stackId));
}

/** What is to be disabled may be another snapshot than the declared one: that of the declaration before. */
export function restoreFast(region: string, snapshotArnToEnable: string): PolicyStatement[] {
  return [
    allow(['ec2:EnableFastSnapshotRestores'], snapshotArnToEnable),
    allow(['ec2:DisableFastSnapshotRestores'], snapshotArn(region, '*')),
    allow(['ec2:DescribeFastSnapshotRestores'], '*'),
  ];
}

/**
 * Use of a key by EC2 on behalf of the handler. Where neither ARN nor alias names the key, EC2 must use it for a volume or a
 * snapshot: what else it encrypts has another context.
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

/** A direct call of the handler, before it copies. */
export function describeKey(arn: string): PolicyStatement {
  return allow(['kms:DescribeKey'], arn);
}

/** Lambda makes and removes network interfaces as the role, and none of them exists yet. */
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
