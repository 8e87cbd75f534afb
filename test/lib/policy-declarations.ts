// Stacks with many copies, and the policies of their handler's role.
import { CustomResource, Stack } from 'aws-cdk-lib';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { policiesIn, STACK_NAME, type Statement } from './iam';
import { newStack, range, templateOf } from './stacks';

export type Declare = (stack: Stack, n: number) => Partial<SnapshotCopyProps>;

export const source = (n: number) => `snap-${n.toString(16).padStart(17, '0')}`;
export const region = (n: number) => `us-${'abcdefghij'[n % 10] ?? ''}-west-${Math.floor(n / 10) + 1}`;
export const keyArn = (n: number, of = 'us-gov-west-1', account = '111122223333') =>
  `arn:aws-us-gov:kms:${of}:${account}:key/1234abcd-12ab-34cd-56ef-${n.toString(16).padStart(12, '0')}`;

/** Declares copies, by default of the same source. */
export function stackOf(count: number, declare: Declare = () => ({}), order = range(count)): Stack {
  const stack = newStack({ stackName: STACK_NAME });
  for (const n of order) new SnapshotCopy(stack, `Copy${n}`, { sourceSnapshotId: source(0), ...declare(stack, n) });
  return stack;
}

/** The shared policy for all copies. */
export function sharedPolicy(count: number, declare?: Declare): Statement[] {
  return policiesIn(templateOf(stackOf(count, declare)))[0] ?? [];
}

export function allows(statements: readonly Statement[], action: string): Statement[] {
  return statements.filter((statement) => [statement.Action].flat().includes(action));
}

export function resourcesOf(statement: Statement | undefined): string[] {
  return [statement?.Resource ?? []].flat();
}

/** A resource of the stack whose attributes are known only at deployment. */
export function makerIn(stack: Stack): CustomResource {
  const existing = stack.node.tryFindChild('Maker') as CustomResource | undefined;
  const serviceToken = 'arn:aws:sns:us-east-1:111122223333:maker';
  return existing ?? new CustomResource(stack, 'Maker', { serviceToken });
}
