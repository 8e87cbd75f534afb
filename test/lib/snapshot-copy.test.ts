import {
  App,
  Aspects,
  CfnDeletionPolicy,
  CfnParameter,
  CfnResource,
  CustomResource,
  Duration,
  Fn,
  RemovalPolicies,
  RemovalPolicy,
  Stack,
  Stage,
  Tags,
  Token,
} from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { IConstruct } from 'constructs';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { ATTRIBUTES, COPY_RESOURCE_TYPE } from '../../lib/contract';
import { cycleIn, waitsFor } from './cycles';

const SOURCE = 'snap-0123456789abcdef0';
const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const ENV = { account: '111122223333', region: 'us-east-1' };

interface Resource {
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

let app: App;
let stack: Stack;

beforeEach(() => {
  app = new App();
  stack = new Stack(app, 'Stack', { env: ENV });
});

function copyWith(props: Partial<SnapshotCopyProps> = {}, id = 'Copy'): SnapshotCopy {
  return new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });
}

function idOf(construct: IConstruct): string {
  const child = construct.node.defaultChild;
  if (child === undefined) throw new Error(`${construct.node.path} has no resource`);
  return CfnResource.isCfnResource(child) ? stack.getLogicalId(child) : idOf(child);
}

function synthesized(copy: SnapshotCopy): Resource {
  const { Resources: resources } = synth() as { Resources: Record<string, Resource> };
  const found = resources[idOf(copy)];
  if (found === undefined) throw new Error(`${copy.node.path} is not in the template`);
  return found;
}

/** The properties that CloudFormation hands to the handler. */
function wired(copy: SnapshotCopy): Record<string, unknown> {
  const { Properties: properties } = synthesized(copy);
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith('Service')));
}

function synth(): object {
  return Template.fromStack(stack).toJSON();
}

describe('what is declared goes to the handler', () => {
  test('a copy with no more than a source has both Regions and a timeout, and nothing else', () => {
    expect(wired(copyWith())).toEqual({
      SourceSnapshotId: SOURCE,
      SourceRegion: 'us-east-1',
      DestinationRegion: 'us-east-1',
      TimeoutSeconds: '3000',
    });
  });

  test('every prop is there, each as a string', () => {
    const copy = copyWith({
      sourceRegion: 'us-west-2',
      destinationRegion: 'eu-west-1',
      description: 'nightly',
      encrypted: true,
      kmsKeyId: 'alias/dr',
      sourceKmsKey: kms.Key.fromKeyArn(stack, 'Key', KEY_ARN.replace('us-east-1', 'us-west-2')),
      completionDuration: Duration.minutes(15),
      tags: { team: 'storage' },
      timeout: Duration.minutes(20),
      removalPolicy: RemovalPolicy.RETAIN,
      dryRun: true,
    });
    expect(wired(copy)).toEqual({
      SourceSnapshotId: SOURCE,
      SourceRegion: 'us-west-2',
      DestinationRegion: 'eu-west-1',
      Description: 'nightly',
      Encrypted: 'true',
      KmsKeyId: 'alias/dr',
      SourceKmsKeyArn: KEY_ARN.replace('us-east-1', 'us-west-2'),
      CompletionDurationMinutes: '15',
      Tags: { team: 'storage' },
      TimeoutSeconds: '1200',
      DeletionPolicy: 'Retain',
      DryRun: 'true',
    });
  });

  test('an Outpost or a Local Zone is handed on', () => {
    const destinationOutpostArn = 'arn:aws:outposts:us-east-1:111122223333:outpost/op-0123456789abcdef0';
    const destinationAvailabilityZone = 'us-east-1-bos-1a';
    const toOutpost = copyWith({ destinationOutpostArn }, 'Outpost');
    const toZone = copyWith({ destinationAvailabilityZone }, 'Zone');
    expect(wired(toOutpost)).toMatchObject({ DestinationOutpostArn: destinationOutpostArn });
    expect(wired(toZone)).toMatchObject({ DestinationAvailabilityZone: destinationAvailabilityZone });
  });

  test('defaults and emptiness that are spelled out are the same input as none', () => {
    const spelledOut = copyWith(
      { description: '', tags: {}, dryRun: false, removalPolicy: RemovalPolicy.DESTROY },
      'A',
    );
    const absent = copyWith({}, 'B');
    expect(wired(spelledOut)).toEqual(wired(absent));
  });

  test('a key implies encryption', () => {
    expect(wired(copyWith({ kmsKey: kms.Key.fromKeyArn(stack, 'Key', KEY_ARN) }))).toMatchObject({
      Encrypted: 'true',
      KmsKeyId: KEY_ARN,
    });
  });

  test('numbers that are tokens arrive as the text they turn into', () => {
    const parameter = new CfnParameter(stack, 'Seconds', { type: 'Number' });
    expect(wired(copyWith({ timeout: Duration.seconds(parameter.valueAsNumber) }))).toMatchObject({
      TimeoutSeconds: { Ref: 'Seconds' },
    });
  });

  test.each([
    [Duration.minutes(1), '660'],
    [Duration.minutes(49), '3540'],
    [undefined, '3600'],
  ])('CloudFormation gives up ten minutes after the timeout (%p)', (timeout, serviceTimeout) => {
    expect(synthesized(copyWith({ timeout })).Properties).toMatchObject({ ServiceTimeout: serviceTimeout });
  });
});

