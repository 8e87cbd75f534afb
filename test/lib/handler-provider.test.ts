import fs from 'node:fs';
import { CfnParameter, type CfnResource, Duration, NestedStack, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { SnapshotCopy, SnapshotCopyDryRun } from '../../lib';
import { COPY_RESOURCE_TYPE } from '../../lib/contract';
import { waitsFor } from './cycles';
import { idOf, SOURCE, templateOf, newApp } from './stacks';

const FRAMEWORK_ENTRY = 'cdkebssnapshotcopyFrameworkframeworkonEventC2822BFA';

/** The handler functions, not those of the framework. */
const HANDLER = { Handler: Match.stringLikeRegexp('^index\\.') };

function stackWithTwoCopies(app = newApp()): Stack {
  const stack = new Stack(app, 'Stack');
  new SnapshotCopy(stack, 'First', { sourceSnapshotId: SOURCE });
  const kmsKey = new kms.Key(stack, 'Key');
  new SnapshotCopy(new Construct(stack, 'Deeper'), 'Second', { sourceSnapshotId: SOURCE, kmsKey });
  return stack;
}

afterEach(() => {
  jest.restoreAllMocks();
});

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('two copies have two custom resources and one provider', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  template.resourceCountIs(COPY_RESOURCE_TYPE, 2);
  template.resourcePropertiesCountIs('AWS::Lambda::Function', HANDLER, 2);
  template.resourceCountIs('AWS::StepFunctions::StateMachine', 1);
  template.allResourcesProperties(COPY_RESOURCE_TYPE, { ServiceToken: { 'Fn::GetAtt': [FRAMEWORK_ENTRY, 'Arn'] } });
});

test('the provider has 17 resources, including five functions and five roles', () => {
  const stack = new Stack(newApp(), 'Stack');
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
  const types = Object.values(templateOf(stack).Resources).map(({ Type }) => Type);
  const count = (type: string) => types.filter((each) => each === type).length;
  expect(types.length - count(COPY_RESOURCE_TYPE)).toBe(17);
  expect([count('AWS::Lambda::Function'), count('AWS::IAM::Role')]).toEqual([5, 5]);
});

test('each stack has its own provider, and so does each nested stack', () => {
  const stack = new Stack(newApp(), 'Stack');
  const nested = new NestedStack(stack, 'Nested');
  for (const scope of [stack, nested]) new SnapshotCopy(scope, 'Copy', { sourceSnapshotId: SOURCE });
  Template.fromStack(stack).resourcePropertiesCountIs('AWS::Lambda::Function', HANDLER, 2);
  Template.fromStack(nested).resourcePropertiesCountIs('AWS::Lambda::Function', HANDLER, 2);
});

test('both handler functions run one asset, log JSON, and outlast calls that hang', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  const functions = Object.values(template.findResources('AWS::Lambda::Function', { Properties: HANDLER }));
  const codes = functions.map(({ Properties }: { Properties?: { Code?: unknown } }) =>
    JSON.stringify(Properties?.Code),
  );
  expect(new Set(codes).size).toBe(1);
  const properties = { ...HANDLER, Timeout: 300, LoggingConfig: { LogFormat: 'JSON' } };
  template.resourcePropertiesCountIs('AWS::Lambda::Function', properties, 2);
});

test('all five functions log to one log group, which keeps logs for a month', () => {
  const stack = stackWithTwoCopies();
  const template = Template.fromStack(stack);
  const [id = ''] = Object.keys(template.findResources('AWS::Logs::LogGroup'));
  template.resourceCountIs('AWS::Logs::LogGroup', 1);
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Retain' });
  template.allResourcesProperties('AWS::Lambda::Function', { LoggingConfig: { LogGroup: { Ref: id } } });
});

