import { type App, CustomResource, Stack, Stage } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { cycleIn, waitsFor } from './cycles';
import { ENV, idOf, newApp, SOURCE, templateOf, wiredBy } from './stacks';

let app: App;
let stack: Stack;

beforeEach(() => {
  app = newApp();
  stack = new Stack(app, 'Stack', { env: ENV });
});

const copyWith = (props: Partial<SnapshotCopyProps> = {}, id = 'Copy') =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

test('dependencies of a copy and on a copy are preserved', () => {
  const copy = copyWith();
  const before = new sns.Topic(stack, 'Before');
  const after = new sns.Topic(stack, 'After');
  copy.node.addDependency(before);
  after.node.addDependency(copy);
  const template = templateOf(stack);
  expect(waitsFor(template, idOf(copy), idOf(before))).toBe(true);
  expect(waitsFor(template, idOf(after), idOf(copy))).toBe(true);
  expect(cycleIn(template)).toBeUndefined();
});

test('a copy of a copy waits for the first copy', () => {
  const first = copyWith({ destinationRegion: 'us-west-2' }, 'First');
  const second = copyWith({ sourceSnapshotId: first.snapshotId, sourceRegion: first.env.region }, 'Second');
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  expect(waitsFor(template, idOf(second), idOf(first))).toBe(true);
});

test('a copy waits for a custom resource that provides its source', () => {
  const maker = new CustomResource(stack, 'Maker', { serviceToken: 'arn:aws:sns:us-east-1:111122223333:maker' });
  const copy = copyWith({
    sourceSnapshotId: maker.getAttString('SnapshotId'),
    sourceRegion: maker.getAttString('Region'),
  });
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  expect(waitsFor(template, idOf(copy), idOf(maker))).toBe(true);
});

test('only the copies that use a key of the stack wait for it', () => {
  const key = new kms.Key(stack, 'Key');
  const under = copyWith({ kmsKey: key }, 'Under');
  const other = copyWith({}, 'Other');
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  expect(waitsFor(template, idOf(under), idOf(key))).toBe(true);
  expect(waitsFor(template, idOf(other), idOf(key))).toBe(false);
});

test('the copies that use an alias of the stack wait for it', () => {
  const alias = new kms.Key(stack, 'Key').addAlias('ebs');
  const copy = copyWith({ kmsKey: alias });
  expect(waitsFor(templateOf(stack), idOf(copy), idOf(alias))).toBe(true);
});

test.each<[string, (arn: string) => Partial<SnapshotCopyProps>]>([
  ['kmsKeyId', (kmsKeyId) => ({ kmsKeyId })],
  ['kmsKey', (arn) => ({ kmsKey: kms.Key.fromKeyArn(stack, 'KeyOfFirst', arn) })],
  ['sourceKmsKey', (arn) => ({ sourceKmsKey: kms.Key.fromKeyArn(stack, 'KeyOfFirst', arn) })],
])('another copy’s key as %s does not create a cycle', (_, keyOf) => {
  const first = copyWith({}, 'First');
  const second = copyWith(keyOf(first.snapshotKmsKeyArn), 'Second');
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  expect(waitsFor(template, idOf(second), idOf(first))).toBe(true);
});

test('a copy in a stage of a pipeline is synthesized with its provider', () => {
  stack = new Stack(new Stage(app, 'Prod', { env: ENV }), 'Stack');
  expect(wiredBy(copyWith())).toMatchObject({ SourceRegion: 'us-east-1' });
});

test('another stack can reference the copy', () => {
  const copy = copyWith();
  const reader = new Stack(app, 'Reader', { env: ENV });
  new sns.Topic(reader, 'Topic', { displayName: copy.snapshotId });
  Template.fromStack(reader).hasResourceProperties('AWS::SNS::Topic', {
    DisplayName: { 'Fn::ImportValue': Match.anyValue() },
  });
});
