// From the event to what is asked for. The strings on the wire become the handler's own types here and nowhere else.
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

/** What CloudFormation sends, as far as the handler reads it. */
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

/** What onEvent adds. The framework hands it to every poll, and nothing else passes from call to call. */
export interface Begun {
  /** When the request arrived, in milliseconds since the epoch. */
  readonly At: number;
  /** The stack operation that sent the request. Absent if CloudFormation could not say. */
  readonly Operation?: StackOperation;
  /** The physical id that the request carried. In a rollback, nothing says which of two ids that is. */
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

/** Which snapshots the source is the newest of. */
export interface LatestSource {
  readonly volumeId?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** An account, or `self`. */
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
  /** Hash of the inputs whose change needs another copy, or another look at what the latest source is. */
  readonly inputs: string;
  /** Hash of the inputs but for what says which snapshot the source is. */
  readonly inputsBesidesSource: string;
}

type Hashes = Pick<Declaration, 'inputs' | 'inputsBesidesSource'>;

/** What every request has, whatever it is about. */
export interface BasicRequest {
  readonly type: 'Create' | 'Update' | 'Delete';
  readonly stackId: string;
  /** The resource that asks: the owner of the copy, or a later stage. */
  readonly requesterId: string;
  /** The physical id of the owner. New copies are started under it. */
  readonly physicalId: PhysicalId;
  /** 1 for the owner of the copy; later stages count from 2. */
  readonly stage: number;
  readonly isLastStage: boolean;
  /** How long this stage may wait. */
  readonly stageMs: number;
  /** How long all stages together may wait. */
  readonly timeoutSeconds: number;
  readonly startedAt: number;
  /** What onEvent saw of the stack. It may be older than the request. */
  readonly operation?: StackOperation;
  /** The physical id that the request carried. */
  readonly presentId?: string;
}

/** A request for a copy, or for its dry run. */
export interface Request extends BasicRequest {
  readonly partition: string;
  readonly account: string;
  /** The resource that owns the copy. */
  readonly logicalId: string;
  /** Whether the request keeps the present copy, which the physical id then names. */
  readonly keepsCopy: boolean;
  readonly isDryRun: boolean;
  readonly wanted: Declaration;
  readonly before?: Declaration;
}

/** An empty or absent property is the default, so that both are the same input. */
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
 * Frozen: another name, value or hash would make an upgrade of the library replace every copy. A new input is added to
 * the list; absent, it leaves the hash as it was. Not inputs are:
 *
 * - the completion duration: how fast EC2 made a copy says nothing about the copy;
 * - the source that was found: a rollback finds the copy of before without looking for its source;
 * - the maximal age of the source: it matters when the copy is made.
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

/** The physical id that onEvent answers. It follows from the request alone. */
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
