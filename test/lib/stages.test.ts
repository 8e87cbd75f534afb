import { App, CfnParameter, type CfnResource, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { STAGE_RESOURCE_TYPE, COPY_RESOURCE_TYPE } from '../../lib/contract';
import { cycleIn, waitsFor } from './cycles';
import { type Resource, templateOf } from './templates';

const SOURCE = 'snap-0123456789abcdef0';

let stack: Stack;

beforeEach(() => {
  stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack', { env: { region: 'us-east-1' } });
});

function copyFor(timeout?: Duration, props: Partial<SnapshotCopyProps> = {}, id = 'Copy'): SnapshotCopy {
  return new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, timeout, ...props });
}

interface Stage extends Resource {
  readonly id: string;
}

/** The resources of a copy, in the order of their stages. */
function stages(): Stage[] {
  return Object.entries(templateOf(stack).Resources)
    .filter(([, { Type }]) => [COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE].includes(Type))
    .map(([id, resource]) => ({ id, ...resource }))
    .sort((a, b) => stageOf(a) - stageOf(b));
}

function outputsOf(of: Stack) {
  return Template.fromStack(of).findOutputs('*') as Record<string, { Value: { 'Fn::GetAtt': [string, string] } }>;
}

const stageOf = ({ Properties: { Stage: stage = 1 } }: Resource) => Number(stage);
const own = ['ServiceToken', 'ServiceTimeout'];
const shared = ({ Properties: properties }: Resource, except: string[] = []) =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => ![...own, ...except].includes(name)));

test.each<[Partial<SnapshotCopyProps>, seconds: number, serviceTimeouts: number[]]>([
  [{}, 3000, [3600]],
  [{ timeout: Duration.minutes(1) }, 60, [660]],
  [{ timeout: Duration.minutes(50) }, 3000, [3600]],
  [{ timeout: Duration.seconds(3001) }, 3001, [3600, 601]],
  [{ timeout: Duration.hours(2) }, 7200, [3600, 3600, 1800]],
  [{ completionDuration: Duration.minutes(30) }, 3000, [3600]],
  [{ completionDuration: Duration.minutes(45) }, 3300, [3600, 900]],
  [{ completionDuration: Duration.minutes(45), timeout: Duration.minutes(45) }, 2700, [3300]],
])('%j waits %d seconds, in stages that are given up after %p', (props, seconds, serviceTimeouts) => {
  copyFor(undefined, props);
  expect(stages().map(({ Properties: { ServiceTimeout: timeout } }) => Number(timeout))).toEqual(serviceTimeouts);
  expect(stages().map(({ Properties: properties }) => properties.TimeoutSeconds)).toEqual(
    serviceTimeouts.map(() => `${seconds}`),
  );
});

test('48 hours are 58 stages, the most there are', () => {
  copyFor(undefined, { completionDuration: Duration.hours(48) });
  expect(stages()).toHaveLength(58);
  expect(stages()[0]?.Properties.TimeoutSeconds).toBe('172800');
});

test('a stage knows what the owner of the copy knows, and who that is', () => {
  copyFor(Duration.hours(2), { tags: { team: 'storage' }, removalPolicy: RemovalPolicy.RETAIN, kmsKeyId: 'alias/dr' });
  Tags.of(stack).add('stage', 'prod');
  const [owner, second, third, ...more] = stages();
  expect([owner, second, third].map((stage) => stage?.id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
    'Copy',
    'CopyCompletion2',
    'CopyCompletion3',
  ]);
  expect(more).toEqual([]);
  if (!owner || !second || !third) throw new Error('a stage is missing');
  expect(shared(owner)).toMatchObject({ Tags: { team: 'storage', stage: 'prod' }, DeletionPolicy: 'Retain' });
  const identity = { CopyLogicalId: owner.id, CopyId: { Ref: owner.id } };
  expect(shared(second)).toEqual({ ...shared(owner), ...identity, Stage: '2' });
  expect(shared(third)).toEqual({ ...shared(owner), ...identity, Stage: '3' });
  expect(second.Properties.ServiceToken).toEqual(owner.Properties.ServiceToken);
});

test('only the owner of the copy is retained', () => {
  const copy = copyFor(Duration.hours(2), { removalPolicy: RemovalPolicy.RETAIN });
  copy.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  expect(stages().map(({ DeletionPolicy: policy }) => policy)).toEqual(['RetainExceptOnCreate', undefined, undefined]);
});

test('each stage comes after the one before, and after the permissions', () => {
  copyFor(Duration.hours(2));
  const [owner, second, third] = stages();
  const policy = expect.stringMatching(/^cdkebssnapshotcopyHandlerPolicy/) as unknown;
  expect(owner?.DependsOn).toEqual([policy]);
  expect(second?.DependsOn).toEqual([policy, owner?.id]);
  expect(third?.DependsOn).toEqual([policy, second?.id]);
});

