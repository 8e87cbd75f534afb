// What can be done with a finished snapshot: share it, lock it, move it to another tier, restore from it fast.
import type {
  DescribeFastSnapshotRestoresRequest,
  DescribeFastSnapshotRestoresResult,
  DescribeLockedSnapshotsRequest,
  DescribeLockedSnapshotsResult,
  DescribeSnapshotAttributeRequest,
  DescribeSnapshotAttributeResult,
  DescribeSnapshotTierStatusRequest,
  DescribeSnapshotTierStatusResult,
  DisableFastSnapshotRestoresRequest,
  DisableFastSnapshotRestoresResult,
  EnableFastSnapshotRestoresRequest,
  EnableFastSnapshotRestoresResult,
  LockedSnapshotsInfo,
  LockSnapshotRequest,
  ModifySnapshotAttributeRequest,
  ModifySnapshotTierRequest,
  RestoreSnapshotTierRequest,
  TieringOperationStatus,
  UnlockSnapshotRequest,
} from '@aws-sdk/client-ec2';
import { combination, invalidValue, required } from './ec2-requests';
import { AwsError, type Clock } from './faults';
import { FastRestores } from './fast-restores';
import { describeLock, isLockedAt, stateAt, tierAt, type Lock, type StoredSnapshot, type Tiering } from './snapshot';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAX_CHANGES = 500;

/** What a test decides about these operations; every field may be changed at any time. */
export interface HandoverSettings {
  /** By how many milliseconds reads lag behind. */
  staleness: number;
  archiveDuration: number;
  restoreDuration: number;
  /** Archiving fails, with this detail. */
  archivalFailure?: string;
  /** Milliseconds from `enabling` to `enabled`. */
  optimizationDuration: number;
  /** Enabling fast restore fails afterwards, with this reason. */
  enablingFailure?: string;
}

/** What these operations need of EC2. */
export interface Host {
  readonly clock: Clock;
  readonly accountId: string;
  /** A snapshot of the account. Throws if it is not there, or not yet. */
  toBeWritten(region: string, id: string): StoredSnapshot;
  /** A snapshot that the account may use. */
  toBeUsed(region: string, id: string): StoredSnapshot;
  all(): readonly StoredSnapshot[];
  hasManagedKey(snapshot: StoredSnapshot): boolean;
}

export class Handover {
  readonly settings: HandoverSettings = {
    staleness: 0,
    archiveDuration: 49 * MINUTE,
    restoreDuration: 24 * HOUR,
    optimizationDuration: HOUR,
  };
  readonly fastRestores: FastRestores;

  constructor(private readonly host: Host) {
    this.fastRestores = new FastRestores(host, this.settings);
  }

  describeSnapshotAttribute(region: string, input: DescribeSnapshotAttributeRequest): DescribeSnapshotAttributeResult {
    const snapshot = this.host.toBeWritten(region, required(input.SnapshotId, 'SnapshotId'));
    const accounts = this.seen(snapshot.sharing)?.accounts ?? snapshot.sharedWith;
    const shown = [...accounts].filter((account) => account !== this.host.accountId);
    return {
      SnapshotId: snapshot.id,
      CreateVolumePermissions: shown.map((one) => (one === 'all' ? { Group: 'all' } : { UserId: one })),
    };
  }

  modifySnapshotAttribute(region: string, input: ModifySnapshotAttributeRequest): void {
    const { OperationType: operation, UserIds: accounts = [], GroupNames: groups = [] } = input;
    const snapshot = this.host.toBeWritten(region, required(input.SnapshotId, 'SnapshotId'));
    if (operation !== 'add' && operation !== 'remove') throw combination('An operation is required: add or remove.');
    if (accounts.length + groups.length > MAX_CHANGES)
      throw invalidValue(`At most ${MAX_CHANGES} changes are allowed.`);
    const malformed = accounts.find((account) => !/^\d{12}$/.test(account));
    if (malformed !== undefined) throw new AwsError('InvalidUserID.Malformed', `Invalid user id: "${malformed}"`);
    if (operation === 'add') this.checkShareable(snapshot);
    const sharedWith = new Set(snapshot.sharedWith);
    for (const one of [...accounts, ...groups]) sharedWith[operation === 'add' ? 'add' : 'delete'](one);
    snapshot.sharing = [...(snapshot.sharing ?? [{ since: -Infinity, accounts: new Set(snapshot.sharedWith) }])];
    snapshot.sharing.push({ since: this.host.clock.now(), accounts: sharedWith });
    snapshot.sharedWith.clear();
    for (const one of sharedWith) snapshot.sharedWith.add(one);
  }

