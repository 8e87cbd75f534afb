// The stack of a history: what it declares, how a change alters that, and the template that says so.
import {
  COPY_RESOURCE_TYPE,
  DRY_RUN_RESOURCE_TYPE,
  type CopyProperties,
  type HandoverProperties,
  type RetainingPolicy,
} from '../../lib/contract';
import type { SimulatedEc2, StoredSnapshot } from '../../local-aws/ec2';
import type { StoredKey } from '../../local-aws/kms';
import type { ResourceDefinition, TemplateBody, Value } from '../../local-aws/template';
import type { Row } from './kinds';
import { HOME, SERVICE_TOKEN } from './machine';

export const REGIONS = ['eu-west-1', 'us-east-1'] as const;
const FOREIGN_ACCOUNT = '444455556666';
/** As the construct has it: the framework's end comes after the handler's own. */
const SERVICE_TIMEOUT_SECONDS = 3600;

/** One declared copy; numbers choose from the scene. */
export interface Declared {
  readonly source: number;
  /** How often the latest source was asked for. Absent: the source is named. */
  readonly refresh?: number;
  readonly region: number;
  /** 0: none. */
  readonly key: number;
  readonly description: number;
  readonly tags: number;
  readonly retain?: RetainingPolicy;
  /** What is done with the finished copy: one of `HANDOVERS`. */
  readonly handover: number;
  readonly timeoutSeconds: number;
}

/** The one resource that is a dry run. */
export const DRY_RUN = 'DryRun';

export type Declarations = Readonly<Record<string, Declared>>;

export const CHANGES = [
  'add',
  'remove',
  'tags',
  'retain',
  'handover',
  'timeout',
  'description',
  'region',
  'key',
  'source',
  'refresh',
] as const;
export type Change = (typeof CHANGES)[number];

/** What everything is made of: sources and keys that were there before the stack. */
export class Scenery {
  readonly sources = new Map<string, StoredSnapshot>();
  private readonly keys = new Map<string, StoredKey>();

  constructor(private readonly ec2: SimulatedEc2) {}

  /** Each copy has two of its own, so that what befalls them befalls that copy alone. */
  sourceOf(name: string, { source }: Declared): StoredSnapshot {
    const id = `${name} ${source % 2}`;
    const shared = { ownerId: FOREIGN_ACCOUNT, sharedWith: [this.ec2.accountId] };
    const found =
      this.sources.get(id) ??
      this.ec2.addSnapshot({
        region: HOME,
        tags: { [ORIGIN]: name, 'dlm:managed': 'true' },
        ...(source % 2 === 1 && shared),
      });
    this.sources.set(id, found);
    return found;
  }

  backUp(name: string, refresh: number): void {
    const id = `${name} backup ${Math.floor(refresh / 2)}`;
    const tags = { 'backup-of': name, [ORIGIN]: name };
    if (!this.sources.has(id)) this.sources.set(id, this.ec2.addSnapshot({ region: HOME, tags }));
  }

  keyOf(name: string, { key, region }: Declared): StoredKey | undefined {
    if (key === 0) return undefined;
    const id = `${name} ${region % REGIONS.length} ${key}`;
    const found = this.keys.get(id) ?? this.ec2.kms.addKey({ region: regionOf(region) });
    this.keys.set(id, found);
    return found;
  }
}

export function regionOf(region: number): string {
  return REGIONS[region % REGIONS.length] ?? HOME;
}

/** @param copies names of the copies that may be added */
export function changed(before: Declarations, change: Change, name: string, fresh: Declared): Declarations {
  const copy = before[name];
  const others = Object.fromEntries(Object.entries(before).filter(([other]) => other !== name));
  if (!copy || change === 'add') return copy ? before : { ...before, [name]: fresh };
  if (change === 'remove') return Object.keys(others).length > 0 ? others : before;
  const now = altered(copy, change);
  return now === copy ? before : { ...before, [name]: now };
}

function altered(copy: Declared, change: Exclude<Change, 'add' | 'remove'>): Declared {
  switch (change) {
    case 'tags':
      return { ...copy, tags: copy.tags + 1 };
    case 'retain':
      return { ...copy, retain: NEXT_POLICY[copy.retain ?? 'Delete'] };
    case 'handover':
      return { ...copy, handover: (copy.handover + 3) % HANDOVERS.length };
    case 'timeout':
      return { ...copy, timeoutSeconds: copy.timeoutSeconds === 3000 ? 2700 : 3000 };
    case 'description':
      return { ...copy, description: copy.description + 1 };
    case 'region':
      return { ...copy, region: copy.region + 1 };
    case 'key':
      return { ...copy, key: (copy.key + 1) % 3 };
    case 'source':
      return { ...copy, source: copy.source + 1 };
    case 'refresh':
      return { ...copy, refresh: (copy.refresh ?? 0) + 1 };
  }
}

