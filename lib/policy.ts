import { Aws, type Stack, Token } from 'aws-cdk-lib';
import { OWNER_TAGS, TAG } from './contract';
import type { KeyReference } from './keys';

/** What one copy needs the handler to be allowed. */
export interface CopyNeeds {
  readonly sourceSnapshotId: string;
  readonly sourceRegion: string;
  readonly destinationRegion: string;
  readonly keys: readonly KeyReference[];
  /** The copy may come to use any key of the account: its default EBS key, or one that is not known at synth. */
  readonly anyOwnKey: boolean;
}

export interface Statement {
  readonly Effect: 'Allow';
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: Record<string, Record<string, string | readonly string[]>>;
}

// Above these numbers the policy names all instead of each, so that it stays below 6,000 characters however many copies
// there are, and with the policies of single keys below the 10,240 of all inline policies of a role.
const MAX_SOURCES = 10;
const MAX_REGIONS = 4;
const MAX_KEYS = 4;
const MAX_ALIAS_CHARACTERS = 100;
const MAX_ACCOUNTS = 5;

const KEY_USE = ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'];

/** The statements of the stack-wide policy: the same ones in whatever order the copies were declared. */
export function statementsFor(copies: readonly CopyNeeds[], stack: Stack): Statement[] {
  const destinations = few(
    copies.map((copy) => copy.destinationRegion),
    MAX_REGIONS,
    stack,
  ).map(snapshotsIn);
  return [
    allow('ec2:CopySnapshot', sourcesOf(copies, stack)),
    allow('ec2:CopySnapshot', destinations, { StringEquals: requestTag(stack) }),
    allow('ec2:CreateTags', destinations, {
      StringEquals: { 'ec2:CreateAction': 'CopySnapshot', ...requestTag(stack) },
    }),
    ...ownCopies(stack),
    allow('ec2:DescribeSnapshots', '*'),
    ...statementsForKeys(copies, stack),
    allow(['cloudformation:DescribeStacks', 'cloudformation:DescribeStackResource'], stack.stackId),
  ];
}

/** Use of keys by EC2 on the role's behalf. */
export function useOfKeys(keys: readonly KeyReference[], viaRegions: readonly string[], stack: Stack): Statement[] {
  const byAlias = keys.filter(({ alias }) => alias !== undefined);
  const aliases = distinct(
    byAlias.flatMap(({ alias }) => alias ?? []),
    stack,
  );
  return [
    ...throughEc2(
      arnsOf(
        keys.filter(({ alias }) => alias === undefined),
        stack,
      ),
      viaRegions,
    ),
    ...throughEc2(arnsOf(byAlias, stack), viaRegions, {
      'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliases },
    }),
  ];
}

export function lookAtKeys(keys: readonly KeyReference[], stack: Stack): Statement {
  return allow('kms:DescribeKey', arnsOf(keys, stack));
}

/** Whether a value is the same in every deployment of the template: text and pseudo parameters, no resource's attribute. */
export function isFixed(value: string, stack: Stack): boolean {
  return isFixedTree(stack.resolve(value));
}

function isFixedTree(tree: unknown): boolean {
  if (typeof tree === 'string') return true;
  if (Array.isArray(tree)) return tree.every(isFixedTree);
  return Object.entries(tree as object).every(
    ([name, value]: [string, unknown]) =>
      (name === 'Ref' && String(value).startsWith('AWS::')) || (name === 'Fn::Join' && isFixedTree(value)),
  );
}

function allow(
  action: string | string[],
  resource: string | string[],
  condition?: NonNullable<Statement['Condition']>,
): Statement {
  return { Effect: 'Allow', Action: action, Resource: resource, ...(condition && { Condition: condition }) };
}

function requestTag(stack: Stack): Record<string, string> {
  return { [`aws:RequestTag/${TAG.stack}`]: stack.stackId };
}

function snapshotsIn(region: string): string {
  return snapshotArn(region, '*');
}

function snapshotArn(region: string, id: string): string {
  return `arn:${Aws.PARTITION}:ec2:${region}::snapshot/${id}`;
}

