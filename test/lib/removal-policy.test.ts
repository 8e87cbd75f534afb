import {
  Aspects,
  CfnDeletionPolicy,
  CfnResource,
  Duration,
  RemovalPolicies,
  RemovalPolicy,
  type Stack,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { IConstruct } from 'constructs';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { COPY_RESOURCE_TYPE } from '../../lib/contract';
import { copiesIn, newStack, resourceOf, SOURCE, wiredBy } from './stacks';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyWith = (props: Partial<SnapshotCopyProps> = {}) =>
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, ...props });

/** Applies a policy to the resources of copies, as a user's Aspect would. */
function applyByAspect(policy: RemovalPolicy): void {
  const isCopy = (node: IConstruct): node is CfnResource =>
    CfnResource.isCfnResource(node) && node.cfnResourceType === COPY_RESOURCE_TYPE;
  Aspects.of(stack).add({
    visit: (node) => {
      if (isCopy(node)) node.applyRemovalPolicy(policy);
    },
  });
}

test('the template has no policy by default, because CloudFormation deletes by default', () => {
  const { DeletionPolicy: deletion, UpdateReplacePolicy: replacement } = resourceOf(copyWith());
  expect([deletion, replacement]).toEqual([undefined, undefined]);
});

const WAYS: [string, (policy: RemovalPolicy) => SnapshotCopy][] = [
  ['the prop', (removalPolicy) => copyWith({ removalPolicy })],
  [
    'applyRemovalPolicy',
    (policy) => {
      const copy = copyWith({ removalPolicy: RemovalPolicy.RETAIN });
      copy.applyRemovalPolicy(policy);
      return copy;
    },
  ],
  [
    'an Aspect',
    (policy) => {
      const copy = copyWith({ removalPolicy: RemovalPolicy.RETAIN });
      applyByAspect(policy);
      return copy;
    },
  ],
  [
    'RemovalPolicies.of',
    (policy) => {
      const copy = copyWith();
      RemovalPolicies.of(stack).apply(policy);
      return copy;
    },
  ],
];

describe.each(WAYS)('by %s', (_, declare) => {
  test.each<[RemovalPolicy, deletion: string, replacement: string, wire: string | undefined]>([
    [RemovalPolicy.DESTROY, 'Delete', 'Delete', undefined],
    [RemovalPolicy.RETAIN, 'Retain', 'Retain', 'Retain'],
    [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, 'RetainExceptOnCreate', 'Retain', 'RetainExceptOnCreate'],
  ])('%s reaches CloudFormation and the handler', (policy, deletion, replacement, wire) => {
    const copy = declare(policy);
    expect(resourceOf(copy)).toMatchObject({ DeletionPolicy: deletion, UpdateReplacePolicy: replacement });
    expect(wiredBy(copy).DeletionPolicy).toBe(wire);
  });
});

test('only the resource that owns the copy is retained, not its other stages', () => {
  copyWith({ timeout: Duration.hours(2), removalPolicy: RemovalPolicy.RETAIN });
  expect(copiesIn(stack).map(([, { DeletionPolicy: policy }]) => policy)).toEqual(['Retain', undefined, undefined]);
});

test('applyRemovalPolicy refuses SNAPSHOT', () => {
  const copy = copyWith();
  expect(() => {
    copy.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
  }).toThrow(/^Stack\/Copy: removalPolicy "snapshot"/);
});

test('an Aspect that sets SNAPSHOT is refused', () => {
  copyWith();
  applyByAspect(RemovalPolicy.SNAPSHOT);
  expect(() => Template.fromStack(stack)).toThrow(/snapshot/i);
});

test.each(['DeletionPolicy', 'UpdateReplacePolicy'])(
  'an override of %s is refused, because the handler would not see it',
  (path) => {
    const resource = copyWith().node.defaultChild as CfnResource;
    expect(() => {
      resource.addOverride(path, 'Retain');
    }).toThrow(`an override of ${path} is not allowed: use removalPolicy or applyRemovalPolicy`);
  },
);

test('retaining only replaced copies is refused, because they would be deleted with the stack', () => {
  (copyWith().node.defaultChild as CfnResource).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  expect(() => Template.fromStack(stack)).toThrow('updateReplacePolicy "Retain" requires a deletion policy');
});
