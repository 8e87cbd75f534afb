import { App, Stack } from 'aws-cdk-lib';
import { SnapshotCopy, SnapshotCopyDryRun, type SnapshotCopyProps } from '../../lib';
import { ENV, newStack, SOURCE, wiredBy } from './stacks';

const copyIn = (stack: Stack, props: Partial<SnapshotCopyProps>, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

test('copySourceTags is sent in addition to the declared tags', () => {
  expect(wiredBy(copyIn(newStack(), { copySourceTags: true, tags: { team: 'storage' } }))).toMatchObject({
    CopySourceTags: 'true',
    Tags: [{ Key: 'team', Value: 'storage' }],
  });
});

test('false is the same input as no value', () => {
  const stack = newStack();
  const [off, none] = [copyIn(stack, { copySourceTags: false }, 'A'), copyIn(stack, {}, 'B')];
  expect(wiredBy(off)).toEqual(wiredBy(none));
});

test.each<[unknown, RegExp]>([
  [
    'true',
    /copySourceTags is the string "true": specify true or false \(context values .* are strings: convert them\)/,
  ],
  [null, /copySourceTags is null: specify true or false/],
  [1, /copySourceTags is the number 1: specify true or false/],
])('%p is refused', (copySourceTags, message) => {
  expect(() => copyIn(newStack(), { copySourceTags: copySourceTags as boolean })).toThrow(message);
});

test('a context value is refused, and the error names the prop', () => {
  const app = new App({ context: { sourceTags: 'true' } });
  const stack = new Stack(app, 'Stack', { env: ENV });
  const copySourceTags = stack.node.tryGetContext('sourceTags') as boolean;
  expect(() => copyIn(stack, { copySourceTags })).toThrow(/copySourceTags is the string "true"/);
});

test('a dry run sends no properties for finished copies', () => {
  const props = { sourceSnapshotId: SOURCE, copySourceTags: true, shareWith: ['555566667777'] };
  const wired = wiredBy(new SnapshotCopyDryRun(newStack(), 'DryRun', props));
  expect(Object.keys(wired)).toEqual(['SourceSnapshotId', 'SourceRegion', 'DestinationRegion']);
});
