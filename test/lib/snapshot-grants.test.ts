import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps, SnapshotGrants } from '../../lib';
import { cycleIn } from './cycles';
import { idOf, newStack, type Resource, SOURCE, templateOf } from './stacks';

const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

let stack: Stack;
let role: iam.Role;

beforeEach(() => {
  stack = newStack();
  role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
});

const copyWith = (props: Partial<SnapshotCopyProps> = {}, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

function statementsOfRole(): unknown[] {
  const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy', {
    Properties: { Roles: [{ Ref: idOf(role) }] },
  }) as unknown as Record<string, Resource>;
  return Object.values(policies).flatMap(
    ({ Properties: { PolicyDocument: document } }) => (document as { Statement: unknown[] }).Statement,
  );
}

const volumes = (region: string) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:ec2:${region}:111122223333:volume/*`]],
});

test('createVolume grants the snapshot, volumes in its Region and account, and its key through EC2', () => {
  const copy = copyWith({ destinationRegion: 'eu-west-1' });
  copy.grants.createVolume(role).assertSuccess();
  const key = { 'Fn::GetAtt': [idOf(copy), 'KmsKeyArnOrNone'] };
  const throughEc2 = { StringLike: { 'kms:ViaService': 'ec2.eu-west-1.*' } };
  expect(statementsOfRole()).toEqual([
    {
      Effect: 'Allow',
      Action: 'ec2:CreateVolume',
      Resource: [stack.resolve(copy.snapshotArn), volumes('eu-west-1')],
    },
    {
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
      Resource: key,
      Condition: throughEc2,
    },
    {
      Effect: 'Allow',
      Action: 'kms:CreateGrant',
      Resource: key,
      Condition: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    },
  ]);
});

test('createVolume names the declared key, and does not change the key policy', () => {
  const key = new kms.Key(stack, 'Key');
  const policyOf = () => JSON.stringify(stack.resolve((key.node.defaultChild as kms.CfnKey).keyPolicy));
  const before = policyOf();
  copyWith({ kmsKey: key }).grants.createVolume(role);
  expect(statementsOfRole()[1]).toMatchObject({ Resource: { 'Fn::GetAtt': [idOf(key), 'Arn'] } });
  expect(policyOf()).toBe(before);
});

test('createVolume names the key behind an alias, because IAM cannot name alias ARNs', () => {
  const copy = copyWith({ kmsKey: kms.Alias.fromAliasName(stack, 'Alias', 'alias/ebs') });
  copy.grants.createVolume(role);
  expect(statementsOfRole()[1]).toMatchObject({ Resource: { 'Fn::GetAtt': [idOf(copy), 'KmsKeyArnOrNone'] } });
});

test('a role can have grants for a copy and a copy of it without a cycle', () => {
  const first = copyWith({}, 'First');
  first.grants.createVolume(role);
  copyWith({ sourceSnapshotId: first.snapshotId }, 'Second').grants.createVolume(role);
  expect(cycleIn(templateOf(stack))).toBeUndefined();
});

describe('grants for other snapshots', () => {
  test('work for an imported snapshot', () => {
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', KEY_ARN);
    const snapshot = SnapshotCopy.fromSnapshotId(stack, 'Import', SOURCE, { region: 'eu-west-1', encryptionKey });
    snapshot.grants.createVolume(role);
    expect(snapshot.env.region).toBe('eu-west-1');
    expect(statementsOfRole()).toEqual([
      expect.objectContaining({ Resource: [stack.resolve(snapshot.snapshotArn), volumes('eu-west-1')] }),
      expect.objectContaining({ Resource: KEY_ARN }),
      expect.objectContaining({ Action: 'kms:CreateGrant', Resource: KEY_ARN }),
    ]);
  });

  test('match an alias by an IAM condition key', () => {
    const encryptionKey = kms.Alias.fromAliasName(stack, 'Alias', 'alias/ebs');
    SnapshotCopy.fromSnapshotId(stack, 'Import', SOURCE, { encryptionKey }).grants.createVolume(role);
    expect(statementsOfRole()[1]).toMatchObject({
      Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':kms:us-east-1:111122223333:key/*']] },
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/ebs' } },
    });
  });

  test('grant no key if none is known', () => {
    SnapshotCopy.fromSnapshotId(stack, 'Import', SOURCE).grants.createVolume(role);
    expect(statementsOfRole()).toEqual([expect.objectContaining({ Action: 'ec2:CreateVolume' })]);
  });

  // The oldest aws-cdk-lib that the library supports has no CfnSnapshot.
  const testIfCdkCan = 'CfnSnapshot' in ec2 ? test : test.skip;
  testIfCdkCan('accept a CfnSnapshot', () => {
    const snapshot = new ec2.CfnSnapshot(stack, 'Snapshot', { volumeId: 'vol-0123456789abcdef0' });
    SnapshotGrants.fromSnapshot(snapshot).createVolume(role);
    const arn: unknown = stack.resolve(snapshot.snapshotRef.snapshotArn);
    expect(statementsOfRole()).toEqual([expect.objectContaining({ Resource: [arn, volumes('us-east-1')] })]);
  });
});
