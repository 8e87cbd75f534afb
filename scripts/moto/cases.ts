import { DescribeStackResourceCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  CopySnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeSnapshotsCommand,
  type CopySnapshotCommandInput,
  type DescribeSnapshotsCommandInput,
  type Tag,
} from '@aws-sdk/client-ec2';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { sharingCases } from './sharing-cases';
import { ALIAS, keyIdOf, LOGICAL_ID, REGION, SOURCE_REGION, STACK, type Side } from './sides';

/** Calls that are made on both sides, and the answer to be compared. */
export interface Case {
  readonly name: string;
  readonly run: (side: Side) => Promise<unknown>;
  /** Why moto answers otherwise. A reason that is no longer needed is an error, too. */
  readonly differs?: string;
}

const MISSING = 'snap-0123456789abcdef0';

async function copy(side: Side, input: Partial<CopySnapshotCommandInput> = {}): Promise<string> {
  const source = { SourceRegion: SOURCE_REGION, SourceSnapshotId: side.sourceId };
  const { SnapshotId = '' } = await side.ec2.send(new CopySnapshotCommand({ ...source, ...input }));
  return SnapshotId;
}

/** A copy that is completed. */
async function finished(side: Side, input: Partial<CopySnapshotCommandInput> = {}): Promise<string> {
  const id = await copy(side, input);
  side.settle();
  return id;
}

async function describe(side: Side, input: DescribeSnapshotsCommandInput) {
  const { Snapshots } = await side.ec2.send(new DescribeSnapshotsCommand(input));
  return Snapshots;
}

const byId = (side: Side, id: string) => describe(side, { SnapshotIds: [id] });
const withTags = (...Tags: Tag[]) => ({ TagSpecifications: [{ ResourceType: 'snapshot' as const, Tags }] });

/** Tags by key: their order is of no meaning. */
async function tagsOf(side: Side, id: string): Promise<object> {
  const [snapshot] = (await byId(side, id)) ?? [];
  return Object.fromEntries((snapshot?.Tags ?? []).map(({ Key = '', Value }) => [Key, Value]));
}

async function found(side: Side, name: string, value: string): Promise<number | undefined> {
  const Filters = [{ Name: name, Values: [value] }];
  return (await describe(side, { OwnerIds: ['self'], Filters }))?.length;
}

const describeKey = async (side: Side, KeyId: string) => {
  const { KeyMetadata } = await side.kms.send(new DescribeKeyCommand({ KeyId }));
  const {
    Arn,
    KeyId: id,
    AWSAccountId,
    Enabled,
    KeyState,
    KeyUsage,
    KeySpec,
    KeyManager,
    MultiRegion,
  } = KeyMetadata ?? {};
  return { Arn: Arn === side.keyArn, id, AWSAccountId, Enabled, KeyState, KeyUsage, KeySpec, KeyManager, MultiRegion };
};

const aliasArnOf = (arn: string) => arn.replace(/key\/.*/, ALIAS);

const NO_CHECK = 'moto does not check it';

