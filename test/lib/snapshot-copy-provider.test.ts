import { App, CfnParameter, Duration, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { SnapshotCopy, SnapshotCopyProvider, type SnapshotCopyProviderProps } from '../../lib';
import { cycleIn, waitsFor } from './cycles';
import { copiesIn, ENV, newStack, range, SOURCE, templateOf, newApp } from './stacks';

let app: App;
let stack: Stack;

beforeEach(() => {
  app = newApp();
  stack = new Stack(app, 'Stack', { env: ENV });
});

const copyIn = (scope: Construct, id = 'Copy') => new SnapshotCopy(scope, id, { sourceSnapshotId: SOURCE });

function configured(props: SnapshotCopyProviderProps): Template {
  SnapshotCopyProvider.configure(stack, props);
  copyIn(stack);
  return Template.fromStack(stack);
}

const newVpc = (scope: Construct = stack) => new ec2.Vpc(scope, 'Vpc', { maxAzs: 1, natGateways: 1 });
const HANDLER = { Handler: Match.stringLikeRegexp('^index\\.') };

describe('what a setting does', () => {
  test('all five functions log to the configured log group', () => {
    const logGroup = new logs.LogGroup(stack, 'Logs', { retention: logs.RetentionDays.ONE_YEAR });
    const template = configured({ logGroup });
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
    const LogGroup = stack.resolve(logGroup.logGroupName) as unknown;
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { LoggingConfig: { LogGroup } }, 5);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: stack.resolve(logGroup.logGroupArn) as unknown,
          }),
        ]),
      },
    });
  });

  test('all functions are in the configured VPC, subnets and security groups', () => {
    const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 });
    const [subnet] = vpc.privateSubnets;
    if (subnet === undefined) throw new Error('the VPC has no private subnet');
    const group = new ec2.SecurityGroup(stack, 'Group', { vpc });
    const template = configured({ vpc, vpcSubnets: { subnets: [subnet] }, securityGroups: [group] });
    const VpcConfig = {
      SubnetIds: [stack.resolve(subnet.subnetId) as unknown],
      SecurityGroupIds: [stack.resolve(group.securityGroupId) as unknown],
    };
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { VpcConfig }, 5);
  });

  test('without security groups, all functions share one', () => {
    const template = configured({ vpc: newVpc() });
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    template.allResourcesProperties('AWS::Lambda::Function', { VpcConfig: { SecurityGroupIds: [Match.anyValue()] } });
  });

  test('in a VPC, the handler functions are created after the permission to create network interfaces', () => {
    const template = configured({ vpc: newVpc() });
    const statement = Match.objectLike({ Action: Match.arrayWith(['ec2:CreateNetworkInterface']) });
    const [policy = ''] = Object.keys(
      template.findResources('AWS::IAM::Policy', {
        Properties: { PolicyDocument: { Statement: Match.arrayWith([statement]) } },
      }),
    );
    const functions = Object.keys(template.findResources('AWS::Lambda::Function', { Properties: HANDLER }));
    expect(functions.map((id) => waitsFor(template.toJSON(), id, policy))).toEqual([true, true]);
    expect(cycleIn(template.toJSON())).toBeUndefined();
  });

  test('tracing applies to all five functions, the state machine, and their roles', () => {
    const template = configured({ tracing: true });
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } }, 5);
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', { TracingConfiguration: { Enabled: true } });
    template.resourceCountIs('AWS::IAM::Role', 5);
    const rolesThatTrace = Object.values(template.findResources('AWS::IAM::Policy'))
      .filter((policy) => JSON.stringify(policy).includes('"xray:PutTraceSegments"'))
      .flatMap(({ Properties }: { Properties?: { Roles?: { Ref: string }[] } }) => Properties?.Roles ?? []);
    expect(rolesThatTrace.map(({ Ref }) => Ref).sort()).toEqual(
      Object.keys(template.findResources('AWS::IAM::Role')).sort(),
    );
  });

  test('without tracing, nothing is traced', () => {
    const template = configured({ tracing: false });
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { TracingConfig: Match.absent() }, 5);
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', { TracingConfiguration: Match.absent() });
    expect(JSON.stringify(template.toJSON())).not.toContain('xray:');
  });

  test('the state machine logs to the configured log group, without execution data, which contains a credential', () => {
    const logGroup = new logs.LogGroup(stack, 'WaiterLogs');
    const template = configured({ stateMachineLogGroup: logGroup });
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: {
        Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: stack.resolve(logGroup.logGroupArn) as unknown } }],
        IncludeExecutionData: false,
        Level: 'ALL',
      },
    });
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).map((policy) =>
      JSON.stringify(policy),
    );
    expect(statements.filter((text) => text.includes('logs:CreateLogDelivery'))).toHaveLength(1);
  });

  test('a custom poll interval reaches the waiter and the handler', () => {
    const template = configured({ pollInterval: Duration.minutes(1) });
    expect(JSON.stringify(template.toJSON())).toContain('\\"IntervalSeconds\\":60,\\"MaxAttempts\\":60');
    const Environment = { Variables: { POLL_INTERVAL_SECONDS: '60' } };
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { ...HANDLER, Environment }, 2);
  });

  test('the default poll interval needs no environment variable', () => {
    const template = configured({ pollInterval: Duration.seconds(30) });
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { ...HANDLER, Environment: Match.absent() }, 2);
  });

  test('maxConcurrentCopies limits how many copies run at the same time', () => {
    SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: 2 });
    for (const n of range(6)) copyIn(stack, `Copy${n}`);
    const copies = copiesIn(stack);
    const before = copies.map(([, { DependsOn: ids = [] }]) => ids.filter((id) => id.startsWith('Copy')));
    expect(before).toEqual([[], [], ...copies.slice(0, 4).map(([id]) => [id])]);
  });
});

