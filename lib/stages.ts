// CloudFormation waits at most one hour for a custom resource. A copy that may take longer has several, called stages:
// each stage continues to wait where the previous one stopped, and the last one is done when the copy is.
import { CfnResource, Duration, type Stack } from 'aws-cdk-lib';
import type { Construct, IDependable } from 'constructs';
import {
  FAST_RESTORE_STAGE_RESOURCE_TYPE,
  MAX_TIMEOUT_SECONDS,
  STAGE_RESOURCE_TYPE,
  STAGE_SECONDS,
  stageCount,
  stageSeconds,
} from './contract';
import { CopyResource } from './copy-resource';
import { secondsOf } from './durations';
import type { SnapshotCopyProps } from './snapshot-copy-props';

/** How much longer the default timeout is than the time within which EC2 should complete the copy. */
const COMPLETION_MARGIN_SECONDS = 600;

/** The time that the handler has after its own deadline to clean up and answer. */
const SERVICE_TIMEOUT_MARGIN_SECONDS = 600;
const MAX_SERVICE_TIMEOUT_SECONDS = 3_600;

export interface StagesProps {
  /** Resource type of the first stage, which owns the copy or the fast restore. */
  readonly type: string;
  /** Resource type of the further stages. */
  readonly stageType: string;
  readonly timeout: Duration;
  readonly serviceToken: string;
  /** What must be created before the first stage. */
  readonly prerequisites: readonly IDependable[];
  /** The properties that all stages have. */
  readonly properties: (owner: CopyResource) => object;
  /** The properties that only further stages have. */
  readonly stageProperties: (owner: CopyResource, stage: string) => object;
}

/** The maximum time that the copy may take. */
export function timeoutOf({ timeout, completionDuration }: SnapshotCopyProps): Duration {
  if (timeout !== undefined) return timeout;
  if (completionDuration === undefined || completionDuration.isUnresolved()) return Duration.seconds(STAGE_SECONDS);
  const seconds = secondsOf(completionDuration) + COMPLETION_MARGIN_SECONDS;
  return Duration.seconds(Math.min(Math.max(seconds, STAGE_SECONDS), MAX_TIMEOUT_SECONDS));
}

/**
 * How long CloudFormation waits for a stage: a little longer than the stage, so that a dead handler is noticed early.
 */
export function serviceTimeout(seconds: number): number {
  return Math.min(seconds + SERVICE_TIMEOUT_MARGIN_SECONDS, MAX_SERVICE_TIMEOUT_SECONDS);
}

/** Declares the custom resource of the owner, and the further stages. */
export function declareStages(scope: Construct, props: StagesProps): [CopyResource, ...CopyResource[]] {
  const { timeout, serviceToken, prerequisites, properties } = props;
  // A timeout that is known only at deployment has one stage, which limits it.
  const seconds = timeout.isUnresolved() ? STAGE_SECONDS : secondsOf(timeout);
  const owner: CopyResource = new CopyResource(scope, 'Resource', {
    type: props.type,
    serviceToken,
    serviceTimeout: serviceTimeout(stageSeconds(seconds, 1)),
    prerequisites,
    properties: () => properties(owner),
  });
  const stages: [CopyResource, ...CopyResource[]] = [owner];
  for (let stage = 2; stage <= stageCount(seconds); stage++) {
    // The IDs are permanent: for CloudFormation, another ID is another resource.
    const further = new CopyResource(scope, `Stage${stage}`, {
      type: props.stageType,
      serviceToken,
      serviceTimeout: serviceTimeout(stageSeconds(seconds, stage)),
      prerequisites: [...stages.slice(-1), ...prerequisites],
      properties: () => ({ ...properties(owner), ...props.stageProperties(owner, `${stage}`) }),
    });
    owner.addStage(further);
    stages.push(further);
  }
  return stages;
}

/** CloudFormation's limit of resources per stack, and the context key by which apps change it in the CDK. */
const MAX_RESOURCES = 500;
const MAX_RESOURCES_CONTEXT = '@aws-cdk/core:stackResourceLimit';

const STAGE_TYPES = [STAGE_RESOURCE_TYPE, FAST_RESTORE_STAGE_RESOURCE_TYPE];

/** Explains why a stack has too many resources if it has stages. Without stages, the error of the CDK is enough. */
export function problemsOfStack(stack: Stack): string[] {
  const max = Number(stack.node.tryGetContext(MAX_RESOURCES_CONTEXT) ?? MAX_RESOURCES);
  const resources = stack.node
    .findAll()
    .filter((node) => CfnResource.isCfnResource(node))
    .filter((resource) => resource.stack === stack);
  const stages = resources.filter(({ cfnResourceType }) => STAGE_TYPES.includes(cfnResourceType)).length;
  if (max === 0 || resources.length <= max || stages === 0) return [];
  const minutes = STAGE_SECONDS / 60;
  return [
    `stack "${stack.node.path}" has ${resources.length} resources, but CloudFormation allows ${max}: ${stages} of them are ` +
      `stages of snapshot copies, one for every ${minutes} minutes of timeout beyond the first ${minutes}; lower "timeout" ` +
      'or "completionDuration", or move copies to another stack',
  ];
}
