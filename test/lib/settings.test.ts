import { App, CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { SnapshotCopy, SnapshotCopyProvider, type SnapshotCopyProviderProps } from '../../lib';
import { COPY_RESOURCE_TYPE } from '../../lib/contract';
import { cycleIn, waitsFor } from './cycles';
import { templateOf } from './templates';

const SOURCE = 'snap-0123456789abcdef0';

let stack: Stack;

beforeEach(() => {
  const env = { account: '111122223333', region: 'us-east-1' };
  stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack', { env });
});

function configured(props: SnapshotCopyProviderProps): Template {
  SnapshotCopyProvider.configure(stack, props);
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
  return Template.fromStack(stack);
}

const newVpc = () => new ec2.Vpc(stack, 'Vpc', { maxAzs: 1, natGateways: 1 });
const HANDLER = { Handler: Match.stringLikeRegexp('^index\\.') };

test('all log groups have the retention and the key', () => {
  const key = new kms.Key(stack, 'Key');
  const template = configured({ logRetention: logs.RetentionDays.ONE_WEEK, logEncryptionKey: key });
  template.allResourcesProperties('AWS::Logs::LogGroup', {
    RetentionInDays: 7,
    KmsKeyId: stack.resolve(key.keyArn) as unknown,
  });
});

test('all functions are in the VPC, in the subnets and the security groups given', () => {
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 });
  const [subnet] = vpc.privateSubnets;
  if (subnet === undefined) throw new Error('the VPC has no private subnet');
  const group = new ec2.SecurityGroup(stack, 'Group', { vpc });
  const template = configured({ vpc, vpcSubnets: { subnets: [subnet] }, securityGroups: [group] });
  template.allResourcesProperties('AWS::Lambda::Function', {
    VpcConfig: {
      SubnetIds: [stack.resolve(subnet.subnetId) as unknown],
      SecurityGroupIds: [stack.resolve(group.securityGroupId) as unknown],
    },
  });
});

test('without security groups, all functions share one', () => {
  const template = configured({ vpc: newVpc() });
  template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
  template.allResourcesProperties('AWS::Lambda::Function', {
    VpcConfig: { SecurityGroupIds: [Match.anyValue()] },
  });
});

test('the functions of the handler come after the permission to make network interfaces', () => {
  const template = configured({ vpc: newVpc() });
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyName: 'NetworkPolicy',
    PolicyDocument: {
      Statement: Match.arrayWith([Match.objectLike({ Action: Match.arrayWith(['ec2:CreateNetworkInterface']) })]),
    },
  });
  const json = template.toJSON();
  const policy = Object.keys(template.findResources('AWS::IAM::Policy')).find((id) => id.includes('NetworkPolicy'));
  for (const id of Object.keys(template.findResources('AWS::Lambda::Function', { Properties: HANDLER }))) {
    expect(waitsFor(json, id, policy ?? '')).toBe(true);
  }
  expect(cycleIn(json)).toBeUndefined();
});

test('another poll interval reaches the waiter and the handler', () => {
  const template = configured({ pollInterval: Duration.minutes(1) });
  expect(JSON.stringify(template.toJSON())).toContain('\\"IntervalSeconds\\":60,\\"MaxAttempts\\":60');
  const environment = { Variables: { POLL_INTERVAL_SECONDS: '60' } };
  template.resourcePropertiesCountIs('AWS::Lambda::Function', { ...HANDLER, Environment: environment }, 2);
});

test('the default poll interval needs no environment', () => {
  const template = configured({ pollInterval: Duration.seconds(30) });
  template.resourcePropertiesCountIs('AWS::Lambda::Function', { ...HANDLER, Environment: Match.absent() }, 2);
});

test('another quota makes as many lanes', () => {
  SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: 2 });
  for (let n = 0; n < 6; n++) new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: SOURCE });
  const copies = Object.entries(templateOf(stack).Resources).filter(([, { Type }]) => Type === COPY_RESOURCE_TYPE);
  const before = copies.map(([, { DependsOn: ids = [] }]) => ids.filter((id) => id.startsWith('Copy')));
  expect(before).toEqual([[], [], ...copies.slice(0, 4).map(([id]) => [id])]);
});

test('a permissions boundary reaches every role, also that of the handler', () => {
  const boundary = iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary');
  iam.PermissionsBoundary.of(stack).apply(boundary);
  configured({}).allResourcesProperties('AWS::IAM::Role', {
    PermissionsBoundary: stack.resolve(boundary.managedPolicyArn) as unknown,
  });
});

describe('bad settings are refused', () => {
  const group = () => ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0');
  const token = () => new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;

  test.each<[() => SnapshotCopyProviderProps, RegExp]>([
    [() => ({ pollInterval: Duration.seconds(9) }), /^Stack: pollInterval "9 seconds" is not possible: give 10 to 120/],
    [() => ({ pollInterval: Duration.seconds(121) }), /pollInterval "121 seconds"/],
    [() => ({ pollInterval: Duration.seconds(35) }), /"35 seconds".*of which an hour is a multiple, like 60/],
    [() => ({ pollInterval: Duration.millis(22_500) }), /"22.5 seconds"/],
    [() => ({ pollInterval: Duration.seconds(token()) }), /pollInterval "token"/],
    [() => ({ maxConcurrentCopies: 0 }), /maxConcurrentCopies "0" is not possible: give a whole number from 1 on/],
    [() => ({ maxConcurrentCopies: 2.5 }), /"2.5"/],
    [() => ({ maxConcurrentCopies: token() }), /maxConcurrentCopies "token"/],
    [() => ({ vpcSubnets: {} }), /vpcSubnets is given without a VPC: give vpc, too, or leave it out/],
    [() => ({ securityGroups: [group()] }), /securityGroups is given without a VPC/],
  ])('%s', (props, message) => {
    expect(() => {
      SnapshotCopyProvider.configure(stack, props());
    }).toThrow(message);
  });
});

describe('settings of one stack', () => {
  const again = (props: SnapshotCopyProviderProps) => () => {
    SnapshotCopyProvider.configure(stack, props);
  };

  test('may be said twice, spelled out or not', () => {
    const vpc = newVpc();
    configured({ vpc, pollInterval: Duration.minutes(1) });
    expect(
      again({ vpc, pollInterval: Duration.seconds(60), logRetention: logs.RetentionDays.ONE_MONTH }),
    ).not.toThrow();
  });

  test('may not change', () => {
    again({ maxConcurrentCopies: 5, vpc: newVpc() })();
    expect(again({ maxConcurrentCopies: 6 })).toThrow(
      /^Stack: maxConcurrentCopies differs .*\nStack: vpc differs.*once for a stack, with all settings, before its first/,
    );
  });

  test('are the defaults from the first copy on', () => {
    new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
    expect(again({ pollInterval: Duration.minutes(1) })).toThrow(/^Stack: pollInterval differs.*before its first/);
    expect(again({ maxConcurrentCopies: 20 })).not.toThrow();
  });

  test('are those of no other', () => {
    SnapshotCopyProvider.configure(new Stack(new App(), 'Stack'), { maxConcurrentCopies: 5 });
    expect(again({ maxConcurrentCopies: 6 })).not.toThrow();
  });
});
