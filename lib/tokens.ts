import { type Stack, Token } from 'aws-cdk-lib';

/** Whether a value can be validated at synthesis: it is given, and is neither a token nor a dynamic reference. */
export function isKnown(value: string | undefined): value is string {
  return value !== undefined && !Token.isUnresolved(value) && !value.includes('{{resolve:');
}

/**
 * Whether a value consists only of literals and pseudo parameters. Anything else may come from a resource of the stack.
 */
export function isFixed(value: string, stack: Stack): boolean {
  return !Token.isUnresolved(value) || isFixedTree(stack.resolve(value));
}

function isFixedTree(tree: unknown): boolean {
  if (typeof tree === 'string') return true;
  if (Array.isArray(tree)) return tree.every(isFixedTree);
  return Object.entries(tree as object).every(
    ([name, value]: [string, unknown]) =>
      (name === 'Ref' && String(value).startsWith('AWS::')) || (name === 'Fn::Join' && isFixedTree(value)),
  );
}

/** Returns the Region of the stack in one form, because Aws.REGION refers to it, too. */
export function canonicalRegion(region: string, stack: Stack): string {
  if (!Token.isUnresolved(region)) return region;
  const { Ref: ref } = stack.resolve(region) as { Ref?: string };
  return ref === 'AWS::Region' ? stack.region : region;
}