/** A source that is a token may be a copy of this stack: naming it would make the policy wait for what waits for the policy. */
function sourcesOf(copies: readonly CopyNeeds[], stack: Stack): string[] {
  const ids = copies.map((copy) => copy.sourceSnapshotId);
  if (ids.some((id) => Token.isUnresolved(id)) || new Set(ids).size > MAX_SOURCES) {
    return few(
      copies.map((copy) => copy.sourceRegion),
      MAX_REGIONS,
      stack,
    ).map(snapshotsIn);
  }
  return distinct(
    copies.map((copy) =>
      snapshotArn(isFixed(copy.sourceRegion, stack) ? copy.sourceRegion : '*', copy.sourceSnapshotId),
    ),
    stack,
  );
}

/**
 * What the role may do to copies is bound by the stack's tag alone: an update that changes Regions, sources and
 * keys changes this policy before the clean-up deletes the old copy. Deleting tags without naming keys would
 * delete all of them, the stack's too. A condition key finds a tag in whatever case, so our tags are ours in any.
 */
function ownCopies(stack: Stack): Statement[] {
  const ofThisStack = { [`aws:ResourceTag/${TAG.stack}`]: stack.stackId };
  return [
    allow(['ec2:CreateTags', 'ec2:DeleteTags'], snapshotsIn('*'), {
      StringEquals: ofThisStack,
      'ForAllValues:StringNotEqualsIgnoreCase': { 'aws:TagKeys': OWNER_TAGS },
      Null: { 'aws:TagKeys': 'false' },
    }),
    allow('ec2:DeleteSnapshot', snapshotsIn('*'), { StringEquals: ofThisStack }),
  ];
}

function statementsForKeys(copies: readonly CopyNeeds[], stack: Stack): Statement[] {
  const ownKeys: KeyReference = { arn: `arn:${Aws.PARTITION}:kms:*:${stack.account}:key/*` };
  const declared = boundedKeys(
    copies.flatMap(({ keys }) => keys),
    stack,
  );
  const keys = copies.some(({ anyOwnKey }) => anyOwnKey) ? [...declared, ownKeys] : declared;
  const regions = few(
    copies.flatMap((copy) => [copy.sourceRegion, copy.destinationRegion]),
    MAX_REGIONS,
    stack,
  );
  return [...useOfKeys(keys, regions, stack), lookAtKeys([ownKeys, ...declared], stack)];
}

function arnsOf(keys: readonly KeyReference[], stack: Stack): string[] {
  return distinct(
    keys.map(({ arn }) => arn),
    stack,
  );
}

function boundedKeys(keys: readonly KeyReference[], stack: Stack): KeyReference[] {
  const byIdentity = new Map(keys.map((key) => [JSON.stringify(stack.resolve(key)), key]));
  const listed = sortedByIdentity(byIdentity);
  const aliases = listed.map(({ alias = '' }) => alias).join('');
  if (listed.length <= MAX_KEYS && aliases.length <= MAX_ALIAS_CHARACTERS) return listed;
  const accounts = few(
    keys.map(({ arn }) => arn.split(':')[4] ?? '*'),
    MAX_ACCOUNTS,
    stack,
  );
  return accounts.map((account) => ({ arn: `arn:${Aws.PARTITION}:kms:*:${account}:key/*` }));
}

function throughEc2(arns: string[], regions: readonly string[], condition: Statement['Condition'] = {}): Statement[] {
  if (arns.length === 0) return [];
  // The domain differs between partitions; only AWS can speak for a service.
  const throughEc2 = { ...condition, StringLike: { 'kms:ViaService': regions.map((region) => `ec2.${region}.*`) } };
  return [
    allow(KEY_USE, arns, throughEc2),
    allow('kms:CreateGrant', arns, { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } }),
  ];
}

/** The distinct values, or `*` where one is only known at deployment or they are too many. */
function few(values: readonly string[], max: number, stack: Stack): string[] {
  const found = distinct(values, stack);
  return found.length <= max && found.every((value) => isFixed(value, stack)) ? found : ['*'];
}

function distinct(values: readonly string[], stack: Stack): string[] {
  // Most are the same text already, which is much faster to find than what a token stands for.
  return sortedByIdentity(new Map([...new Set(values)].map((value) => [JSON.stringify(stack.resolve(value)), value])));
}

function sortedByIdentity<T>(byIdentity: ReadonlyMap<string, T>): T[] {
  return [...byIdentity].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
