// Decodes an event into a request. The strings on the wire become the handler's own types here, and nowhere else.
import {
  DRY_RUN_RESOURCE_TYPE,
  DRY_RUN_TIMEOUT_SECONDS,
  FAST_RESTORE_RESOURCE_TYPE,
  FAST_RESTORE_STAGE_RESOURCE_TYPE,
  MAX_TIMEOUT_SECONDS,
  STAGE_RESOURCE_TYPE,
  STAGE_SECONDS,
  stageCount,
  stageSeconds,
  type LockMode,
  type RetainingPolicy,
  type StageProperties,
} from '../lib/contract';
import type { StackOperation } from './aws';
import { decodePhysicalId, handleFor, shortHash, type PhysicalId } from './physical-id';

/** The part of CloudFormation's event that the handler reads. */
export interface CloudFormationEvent<Properties = Partial<StageProperties>> {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly RequestId: string;
  readonly StackId: string;
  readonly ResourceType: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Properties;
  readonly OldResourceProperties?: Properties;
}

/** What onEvent adds to the event. The framework passes it to every poll, and passes nothing else between calls. */
export interface Begun {
  /** When the request arrived, in milliseconds since the epoch. */
  readonly At: number;
  /** The stack operation that sent the request. Absent if CloudFormation could not be read. */
  readonly Operation?: StackOperation;
  /** The physical ID in the request. In a rollback, it may be that of the old copy or that of the new one. */
  readonly PresentId?: string;
}

export interface PollEvent<Properties = Partial<StageProperties>> extends CloudFormationEvent<Properties> {
  readonly PhysicalResourceId: string;
  readonly Begun: Begun;
}

export interface Lock {
  readonly mode: LockMode;
  readonly days: number;
  /** For compliance mode. */
  readonly coolOffHours?: number;
}

/** Selects snapshots. The source is the newest of them. */
export interface LatestSource {
  readonly volumeId?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** An account ID, or `self`. */
  readonly owner: string;
  readonly maxAgeMs?: number;
}

/** A copy as the template declares it. */
export interface Declaration {
  /** Absent with `latestSource`. */
  readonly sourceSnapshotId?: string;
  readonly latestSource?: LatestSource;
  readonly refresh?: string;
  readonly sourceRegion: string;
  readonly sourceKmsKeyArn?: string;
  readonly sourceOwner?: string;
  readonly destinationRegion: string;
  readonly destinationOutpostArn?: string;
  readonly destinationAvailabilityZone?: string;
  readonly description?: string;
  readonly encrypted: boolean;
  readonly kmsKeyId?: string;
  readonly completionDurationMinutes?: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly retain?: RetainingPolicy;
  readonly copySourceTags: boolean;
  readonly shareWith: readonly string[];
  readonly storageTier: 'standard' | 'archive';
  readonly lock?: Lock;
  /** Hash of the inputs. A change of one needs a new copy, or a new search for the latest source. */
  readonly inputs: string;
  /** Hash of the inputs without those that say which snapshot is the source. */
  readonly inputsBesidesSource: string;
}

type Hashes = Pick<Declaration, 'inputs' | 'inputsBesidesSource'>;

/** What all kinds of requests have in common. */
export interface BasicRequest {
  readonly type: 'Create' | 'Update' | 'Delete';
  readonly stackId: string;
  /** Logical ID of the resource that made the request: the owner of the copy, or a later stage. */
  readonly requesterId: string;
  /** The physical ID of the owner. New copies carry it in their handle tag. */
  readonly physicalId: PhysicalId;
  /** 1 for the owner of the copy. Later stages count from 2. */
  readonly stage: number;
  readonly isLastStage: boolean;
  /** How long this stage may wait. */
  readonly stageMs: number;
  /** How long all stages together may wait. */
  readonly timeoutSeconds: number;
  readonly startedAt: number;
  /** What onEvent saw of the stack. That read may be older than the request. */
  readonly operation?: StackOperation;
  /** The physical ID in the request. */
  readonly presentId?: string;
}

