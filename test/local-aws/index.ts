// The local AWS: deploys synthesized stacks in virtual time. (The interfaces first; the parts follow.)
import type { Stack } from 'aws-cdk-lib';
import type { CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import type { VirtualClock } from './clock';
import type { SimulatedKms } from './kms';

export interface StackEvent {
  /** Virtual time, in milliseconds. */
  readonly time: number;
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly physicalId?: string;
}

export interface LogLine {
  readonly functionName: string;
  readonly logGroup: string;
  /** As Lambda writes it in its JSON format. */
  readonly line: {
    readonly timestamp: string;
    readonly level: string;
    readonly requestId: string;
    readonly message: unknown;
  };
}

export interface LocalAwsOptions {
  readonly accountId?: string;
  readonly region?: string;
  /** Virtual time that one invocation of a handler function takes. */
  readonly invocationMs?: number;
  /** Which physical id the Update of a rollback carries: no source settles it. */
  readonly rollbackPhysicalId?: 'new' | 'old';
  /** Called as events happen. */
  readonly onEvent?: (event: StackEvent) => void;
  readonly onLog?: (line: LogLine) => void;
}

export interface DeployOptions {
  readonly disableRollback?: boolean;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface DeployResult {
  readonly stackId: string;
  readonly status: string;
  /** Why it failed: the reasons of the resources that did. */
  readonly reason?: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Of this operation. */
  readonly events: readonly StackEvent[];
}

export declare class LocalAws {
  static start(options?: LocalAwsOptions): Promise<LocalAws>;
  readonly clock: VirtualClock;
  readonly kms: SimulatedKms;
  /** Creates or updates. Ends when the operation does, well or not; throws what CloudFormation refuses at once. */
  deploy(stack: Stack | CloudFormationStackArtifact, options?: DeployOptions): Promise<DeployResult>;
  destroy(stackName: string): Promise<DeployResult>;
  stop(): Promise<void>;
}
