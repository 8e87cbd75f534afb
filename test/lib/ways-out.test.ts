// Functions in a VPC: CloudFormation must delete the copy before the network that the functions need to reach AWS.
import { type App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SnapshotCopy, SnapshotCopyProvider } from '../../lib';
import { cycleIn, waitsFor } from './cycles';
import { ENV, idOf, newApp, SOURCE, templateOf } from './stacks';

const { EC2, KMS } = ec2.InterfaceVpcEndpointAwsService;
const ISOLATED = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };

let app: App;
let stack: Stack;
let vpc: ec2.Vpc;

beforeEach(() => {
  app = newApp();
  stack = new Stack(app, 'Stack', { env: ENV });
  vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 0, subnetConfiguration: [{ name: 'only', ...ISOLATED }] });
});

function copyIn(scope: Stack, vpcSubnets: ec2.SubnetSelection = ISOLATED): SnapshotCopy {
  SnapshotCopyProvider.configure(scope, { vpc, vpcSubnets });
  return new SnapshotCopy(scope, 'Copy', { sourceSnapshotId: SOURCE });
}

const endpoint = (scope: Stack, id = 'Endpoint', of: ec2.IVpc = vpc) =>
  new ec2.InterfaceVpcEndpoint(scope, id, { vpc: of, service: EC2, subnets: ISOLATED });

/** The resources of a type that are deleted before the copy, although the copy needs them. */
function lost(type: string, copy: SnapshotCopy): string[] {
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  const ids = Object.keys(template.Resources).filter((id) => template.Resources[id]?.Type === type);
  expect(ids).not.toEqual([]);
  return ids.filter((id) => !waitsFor(template, idOf(copy), id));
}

test.each<[string, () => SnapshotCopy]>([
  [
    'of the VPC, declared before the copy',
    () => {
      vpc.addInterfaceEndpoint('Ec2', { service: EC2 });
      vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
      return copyIn(stack);
    },
  ],
  [
    'of the VPC, declared after the copy',
    () => {
      const copy = copyIn(stack);
      vpc.addInterfaceEndpoint('Kms', { service: KMS });
      vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
      return copy;
    },
  ],
  [
    'outside the VPC construct, declared before the copy',
    () => {
      endpoint(stack);
      return copyIn(stack);
    },
  ],
  [
    'outside the VPC construct, declared after the copy',
    () => {
      const copy = copyIn(stack);
      endpoint(stack);
      return copy;
    },
  ],
  [
    'declared as an L1 with the VPC’s ID',
    () => {
      const copy = copyIn(stack);
      const properties = { vpcId: vpc.vpcId, serviceName: 'com.amazonaws.us-east-1.ec2', vpcEndpointType: 'Interface' };
      new ec2.CfnVPCEndpoint(stack, 'Endpoint', properties);
      return copy;
    },
  ],
])('the copy waits for endpoints %s', (_, declare) => {
  expect(lost('AWS::EC2::VPCEndpoint', declare())).toEqual([]);
});

test('the copy waits for the security groups of endpoints', () => {
  const copy = copyIn(stack);
  const { connections } = endpoint(stack);
  connections.allowFromAnyIpv4(ec2.Port.tcp(8_443));
  const groupId = connections.securityGroups[0]?.securityGroupId;
  expect(groupId).toBeDefined();
  const template = templateOf(stack);
  const groups = Object.entries(template.Resources).filter(([, { Type }]) => Type === 'AWS::EC2::SecurityGroup');
  expect(groups.filter(([id]) => id.startsWith('Endpoint'))).toHaveLength(1);
  expect(groups.filter(([id]) => !waitsFor(template, idOf(copy), id))).toEqual([]);
});

test('the copy waits for the routes and NAT gateways of the VPC', () => {
  vpc = new ec2.Vpc(stack, 'Routed', { maxAzs: 1, natGateways: 1 });
  const copy = copyIn(stack, { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
  for (const type of ['Route', 'NatGateway', 'InternetGateway', 'SubnetRouteTableAssociation']) {
    expect(lost(`AWS::EC2::${type}`, copy).filter((id) => id.startsWith('Routed'))).toEqual([]);
  }
});

test('the copy does not wait for endpoints of another VPC', () => {
  const copy = copyIn(stack);
  const other = new ec2.Vpc(stack, 'Other', {
    maxAzs: 1,
    natGateways: 0,
    subnetConfiguration: [{ name: 'o', ...ISOLATED }],
  });
  const foreign = endpoint(stack, 'Foreign', other);
  expect(lost('AWS::EC2::VPCEndpoint', copy)).toEqual([idOf(foreign)]);
});

test('resources under a VPC that are not part of the network cause no cycle', () => {
  SnapshotCopyProvider.configure(stack, { vpc, vpcSubnets: ISOLATED });
  new SnapshotCopy(vpc, 'Copy', { sourceSnapshotId: SOURCE });
  expect(cycleIn(templateOf(stack))).toBeUndefined();
});

test('nothing waits across stacks, and stacks do not form a dependency cycle', () => {
  const copies = new Stack(app, 'Copies', { env: ENV });
  const copy = copyIn(copies);
  endpoint(copies);
  endpoint(stack);
  const template = templateOf(copies);
  const ids = Object.keys(template.Resources).filter((id) => template.Resources[id]?.Type === 'AWS::EC2::VPCEndpoint');
  expect(ids).toHaveLength(1);
  expect(ids.filter((id) => !waitsFor(template, idOf(copy), id))).toEqual([]);
  expect(copies.dependencies).toEqual([stack]);
  expect(stack.dependencies).toEqual([]);
});

test('without a VPC, the copy does not wait for any network', () => {
  endpoint(stack);
  const copy = new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
  expect(lost('AWS::EC2::VPCEndpoint', copy)).toHaveLength(1);
});