const GOVERNANCE = { LockMode: 'governance', LockDurationDays: '7' } as const;
const COMPLIANCE = { LockMode: 'compliance', LockDurationDays: '7', CoolOffPeriodHours: '24' } as const;

/** Each aspect alone, then several. A change goes to the third next. */
export const HANDOVERS: readonly HandoverProperties[] = [
  {},
  COMPLIANCE,
  { ShareWith: ['555500002222', '555500003333'] },
  GOVERNANCE,
  { ShareWith: ['555500001111'] },
  { StorageTier: 'archive' },
  { CopySourceTags: 'true' },
  { CopySourceTags: 'true', ShareWith: ['555500001111'], ...GOVERNANCE, LockDurationDays: '14' },
  { CopySourceTags: 'true', StorageTier: 'archive', ...COMPLIANCE, LockDurationDays: '14' },
  { ShareWith: ['555500003333'], ...COMPLIANCE, CoolOffPeriodHours: '1' },
];

/** The construct refuses a lock of a copy that goes with its resource. */
function handoverOf({ handover, retain }: Declared): HandoverProperties {
  const { LockMode, LockDurationDays, CoolOffPeriodHours, ...others } = HANDOVERS[handover] ?? {};
  return retain === undefined ? others : { ...others, LockMode, LockDurationDays, CoolOffPeriodHours };
}

/** What the sources have, and so a copy with their tags. */
export const ORIGIN = 'origin';

const NEXT_POLICY: Record<string, RetainingPolicy | undefined> = {
  Delete: 'Retain',
  Retain: 'RetainExceptOnCreate',
  RetainExceptOnCreate: undefined,
};

/** Keys come, go and change. */
function tagsOf(tags: number): Record<string, string> {
  const all = {
    Name: `backup ${tags}`,
    ...(tags % 2 === 0 && { stage: 'prod' }),
    ...(tags % 3 === 0 && { team: 'a' }),
  };
  return tags % 4 === 3 ? {} : all;
}

export function wireOf(name: string, copy: Declared, scenery: Scenery): CopyProperties {
  const key = scenery.keyOf(name, copy);
  return {
    ...sourceOf(name, copy, scenery),
    SourceRegion: HOME,
    DestinationRegion: regionOf(copy.region),
    Description: copy.description === 0 ? undefined : `version ${copy.description}`,
    KmsKeyId: key?.arn,
    Encrypted: key && 'true',
    Tags: Object.entries(tagsOf(copy.tags)).map(([Key, Value]) => ({ Key, Value })),
    TimeoutSeconds: String(copy.timeoutSeconds),
    DeletionPolicy: copy.retain,
    ...handoverOf(copy),
  };
}

/** The latest one is found by a tag. For an odd number, a backup is made before it is looked for. */
function sourceOf(name: string, copy: Declared, scenery: Scenery): Partial<CopyProperties> {
  if (copy.refresh === undefined) return { SourceSnapshotId: scenery.sourceOf(name, copy).id };
  scenery.backUp(name, copy.refresh);
  return { LatestSource: { Tags: [{ Key: 'backup-of', Value: name }] }, Refresh: `${copy.refresh}` };
}

export const SIBLING = 'Sibling';

/** The copies, and a resource that changes with every deployment, so that it can fail in each. */
export function templateOf(declarations: Declarations, scenery: Scenery, version: number): TemplateBody {
  const copies = Object.entries(declarations).map(([name, copy]) => [name, resourceOf(name, copy, scenery)] as const);
  const sibling: ResourceDefinition = { Type: 'AWS::SNS::Topic', Properties: { DisplayName: `v${version}` } };
  return { Resources: { ...Object.fromEntries(copies), [SIBLING]: sibling } };
}

function resourceOf(name: string, copy: Declared, scenery: Scenery): ResourceDefinition {
  const { Tags, TimeoutSeconds, DeletionPolicy, ...common } = wireOf(name, copy, scenery);
  const isDryRun = name === DRY_RUN;
  const wire = isDryRun ? common : { ...common, Tags, TimeoutSeconds, DeletionPolicy };
  const given = Object.entries(wire).filter(([, value]) => value !== undefined);
  const policies = !isDryRun && copy.retain && { DeletionPolicy: copy.retain, UpdateReplacePolicy: 'Retain' };
  return {
    Type: isDryRun ? DRY_RUN_RESOURCE_TYPE : COPY_RESOURCE_TYPE,
    Properties: {
      ServiceToken: SERVICE_TOKEN,
      ServiceTimeout: SERVICE_TIMEOUT_SECONDS,
      ...(Object.fromEntries(given) as Record<string, Value>),
    },
    ...policies,
  };
}

/** The row of a request that makes such a change. */
export function rowOf(change: Change, name: string): Row {
  if (change === 'remove') return 'clean-up';
  return name === DRY_RUN ? 'dry run' : change;
}
