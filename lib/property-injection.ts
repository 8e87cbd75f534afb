import { PropertyInjectors } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * Returns the props after the nearest property injector for the class. The CDK does the same with a decorator, but does
 * not export it.
 */
export function injectedProps<T>(scope: Construct, id: string, props: T, uniqueId: string): T {
  const injector = scope.node.scopes
    .filter((each) => PropertyInjectors.hasPropertyInjectors(each))
    .map((each) => PropertyInjectors.of(each).for(uniqueId))
    .findLast((each) => each !== undefined);
  return injector === undefined ? props : (injector.inject(props, { scope, id }) as T);
}