test('every attribute is read from the last stage', () => {
  const copy = copyFor(Duration.hours(2));
  const last = stages().at(-1)?.id;
  expect(stack.resolve(copy.snapshotId)).toEqual({ 'Fn::GetAtt': [last, 'SnapshotId'] });
  expect(stack.resolve(copy.volumeSize)).toEqual({ 'Fn::GetAtt': [last, 'VolumeSize'] });
});

test('what depends on the copy waits for its last stage, and all stages for what the copy depends on', () => {
  const copy = copyFor(Duration.hours(2));
  const [before, after] = ['Before', 'After'].map((id) => new sns.Topic(stack, id)) as [sns.Topic, sns.Topic];
  copy.node.addDependency(before);
  after.node.addDependency(copy);
  const [owner, , last] = stages().map(({ id }) => id) as [string, string, string];
  const [beforeId, afterId] = [before, after].map(({ node }) => stack.getLogicalId(node.defaultChild as CfnResource));
  const template = templateOf(stack);
  expect(waitsFor(template, afterId ?? '', last)).toBe(true);
  expect(waitsFor(template, owner, beforeId ?? '')).toBe(true);
  expect(cycleIn(template)).toBeUndefined();
});

test('logical ids are for ever: CloudFormation would take another one for another copy', () => {
  new SnapshotCopy(new Construct(stack, 'Backups'), 'Copy', { sourceSnapshotId: SOURCE, timeout: Duration.hours(2) });
  expect(stages().map(({ id }) => id)).toEqual([
    'BackupsCopy1152BBA3',
    'BackupsCopyCompletion2262EA53F',
    'BackupsCopyCompletion3256D264D',
  ]);
});

test('the stages follow a logical id that is overridden', () => {
  const copy = copyFor(Duration.hours(1));
  (copy.node.defaultChild as CfnResource).overrideLogicalId('Renamed');
  expect(stages()[1]?.Properties).toMatchObject({ CopyLogicalId: 'Renamed', CopyId: { Ref: 'Renamed' } });
});

test('a logical id that is renamed, or exported and therefore locked, is the same everywhere', () => {
  const [renamed, exported] = ['Old', 'Read'].map((id) => copyFor(undefined, {}, id)) as [SnapshotCopy, SnapshotCopy];
  const oldId = stack.getLogicalId(renamed.node.defaultChild as CfnResource);
  stack.renameLogicalId(oldId, 'New');
  stack.exportValue(renamed.snapshotId);
  stack.exportValue(exported.snapshotId);
  const ids = stages().map(({ id }) => id);
  const read = Object.values(outputsOf(stack)).map(({ Value: value }) => value['Fn::GetAtt'][0]);
  expect(ids).toContain('New');
  expect(read.sort()).toEqual(ids.sort());
});

test('another timeout changes nothing of the copy but the time that it may take', () => {
  const withTimeout = (timeout: Duration) => {
    stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack', { env: { region: 'us-east-1' } });
    copyFor(timeout);
    return stages();
  };
  const [short, long] = [withTimeout(Duration.hours(1)), withTimeout(Duration.hours(3))];
  expect([short.length, long.length]).toEqual([2, 4]);
  const stable = (stage: Stage | undefined) => stage && [stage.id, shared(stage, ['TimeoutSeconds'])];
  expect(short.map(stable)).toEqual(long.slice(0, 2).map(stable));
});

test('a dry run, which waits for nothing, has one stage, and so has a timeout that is not known', () => {
  const parameter = new CfnParameter(stack, 'Seconds', { type: 'Number' });
  copyFor(Duration.hours(2), { dryRun: true }, 'Proof');
  copyFor(Duration.seconds(parameter.valueAsNumber), {}, 'Unknown');
  expect(stages().map(({ Properties: { ServiceTimeout: timeout } }) => timeout)).toEqual(['3600', '3600']);
});

describe('the number of resources of the stack', () => {
  const declare = () => {
    for (let n = 0; n < 9; n++) copyFor(Duration.hours(48), {}, `Copy${n}`);
  };

  test('over the limit is refused with how many of them wait', () => {
    declare();
    expect(() => templateOf(stack)).toThrow(
      /stack "Stack" has 5\d\d resources, but CloudFormation takes 500; 513 of them wait.*lower "timeout".*another stack/,
    );
  });

  test('is judged by the limit that the app sets', () => {
    stack.node.setContext('@aws-cdk/core:stackResourceLimit', 0);
    declare();
    expect(() => templateOf(stack)).not.toThrow();
  });
});
