// The local AWS: deploys synthesized stacks on simulated services, in virtual time, as an account would.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import { AssetManifestArtifact, type CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import { VirtualClock } from './clock';
import { CloudFormation, type OperationResult, type StackInput } from './cloudformation';
import { SimulatedEc2, type Ec2Settings } from './ec2';
import { Endpoint } from './endpoint';
import type { FaultHook } from './faults';
import { ACCOUNT_ID, type SimulatedKms } from './kms';
import { Lambda, type LogLine } from './lambda';
import { nativeResources } from './native-resources';
import { Services } from './services';
import type { RollbackOptions, StackEvent } from './stack';
import { StepFunctions } from './step-functions';
import type { TemplateBody } from './template';

export type { OperationResult } from './cloudformation';
export type { Invocation, InvocationResult, LogLine } from './lambda';
export type { StackEvent } from './stack';

export interface LocalAwsOptions extends RollbackOptions {
  readonly accountId?: string;
  /** Of stacks that name none. */
  readonly region?: string;
  /** Virtual time that one invocation of a handler function takes. */
  readonly invocationMs?: number;
  /** Real time after which an invocation has timed out: what hangs for so long hangs for ever. */
  readonly hangingMs?: number;
  readonly ec2?: Partial<Ec2Settings>;
  readonly faults?: FaultHook;
  /** Whether DescribeStacks has LastOperations. Default: true. */
  readonly showsOperations?: boolean;
  /** Called as they happen. */
  readonly onEvent?: (event: StackEvent) => void;
  readonly onLog?: (line: LogLine) => void;
}

export type DeployOptions = Pick<StackInput, 'parameters' | 'disableRollback'>;

const INVOCATION_MS = 500;
const HANGING_MS = 20_000;

export class LocalAws {
  readonly kms: SimulatedKms;
  readonly lambda: Lambda;
  readonly stepFunctions: StepFunctions;
  readonly cloudFormation: CloudFormation;
  /** Regions that do not exist: their endpoints have no address. */
  readonly unknownRegions: string[] = [];

  static async start(options: LocalAwsOptions = {}): Promise<LocalAws> {
    const clock = new VirtualClock();
    const ec2 = new SimulatedEc2({ clock, accountId: options.accountId ?? ACCOUNT_ID, ...options.ec2 });
    const services = new Services({ clock, ec2, faults: options.faults });
    return new LocalAws(options, clock, ec2, services, await Endpoint.start({ services, clock }));
  }

  private constructor(
    private readonly options: LocalAwsOptions,
    readonly clock: VirtualClock,
    readonly ec2: SimulatedEc2,
    /** Every call, and the faults that meet them. */
    readonly services: Services,
    readonly endpoint: Endpoint,
  ) {
    const { accountId } = ec2;
    this.kms = ec2.kms;
    this.stepFunctions = new StepFunctions({ clock, invoke: (arn, payload) => this.lambda.invoke(arn, payload) });
    this.lambda = new Lambda({
      clock,
      endpointUrl: endpoint.url,
      invocationMs: options.invocationMs ?? INVOCATION_MS,
      hangingMs: options.hangingMs ?? HANGING_MS,
      unknownRegions: this.unknownRegions,
      onLog: options.onLog,
      outbound: {
        sleep: (ms) => clock.sleep(ms),
        startExecution: (arn, input) => this.stepFunctions.startExecution(arn, input),
        respond: (url, body) => {
          this.cloudFormation.customResources.respond(url, body);
        },
      },
    });
    this.cloudFormation = new CloudFormation({
      ...options,
      clock,
      accountId,
      nativeResources: nativeResources({ accountId, ec2, lambda: this.lambda, stepFunctions: this.stepFunctions }),
      invoke: async (arn, event) => {
        const { functionError, payload } = await this.lambda.invoke(arn, event);
        if (functionError) throw new Error(payload);
      },
    });
    services.stacks = this.cloudFormation.asSeen;
  }

  /**
   * Creates the stack or updates it, as the CDK CLI does. Ends when the operation has, well or not; throws what
   * CloudFormation refuses at once.
   */
  deploy(stack: Stack | CloudFormationStackArtifact, options: DeployOptions = {}): Promise<OperationResult> {
    const input = { ...this.inputOf(Stack.isStack(stack) ? synthesized(stack) : stack), ...options };
    return this.clock.run(async () => {
      const present = this.cloudFormation.describeStack(input.stackName);
      if (present?.StackStatus === 'ROLLBACK_COMPLETE') await this.cloudFormation.deleteStack(input.stackName);
      const isThere = this.cloudFormation.describeStack(input.stackName) !== undefined;
      return isThere ? this.cloudFormation.updateStack(input) : this.cloudFormation.createStack(input);
    });
  }

  destroy(stackName: string): Promise<OperationResult> {
    return this.clock.run(() => this.cloudFormation.deleteStack(stackName));
  }

  async stop(): Promise<void> {
    this.lambda.stop();
    this.stepFunctions.stop();
    await this.endpoint.stop();
  }

  private inputOf(artifact: CloudFormationStackArtifact): StackInput {
    const { region } = artifact.environment;
    return {
      stackName: artifact.stackName,
      region: region === 'unknown-region' ? (this.options.region ?? 'us-east-1') : region,
      body: artifact.template as TemplateBody,
      assets: assetsOf(artifact),
    };
  }
}

function synthesized(stack: Stack): CloudFormationStackArtifact {
  const assembly = Stage.of(stack)?.synth();
  if (!assembly) throw new Error('a stack without an app cannot be synthesized');
  return assembly.getStackArtifact(stack.artifactId);
}

interface AssetManifest {
  readonly files: Record<
    string,
    {
      readonly source: { readonly path: string };
      readonly destinations: Record<string, { readonly objectKey: string }>;
    }
  >;
}

function assetsOf(artifact: CloudFormationStackArtifact): Map<string, string> {
  const manifests = artifact.dependencies.filter((dependency) => dependency instanceof AssetManifestArtifact);
  return new Map(
    manifests.flatMap(({ file }) => {
      const { files } = JSON.parse(readFileSync(file, 'utf8')) as AssetManifest;
      return Object.values(files).flatMap(({ source, destinations }) =>
        Object.values(destinations).map(({ objectKey }): [string, string] => [
          objectKey,
          join(dirname(file), source.path),
        ]),
      );
    }),
  );
}
