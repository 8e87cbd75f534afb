// Conditions and overrides that an app sets on a copy's resource apply to all of its stages.
import { Aspects, Aws, CfnCondition, CfnParameter, CfnResource, Duration, Fn, type Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { copiesIn, newStack, type Resource, SOURCE, wiredBy } from './stacks';

let stack: Stack;
let condition: CfnCondition;

beforeEach(() => {
  stack = newStack();
  condition = new CfnCondition(stack, 'IsPrimary', { expression: Fn.conditionEquals(Aws.REGION, 'us-east-1') });
});

const copyWith = (props: Partial<SnapshotCopyProps> = {}) =>
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, timeout: Duration.hours(2), ...props });

const resourceOf = (copy: SnapshotCopy) => copy.node.defaultChild as CfnResource;
const stages = () => copiesIn(stack).map(([, resource]) => resource as Resource & { Condition?: string });

test.each<[string, (copy: SnapshotCopy) => void]>([
  ['as a resource option', (copy) => (resourceOf(copy).cfnOptions.condition = condition)],
  [
    'as a resource override',
    (copy) => {
      resourceOf(copy).addOverride('Condition', 'IsPrimary');
    },
  ],
  [
    'by an Aspect on all resources',
    () => {
      Aspects.of(stack).add({
        visit: (node) => {
          if (CfnResource.isCfnResource(node)) node.cfnOptions.condition = condition;
        },
      });
    },
  ],
])('a condition set %s applies to all stages', (_, set) => {
  set(copyWith());
  expect(stages().map(({ Condition }) => Condition)).toEqual(['IsPrimary', 'IsPrimary', 'IsPrimary']);
});

test('without a condition, no stage has one', () => {
  copyWith();
  expect(stages().map(({ Condition }) => Condition)).toEqual([undefined, undefined, undefined]);
});

test.each<[string, (resource: CfnResource) => void]>([
  [
    'a property',
    (resource) => {
      resource.addPropertyOverride('Description', 'by hand');
    },
  ],
  [
    'a path',
    (resource) => {
      resource.addOverride('Properties.Description', 'by hand');
    },
  ],
])('an override of %s reaches all stages', (_, override) => {
  override(resourceOf(copyWith({ description: 'declared' })));
  expect(stages().map(({ Properties }) => Properties.Description)).toEqual(['by hand', 'by hand', 'by hand']);
});

test('deleting a property applies to all stages', () => {
  resourceOf(copyWith({ description: 'declared' })).addPropertyDeletionOverride('Description');
  expect(stages().map(({ Properties }) => 'Description' in Properties)).toEqual([false, false, false]);
});

test('a key that may resolve to no value does not set Encrypted', () => {
  const key = new CfnParameter(stack, 'Key').valueAsString;
  const kmsKeyId = Fn.conditionIf('IsPrimary', key, Aws.NO_VALUE).toString();
  const wired = wiredBy(copyWith({ kmsKeyId, timeout: undefined }));
  expect(wired).toMatchObject({ KmsKeyId: { 'Fn::If': ['IsPrimary', { Ref: 'Key' }, { Ref: 'AWS::NoValue' }] } });
  expect(wired).not.toHaveProperty('Encrypted');
});

test('a key construct that may resolve to no value does not set Encrypted', () => {
  const arn = Fn.conditionIf('IsPrimary', new CfnParameter(stack, 'Key').valueAsString, Aws.NO_VALUE).toString();
  expect(wiredBy(copyWith({ kmsKey: kms.Key.fromKeyArn(stack, 'Imported', arn) }))).not.toHaveProperty('Encrypted');
});
