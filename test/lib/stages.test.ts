import { CfnParameter, type CfnResource, Duration, RemovalPolicy, type Stack, Tags } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { cycleIn, waitsFor } from './cycles';
import { copiesIn, idOf, newStack, range, type Resource, SOURCE, templateOf } from './stacks';

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

function copyFor(timeout?: Duration, props: Partial<SnapshotCopyProps> = {}, id = 'Copy'): SnapshotCopy {
  return new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, timeout, ...props });
}

interface Stage extends Resource {
  readonly id: string;
}

/** A copy's custom resources, in the order of their stages. */
function stages(): Stage[] {
  const numberOf = ({ Properties: { Stage: stage = 1 } }: Resource) => Number(stage);
  return copiesIn(stack)
    .map(([id, resource]) => ({ id, ...resource }))
    .sort((a, b) => numberOf(a) - numberOf(b));
}

/** The properties, without those that CloudFormation does not send to the handler. */
const shared = ({ Properties: properties }: Resource, except: string[] = []) => {
  const left = ['ServiceToken', 'ServiceTimeout', ...except];
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !left.includes(name)));
};

test.each<[Partial<SnapshotCopyProps>, seconds: number, serviceTimeouts: number[]]>([
  [{}, 3000, [3600]],
  [{ timeout: Duration.minutes(1) }, 60, [660]],
  [{ timeout: Duration.minutes(50) }, 3000, [3600]],
  [{ timeout: Duration.seconds(3001) }, 3001, [3600, 660]],
  [{ timeout: Duration.hours(2) }, 7200, [3600, 3600, 1800]],
  [{ completionDuration: Duration.minutes(30) }, 3000, [3600]],
  [{ completionDuration: Duration.minutes(45) }, 3300, [3600, 900]],
  [{ completionDuration: Duration.minutes(45), timeout: Duration.minutes(45) }, 2700, [3300]],
])('%j results in a timeout of %d seconds, and service timeouts of %p', (props, seconds, timeouts) => {
  copyFor(undefined, props);
  expect(stages().map(({ Properties: { ServiceTimeout: timeout } }) => Number(timeout))).toEqual(timeouts);
  expect(stages().map(({ Properties: { TimeoutSeconds: timeout } }) => timeout)).toEqual(
    timeouts.map(() => `${seconds}`),
  );
});

test('48 hours, the maximum, needs 57 stages after the first', () => {
  copyFor(undefined, { completionDuration: Duration.hours(48) });
  expect(stages()).toHaveLength(58);
  expect(stages()[0]?.Properties.TimeoutSeconds).toBe('172800');
});

test('a stage has the properties of the resource that owns the copy, and identifies it', () => {
  copyFor(Duration.hours(2), { tags: { team: 'storage' }, removalPolicy: RemovalPolicy.RETAIN, kmsKeyId: 'alias/dr' });
  Tags.of(stack).add('stage', 'prod');
  const [owner, second, third, ...more] = stages();
  expect(more).toEqual([]);
  if (!owner || !second || !third) throw new Error('a stage is missing');
  const tags = [
    { Key: 'stage', Value: 'prod' },
    { Key: 'team', Value: 'storage' },
  ];
  expect(shared(owner)).toMatchObject({ Tags: tags, DeletionPolicy: 'Retain' });
  const identity = { CopyLogicalId: owner.id, CopyId: { Ref: owner.id } };
  expect(shared(second)).toEqual({ ...shared(owner), ...identity, Stage: '2' });
  expect(shared(third)).toEqual({ ...shared(owner), ...identity, Stage: '3' });
  expect(second.Properties.ServiceToken).toEqual(owner.Properties.ServiceToken);
});

test('each stage depends on the previous one and on the permissions', () => {
  copyFor(Duration.hours(2));
  const [owner, second, third] = stages();
  const policy = expect.stringMatching(/^cdkebssnapshotcopyHandlerRoleDefaultPolicy/) as unknown;
  expect(owner?.DependsOn).toEqual([policy]);
  expect(second?.DependsOn).toEqual([policy, owner?.id]);
  expect(third?.DependsOn).toEqual([policy, second?.id]);
});

test('every attribute is read from the last stage', () => {
  const copy = copyFor(Duration.hours(2));
  const last = stages().at(-1)?.id;
  expect(stack.resolve(copy.snapshotId)).toEqual({ 'Fn::GetAtt': [last, 'SnapshotId'] });
  expect(stack.resolve(copy.snapshotVolumeSizeInGibibytes)).toEqual({ 'Fn::GetAtt': [last, 'VolumeSize'] });
});

test('dependents of the copy wait for its last stage, and all stages wait for the copy’s dependencies', () => {
  const copy = copyFor(Duration.hours(2));
  const [before, after] = ['Before', 'After'].map((id) => new sns.Topic(stack, id)) as [sns.Topic, sns.Topic];
  copy.node.addDependency(before);
  after.node.addDependency(copy);
  const [owner, , last] = stages().map(({ id }) => id) as [string, string, string];
  const template = templateOf(stack);
  expect(waitsFor(template, idOf(after), last)).toBe(true);
  expect(waitsFor(template, owner, idOf(before))).toBe(true);
  expect(cycleIn(template)).toBeUndefined();
});

test('logical IDs never change: for CloudFormation, a new ID is a new copy', () => {
  new SnapshotCopy(new Construct(stack, 'Backups'), 'Copy', { sourceSnapshotId: SOURCE, timeout: Duration.hours(2) });
  expect(stages().map(({ id }) => id)).toEqual([
    'BackupsCopy1152BBA3',
    'BackupsCopyStage23E09A17B',
    'BackupsCopyStage35ADE0593',
  ]);
});

test('the stages follow an overridden logical ID', () => {
  const copy = copyFor(Duration.hours(1));
  (copy.node.defaultChild as CfnResource).overrideLogicalId('Renamed');
  expect(stages()[1]?.Properties).toMatchObject({ CopyLogicalId: 'Renamed', CopyId: { Ref: 'Renamed' } });
});

test('another timeout changes only TimeoutSeconds in the stages that remain', () => {
  const stagesWith = (timeout: Duration) => {
    stack = newStack();
    copyFor(timeout);
    return stages();
  };
  const [short, long] = [stagesWith(Duration.hours(1)), stagesWith(Duration.hours(3))];
  expect([short.length, long.length]).toEqual([2, 4]);
  const stable = (stage: Stage | undefined) => stage && [stage.id, shared(stage, ['TimeoutSeconds'])];
  expect(short.map(stable)).toEqual(long.slice(0, 2).map(stable));
});

test('a timeout known only at deployment has one stage', () => {
  const { valueAsNumber } = new CfnParameter(stack, 'Seconds', { type: 'Number' });
  copyFor(Duration.seconds(valueAsNumber));
  expect(stages().map(({ Properties: { ServiceTimeout: timeout } }) => timeout)).toEqual(['3600']);
});

describe('more resources than CloudFormation allows', () => {
  const declare = () => {
    for (const n of range(9)) copyFor(Duration.hours(48), {}, `Copy${n}`);
  };

  test('are refused with an error that states the number of stages', () => {
    declare();
    expect(() => templateOf(stack)).toThrow(
      /stack "Stack" has 5\d\d resources, but CloudFormation allows 500: 513 of them are stages.*lower "timeout".*another stack/,
    );
  });

  test('are accepted if the app raises the limit', () => {
    stack.node.setContext('@aws-cdk/core:stackResourceLimit', 0);
    declare();
    expect(() => templateOf(stack)).not.toThrow();
  });
});
