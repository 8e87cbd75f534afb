import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Returns the problems of values, or none if the values may be placeholders.
 *
 * If an app looks values up, it gets placeholders in its first pass. The CDK CLI then looks the values up and runs the
 * app again. The first pass must not fail, because it tells the CLI what to look up.
 */
export function unlessPlaceholders(scope: IConstruct, problems: string[]): string[] {
  return problems.length > 0 && hasPlaceholders(scope) ? [] : problems;
}

export function hasPlaceholders(scope: IConstruct): boolean {
  // The CDK has no public API for this.
  const stacks: unknown[] = scope.node.root.node.findAll().filter((each) => Stack.isStack(each));
  return (stacks as { _missingContext?: unknown[] }[]).some(({ _missingContext: missing = [] }) => missing.length > 0);
}