/** A request for a copy or a dry run. */
export interface Request extends BasicRequest {
  readonly partition: string;
  readonly account: string;
  /** Logical ID of the resource that owns the copy. */
  readonly logicalId: string;
  /** Whether the request keeps the present copy. If so, the physical ID names it. */
  readonly keepsCopy: boolean;
  readonly isDryRun: boolean;
  readonly wanted: Declaration;
  readonly before?: Declaration;
}

/** An empty property means the same as an absent one: the default. */
const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

function decodeProperties(wire: Partial<StageProperties>, ownRegion: string): Declaration {
  const minutes = text(wire.CompletionDurationMinutes);
  const kmsKeyId = text(wire.KmsKeyId);
  const declaration = {
    sourceSnapshotId: text(wire.SourceSnapshotId),
    latestSource: decodeLatestSource(wire),
    refresh: text(wire.Refresh),
    sourceRegion: text(wire.SourceRegion) ?? ownRegion,
    sourceKmsKeyArn: text(wire.SourceKmsKeyArn),
    sourceOwner: text(wire.SourceOwner),
    destinationRegion: text(wire.DestinationRegion) ?? ownRegion,
    destinationOutpostArn: text(wire.DestinationOutpostArn),
    destinationAvailabilityZone: text(wire.DestinationAvailabilityZone),
    description: text(wire.Description),
    encrypted: wire.Encrypted === 'true' || kmsKeyId !== undefined,
    kmsKeyId,
    completionDurationMinutes: minutes === undefined ? undefined : Number(minutes),
    tags: decodeTags(wire.Tags),
    retain: text(wire.DeletionPolicy) as RetainingPolicy | undefined,
    copySourceTags: wire.CopySourceTags === 'true',
    shareWith: [...new Set(wire.ShareWith ?? [])],
    storageTier: wire.StorageTier === 'archive' ? ('archive' as const) : ('standard' as const),
    lock: decodeLock(wire),
  };
  return { ...declaration, ...hashesOf(declaration) };
}

const decodeTags = (tags: StageProperties['Tags'] = []): Record<string, string> =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));

function decodeLatestSource({ LatestSource: wire }: Partial<StageProperties>): LatestSource | undefined {
  if (!wire) return undefined;
  return {
    ...(wire.VolumeId && { volumeId: wire.VolumeId }),
    tags: decodeTags(wire.Tags),
    owner: text(wire.Owner) ?? 'self',
    ...(wire.MaxAgeSeconds && { maxAgeMs: Number(wire.MaxAgeSeconds) * 1_000 }),
  };
}

function decodeLock({
  LockMode: mode,
  LockDurationDays,
  CoolOffPeriodHours,
}: Partial<StageProperties>): Lock | undefined {
  if (!mode) return undefined;
  return {
    mode,
    days: Number(LockDurationDays),
    ...(CoolOffPeriodHours && { coolOffHours: Number(CoolOffPeriodHours) }),
  };
}

/**
 * Frozen: with another name, value or hash, an upgrade of the library would replace every copy. New inputs may be added
 * to the list: while an input is absent, the hash stays the same. These are not inputs:
 *
 * - the completion duration: a copy is the same, however fast EC2 made it;
 * - the source that was found: a rollback must find the old copy without searching for its source;
 * - the maximum age of the source: it matters only when the copy is made.
 */
function hashesOf(declared: Omit<Declaration, keyof Hashes>): Hashes {
  const { latestSource, refresh, sourceSnapshotId } = declared;
  const others = {
    sourceRegion: declared.sourceRegion,
    destinationRegion: declared.destinationRegion,
    destinationOutpostArn: declared.destinationOutpostArn,
    destinationAvailabilityZone: declared.destinationAvailabilityZone,
    description: declared.description,
    encrypted: declared.encrypted || undefined,
    kmsKeyId: declared.kmsKeyId,
  };
  const source = { sourceSnapshotId, latestSource: latestSource && textOf(latestSource), refresh };
  return { inputs: hashOf({ ...source, ...others }), inputsBesidesSource: hashOf(others) };
}

function hashOf(inputs: Readonly<Record<string, unknown>>): string {
  return `v1-${shortHash(sortedEntries(inputs).filter(([, value]) => value !== undefined))}`;
}

