import { CfnParameter, type Stack, TagManager, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SnapshotCopy } from '../../lib';
import { COPY_RESOURCE_TYPE } from '../../lib/contract';
import { newStack, SOURCE, wiredBy } from './stacks';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyWith = (tags?: Record<string, string>) => new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE, tags });

test('tags from the props, the copy and its ancestors are merged', () => {
  const copy = copyWith({ team: 'storage', cost: 'low' });
  Tags.of(stack).add('stage', 'prod');
  Tags.of(copy).add('cost', 'high');
  expect(wiredBy(copy).Tags).toEqual([
    { Key: 'cost', Value: 'high' },
    { Key: 'stage', Value: 'prod' },
    { Key: 'team', Value: 'storage' },
  ]);
});

test('tags can exclude copies by their resource type', () => {
  const copy = copyWith();
  Tags.of(stack).add('stage', 'prod', { excludeResourceTypes: [COPY_RESOURCE_TYPE] });
  expect(wiredBy(copy)).not.toHaveProperty('Tags');
});

test('keys and values may be tokens', () => {
  const { valueAsString } = new CfnParameter(stack, 'Team');
  expect(wiredBy(copyWith({ [valueAsString]: valueAsString })).Tags).toEqual([
    { Key: { Ref: 'Team' }, Value: { Ref: 'Team' } },
  ]);
});

test('the CDK finds the tag manager', () => {
  const copy = copyWith();
  expect(TagManager.of(copy)).toBe(copy.cdkTagManager);
});

test.each<[string, (copy: SnapshotCopy) => void, RegExp]>([
  [
    'too many',
    (copy) => {
      for (let i = 0; i < 41; i++) Tags.of(copy).add(`k${i}`, 'v');
    },
    /41 tags are too many/,
  ],
  [
    'a long key',
    (copy) => {
      Tags.of(copy).add('k'.repeat(129), 'v');
    },
    /129 characters/,
  ],
  [
    'a key that the library reserves',
    (copy) => {
      Tags.of(copy).add('CDK-EBS-snapshot-copy:stack', 'v');
    },
    /which marks the copies of this library/,
  ],
])('tags that Aspects add are checked: %s', (_, add, message) => {
  add(copyWith());
  expect(() => Template.fromStack(stack)).toThrow(message);
});
