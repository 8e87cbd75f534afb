import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  type CfnResource,
  DefaultTokenResolver,
  Duration,
  type IResolveContext,
  Lazy,
  Reference,
  RemovalPolicy,
  Stack,
  Tokenization,
} from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct, type IDependable } from 'constructs';
import { acknowledgeFindings } from './acknowledge';
import { POLL_INTERVAL_SECONDS } from './contract';
import type { KeyReference } from './keys';
import { type CopyStages, putInLanes } from './lanes';
import { type CopyNeeds, isFixed, lookAtKeys, type Statement, statementsFor, useOfKeys } from './policy';
import { type Settings, settingsOf } from './settings';
import { problemsOfStack } from './stages';

/** For ever: the construct path makes the ServiceToken, which CloudFormation refuses to change. */
const ID = 'cdk-ebs-snapshot-copy';

const HANDLER = path.join(__dirname, '..', 'assets', 'handler');

/** All inline policies of a role may have 10,240 characters together; an alias alone may have 256. */
const MAX_KEY_POLICIES = 3;

/** Lambda makes and removes network interfaces as the role, of which none exists yet. */
const USE_OF_NETWORK: Statement = {
  Effect: 'Allow',
  Action: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  Resource: '*',
};

type Network = Pick<Settings, 'vpc' | 'vpcSubnets' | 'securityGroups'>;

/** What serves all copies of a stack: the handler's functions, their role, and the framework that drives them. */
export class CopyProvider extends Construct {
  public static getOrCreate(scope: Construct): CopyProvider {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(ID) as CopyProvider | undefined;
    return existing ?? new CopyProvider(stack);
  }

  private token: unknown;
  private readonly copies: CopyNeeds[] = [];
  private readonly queued: CopyStages[] = [];
  private isCompleted = false;
  private readonly keyPolicies = new Map<string, iam.CfnPolicy>();
  private readonly settings: Settings;
  private readonly network: Network;
  private readonly code = lambda.Code.fromAsset(HANDLER);
  private readonly handlerLogs: logs.LogGroup;
  private readonly role: iam.Role;
  private readonly policy: iam.CfnPolicy;
  private readonly networkPolicy?: iam.CfnPolicy;

