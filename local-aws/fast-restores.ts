// Fast snapshot restore: by snapshot and Availability Zone, at most five snapshots in a Region.
import type {
  DescribeFastSnapshotRestoresRequest,
  DescribeFastSnapshotRestoresResult,
  DescribeFastSnapshotRestoreSuccessItem,
  DisableFastSnapshotRestoresRequest,
  DisableFastSnapshotRestoresResult,
  EnableFastSnapshotRestoresRequest,
  EnableFastSnapshotRestoresResult,
  FastSnapshotRestoreStateCode,
} from '@aws-sdk/client-ec2';
import { combination } from './ec2-requests';
import { AwsError } from './faults';
import type { HandoverSettings, Host } from './handover';
import { goneAt, tierAt } from './snapshot';

const MAX_SNAPSHOTS = 5;
const MAX_IDS = 10;
const ENABLING_MS = 60_000;
const DISABLING_MS = 60_000;

interface FastRestore {
  readonly region: string;
  readonly snapshotId: string;
  readonly zone: string;
  readonly enabledAt: number;
  readonly failure?: string;
  disabledAt?: number;
}

interface Problem {
  readonly Code: string;
  readonly Message: string;
}

export class FastRestores {
  private readonly restores: FastRestore[] = [];

  constructor(
    private readonly host: Host,
    private readonly settings: HandoverSettings,
  ) {}

  /** What costs money now: snapshot and zone. */
  active(): { readonly snapshotId: string; readonly zone: string }[] {
    return this.restores.filter((one) => this.isActive(one)).map(({ snapshotId, zone }) => ({ snapshotId, zone }));
  }

  enable(region: string, input: EnableFastSnapshotRestoresRequest): EnableFastSnapshotRestoresResult {
    const failure = this.settings.enablingFailure;
    const results = requestedIn(region, input).map(({ snapshotId, zone }) => {
      const problem = this.problemOf(region, snapshotId, zone) ?? this.fullQuota(region, snapshotId);
      if (problem === undefined && this.find(region, snapshotId, zone) === undefined) {
        this.restores.push({ region, snapshotId, zone, enabledAt: this.host.clock.now(), failure });
      }
      return { snapshotId, zone, problem };
    });
    return answerOf(results);
  }

  disable(region: string, input: DisableFastSnapshotRestoresRequest): DisableFastSnapshotRestoresResult {
    const results = requestedIn(region, input).map(({ snapshotId, zone }) => {
      const problem = this.problemOf(region, snapshotId, zone);
      const present = this.find(region, snapshotId, zone);
      if (present) present.disabledAt = this.host.clock.now();
      const isDisabled = { Code: 'InvalidSnapshot.InvalidState', Message: `${snapshotId} is not enabled in ${zone}` };
      return { snapshotId, zone, problem: problem ?? (present ? undefined : isDisabled) };
    });
    return answerOf(results);
  }

  describe(region: string, input: DescribeFastSnapshotRestoresRequest): DescribeFastSnapshotRestoresResult {
    const ids = (input.Filters ?? []).filter(({ Name }) => Name === 'snapshot-id').flatMap(({ Values = [] }) => Values);
    const seenAt = this.host.clock.now() - this.settings.staleness;
    const asked = this.restores.filter(
      (one) => one.region === region && ids.includes(one.snapshotId) && one.enabledAt <= seenAt,
    );
    // The latest of each zone.
    const shown = asked.filter((one, index) => !asked.some((other, n) => n > index && isSameZone(one, other)));
    return {
      FastSnapshotRestores: shown.map((one): DescribeFastSnapshotRestoreSuccessItem => ({
        SnapshotId: one.snapshotId,
        AvailabilityZone: one.zone,
        AvailabilityZoneId: zoneIdOf(region, one.zone),
        State: this.shownState(one, seenAt),
        StateTransitionReason: reasonOf(one, this.shownState(one, seenAt)),
        OwnerId: this.host.accountId,
        EnablingTime: new Date(one.enabledAt),
      })),
    };
  }

  private stateAt(restore: FastRestore, time: number): FastSnapshotRestoreStateCode {
    const { disabledAt = Infinity, enabledAt, failure } = restore;
    if (time >= disabledAt) return time < disabledAt + DISABLING_MS ? 'disabling' : 'disabled';
    if (time < enabledAt + ENABLING_MS) return 'enabling';
    if (failure !== undefined) return 'disabled';
    return time < enabledAt + this.settings.optimizationDuration ? 'optimizing' : 'enabled';
  }

