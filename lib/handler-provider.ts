import * as fs from 'node:fs';
import * as path from 'node:path';
import { type CfnResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { CfnStateMachine, LogLevel } from 'aws-cdk-lib/aws-stepfunctions';
import * as cr from 'aws-cdk-lib/custom-resources';
import { IAM_MINIMIZE_POLICIES } from 'aws-cdk-lib/cx-api';
import { Construct, type IDependable } from 'constructs';
import { POLL_INTERVAL_SECONDS, POLL_INTERVAL_VARIABLE } from './contract';
import { CopyMetrics, type MetricName } from './copy-metrics';
import type { CopyNeeds, HandoverNeeds } from './copy-needs';
import { HandlerPermissions } from './handler-permissions';
import { Lanes } from './lanes';
import { acknowledgeProvider } from './nag-acknowledgement';
import { type Settings, settingsInUse } from './settings';
import type { ISnapshotRef } from './snapshot-ref';
import { problemsOfStack } from './stages';
import { WaysOut } from './ways-out';

/** Permanent: the ServiceToken depends on the construct path, and CloudFormation does not allow it to change. */
const ID = 'cdk-ebs-snapshot-copy';

const HANDLER = path.join(__dirname, '..', 'assets', 'handler');

/** The options that all five functions share. */
interface CommonOptions extends Pick<Settings, 'vpc' | 'vpcSubnets'> {
  readonly logGroup: logs.ILogGroup;
  readonly securityGroups?: ec2.ISecurityGroup[];
}

/** Serves all copies of a stack: the functions of the handler, their role, and the framework that calls them. */
export class HandlerProvider extends Construct {
  public static getOrCreate(scope: Construct): HandlerProvider {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(ID) as HandlerProvider | undefined;
    return existing ?? new HandlerProvider(stack);
  }

  /** The ServiceToken of the custom resources. */
  public readonly serviceToken: string;

  private readonly permissions: HandlerPermissions;
  private readonly lanes: Lanes;
  private readonly metrics: CopyMetrics;

  private constructor(stack: Stack) {
    super(stack, ID);
    // Each copy adds statements. Merging them keeps the policy below IAM's limits.
    this.node.setContext(IAM_MINIMIZE_POLICIES, true);
    const settings = settingsInUse(stack);
    const common = this.commonOptions(settings);
    const role = new iam.Role(this, 'HandlerRole', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: 'Copies EBS snapshots for the SnapshotCopy resources of the stack',
    });
    this.permissions = new HandlerPermissions(this, stack, {
      role,
      logGroupArn: common.logGroup.logGroupArn,
      isInVpc: common.vpc !== undefined,
    });
    this.metrics = new CopyMetrics(this, stack, common.logGroup);
    this.lanes = new Lanes(stack, settings.maxConcurrentCopies);
    const framework = this.createFramework(settings, common, role);
    if (settings.tracing) trace(framework);
    acknowledgeProvider(this, framework);
    this.serviceToken = framework.serviceToken;
    this.node.addValidation({ validate: () => [...this.lanes.problems(), ...problemsOfStack(stack)] });
  }

  /** Permits what a copy needs. Returns what must be created before its custom resource. */
  public permit(needs: CopyNeeds): IDependable[] {
    return this.permissions.permit(needs);
  }

  /** Permits what a finished copy needs. */
  public permitHandover(needs: HandoverNeeds): void {
    this.permissions.permitHandover(needs);
  }

  /** Permits a fast restore. Returns what must be created before its custom resource, and deleted after it. */
  public permitFastRestore(scope: Construct, snapshot: ISnapshotRef): IDependable[] {
    return this.permissions.permitFastRestore(scope, snapshot);
  }

  /** A metric of one copy, or of all copies of the stack. */
  public metric(name: MetricName, logicalId: string | undefined, options?: MetricOptions): Metric {
    return this.metrics.metric(name, logicalId, options);
  }

  /** Makes a copy wait for earlier ones if EC2 would not run them all at the same time. */
  public enqueue(destinationRegion: string, first: CfnResource, last: CfnResource): void {
    this.lanes.enqueue(destinationRegion, first, last);
  }

  private commonOptions({ logGroup, vpc, vpcSubnets, securityGroups }: Settings): CommonOptions {
    return {
      logGroup: logGroup ?? this.createLogGroup(),
      ...(vpc && { vpc, vpcSubnets, securityGroups: securityGroups ?? [this.createSecurityGroup(vpc)] }),
    };
  }

  /** It is retained, because the error message of a failed deployment names it, and the rollback would delete it. */
  private createLogGroup(): logs.LogGroup {
    return new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private createSecurityGroup(vpc: ec2.IVpc): ec2.SecurityGroup {
    return new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Functions of the SnapshotCopy resources',
    });
  }

  private createFramework(settings: Settings, common: CommonOptions, role: iam.Role): cr.Provider {
    const { pollIntervalSeconds, stateMachineLogGroup } = settings;
    const handler = this.handlerOptions(settings, common, role);
    const onEvent = new lambda.Function(this, 'OnEvent', {
      ...handler,
      handler: 'index.onEvent',
      description: 'Decides on a request of a SnapshotCopy resource',
    });
    // The copies depend on this function through the framework, so CloudFormation deletes them before the network.
    if (common.vpc) onEvent.node.addDependency(new WaysOut(this, common.vpc, common.securityGroups));
    return new cr.Provider(this, 'Framework', {
      ...common,
      onEventHandler: onEvent,
      isCompleteHandler: new lambda.Function(this, 'IsComplete', {
        ...handler,
        handler: 'index.isComplete',
        description: 'Copies EBS snapshots for SnapshotCopy resources, one step at each poll',
      }),
      queryInterval: Duration.seconds(pollIntervalSeconds),
      totalTimeout: Duration.hours(1),
      // At lower levels, the framework logs whole events. They contain the URL that lets anybody answer CloudFormation.
      frameworkLambdaLoggingLevel: lambda.ApplicationLogLevel.FATAL,
      disableWaiterStateMachineLogging: stateMachineLogGroup === undefined,
      waiterStateMachineLogOptions: stateMachineLogGroup && {
        destination: stateMachineLogGroup,
        level: LogLevel.ALL,
        // The execution data contains the same URL.
        includeExecutionData: false,
      },
    });
  }

  private handlerOptions({ pollIntervalSeconds, tracing }: Settings, common: CommonOptions, role: iam.Role) {
    return {
      ...common,
      code: bundledHandler(),
      role,
      runtime: lambda.determineLatestNodeRuntime(this),
      // Four times the peak of 62 MiB that `npm run bench` allows. Lambda's runtime needs some of the memory, and
      // Lambda allocates CPU in proportion to memory.
      memorySize: 256,
      // A poll must survive calls that hang, because a function that times out fails the deployment.
      timeout: Duration.minutes(5),
      loggingFormat: lambda.LoggingFormat.JSON,
      tracing: tracing ? lambda.Tracing.ACTIVE : undefined,
      environment:
        pollIntervalSeconds === POLL_INTERVAL_SECONDS
          ? undefined
          : { [POLL_INTERVAL_VARIABLE]: `${pollIntervalSeconds}` },
    } satisfies Partial<lambda.FunctionProps>;
  }
}

/** Turns on X-Ray for the resources of the framework, which has no option for it. */
function trace(framework: cr.Provider): void {
  for (const construct of framework.node.findAll()) {
    if (construct instanceof iam.Role) {
      const actions = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];
      construct.addToPrincipalPolicy(new iam.PolicyStatement({ actions, resources: ['*'] }));
    } else if (construct instanceof lambda.CfnFunction) {
      construct.tracingConfig = { mode: lambda.Tracing.ACTIVE };
    } else if (construct instanceof CfnStateMachine) {
      construct.tracingConfiguration = { enabled: true };
    }
  }
}

function bundledHandler(): lambda.Code {
  if (!fs.existsSync(path.join(HANDLER, 'index.js'))) {
    throw new Error(
      `the files of cdk-ebs-snapshot-copy are not in "${HANDLER}": if the app is bundled before it runs, mark ` +
        '"cdk-ebs-snapshot-copy" as external in the bundler; in a checkout of the library, run "npm run build"',
    );
  }
  return lambda.Code.fromAsset(HANDLER);
}