  private constructor(private readonly stack: Stack) {
    super(stack, ID);
    this.settings = settingsOf(stack);
    this.network = this.createNetwork();
    this.handlerLogs = this.createLogGroup('HandlerLogs');
    this.role = new iam.Role(this, 'HandlerRole', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: 'Copies EBS snapshots for the SnapshotCopy resources of the stack',
    });
    this.policy = this.createPolicy('HandlerPolicy', ({ preparing }) => {
      if (preparing) this.complete();
      return [this.writeLogs(), ...statementsFor(this.copies, stack)];
    });
    this.networkPolicy = this.network.vpc && this.createPolicy('NetworkPolicy', () => [USE_OF_NETWORK]);
    const provider = new cr.Provider(this, 'Framework', {
      onEventHandler: this.createFunction('OnEvent', 'onEvent'),
      isCompleteHandler: this.createFunction('IsComplete', 'isComplete'),
      queryInterval: Duration.seconds(this.settings.pollIntervalSeconds),
      totalTimeout: Duration.hours(1),
      ...this.network,
      logGroup: this.createLogGroup('FrameworkLogs'),
      // The default of aws-cdk-lib 2.200 is to log, into a group that is kept for ever and without the key.
      disableWaiterStateMachineLogging: true,
    });
    this.token = provider.serviceToken;
    this.node.addValidation({ validate: () => problemsOfStack(stack) });
  }

  /** What a custom resource of a copy has as ServiceToken. */
  public get serviceToken(): unknown {
    return this.token;
  }

  /** Lets the handler make a copy; answers what has to be there before the copy is begun. */
  public allow(copy: CopyNeeds): IDependable[] {
    const fixed = copy.keys.filter((key) => this.isFixedKey(key));
    const policies = copy.keys.filter((key) => !this.isFixedKey(key)).map((key) => this.policyForKey(key));
    const tooManyKeys = policies.includes(undefined);
    this.copies.push({ ...copy, keys: fixed, anyOwnKey: copy.anyOwnKey || tooManyKeys });
    return [this.policy, ...policies.filter((policy) => policy !== undefined)];
  }

  /** Lets a copy wait for others of the stack, when they are more than EC2 makes at once. */
  public queue(copy: CopyStages): void {
    this.queued.push(copy);
  }

  /**
   * At the time when the CDK looks for references in the template: Aspects have been through by then, and nothing is
   * written yet. Validations come after nested stacks have been written.
   */
  private complete(): void {
    if (this.isCompleted) return;
    this.isCompleted = true;
    // No logical id changes any more: the CDK would hash a path anew wherever the id is written.
    this.token = this.stack.resolve(this.token);
    for (const { stages } of this.queued) stages.forEach(settleLogicalId);
    settleLogicalId(this.policy);
    putInLanes(this.queued, this.settings.maxConcurrentCopies, this.policy);
    acknowledgeFindings(this);
  }

  private isFixedKey({ arn, alias }: KeyReference): boolean {
    return isFixed(arn, this.stack) && (alias === undefined || isFixed(alias, this.stack));
  }

  /**
   * A key that may come from a resource of the stack gets a policy of its own, on which only its copies depend:
   * in the stack-wide one, all copies would wait for that resource, which may itself wait for a copy.
   */
  private policyForKey(key: KeyReference): iam.CfnPolicy | undefined {
    const id = `KeyPolicy${identityOf(key, this.stack)}`;
    const existing = this.keyPolicies.get(id);
    if (existing !== undefined || this.keyPolicies.size >= MAX_KEY_POLICIES) return existing;
    // Any Region will do: a key is used in its own only.
    const policy = this.createPolicy(id, () => [...useOfKeys([key], ['*'], this.stack), lookAtKeys([key], this.stack)]);
    this.keyPolicies.set(id, policy);
    return policy;
  }

  /** Lazy, and not an iam.Policy: the statements are those of all copies, which are declared later. */
  private createPolicy(id: string, statements: (context: IResolveContext) => Statement[]): iam.CfnPolicy {
    return new iam.CfnPolicy(this, id, {
      policyName: id,
      roles: [this.role.roleName],
      policyDocument: Lazy.uncachedAny({
        produce: (context) => ({ Version: '2012-10-17', Statement: statements(context) }),
      }),
    });
  }

  private writeLogs(): Statement {
    return {
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: this.handlerLogs.logGroupArn,
    };
  }

  private createNetwork(): Network {
    const { vpc, vpcSubnets, securityGroups } = this.settings;
    if (vpc === undefined) return {};
    const ownGroup = () =>
      new ec2.SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Functions of the SnapshotCopy resources' });
    return { vpc, vpcSubnets, securityGroups: securityGroups ?? [ownGroup()] };
  }

  private createFunction(id: string, entry: 'onEvent' | 'isComplete'): lambda.Function {
    if (!fs.existsSync(path.join(HANDLER, 'index.js'))) {
      throw new Error(
        `the bundled handler is missing in "${HANDLER}": run "npm run build" in the checkout of the library`,
      );
    }
    const { pollIntervalSeconds } = this.settings;
    const handler = new lambda.Function(this, id, {
      description: `Copies EBS snapshots: ${entry} of the SnapshotCopy resources`,
      code: this.code,
      handler: `index.${entry}`,
      runtime: lambda.determineLatestNodeRuntime(this),
      // Four times the 62 MiB at which `npm run bench` lets it peak: Lambda's runtime needs some, and gives processor time
      // by memory.
      memorySize: 256,
      // A poll whose calls hang must not die: a dead function is a failed deployment.
      timeout: Duration.minutes(5),
      loggingFormat: lambda.LoggingFormat.JSON,
      logGroup: this.handlerLogs,
      role: this.role,
      environment:
        pollIntervalSeconds === POLL_INTERVAL_SECONDS
          ? undefined
          : { POLL_INTERVAL_SECONDS: String(pollIntervalSeconds) },
      ...this.network,
    });
    // Lambda refuses a function in a VPC whose role cannot make network interfaces yet.
    if (this.networkPolicy !== undefined) handler.node.addDependency(this.networkPolicy);
    return handler;
  }

  private createLogGroup(id: string): logs.LogGroup {
    return new logs.LogGroup(this, id, {
      retention: this.settings.logRetention,
      encryptionKey: this.settings.logEncryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

function settleLogicalId(resource: CfnResource): void {
  try {
    resource.overrideLogicalId(Stack.of(resource).resolve(resource.logicalId) as string);
  } catch {
    // Locked, since its stack exports an attribute of it: hashed as before.
  }
}

/** The same for the same key in every synthesis, which the text of a token is not. */
function identityOf(key: KeyReference, stack: Stack): string {
  const tree: unknown = Tokenization.resolve(key, { scope: stack, resolver: new ByPath(), preparing: false });
  return createHash('sha256').update(JSON.stringify(tree)).digest('hex').slice(0, 8);
}

/** Names resources by their paths: logical ids of two stacks can be the same. */
class ByPath extends DefaultTokenResolver {
  public constructor() {
    super({ join: (left: unknown, right: unknown) => [left, right] });
  }

  public override resolveToken(...[token, context, post]: Parameters<DefaultTokenResolver['resolveToken']>): unknown {
    if (Reference.isReference(token)) return `${token.target.node.path}.${token.displayName}`;
    return super.resolveToken(token, context, post) as unknown;
  }
}
