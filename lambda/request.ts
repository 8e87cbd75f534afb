// From the event to what is asked for: the wire's strings become the handler's own types here and nowhere else.
import { createHash } from 'node:crypto';
import {
  COMPLETION_RESOURCE_TYPE,
  MAX_TIMEOUT_MINUTES,
  STAGE_MINUTES,
  type CompletionWireProperties,
  type RetainingPolicy,
  type WireProperties,
} from '../lib/contract';
import type { StackOperation } from './aws';

/** What CloudFormation sends, as far as the handler reads it. */
export interface CloudFormationEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly RequestId: string;
  readonly StackId: string;
  readonly ResourceType: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Partial<CompletionWireProperties>;
  readonly OldResourceProperties?: Partial<CompletionWireProperties>;
}

/** What onEvent adds: the framework hands it to every poll, and nothing else passes from call to call. */
export interface Begun {
  /** When the request arrived, ISO 8601. */
  readonly At: string;
  /** The stack operation that sent it; absent where CloudFormation could not be asked. */
  readonly Operation?: StackOperation;
}

export interface PollEvent extends CloudFormationEvent {
  readonly PhysicalResourceId: string;
  readonly Begun: Begun;
}

/** A declared copy. */
export interface Declaration {
  readonly sourceSnapshotId: string;
  readonly sourceRegion: string;
  readonly sourceKmsKeyArn?: string;
  readonly destinationRegion: string;
  readonly destinationOutpostArn?: string;
  readonly destinationAvailabilityZone?: string;
  readonly description?: string;
  readonly encrypted: boolean;
  readonly kmsKeyId?: string;
  readonly completionDurationMinutes?: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retain?: RetainingPolicy;
  readonly dryRun: boolean;
  /** Hash of the inputs of which a change needs another copy. */
  readonly inputs: string;
}

export interface Request {
  readonly type: 'Create' | 'Update' | 'Delete';
  readonly stackId: string;
  /** Of the resource that owns the copy, also in the request of a continuation. */
  readonly logicalId: string;
  /** Of the resource that CloudFormation waits for. */
  readonly requesterId: string;
  readonly partition: string;
  readonly account: string;
  /** The physical id that onEvent answered for the owner of the copy: copies are started under it. */
  readonly handle: string;
  /** 1 for the owner of the copy; a continuation has one from 2. */
  readonly stage: number;
  readonly isLastStage: boolean;
  /** How long this stage may wait. */
  readonly shareMs: number;
  /** Whether the request keeps the present copy, which the handle then names. */
  readonly inPlace: boolean;
  readonly wanted: Declaration;
  readonly before?: Declaration;
  readonly startedAt: number;
  readonly operation?: StackOperation;
}

/** An empty or absent property is the default, so that both are the same input. */
function decodeProperties(wire: Partial<WireProperties>, ownRegion: string): Declaration {
  const text = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
  const seconds = Math.min(Number(wire.TimeoutSeconds ?? NaN) || STAGE_MINUTES * 60, MAX_TIMEOUT_MINUTES * 60);
  const minutes = text(wire.CompletionDurationMinutes);
  const kmsKeyId = text(wire.KmsKeyId);
  const declaration = {
    sourceSnapshotId: wire.SourceSnapshotId ?? '',
    sourceRegion: text(wire.SourceRegion) ?? ownRegion,
    sourceKmsKeyArn: text(wire.SourceKmsKeyArn),
    destinationRegion: text(wire.DestinationRegion) ?? ownRegion,
    destinationOutpostArn: text(wire.DestinationOutpostArn),
    destinationAvailabilityZone: text(wire.DestinationAvailabilityZone),
    description: text(wire.Description),
    encrypted: wire.Encrypted === 'true' || kmsKeyId !== undefined,
    kmsKeyId,
    completionDurationMinutes: minutes === undefined ? undefined : Number(minutes),
    tags: wire.Tags ?? {},
    timeoutMs: seconds * 1000,
    retain: text(wire.DeletionPolicy) as RetainingPolicy | undefined,
    dryRun: wire.DryRun === 'true',
  };
  return { ...declaration, inputs: hashOfInputs(declaration) };
}

