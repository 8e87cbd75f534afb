// When to use it: every instance of a fleet starts with a volume that is made from the same golden snapshot.
// If you change GOLDEN_SNAPSHOT, the launch template gets the new copy, and CloudFormation replaces the fleet. Then the
// handler deletes the old copy.
import { App, Stack } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SnapshotCopy } from 'cdk-ebs-snapshot-copy';

const GOLDEN_SNAPSHOT = 'snap-0123456789abcdef0';
const GOLDEN_REGION = 'us-east-1';

const app = new App();
const stack = new Stack(app, 'AutoScaling', { env: { region: 'eu-west-1' } });

const golden = new SnapshotCopy(stack, 'Golden', {
  sourceSnapshotId: GOLDEN_SNAPSHOT,
  sourceRegion: GOLDEN_REGION,
});

const vpc = new ec2.Vpc(stack, 'Vpc', { natGateways: 0 });

const launchTemplate = new ec2.LaunchTemplate(stack, 'LaunchTemplate', {
  instanceType: ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
  machineImage: ec2.MachineImage.latestAmazonLinux2023({ cpuType: ec2.AmazonLinuxCpuType.ARM_64 }),
  securityGroup: new ec2.SecurityGroup(stack, 'SecurityGroup', { vpc }),
  requireImdsv2: true,
  blockDevices: [{ deviceName: '/dev/xvdf', volume: ec2.BlockDeviceVolume.ebsFromSnapshot(golden.snapshotId) }],
});

new autoscaling.AutoScalingGroup(stack, 'Fleet', {
  vpc,
  vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
  launchTemplate,
  minCapacity: 2,
  maxCapacity: 6,
  updatePolicy: autoscaling.UpdatePolicy.rollingUpdate({ minInstancesInService: 2 }),
});