const COPIES: readonly Case[] = [
  {
    name: 'CopySnapshot answers id and tags',
    run: async ({ ec2, sourceId }) => {
      const source = { SourceRegion: SOURCE_REGION, SourceSnapshotId: sourceId };
      return ec2.send(new CopySnapshotCommand({ ...source, ...withTags({ Key: 'a & <b>', Value: 'é "x"' }) }));
    },
  },
  { name: 'a completed copy', run: async (side) => byId(side, await finished(side, { Description: 'for DR & <x>' })) },
  {
    name: 'an encrypted copy',
    run: async (side) => byId(side, await finished(side, { Encrypted: true, KmsKeyId: side.keyArn })),
  },
  {
    name: 'the key of a copy by alias',
    run: async (side) => {
      const [snapshot] = (await byId(side, await finished(side, { Encrypted: true, KmsKeyId: ALIAS }))) ?? [];
      return snapshot?.KmsKeyId === side.keyArn;
    },
    differs: 'moto repeats the alias, EC2 reports the ARN of the key',
  },
  {
    name: 'Encrypted without a key',
    run: async (side) => {
      const [snapshot] = (await byId(side, await finished(side, { Encrypted: true }))) ?? [];
      return snapshot?.Encrypted;
    },
    differs: 'moto ignores Encrypted',
  },
  {
    name: 'copy of a missing source',
    run: (side) => copy(side, { SourceSnapshotId: MISSING }),
    differs: 'moto looks for the source at once, EC2 later',
  },
  { name: 'copy with DryRun', run: (side) => copy(side, { DryRun: true }) },
  { name: 'copy of a malformed id', run: (side) => copy(side, { SourceSnapshotId: 'snap-xyz' }), differs: NO_CHECK },
  { name: 'copy with Encrypted false', run: (side) => copy(side, { Encrypted: false }), differs: NO_CHECK },
  { name: 'copy with a key, without Encrypted', run: (side) => copy(side, { KmsKeyId: ALIAS }), differs: NO_CHECK },
  { name: 'copy in 20 minutes', run: (side) => copy(side, { CompletionDurationMinutes: 20 }), differs: NO_CHECK },
];

const READS: readonly Case[] = [
  {
    name: 'search by tag',
    run: async (side) => [await finished(side, withTags({ Key: 'k1', Value: 'v' })), await found(side, 'tag:k1', 'v')],
  },
  { name: 'search by tag, nothing there', run: (side) => found(side, 'tag:k1', 'other') },
  { name: 'search by tag with *', run: (side) => found(side, 'tag:k1', '*') },
  { name: 'search by tag key', run: (side) => found(side, 'tag-key', 'k1') },
  { name: 'search by id', run: (side) => found(side, 'snapshot-id', MISSING) },
  { name: 'search by description', run: (side) => found(side, 'description', 'for DR & <x>') },
  {
    name: 'search by an unknown field',
    run: (side) => found(side, 'colour', 'red'),
    differs: 'moto has not implemented it (InternalFailure)',
  },
  { name: 'DescribeSnapshots, missing', run: (side) => byId(side, MISSING) },
  {
    name: 'DescribeSnapshots, malformed',
    run: (side) => byId(side, 'snap-xyz'),
    differs: 'moto knows one code for any bad id',
  },
  {
    name: 'DescribeSnapshots, another kind of id',
    run: (side) => byId(side, 'vol-1'),
    differs: 'moto knows one code for any bad id',
  },
  { name: 'DescribeSnapshots, in the other Region', run: (side) => byId(side, side.sourceId) },
  {
    name: 'pages',
    run: async (side) => (await describe(side, { MaxResults: 5 }))?.length,
    differs: 'moto answers all at once',
  },
];

const WRITES: readonly Case[] = [
  {
    name: 'CreateTags adds and overwrites',
    run: async (side) => {
      const id = await finished(side, withTags({ Key: 'a', Value: '1' }));
      const Tags = [
        { Key: 'a', Value: '2' },
        { Key: 'b', Value: '' },
      ];
      await side.ec2.send(new CreateTagsCommand({ Resources: [id], Tags }));
      return tagsOf(side, id);
    },
  },
  {
    name: 'DeleteTags by key, and by a value that it has not',
    run: async (side) => {
      const id = await finished(side, withTags({ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }));
      await side.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'a' }, { Key: 'b', Value: 'x' }] }));
      return tagsOf(side, id);
    },
  },
  {
    name: 'DeleteTags without keys',
    run: async (side) => {
      const id = await finished(side, withTags({ Key: 'a', Value: '1' }));
      await side.ec2.send(new DeleteTagsCommand({ Resources: [id] }));
      return tagsOf(side, id);
    },
    differs: 'moto then deletes none, EC2 all',
  },
  {
    name: 'a tag with the prefix of AWS',
    run: async (side) => {
      const id = await finished(side);
      await side.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'aws:x', Value: '' }] }));
    },
    differs: NO_CHECK,
  },
  {
    name: '51 tags',
    run: async (side) => {
      const id = await finished(side);
      const Tags = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
      await side.ec2.send(new CreateTagsCommand({ Resources: [id], Tags }));
    },
  },
  {
    name: 'CreateTags, missing',
    run: (side) => side.ec2.send(new CreateTagsCommand({ Resources: [MISSING], Tags: [{ Key: 'a', Value: '' }] })),
  },
  {
    name: 'DeleteSnapshot, then look',
    run: async (side) => {
      const id = await finished(side);
      await side.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
      return byId(side, id);
    },
  },
  { name: 'DeleteSnapshot, missing', run: (side) => side.ec2.send(new DeleteSnapshotCommand({ SnapshotId: MISSING })) },
  {
    name: 'DeleteSnapshot, malformed',
    run: (side) => side.ec2.send(new DeleteSnapshotCommand({ SnapshotId: 'snap-xyz' })),
    differs: 'moto knows one code for any bad id',
  },
  {
    name: 'DeleteSnapshot with DryRun',
    run: (side) => side.ec2.send(new DeleteSnapshotCommand({ SnapshotId: MISSING, DryRun: true })),
  },
];

