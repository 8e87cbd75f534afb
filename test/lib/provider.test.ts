import fs from 'node:fs';
import { App, type CfnResource, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { SnapshotCopy } from '../../lib';
import { COPY_RESOURCE_TYPE } from '../../lib/contract';
import { waitsFor } from './cycles';

const sourceSnapshotId = 'snap-0123456789abcdef0';

function stackWithTwoCopies(): Stack {
  const stack = new Stack(new App(), 'Stack');
  new SnapshotCopy(stack, 'First', { sourceSnapshotId });
  new SnapshotCopy(new Construct(stack, 'Deeper'), 'Second', { sourceSnapshotId, kmsKey: new kms.Key(stack, 'Key') });
  return stack;
}

/** The functions that run the handler, not those of the framework. */
const HANDLER = { Handler: Match.stringLikeRegexp('^index\\.') };

test('two copies have two custom resources and one provider', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  template.resourceCountIs(COPY_RESOURCE_TYPE, 2);
  template.resourcePropertiesCountIs('AWS::Lambda::Function', HANDLER, 2);
  template.resourceCountIs('AWS::StepFunctions::StateMachine', 1);
  template.allResourcesProperties(COPY_RESOURCE_TYPE, {
    ServiceToken: { 'Fn::GetAtt': ['cdkebssnapshotcopyFrameworkframeworkonEventC2822BFA', 'Arn'] },
  });
});

test('each stack, nested ones too, has a provider of its own', () => {
  const app = new App();
  const stack = new Stack(app, 'Stack');
  const nested = new NestedStack(stack, 'Nested');
  for (const scope of [stack, nested]) new SnapshotCopy(scope, 'Copy', { sourceSnapshotId });
  Template.fromStack(stack).resourcePropertiesCountIs('AWS::Lambda::Function', HANDLER, 2);
  Template.fromStack(nested).resourcePropertiesCountIs('AWS::Lambda::Function', HANDLER, 2);
});

test('both functions run one asset, log as JSON to a group with a retention, and outlive calls that hang', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  const functions = Object.values(template.findResources('AWS::Lambda::Function', { Properties: HANDLER }));
  const codes = functions.map(({ Properties }: { Properties?: { Code?: unknown } }) =>
    JSON.stringify(Properties?.Code),
  );
  expect(new Set(codes).size).toBe(1);
  template.resourcePropertiesCountIs(
    'AWS::Lambda::Function',
    { ...HANDLER, Timeout: 300, LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: Match.anyValue() } } },
    2,
  );
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete' });
});

test('the functions of the framework log to a group with a retention, too', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  template.allResourcesProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: { Ref: Match.anyValue() } } });
});

test('the role of the handler has inline policies only', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  template.hasResourceProperties('AWS::IAM::Role', {
    Description: Match.stringLikeRegexp('SnapshotCopy'),
    ManagedPolicyArns: Match.absent(),
  });
});

test('the waiter asks every half minute for an hour', () => {
  const template = JSON.stringify(Template.fromStack(stackWithTwoCopies()).toJSON());
  expect(template).toContain('\\"IntervalSeconds\\":30,\\"MaxAttempts\\":120');
});

test('a copy begins only when the handler has its permissions, those on its key too', () => {
  const stack = stackWithTwoCopies();
  const template = Template.fromStack(stack).toJSON();
  const [policies, [first, second]] = ['AWS::IAM::Policy', COPY_RESOURCE_TYPE].map((type) =>
    Object.keys(Template.fromStack(stack).findResources(type)).sort((a, b) =>
      a.startsWith('First') ? -1 : a < b ? 1 : -1,
    ),
  ) as [string[], [string, string]];
  const stackWide = policies.find((id) => id.includes('HandlerPolicy')) ?? '';
  const ofKey = policies.find((id) => id.includes('KeyPolicy')) ?? '';
  expect(waitsFor(template, first, stackWide)).toBe(true);
  expect(waitsFor(template, second, stackWide)).toBe(true);
  expect(waitsFor(template, first, ofKey)).toBe(false);
  expect(waitsFor(template, second, ofKey)).toBe(true);
});

test('the same app makes the same bytes, whatever was synthesized before and wherever it runs', () => {
  const bytes = () => JSON.stringify(Template.fromStack(stackWithTwoCopies()).toJSON());
  const before = bytes();
  const elsewhere = jest.spyOn(process, 'cwd').mockReturnValue('/');
  expect(bytes()).toBe(before);
  elsewhere.mockRestore();
});

test('a missing bundle says how to make it', () => {
  const missing = jest.spyOn(fs, 'existsSync').mockReturnValue(false);
  expect(stackWithTwoCopies).toThrow(/handler is missing.*npm run build/);
  missing.mockRestore();
});

test('the path of the provider is the same for ever', () => {
  const stack = stackWithTwoCopies();
  const provider = stack.node.findChild('cdk-ebs-snapshot-copy');
  const entry = provider.node.findChild('Framework').node.findChild('framework-onEvent').node.defaultChild;
  expect(stack.getLogicalId(entry as CfnResource)).toBe('cdkebssnapshotcopyFrameworkframeworkonEventC2822BFA');
});