test('the framework logs only fatal errors: its other logs contain the credential to respond to CloudFormation', () => {
  const LoggingConfig = { ApplicationLogLevel: 'FATAL', LogFormat: 'JSON' };
  const framework = { Handler: Match.stringLikeRegexp('^framework\\.'), LoggingConfig };
  const template = Template.fromStack(stackWithTwoCopies());
  template.resourcePropertiesCountIs('AWS::Lambda::Function', framework, 3);
});

test('the handler’s role has no managed policies', () => {
  Template.fromStack(stackWithTwoCopies()).hasResourceProperties('AWS::IAM::Role', {
    Description: Match.stringLikeRegexp('SnapshotCopy'),
    ManagedPolicyArns: Match.absent(),
  });
});

test('the waiter polls every 30 seconds for an hour, and does not log', () => {
  const template = Template.fromStack(stackWithTwoCopies());
  expect(JSON.stringify(template.toJSON())).toContain('\\"IntervalSeconds\\":30,\\"MaxAttempts\\":120');
  template.hasResourceProperties('AWS::StepFunctions::StateMachine', { LoggingConfiguration: Match.absent() });
});

test('a copy starts only after the handler has its permissions, including those for the key', () => {
  const stack = stackWithTwoCopies();
  const template = templateOf(stack);
  const policies = Object.keys(template.Resources).filter((id) => /HandlerRoleDefaultPolicy|KeyPolicy/.test(id));
  const [shared = '', ofKey = ''] = policies.sort();
  const copies = stack.node.findAll().filter((node) => node instanceof SnapshotCopy);
  const waiting = (policy: string) => copies.filter((copy) => waitsFor(template, idOf(copy), policy));
  expect(waiting(shared)).toEqual(copies);
  expect(waiting(ofKey)).toEqual(copies.slice(1));
});

test('the same app synthesizes the same bytes every time, in any working directory', () => {
  const bytes = () => JSON.stringify(templateOf(stackWithTwoCopies()));
  const before = bytes();
  jest.spyOn(process, 'cwd').mockReturnValue('/');
  expect(bytes()).toBe(before);
});

test('an error about a missing bundle says how to create it', () => {
  jest.spyOn(fs, 'existsSync').mockReturnValue(false);
  const message = errorOf(() => stackWithTwoCopies());
  expect(message).toMatch(/^the files of cdk-ebs-snapshot-copy are not in ".*assets.handler"/);
  expect(message).toMatch(/mark "cdk-ebs-snapshot-copy" as external in the bundler; in a checkout .* "npm run build"$/);
});

test('the provider’s path never changes', () => {
  const stack = stackWithTwoCopies();
  const provider = stack.node.findChild('cdk-ebs-snapshot-copy');
  const entry = provider.node.findChild('Framework').node.findChild('framework-onEvent').node.defaultChild;
  expect(stack.getLogicalId(entry as CfnResource)).toBe(FRAMEWORK_ENTRY);
});

test('a permissions boundary applies to every role', () => {
  const stack = stackWithTwoCopies();
  const boundary = iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary');
  iam.PermissionsBoundary.of(stack).apply(boundary);
  Template.fromStack(stack).allResourcesProperties('AWS::IAM::Role', {
    PermissionsBoundary: stack.resolve(boundary.managedPolicyArn) as unknown,
  });
});

test('the CDK’s built-in template rules find nothing in copies of any kind', () => {
  const context = { '@aws-cdk/core:validateAgainstDefaultRules': true };
  const app = newApp({ context, builtinCloudFormationValidation: true });
  const stack = stackWithTwoCopies(app);
  const source = { sourceSnapshotId: new CfnParameter(stack, 'Source').valueAsString, sourceRegion: 'us-west-2' };
  const long = new SnapshotCopy(stack, 'Long', { ...source, timeout: Duration.hours(2), tags: { team: 'storage' } });
  long.grants.createVolume(new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() }));
  new SnapshotCopyDryRun(stack, 'DryRun', { ...source, destinationRegion: 'eu-west-1', kmsKeyId: 'alias/ebs' });
  expect(() => app.synth()).not.toThrow();
});