  describeLockedSnapshots(region: string, input: DescribeLockedSnapshotsRequest): DescribeLockedSnapshotsResult {
    const { SnapshotIds: ids = [] } = input;
    const now = this.host.clock.now();
    const asked = this.host.all().filter((one) => one.region === region && ids.includes(one.id));
    return {
      Snapshots: asked.flatMap((one): LockedSnapshotsInfo[] => {
        const lock = this.seenLock(one);
        return lock === undefined ? [] : [{ SnapshotId: one.id, OwnerId: one.ownerId, ...describeLock(lock, now) }];
      }),
    };
  }

  lockSnapshot(region: string, input: LockSnapshotRequest): void {
    const snapshot = this.host.toBeWritten(region, required(input.SnapshotId, 'SnapshotId'));
    const { LockMode: mode, LockDuration: days = 0, CoolOffPeriod: coolOffHours } = input;
    if (mode !== 'governance' && mode !== 'compliance')
      throw invalidValue('LockMode must be governance or compliance.');
    if (days < 1 || days > 36_500) throw invalidValue('LockDuration must be 1 to 36500 days.');
    if (coolOffHours !== undefined && (mode === 'governance' || coolOffHours < 1 || coolOffHours > 72)) {
      throw invalidValue('CoolOffPeriod must be 1 to 72 hours, for compliance mode.');
    }
    if (snapshot.outpostArn !== undefined)
      throw new AwsError('UnsupportedOperation', 'Local snapshots cannot be locked.');
    const now = this.host.clock.now();
    this.checkLockChange(snapshot, { mode, days, coolOffHours, createdAt: now });
    this.setLock(snapshot, { mode, days, coolOffHours, createdAt: now });
  }

  unlockSnapshot(region: string, input: UnlockSnapshotRequest): void {
    const snapshot = this.host.toBeWritten(region, required(input.SnapshotId, 'SnapshotId'));
    const state = this.lockState(snapshot);
    if (state === 'compliance')
      throw new AwsError('OperationNotPermitted', `The snapshot ${snapshot.id} is locked in compliance mode.`);
    if (state === undefined || state === 'expired')
      throw new AwsError('IncorrectState', `The snapshot ${snapshot.id} is not locked.`);
    this.setLock(snapshot, undefined);
  }

  describeSnapshotTierStatus(
    region: string,
    input: DescribeSnapshotTierStatusRequest,
  ): DescribeSnapshotTierStatusResult {
    const ids = (input.Filters ?? []).filter(({ Name }) => Name === 'snapshot-id').flatMap(({ Values = [] }) => Values);
    const now = this.host.clock.now() - this.settings.staleness;
    const asked = this.host.all().filter((one) => one.region === region && ids.includes(one.id));
    return {
      SnapshotTierStatuses: asked.map((one) => {
        const tiering = one.tiering && one.tiering.startedAt <= now ? one.tiering : undefined;
        return {
          SnapshotId: one.id,
          StorageTier: tierAt(one, now),
          LastTieringStartTime: tiering && new Date(tiering.startedAt),
          LastTieringOperationStatus: tiering && statusOf(tiering, now),
          LastTieringOperationStatusDetail: tiering?.failure,
        };
      }),
    };
  }

  modifySnapshotTier(region: string, input: ModifySnapshotTierRequest): void {
    const snapshot = this.host.toBeWritten(region, required(input.SnapshotId, 'SnapshotId'));
    const now = this.host.clock.now();
    if (stateAt(snapshot, now) !== 'completed')
      throw new AwsError('IncorrectState', `${snapshot.id} is not completed.`);
    this.checkNotTiering(snapshot);
    if (tierAt(snapshot, now) === 'archive') throw new AwsError('IncorrectState', `${snapshot.id} is archived.`);
    const endsAt = now + this.settings.archiveDuration;
    snapshot.tiering = { kind: 'archival', startedAt: now, endsAt, failure: this.settings.archivalFailure };
  }