const textOf = ({ owner, tags, volumeId }: LatestSource): string =>
  JSON.stringify([volumeId ?? '', sortedEntries(tags), owner]);

const sortedEntries = <Value>(record: Readonly<Record<string, Value>>): [string, Value][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** The physical ID that onEvent returns. It depends on the request alone. */
export function decidePhysicalId(event: CloudFormationEvent, ownRegion: string): string {
  const { RequestType: type, StackId, LogicalResourceId, RequestId, PhysicalResourceId: present = '' } = event;
  if (isDryRun(event)) return present || `dry-run-${LogicalResourceId}`;
  if (isLaterStage(event)) return present || `stage-${LogicalResourceId}`;
  if (isFastRestore(event)) return present || `fast-restore-${LogicalResourceId}`;
  if (type === 'Delete' || keepsCopy(event, ownRegion)) return present;
  const { inputs } = decodeProperties(event.ResourceProperties, ownRegion);
  return handleFor(StackId, LogicalResourceId, RequestId, inputs);
}

function keepsCopy({ RequestType, ResourceProperties, OldResourceProperties }: CloudFormationEvent, ownRegion: string) {
  if (RequestType !== 'Update') return false;
  const before = decodeProperties(OldResourceProperties ?? {}, ownRegion);
  return decodeProperties(ResourceProperties, ownRegion).inputs === before.inputs;
}

export function isLaterStage({ ResourceType }: CloudFormationEvent): boolean {
  return ResourceType === STAGE_RESOURCE_TYPE || ResourceType === FAST_RESTORE_STAGE_RESOURCE_TYPE;
}

export function isFastRestore({ ResourceType }: CloudFormationEvent): boolean {
  return ResourceType === FAST_RESTORE_RESOURCE_TYPE || ResourceType === FAST_RESTORE_STAGE_RESOURCE_TYPE;
}

function isDryRun({ ResourceType }: CloudFormationEvent): boolean {
  return ResourceType === DRY_RUN_RESOURCE_TYPE;
}

export function decodeRequest(event: PollEvent, ownRegion: string): Request {
  const [, partition = 'aws', , , account = ''] = event.StackId.split(':');
  const { OldResourceProperties: before, ResourceProperties: properties, Begun: begun } = event;
  const wanted = decodeProperties(properties, ownRegion);
  return {
    type: event.RequestType,
    stackId: event.StackId,
    requesterId: event.LogicalResourceId,
    partition,
    account,
    isDryRun: isDryRun(event),
    ...ownerOf(event, ownRegion),
    ...waitingOf(event),
    wanted,
    before: before && decodeProperties(before, ownRegion),
    startedAt: begun.At,
    operation: begun.Operation,
    presentId: begun.PresentId,
  };
}

function ownerOf(event: PollEvent, ownRegion: string): Pick<Request, 'logicalId' | 'physicalId' | 'keepsCopy'> {
  if (!isLaterStage(event)) {
    const physicalId = decodePhysicalId(event.PhysicalResourceId);
    return { logicalId: event.LogicalResourceId, physicalId, keepsCopy: keepsCopy(event, ownRegion) };
  }
  const { CopyLogicalId: logicalId = '', CopyId = '' } = event.ResourceProperties;
  const physicalId = decodePhysicalId(CopyId);
  return { logicalId, physicalId, keepsCopy: physicalId.kind === 'snapshot' };
}

function waitingOf(event: PollEvent): Pick<Request, 'stage' | 'isLastStage' | 'stageMs' | 'timeoutSeconds'> {
  const { Stage = '1', TimeoutSeconds } = event.ResourceProperties;
  const stage = Number(Stage);
  const declared = Math.min(Number(TimeoutSeconds ?? NaN) || STAGE_SECONDS, MAX_TIMEOUT_SECONDS);
  const timeoutSeconds = isDryRun(event) ? DRY_RUN_TIMEOUT_SECONDS : declared;
  const stageMs = stageSeconds(timeoutSeconds, stage) * 1_000;
  return { stage, isLastStage: stage >= stageCount(timeoutSeconds), stageMs, timeoutSeconds };
}