  /** The deletion of the snapshot, and its archival, end it. */
  private shownState(restore: FastRestore, time: number): FastSnapshotRestoreStateCode {
    const snapshot = this.host.all().find(({ id }) => id === restore.snapshotId);
    const isGone = snapshot === undefined || goneAt(snapshot) <= time || tierAt(snapshot, time) === 'archive';
    return isGone ? 'disabled' : this.stateAt(restore, time);
  }

  private isActive(restore: FastRestore): boolean {
    return !this.shownState(restore, this.host.clock.now()).startsWith('disabl');
  }

  private find(region: string, snapshotId: string, zone: string): FastRestore | undefined {
    const same = this.restores.filter(
      (one) => one.region === region && one.snapshotId === snapshotId && one.zone === zone,
    );
    return same.find((one) => this.isActive(one));
  }

  private problemOf(region: string, snapshotId: string, zone: string): Problem | undefined {
    if (!zone.startsWith(region))
      return { Code: 'InvalidAvailabilityZone', Message: `Invalid availability zone: ${zone}` };
    try {
      const snapshot = this.host.toBeUsed(region, snapshotId);
      if (tierAt(snapshot, this.host.clock.now()) === 'archive')
        return { Code: 'InvalidSnapshot.InvalidState', Message: `${snapshotId} is archived` };
    } catch (error) {
      if (error instanceof AwsError) return { Code: error.code, Message: error.message };
      throw error;
    }
    return undefined;
  }

  private fullQuota(region: string, snapshotId: string): Problem | undefined {
    const others = new Set(
      this.restores.filter((one) => one.region === region && this.isActive(one)).map((one) => one.snapshotId),
    );
    others.delete(snapshotId);
    return others.size < MAX_SNAPSHOTS
      ? undefined
      : {
          Code: 'FastSnapshotRestoreLimitExceeded',
          Message: `At most ${MAX_SNAPSHOTS} snapshots are allowed in ${region}.`,
        };
  }
}

function requestedIn(
  region: string,
  input: { SourceSnapshotIds?: string[]; AvailabilityZones?: string[]; AvailabilityZoneIds?: string[] },
): { snapshotId: string; zone: string }[] {
  const { SourceSnapshotIds: ids = [], AvailabilityZones: zones, AvailabilityZoneIds: zoneIds } = input;
  if ((zones === undefined) === (zoneIds === undefined)) throw combination('Give either zones or zone ids.');
  if (ids.length > MAX_IDS) throw new AwsError('InvalidRequest', `At most ${MAX_IDS} snapshots are allowed.`);
  const names = zones ?? (zoneIds ?? []).map((id) => `${region}${'abcdefgh'.charAt(Number(id.slice(-1)) - 1)}`);
  return ids.flatMap((snapshotId) => names.map((zone) => ({ snapshotId, zone })));
}

/** Amazon EC2 API Reference, "DescribeFastSnapshotRestoreSuccessItem". A failure shows when it has disabled the zone. */
function reasonOf({ disabledAt, failure }: FastRestore, state: FastSnapshotRestoreStateCode): string {
  if (failure !== undefined && disabledAt === undefined && state === 'disabled') return failure;
  const isAsked = state === 'enabling' || state === 'disabling';
  return isAsked ? 'Client.UserInitiated' : 'Client.UserInitiated - Lifecycle state transition';
}

const isSameZone = (one: FastRestore, other: FastRestore): boolean =>
  one.snapshotId === other.snapshotId && one.zone === other.zone;

/** `use1-az2` of `us-east-1b`, as if zone `a` had the number 1 for this account. */
function zoneIdOf(region: string, zone: string): string {
  const [area = '', ...rest] = region.split('-');
  const directions = rest
    .slice(0, -1)
    .join(' ')
    .replace(/(north|south)(east|west)/g, '$1 $2');
  const initials = directions.replace(/(\w)\w* ?/g, '$1');
  return `${area}${initials}${rest.at(-1) ?? ''}-az${'abcdefgh'.indexOf(zone.slice(-1)) + 1}`;
}

function answerOf(results: readonly { snapshotId: string; zone: string; problem?: Problem }[]) {
  const failed = results.filter(({ problem }) => problem !== undefined);
  return {
    Successful: results
      .filter(({ problem }) => problem === undefined)
      .map(({ snapshotId, zone }) => ({ SnapshotId: snapshotId, AvailabilityZone: zone })),
    Unsuccessful: [...new Set(failed.map(({ snapshotId }) => snapshotId))].map((id) => ({
      SnapshotId: id,
      FastSnapshotRestoreStateErrors: failed
        .filter(({ snapshotId }) => snapshotId === id)
        .map(({ zone, problem }) => ({ AvailabilityZone: zone, Error: problem })),
    })),
  };
}
