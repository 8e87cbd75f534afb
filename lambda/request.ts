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

/** A copy as the template declares it. */
export interface Declaration {
  readonly sourceSnapshotId: string;
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
  /** Hash of the inputs whose change needs another copy. */
  readonly inputs: string;
}

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
function decodeProperties(wire: Partial<StageProperties>, ownRegion: string): Declaration {
  const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
  const minutes = text(wire.CompletionDurationMinutes);
  const kmsKeyId = text(wire.KmsKeyId);
  const declaration = {
    sourceSnapshotId: wire.SourceSnapshotId ?? '',
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
    tags: Object.fromEntries((wire.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
    retain: text(wire.DeletionPolicy) as RetainingPolicy | undefined,
    copySourceTags: wire.CopySourceTags === 'true',
    shareWith: [...new Set(wire.ShareWith ?? [])],
    storageTier: wire.StorageTier === 'archive' ? ('archive' as const) : ('standard' as const),
    lock: decodeLock(wire),
  };
  return { ...declaration, inputs: hashOfInputs(declaration) };
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
 * the list; absent, it leaves the hash as it was. The completion duration is not an input: how fast EC2 made a copy
 * says nothing about the copy.
 */
function hashOfInputs(declared: Omit<Declaration, 'inputs'>): string {
  const inputs = {
    sourceSnapshotId: declared.sourceSnapshotId,
    sourceRegion: declared.sourceRegion,
    destinationRegion: declared.destinationRegion,
    destinationOutpostArn: declared.destinationOutpostArn,
    destinationAvailabilityZone: declared.destinationAvailabilityZone,
    description: declared.description,
    encrypted: declared.encrypted || undefined,
    kmsKeyId: declared.kmsKeyId,
  };
  const given = Object.entries(inputs).filter(([, value]) => value !== undefined);
  return `v1-${shortHash(given.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

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
