import { CfnResource, Duration, Stack } from 'aws-cdk-lib';
import { MAX_TIMEOUT_SECONDS, STAGE_RESOURCE_TYPE, STAGE_SECONDS } from './contract';
import type { SnapshotCopyProps } from './snapshot-copy';

const STAGE_MINUTES = STAGE_SECONDS / 60;
const MAX_TIMEOUT_MINUTES = MAX_TIMEOUT_SECONDS / 60;

/** How far the default timeout lies behind the time in which EC2 is to complete the copy. */
const COMPLETION_MARGIN_MINUTES = 10;

/** CloudFormation fails a custom resource after an hour, whatever it was told. */
const MAX_SERVICE_TIMEOUT_SECONDS = 3600;

/** What the handler has after its own deadline to clean up and to answer. */
const SERVICE_TIMEOUT_MARGIN_SECONDS = 600;

/** How long the copy may take; the default where the props do not say. */
export function timeoutOf({ timeout, completionDuration }: SnapshotCopyProps): Duration {
  if (timeout !== undefined) return timeout;
  if (completionDuration === undefined || completionDuration.isUnresolved()) return Duration.minutes(STAGE_MINUTES);
  const minutes = completionDuration.toMinutes() + COMPLETION_MARGIN_MINUTES;
  return Duration.minutes(Math.min(Math.max(minutes, STAGE_MINUTES), MAX_TIMEOUT_MINUTES));
}

/**
 * What each resource of the chain waits of the timeout. One alone waits where the timeout is not known at synthesis,
 * and where nothing is copied.
 */
export function sharesOf(timeout: Duration, dryRun = false): [Duration, ...Duration[]] {
  if (timeout.isUnresolved()) return [timeout];
  const stage = STAGE_MINUTES * 60;
  const seconds = timeout.toSeconds();
  const first = seconds > stage ? Duration.seconds(stage) : timeout;
  const further: Duration[] = [];
  for (let left = seconds - stage; left > 0 && !dryRun; left -= stage) {
    further.push(Duration.seconds(Math.min(left, stage)));
  }
  return [first, ...further];
}

/** When CloudFormation is to give up, so that a handler that died is noticed as early as it can be. */
export function serviceTimeoutFor(share: Duration): string {
  const seconds = share.isUnresolved() ? Infinity : share.toSeconds() + SERVICE_TIMEOUT_MARGIN_SECONDS;
  return `${Math.min(seconds, MAX_SERVICE_TIMEOUT_SECONDS)}`;
}

/** CloudFormation's limit of resources of a stack, under the context key by which the CDK lets it be set. */
const MAX_RESOURCES = 500;
const MAX_RESOURCES_CONTEXT = '@aws-cdk/core:stackResourceLimit';

/** Says why a stack has too many resources when it is the waiting that fills it; else the CDK's own error says enough. */
export function problemsOfStack(stack: Stack): string[] {
  const max = Number(stack.node.tryGetContext(MAX_RESOURCES_CONTEXT) ?? MAX_RESOURCES);
  const resources = stack.node
    .findAll()
    .filter((node) => CfnResource.isCfnResource(node))
    .filter((resource) => Stack.of(resource) === stack);
  const waiting = resources.filter(({ cfnResourceType }) => cfnResourceType === STAGE_RESOURCE_TYPE).length;
  if (max === 0 || resources.length <= max || waiting === 0) return [];
  return [
    `stack "${stack.node.path}" has ${resources.length} resources, but CloudFormation takes ${max}; ${waiting} of them ` +
      `wait for snapshot copies whose timeout is over ${STAGE_MINUTES} minutes, one for each further ` +
      `${STAGE_MINUTES} minutes: lower "timeout" or "completionDuration", or move copies to another stack`,
  ];
}