const KEYS: readonly Case[] = [
  { name: 'DescribeKey by ARN', run: (side) => describeKey(side, side.keyArn) },
  { name: 'DescribeKey by id', run: (side) => describeKey(side, keyIdOf(side.keyArn)) },
  { name: 'DescribeKey by alias', run: (side) => describeKey(side, ALIAS) },
  { name: 'DescribeKey by alias ARN', run: (side) => describeKey(side, aliasArnOf(side.keyArn)) },
  {
    name: "DescribeKey of AWS's key for EBS",
    run: (side) => describeKey(side, 'alias/aws/ebs'),
    differs: 'moto takes it for a customer key',
  },
  { name: 'DescribeKey, disabled', run: (side) => describeKey(side, side.disabledKeyArn) },
  { name: 'DescribeKey, missing id', run: (side) => describeKey(side, '01234567-0123-0123-0123-0123456789ab') },
  { name: 'DescribeKey, missing alias', run: (side) => describeKey(side, 'alias/none') },
  { name: 'DescribeKey, malformed', run: (side) => describeKey(side, 'foo') },
  {
    name: 'DescribeKey, in another Region',
    run: (side) => describeKey(side, side.keyArn.replace(REGION, SOURCE_REGION)),
    differs: 'moto looks where the ARN says, KMS only in its own Region',
  },
];

const STACKS: readonly Case[] = [
  {
    name: 'DescribeStacks',
    run: async ({ cloudformation }) => {
      const { Stacks = [] } = await cloudformation.send(new DescribeStacksCommand({ StackName: STACK }));
      return Stacks.map(({ StackName, StackStatus, CreationTime, LastUpdatedTime }) => ({
        StackName,
        StackStatus,
        CreationTime,
        LastUpdatedTime,
      }));
    },
  },
  {
    name: 'DescribeStacks, missing',
    run: ({ cloudformation }) => cloudformation.send(new DescribeStacksCommand({ StackName: 'none' })),
  },
  {
    name: 'DescribeStackResource',
    run: async ({ cloudformation }) => {
      const request = { StackName: STACK, LogicalResourceId: LOGICAL_ID };
      const { StackResourceDetail } = await cloudformation.send(new DescribeStackResourceCommand(request));
      const { LogicalResourceId, ResourceType, ResourceStatus } = StackResourceDetail ?? {};
      return { LogicalResourceId, ResourceType, ResourceStatus };
    },
  },
  {
    name: 'DescribeStackResource, missing',
    run: ({ cloudformation }) =>
      cloudformation.send(new DescribeStackResourceCommand({ StackName: STACK, LogicalResourceId: 'None' })),
  },
];

export const CASES: readonly Case[] = [...COPIES, ...READS, ...WRITES, ...sharingCases(finished), ...KEYS, ...STACKS];