describe('tags', () => {
  test('of an ancestor, of the copy and of the props come together', () => {
    const copy = copyWith({ tags: { team: 'storage', cost: 'low' } });
    Tags.of(stack).add('stage', 'prod');
    Tags.of(copy).add('cost', 'high', { priority: 300 });
    expect(wired(copy).Tags).toEqual({ team: 'storage', cost: 'high', stage: 'prod' });
  });

  test('can be kept from copies by their resource type', () => {
    const copy = copyWith();
    Tags.of(stack).add('stage', 'prod', { excludeResourceTypes: [COPY_RESOURCE_TYPE] });
    expect(wired(copy)).not.toHaveProperty('Tags');
  });

  test.each<[string, (copy: SnapshotCopy) => void, RegExp]>([
    [
      'too many',
      (copy) => {
        for (let i = 0; i < 46; i++) Tags.of(copy).add(`k${i}`, 'v');
      },
      /46 tags are too many/,
    ],
    [
      'a long key',
      (copy) => {
        Tags.of(copy).add('k'.repeat(129), 'v');
      },
      /129 characters/,
    ],
    [
      'one of the construct',
      (copy) => {
        Tags.of(copy).add('cdk-ebs-snapshot-copy:stack', 'v');
      },
      /by which the construct knows/,
    ],
  ])('that Aspects add are checked too: %s', (_, add, message) => {
    add(copyWith());
    expect(synth).toThrow(message);
  });
});