describe('invalid settings are refused', () => {
  const group = () => ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0');
  const token = () => new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;

  test.each<[() => SnapshotCopyProviderProps, RegExp]>([
    [
      () => ({ pollInterval: Duration.seconds(9) }),
      /^Stack: pollInterval "9 seconds" is not allowed: specify 10 to 120/,
    ],
    [() => ({ pollInterval: Duration.minutes(3) }), /pollInterval "3 minutes"/],
    [() => ({ pollInterval: Duration.seconds(35) }), /"35 seconds".* that divide an hour evenly, such as 60/],
    [() => ({ pollInterval: Duration.millis(22_500) }), /"22500 millis"/],
    [() => ({ pollInterval: Duration.seconds(token()) }), /pollInterval "token"/],
    [() => ({ maxConcurrentCopies: 0 }), /maxConcurrentCopies "0" is not allowed: specify a whole number, 1 or more/],
    [() => ({ maxConcurrentCopies: 2.5 }), /"2.5"/],
    [() => ({ maxConcurrentCopies: token() }), /maxConcurrentCopies "token"/],
    [() => ({ vpcSubnets: {} }), /vpcSubnets requires a VPC: specify vpc, too, or remove vpcSubnets/],
    [() => ({ securityGroups: [group()] }), /securityGroups requires a VPC/],
  ])('%s', (props, message) => {
    expect(() => {
      SnapshotCopyProvider.configure(stack, props());
    }).toThrow(message);
  });
});

