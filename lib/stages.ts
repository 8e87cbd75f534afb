// CloudFormation waits an hour for one custom resource. A copy that may take longer has further ones, the stages: each
// waits on where the one before stopped, and the last one is done when the copy is.
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

/** How long the default timeout goes on after the time in which EC2 should complete the copy. */
const COMPLETION_MARGIN_SECONDS = 600;

/** What the handler has after its own deadline, to clean up and to answer. */
const SERVICE_TIMEOUT_MARGIN_SECONDS = 600;
const MAX_SERVICE_TIMEOUT_SECONDS = 3_600;

export interface StagesProps {
  /** Resource type of the first stage, which owns what is made. */
  readonly type: string;
  /** Resource type of the further stages. */
  readonly stageType: string;
  readonly timeout: Duration;
  readonly serviceToken: string;
  /** What must be there before the first stage. */
  readonly prerequisites: readonly IDependable[];
  /** The properties that all stages have. */
  readonly properties: (owner: CopyResource) => object;
  /** Further properties of a further stage. */
  readonly stageProperties: (owner: CopyResource, stage: string) => object;
}

/** How long the copy may take. */
export function timeoutOf({ timeout, completionDuration }: SnapshotCopyProps): Duration {
  if (timeout !== undefined) return timeout;
  if (completionDuration === undefined || completionDuration.isUnresolved()) return Duration.seconds(STAGE_SECONDS);
  const seconds = secondsOf(completionDuration) + COMPLETION_MARGIN_SECONDS;
  return Duration.seconds(Math.min(Math.max(seconds, STAGE_SECONDS), MAX_TIMEOUT_SECONDS));
}

/** When CloudFormation gives up on a resource that waits so long: soon after, so that a dead handler is noticed early. */
export function serviceTimeout(seconds: number): number {
  return Math.min(seconds + SERVICE_TIMEOUT_MARGIN_SECONDS, MAX_SERVICE_TIMEOUT_SECONDS);
}

/** Declares the custom resource that owns what is made, and the further stages. */
export function declareStages(scope: Construct, props: StagesProps): [CopyResource, ...CopyResource[]] {
  const { timeout, serviceToken, prerequisites, properties } = props;
  // A timeout that is known at deployment only has one stage, which caps it.
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
    // The ids are permanent: CloudFormation takes another id for another resource.
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

/** CloudFormation's limit of resources in a stack, and the context key with which the CDK lets apps change it. */
const MAX_RESOURCES = 500;
const MAX_RESOURCES_CONTEXT = '@aws-cdk/core:stackResourceLimit';

const STAGE_TYPES = [STAGE_RESOURCE_TYPE, FAST_RESTORE_STAGE_RESOURCE_TYPE];

/** Explains why a stack has too many resources if stages fill it. Otherwise the CDK's own error explains enough. */
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