/**
 * Frozen: another order, another list or another hash would make every upgrade of the library replace every copy.
 * The completion duration is not in it: how fast a copy was made changes nothing about the copy.
 */
function hashOfInputs(of: Omit<Declaration, 'inputs'>): string {
  const inputs = [
    of.sourceSnapshotId,
    of.sourceRegion,
    of.destinationRegion,
    of.destinationOutpostArn ?? '',
    of.destinationAvailabilityZone ?? '',
    of.description ?? '',
    of.encrypted,
    of.kmsKeyId ?? '',
  ];
  return `v1-${shortHash(inputs)}`;
}

function shortHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

export const isHandle = (physicalId: string): boolean => /^copy-[0-9a-f]{32}$/.test(physicalId);
export const isSnapshotId = (physicalId: string): boolean => /^snap-[0-9a-f]{8,17}$/.test(physicalId);

/**
 * The physical id to answer: of the present copy if the request keeps it, else a handle for the copy to be made.
 * It follows from the request alone, so that onEvent run twice for one request answers the same.
 */
export function decidePhysicalId(event: CloudFormationEvent, ownRegion: string): string {
  const present = event.PhysicalResourceId ?? '';
  if (isContinuation(event)) return present || `completion-${event.LogicalResourceId}`;
  const wanted = decodeProperties(event.ResourceProperties, ownRegion);
  if (event.RequestType === 'Delete') return present;
  if (event.RequestType === 'Update' && keepsCopy(event, ownRegion)) return present;
  return `copy-${shortHash([event.StackId, event.LogicalResourceId, event.RequestId, wanted.inputs])}`;
}

/** A dry run keeps what is there. After one, the copy may have been made from other inputs than the last declared. */
function keepsCopy(event: CloudFormationEvent, ownRegion: string): boolean {
  const wanted = decodeProperties(event.ResourceProperties, ownRegion);
  const before = decodeProperties(event.OldResourceProperties ?? {}, ownRegion);
  return wanted.dryRun || (!before.dryRun && wanted.inputs === before.inputs);
}

/** A continuation owns no copy, and its own id says nothing. */
export function isContinuation({ ResourceType }: CloudFormationEvent): boolean {
  return ResourceType === COMPLETION_RESOURCE_TYPE;
}

export function decodeRequest(event: PollEvent, ownRegion: string): Request {
  const [, partition = 'aws', , , account = ''] = event.StackId.split(':');
  const { OldResourceProperties: before } = event;
  const wanted = decodeProperties(event.ResourceProperties, ownRegion);
  return {
    type: event.RequestType,
    stackId: event.StackId,
    requesterId: event.LogicalResourceId,
    partition,
    account,
    ...subjectOf(event, ownRegion),
    ...waitingOf(wanted, Number(event.ResourceProperties.Stage ?? 1)),
    wanted,
    before: before && decodeProperties(before, ownRegion),
    startedAt: Date.parse(event.Begun.At),
    operation: event.Begun.Operation,
  };
}

function subjectOf(event: PollEvent, ownRegion: string): Pick<Request, 'logicalId' | 'handle' | 'inPlace'> {
  if (!isContinuation(event)) {
    const inPlace = event.RequestType === 'Update' && keepsCopy(event, ownRegion);
    return { logicalId: event.LogicalResourceId, handle: event.PhysicalResourceId, inPlace };
  }
  const { CopyLogicalId: logicalId = '', CopyId: handle = '' } = event.ResourceProperties;
  return { logicalId, handle, inPlace: isSnapshotId(handle) };
}

function waitingOf({ timeoutMs }: Declaration, stage: number): Pick<Request, 'stage' | 'isLastStage' | 'shareMs'> {
  const stageMs = STAGE_MINUTES * 60_000;
  const left = timeoutMs - (stage - 1) * stageMs;
  return { stage, isLastStage: left <= stageMs, shareMs: Math.min(Math.max(left, 60_000), stageMs) };
}
