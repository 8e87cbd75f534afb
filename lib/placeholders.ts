import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * The problems of values, unless the values may be placeholders. In the first pass of an app that looks values up, they
 * are: the CDK CLI looks them up and runs the app again. It must get to know what to look up, so the first pass may not
 * fail.
 */
export function unlessPlaceholders(scope: IConstruct, problems: string[]): string[] {
  return problems.length > 0 && hasPlaceholders(scope) ? [] : problems;
}

export function hasPlaceholders(scope: IConstruct): boolean {
  // The CDK has no public way to ask.
  const stacks: unknown[] = scope.node.root.node.findAll().filter((each) => Stack.isStack(each));
  return (stacks as { _missingContext?: unknown[] }[]).some(({ _missingContext: missing = [] }) => missing.length > 0);
}
