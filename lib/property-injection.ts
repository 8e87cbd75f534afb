import { PropertyInjectors } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * The props as the nearest injector for a class returns them. The CDK does the same by a decorator, which it does not
 * export.
 */
export function injectedProps<T>(scope: Construct, id: string, props: T, uniqueId: string): T {
  const injector = scope.node.scopes
    .filter((each) => PropertyInjectors.hasPropertyInjectors(each))
    .map((each) => PropertyInjectors.of(each).for(uniqueId))
    .findLast((each) => each !== undefined);
  return injector === undefined ? props : (injector.inject(props, { scope, id }) as T);
}
