import { Fn, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { ATTRIBUTES } from '../../lib/contract';
import { idOf, newStack, SOURCE } from './stacks';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyWith = (props: Partial<SnapshotCopyProps> = {}) =>
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, ...props });

test('each attribute reads the value that the handler returns under that name', () => {
  const copy = copyWith();
  const read = {
    SnapshotId: copy.snapshotId,
    VolumeSize: copy.snapshotVolumeSizeInGibibytes,
    Encrypted: copy.snapshotEncrypted,
    KmsKeyArn: copy.snapshotKmsKeyArn,
    OwnerId: copy.snapshotOwnerId,
    StartTime: copy.snapshotStartTime,
    CompletionTime: copy.snapshotCompletionTime,
    FullSnapshotSizeInBytes: copy.snapshotFullSizeInBytes,
    TransferType: copy.snapshotTransferType,
    SourceSnapshotId: copy.sourceSnapshotId,
  };
  expect([...Object.keys(read), 'KmsKeyArnOrNone'].sort()).toEqual([...ATTRIBUTES].sort());
  for (const [name, token] of Object.entries(read)) {
    expect(stack.resolve(token)).toEqual({ 'Fn::GetAtt': [idOf(copy), name] });
  }
});

test('the ARN has the destination Region and no account', () => {
  const copy = copyWith({ destinationRegion: 'eu-west-1' });
  const id = { 'Fn::GetAtt': [idOf(copy), 'SnapshotId'] };
  expect(stack.resolve(copy.snapshotArn)).toEqual({
    'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ec2:eu-west-1::snapshot/', id]],
  });
});

test('a copy can be referenced as a snapshot', () => {
  const copy = copyWith();
  expect(copy.snapshotRef).toEqual({ snapshotArn: copy.snapshotArn });
});

// The oldest aws-cdk-lib that the library supports has no CfnSnapshot.
const testIfCdkCan = 'CfnSnapshot' in ec2 ? test : test.skip;
testIfCdkCan('the CDK accepts a copy as a snapshot', () => {
  const copy = copyWith();
  expect(ec2.CfnSnapshot.arnForSnapshot(copy)).toBe(copy.snapshotArn);
});

test('a volume from the copy waits for it', () => {
  const copy = copyWith();
  new ec2.Volume(stack, 'Volume', { availabilityZone: Fn.select(0, Fn.getAzs()), snapshotId: copy.snapshotId });
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::Volume', {
    SnapshotId: { 'Fn::GetAtt': [idOf(copy), 'SnapshotId'] },
  });
});

test('a launch template with a volume from the copy waits for it', () => {
  const copy = copyWith();
  const volume = ec2.BlockDeviceVolume.ebsFromSnapshot(copy.snapshotId);
  new ec2.LaunchTemplate(stack, 'Template', { blockDevices: [{ deviceName: '/dev/sdf', volume }] });
  const snapshotId = { 'Fn::GetAtt': [idOf(copy), 'SnapshotId'] };
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::LaunchTemplate', {
    LaunchTemplateData: { BlockDeviceMappings: [{ Ebs: { SnapshotId: snapshotId } }] },
  });
});