describe('the nearest scope wins for each setting', () => {
  /** The settings that apply to stacks: the waiter's interval, and how many copies run at the same time. */
  function inForce(...stacks: Stack[]): { interval: number; concurrent: number }[] {
    for (const of of stacks) for (const n of range(6)) copyIn(of, `Copy${n}`);
    return stacks.map((of) => {
      const copies = copiesIn(of);
      const waits = (ids: readonly string[] = []) => ids.some((id) => copies.some(([copy]) => copy === id));
      const [, interval] = /\\"IntervalSeconds\\":(\d+)/.exec(JSON.stringify(templateOf(of))) ?? [];
      return { interval: Number(interval), concurrent: copies.filter(([, { DependsOn: ids }]) => !waits(ids)).length };
    });
  }

  test('among an app, a stage, and a stack', () => {
    const stage = new Stage(app, 'Prod', { env: ENV });
    stack = new Stack(stage, 'Stack');
    SnapshotCopyProvider.configure(app, { pollInterval: Duration.minutes(2), maxConcurrentCopies: 1 });
    SnapshotCopyProvider.configure(stage, { maxConcurrentCopies: 2 });
    SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: 3 });
    expect(inForce(stack, new Stack(stage, 'OfStage'), new Stack(app, 'OfApp'))).toEqual([
      { interval: 120, concurrent: 3 },
      { interval: 120, concurrent: 2 },
      { interval: 120, concurrent: 1 },
    ]);
  });

  test('a construct in a stack configures the stack and its nested stacks', () => {
    const nested = new NestedStack(stack, 'Nested');
    SnapshotCopyProvider.configure(new Construct(stack, 'Deeper'), { maxConcurrentCopies: 2 });
    copyIn(stack);
    expect(inForce(nested)).toMatchObject([{ concurrent: 2 }]);
  });

  test('a construct above a stack configures it', () => {
    const group = new Construct(newApp(), 'Group');
    SnapshotCopyProvider.configure(group, { maxConcurrentCopies: 2 });
    expect(inForce(new Stack(group, 'Stack'))).toMatchObject([{ concurrent: 2 }]);
  });

  test('a nearer VPC drops the security groups of an outer one', () => {
    const shared = new Stack(app, 'Shared', { env: ENV });
    const outer = newVpc(shared);
    const securityGroups = [new ec2.SecurityGroup(shared, 'Group', { vpc: outer })];
    SnapshotCopyProvider.configure(app, { vpc: outer, securityGroups });
    configured({ vpc: newVpc() }).resourceCountIs('AWS::EC2::SecurityGroup', 1);
  });

  test('an undefined setting is ignored', () => {
    SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: 2, pollInterval: undefined });
    SnapshotCopyProvider.configure(stack, { maxConcurrentCopies: undefined });
    expect(inForce(stack)).toEqual([{ interval: 30, concurrent: 2 }]);
  });

  test('subnets may belong to the VPC of an outer scope', () => {
    SnapshotCopyProvider.configure(app, { vpc: newVpc() });
    expect(() => {
      SnapshotCopyProvider.configure(stack, { vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC } });
    }).not.toThrow();
  });
});

describe('settings', () => {
  const configure = (scope: Construct, props: SnapshotCopyProviderProps) => () => {
    SnapshotCopyProvider.configure(scope, props);
  };

  test('may be repeated, even when they are in use', () => {
    const vpc = newVpc();
    configured({ vpc, pollInterval: Duration.minutes(1) });
    expect(configure(stack, { vpc, pollInterval: Duration.seconds(60), maxConcurrentCopies: 20 })).not.toThrow();
  });

  test('cannot change within a scope', () => {
    configure(stack, { maxConcurrentCopies: 5, vpc: newVpc() })();
    expect(configure(stack, { maxConcurrentCopies: 6 })).toThrow(
      'Stack: maxConcurrentCopies already has another value in this scope: configure it only once',
    );
  });

  test('cannot change in any scope once they are in use', () => {
    copyIn(stack);
    const message =
      /pollInterval differs from the value that stack "Stack" already uses.*before the first SnapshotCopy/;
    expect(configure(stack, { pollInterval: Duration.minutes(1) })).toThrow(message);
    expect(configure(app, { pollInterval: Duration.minutes(1) })).toThrow(message);
  });

  test('of an outer scope may change as long as no stack uses them', () => {
    configure(stack, { maxConcurrentCopies: 5 })();
    copyIn(stack);
    expect(configure(app, { maxConcurrentCopies: 6 })).not.toThrow();
  });

  test('do not leak from one app to another', () => {
    configure(newApp(), { maxConcurrentCopies: 5 })();
    configure(newStack(), { maxConcurrentCopies: 5 })();
    expect(configure(stack, { maxConcurrentCopies: 6 })).not.toThrow();
  });
});