describe('removal policies', () => {
  const isCopyResource = (node: IConstruct): node is CfnResource =>
    CfnResource.isCfnResource(node) && node.cfnResourceType === COPY_RESOURCE_TYPE;

  test('none is written where none is given: the template’s default is to delete', () => {
    const { DeletionPolicy: deletion, UpdateReplacePolicy: replacement } = synthesized(copyWith());
    expect([deletion, replacement]).toEqual([undefined, undefined]);
  });

  const policies: [RemovalPolicy, deletion: string, replacement: string, wire: string | undefined][] = [
    [RemovalPolicy.DESTROY, 'Delete', 'Delete', undefined],
    [RemovalPolicy.RETAIN, 'Retain', 'Retain', 'Retain'],
    [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, 'RetainExceptOnCreate', 'Retain', 'RetainExceptOnCreate'],
  ];

  const ways: [string, (policy: RemovalPolicy) => SnapshotCopy][] = [
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
        Aspects.of(stack).add({
          visit: (node) => {
            if (isCopyResource(node)) node.applyRemovalPolicy(policy);
          },
        });
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

  describe.each(ways)('by %s', (_, declare) => {
    test.each(policies)('%s reaches CloudFormation and the handler', (policy, deletion, replacement, wire) => {
      const copy = declare(policy);
      expect(synthesized(copy)).toMatchObject({ DeletionPolicy: deletion, UpdateReplacePolicy: replacement });
      expect(wired(copy).DeletionPolicy).toBe(wire);
    });
  });

  test('SNAPSHOT is refused by applyRemovalPolicy', () => {
    const copy = copyWith();
    expect(() => {
      copy.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
    }).toThrow(/^Stack\/Copy: removalPolicy "snapshot"/);
  });

  test.each(['DeletionPolicy', 'UpdateReplacePolicy'])(
    'an override of %s is refused: the handler would not know',
    (path) => {
      const copy = copyWith();
      const resource = copy.node.defaultChild as CfnResource;
      expect(() => {
        resource.addOverride(path, 'Retain');
      }).toThrow(`the override of ${path} is not possible: use removalPolicy or applyRemovalPolicy`);
    },
  );

  test('retaining replaced copies only is refused, since they would go with the stack', () => {
    const copy = copyWith();
    (copy.node.defaultChild as CfnResource).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    expect(synth).toThrow('updateReplacePolicy "Retain" is not possible without a deletion policy');
  });

  test('SNAPSHOT is refused when an Aspect sets it', () => {
    copyWith();
    Aspects.of(stack).add({
      visit: (node) => {
        if (isCopyResource(node)) node.applyRemovalPolicy(RemovalPolicy.SNAPSHOT);
      },
    });
    expect(synth).toThrow(/snapshot/i);
  });
});

describe('attributes', () => {
  test('each is read from the custom resource under the name that the handler answers', () => {
    const copy = copyWith();
    const read = {
      SnapshotId: copy.snapshotId,
      VolumeSize: copy.volumeSize,
      Encrypted: copy.encrypted,
      KmsKeyArn: copy.kmsKeyArn,
      OwnerId: copy.ownerId,
      StartTime: copy.startTime,
      CompletionTime: copy.completionTime,
      FullSnapshotSizeInBytes: copy.fullSnapshotSizeInBytes,
      TransferType: copy.transferType,
    };
    expect([...Object.keys(read), 'KmsKeyArnOrNone'].sort()).toEqual([...ATTRIBUTES].sort());
    for (const [name, token] of Object.entries(read)) {
      expect(stack.resolve(token)).toEqual({ 'Fn::GetAtt': [idOf(copy), name] });
    }
  });

  test('the ARN is of the destination Region, and without an account', () => {
    const copy = copyWith({ destinationRegion: 'eu-west-1' });
    expect(stack.resolve(copy.snapshotArn)).toEqual({
      'Fn::Join': [
        '',
        ['arn:', { Ref: 'AWS::Partition' }, ':ec2:eu-west-1::snapshot/', { 'Fn::GetAtt': [idOf(copy), 'SnapshotId'] }],
      ],
    });
  });

  test('a volume of the copy waits for it', () => {
    const copy = copyWith();
    new ec2.Volume(stack, 'Volume', { availabilityZone: Fn.select(0, Fn.getAzs()), snapshotId: copy.snapshotId });
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::Volume', {
      SnapshotId: { 'Fn::GetAtt': [idOf(copy), 'SnapshotId'] },
    });
  });

  test('a launch template with a device of the copy waits for it', () => {
    const copy = copyWith();
    const volume = ec2.BlockDeviceVolume.ebsFromSnapshot(copy.snapshotId);
    new ec2.LaunchTemplate(stack, 'Template', { blockDevices: [{ deviceName: '/dev/sdf', volume }] });
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        BlockDeviceMappings: [{ Ebs: { SnapshotId: { 'Fn::GetAtt': [idOf(copy), 'SnapshotId'] } } }],
      },
    });
  });

  test('with dryRun, there is no snapshot to read', () => {
    const copy = copyWith({ dryRun: true });
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    expect(() => copy.snapshotId).toThrow(/^Stack\/Copy: snapshotId is not there with dryRun "true".*take dryRun away/);
    expect(() => copy.snapshotArn).toThrow(/snapshotArn is not there/);
    expect(() => copy.grantCreateVolume(role)).toThrow(/grantCreateVolume is not there/);
    expect(() => copy.ownerId).not.toThrow();
  });
});

describe('order', () => {
  test('a dependency of the copy on something, and of something on the copy, is kept', () => {
    const copy = copyWith();
    const before = new sns.Topic(stack, 'Before');
    const after = new sns.Topic(stack, 'After');
    copy.node.addDependency(before);
    after.node.addDependency(copy);
    const template = synth();
    expect(waitsFor(template, idOf(copy), idOf(before))).toBe(true);
    expect(waitsFor(template, idOf(after), idOf(copy))).toBe(true);
    expect(cycleIn(template)).toBeUndefined();
  });

  test('a copy of a copy waits for the first', () => {
    const first = copyWith({ destinationRegion: 'us-west-2' }, 'First');
    const second = copyWith({ sourceSnapshotId: first.snapshotId, sourceRegion: 'us-west-2' }, 'Second');
    const template = synth();
    expect(cycleIn(template)).toBeUndefined();
    expect(waitsFor(template, idOf(second), idOf(first))).toBe(true);
  });

  test('a source made by another custom resource of the stack comes first', () => {
    const maker = new CustomResource(stack, 'Maker', { serviceToken: 'arn:aws:sns:us-east-1:111122223333:maker' });
    const copy = copyWith({
      sourceSnapshotId: maker.getAttString('SnapshotId'),
      sourceRegion: maker.getAttString('Region'),
    });
    const template = synth();
    expect(cycleIn(template)).toBeUndefined();
    expect(waitsFor(template, idOf(copy), idOf(maker))).toBe(true);
  });

  test('a key of the stack comes before the copies that use it, and before no other', () => {
    const key = new kms.Key(stack, 'Key');
    const under = copyWith({ kmsKey: key }, 'Under');
    const other = copyWith({}, 'Other');
    const template = synth();
    expect(cycleIn(template)).toBeUndefined();
    expect(waitsFor(template, idOf(under), idOf(key))).toBe(true);
    expect(waitsFor(template, idOf(other), idOf(key))).toBe(false);
  });

  test('an alias of the stack comes before the copies that use it', () => {
    const alias = new kms.Key(stack, 'Key').addAlias('ebs');
    const copy = copyWith({ kmsKey: alias });
    expect(waitsFor(synth(), idOf(copy), idOf(alias))).toBe(true);
  });

  test.each<[string, (arn: string) => Partial<SnapshotCopyProps>]>([
    ['kmsKeyId', (kmsKeyId) => ({ kmsKeyId })],
    ['kmsKey', (arn) => ({ kmsKey: kms.Key.fromKeyArn(stack, 'KeyOfFirst', arn) })],
    ['sourceKmsKey', (arn) => ({ sourceKmsKey: kms.Key.fromKeyArn(stack, 'KeyOfFirst', arn) })],
  ])('the key of another copy as %s makes no cycle', (_, keyOf) => {
    const first = copyWith({}, 'First');
    const second = copyWith(keyOf(first.kmsKeyArn), 'Second');
    const template = synth();
    expect(cycleIn(template)).toBeUndefined();
    expect(waitsFor(template, idOf(second), idOf(first))).toBe(true);
  });

  test('a copy in a stage of a pipeline is synthesized with its provider', () => {
    stack = new Stack(new Stage(app, 'Prod', { env: ENV }), 'Stack');
    expect(wired(copyWith())).toMatchObject({ SourceRegion: 'us-east-1' });
  });

  test('another stack can read the copy', () => {
    const copy = copyWith();
    const reader = new Stack(app, 'Reader', { env: ENV });
    new sns.Topic(reader, 'Topic', { displayName: copy.snapshotId });
    Template.fromStack(reader).hasResourceProperties('AWS::SNS::Topic', {
      DisplayName: { 'Fn::ImportValue': Match.anyValue() },
    });
  });
});