  restoreSnapshotTier(region: string, input: RestoreSnapshotTierRequest): void {
    const snapshot = this.host.toBeWritten(region, required(input.SnapshotId, 'SnapshotId'));
    const now = this.host.clock.now();
    this.checkNotTiering(snapshot);
    if (tierAt(snapshot, now) !== 'archive') throw new AwsError('IncorrectState', `${snapshot.id} is not archived.`);
    snapshot.tiering = { kind: 'permanent-restore', startedAt: now, endsAt: now + this.settings.restoreDuration };
  }

  enableFastSnapshotRestores(
    region: string,
    input: EnableFastSnapshotRestoresRequest,
  ): EnableFastSnapshotRestoresResult {
    return this.fastRestores.enable(region, input);
  }

  disableFastSnapshotRestores(
    region: string,
    input: DisableFastSnapshotRestoresRequest,
  ): DisableFastSnapshotRestoresResult {
    return this.fastRestores.disable(region, input);
  }

  describeFastSnapshotRestores(
    region: string,
    input: DescribeFastSnapshotRestoresRequest,
  ): DescribeFastSnapshotRestoresResult {
    return this.fastRestores.describe(region, input);
  }

  private checkShareable(snapshot: StoredSnapshot): void {
    if (this.host.hasManagedKey(snapshot)) {
      throw new AwsError('OperationNotPermitted', 'Encrypted snapshots with EBS default key cannot be shared');
    }
    if (tierAt(snapshot, this.host.clock.now()) === 'archive') {
      throw new AwsError('OperationNotPermitted', 'Archived snapshots cannot be shared');
    }
  }

  /** After the cool-off period, a lock in compliance mode can only be extended. */
  private checkLockChange(snapshot: StoredSnapshot, wanted: Lock): void {
    const present = snapshot.lock;
    if (this.lockState(snapshot) !== 'compliance') return;
    const days = typeof present === 'object' ? present.days : Infinity;
    if (wanted.mode === 'compliance' && wanted.days >= days && wanted.coolOffHours === undefined) return;
    throw invalidValue(`The snapshot ${snapshot.id} is locked in compliance mode. Its lock can only be extended.`);
  }

  private checkNotTiering({ id, tiering }: StoredSnapshot): void {
    if (tiering && tiering.endsAt > this.host.clock.now()) {
      throw new AwsError('IncorrectState', `The tier of ${id} is being changed.`);
    }
  }

  private setLock(snapshot: StoredSnapshot, lock: Lock | undefined): void {
    snapshot.lockBefore = { lock: snapshot.lock, until: this.host.clock.now() };
    snapshot.lock = lock;
  }

  private lockState(snapshot: StoredSnapshot): string | undefined {
    return snapshot.lock === undefined ? undefined : describeLock(snapshot.lock, this.host.clock.now()).LockState;
  }

  private seenLock({ lock, lockBefore }: StoredSnapshot): StoredSnapshot['lock'] {
    const isOld = lockBefore !== undefined && this.host.clock.now() - this.settings.staleness < lockBefore.until;
    return isOld ? lockBefore.lock : lock;
  }

  private seen<Entry extends { readonly since: number }>(history: readonly Entry[] = []): Entry | undefined {
    return history.findLast(({ since }) => since <= this.host.clock.now() - this.settings.staleness);
  }
}

function statusOf({ kind, endsAt, failure }: Tiering, now: number): TieringOperationStatus {
  if (now < endsAt) return `${kind}-in-progress`;
  return failure === undefined ? `${kind}-completed` : `${kind}-failed`;
}

/** Throws if the lock of a snapshot forbids its deletion. */
export function checkUnlocked(snapshot: StoredSnapshot, now: number): void {
  if (isLockedAt(snapshot, now)) {
    throw new AwsError('SnapshotLocked', `The snapshot ${snapshot.id} is locked and cannot be deleted.`);
  }
}