describe('grantCreateVolume', () => {
  function statementsGranted(copy: SnapshotCopy): unknown[] {
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    copy.grantCreateVolume(role).assertSuccess();
    const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy', {
      Properties: { Roles: [{ Ref: idOf(role) }] },
    });
    return Object.values(policies).flatMap((policy) => {
      const { PolicyDocument } = (policy as unknown as Resource).Properties;
      return (PolicyDocument as { Statement: unknown[] }).Statement;
    });
  }

  const volumes = (region: string) => ({
    'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:ec2:${region}:111122223333:volume/*`]],
  });

  test('grants this snapshot, volumes of its Region and account, and its key through EC2', () => {
    const copy = copyWith({ destinationRegion: 'eu-west-1' });
    const key = { 'Fn::GetAtt': [idOf(copy), 'KmsKeyArnOrNone'] };
    const throughEc2 = { StringLike: { 'kms:ViaService': 'ec2.eu-west-1.*' } };
    expect(statementsGranted(copy)).toEqual([
      {
        Effect: 'Allow',
        Action: 'ec2:CreateVolume',
        Resource: [stack.resolve(copy.snapshotArn), volumes('eu-west-1')],
      },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
        Resource: key,
        Condition: throughEc2,
      },
      {
        Effect: 'Allow',
        Action: 'kms:CreateGrant',
        Resource: key,
        Condition: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
    ]);
  });

  test('names a declared key, whose own policy stays as it is', () => {
    const key = new kms.Key(stack, 'Key');
    const before = JSON.stringify(stack.resolve((key.node.defaultChild as kms.CfnKey).keyPolicy));
    const [, use] = statementsGranted(copyWith({ kmsKey: key }));
    expect(use).toMatchObject({ Resource: { 'Fn::GetAtt': [idOf(key), 'Arn'] } });
    expect(JSON.stringify(stack.resolve((key.node.defaultChild as kms.CfnKey).keyPolicy))).toBe(before);
  });

  test('takes the key that an alias stood for, since IAM knows no alias ARNs', () => {
    const copy = copyWith({ kmsKey: kms.Alias.fromAliasName(stack, 'Alias', 'alias/ebs') });
    const [, use] = statementsGranted(copy);
    expect(use).toMatchObject({ Resource: { 'Fn::GetAtt': [idOf(copy), 'KmsKeyArnOrNone'] } });
  });

  test('a grantee can be granted two copies without a cycle', () => {
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });
    const first = copyWith({}, 'First');
    first.grantCreateVolume(role);
    copyWith({ sourceSnapshotId: first.snapshotId }, 'Second').grantCreateVolume(role);
    expect(cycleIn(synth())).toBeUndefined();
  });
});

test('a number token of a parameter is a completion duration', () => {
  const minutes = Token.asNumber(new CfnParameter(stack, 'Minutes').value);
  expect(wired(copyWith({ completionDuration: Duration.minutes(minutes) }))).toMatchObject({
    CompletionDurationMinutes: { Ref: 'Minutes' },
  });
});
