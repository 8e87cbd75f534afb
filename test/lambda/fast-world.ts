// Runs the handler of fast snapshot restores against the simulated EC2, as World does for copies.
import {
  FAST_RESTORE_RESOURCE_TYPE,
  FAST_RESTORE_STAGE_RESOURCE_TYPE,
  type FastRestoreProperties,
} from '../../lib/contract';
import type { Answer } from '../../lambda/context';
import { reconcileFastRestore } from '../../lambda/fast-restore';
import { decodeFastRestore } from '../../lambda/fast-restore-request';
import type { CloudFormationEvent, PollEvent } from '../../lambda/request';
import type { FaultHook } from '../../local-aws/faults';
import { MINUTE, SECOND, World, type Outcome } from './in-process';

export const REGION = 'eu-west-1';

export type Declared = Partial<FastRestoreProperties>;

export class FastWorld extends World {
  readonly snapshot = this.ec2.addSnapshot({ region: REGION }).id;
  readonly other = this.ec2.addSnapshot({ region: REGION }).id;
  private declared: Declared = {};
  private before?: Declared;

  constructor(staleness = 0, faults?: FaultHook) {
    super();
    this.ec2.handover.settings.staleness = staleness;
    this.services.faults = faults;
  }

  private properties(declared: Declared): FastRestoreProperties {
    return { SnapshotId: this.snapshot, Region: REGION, TimeoutSeconds: '3000', ...declared };
  }

  private fastEvent(type: CloudFormationEvent['RequestType'], declared: Declared, before?: Declared) {
    return this.event(type, {
      ResourceType: declared.Stage === undefined ? FAST_RESTORE_RESOURCE_TYPE : FAST_RESTORE_STAGE_RESOURCE_TYPE,
      LogicalResourceId: `Fast${declared.Stage ?? ''}`,
      ResourceProperties: this.properties(declared),
      OldResourceProperties: before && this.properties(before),
    });
  }

  override poll(event: PollEvent): Promise<Answer> {
    return reconcileFastRestore({
      request: decodeFastRestore(event as PollEvent<unknown> as PollEvent<FastRestoreProperties>),
      aws: this.aws(),
      now: () => this.time,
      log: this.log,
      logGroup: 'handler-logs',
      pollIntervalMs: 30 * SECOND,
      beganAt: this.time,
      memory: this.memory,
    });
  }

  make(declared: Declared): Promise<Outcome> {
    this.declared = declared;
    return this.settled(this.run(this.fastEvent('Create', declared)), 'CREATE_COMPLETE');
  }

  /** Properties that are not named stay. Those that are undefined are removed. */
  change(change: Declared): Promise<Outcome> {
    this.before = this.declared;
    this.declared = { ...this.declared, ...change };
    this.enter('UPDATE_IN_PROGRESS');
    return this.settled(this.run(this.fastEvent('Update', this.declared, this.before)), 'UPDATE_IN_PROGRESS');
  }

  goBack(): Promise<Outcome> {
    const failed = this.declared;
    this.declared = this.before ?? {};
    this.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    return this.settled(this.run(this.fastEvent('Update', this.declared, failed)), 'UPDATE_ROLLBACK_COMPLETE');
  }

  /**
   * An Update long after the last request. CloudFormation begins its rollback after the fifth poll, which has made the
   * calls, or earlier. The last call of the canceled request arrives as late as it can.
   */
  async changeAndCancel(change: Declared, polledFor = 2 * MINUTE): Promise<Outcome> {
    this.time += 10 * MINUTE;
    this.before = this.declared;
    this.declared = { ...this.declared, ...change };
    this.enter('UPDATE_IN_PROGRESS');
    const event = await this.accept(this.fastEvent('Update', this.declared, this.before));
    await this.wait(event, polledFor);
    await this.poll(event);
    this.time += 10 * SECOND;
    this.repeatCallsAt(this.time + 119 * SECOND, this.before, this.declared);
    return this.goBack();
  }

  private repeatCallsAt(time: number, before: Declared, wanted: Declared): void {
    const { fastRestores } = this.ec2.handover;
    const { faults } = this.services;
    const zonesOf = ({ AvailabilityZoneIds, AvailabilityZones, SnapshotId = this.snapshot }: Declared) => ({
      SourceSnapshotIds: [SnapshotId],
      AvailabilityZones: AvailabilityZones as string[] | undefined,
      AvailabilityZoneIds: AvailabilityZoneIds as string[] | undefined,
    });
    let isDone = false;
    this.services.faults = (call) => {
      if (call.time >= time && !isDone) {
        isDone = true;
        fastRestores.disable(REGION, zonesOf(before));
        fastRestores.enable(REGION, zonesOf(wanted));
      }
      return faults?.(call);
    };
  }

  end(status: string): Promise<Outcome> {
    this.enter(status);
    return this.run(this.fastEvent('Delete', this.declared));
  }

  /** Starts a request, and returns its event as the framework has it. */
  accepted(type: CloudFormationEvent['RequestType'], declared: Declared, before?: Declared): Promise<PollEvent> {
    return this.accept(this.fastEvent(type, declared, before));
  }

  /** The next request comes a little later, so late reads do not show this one yet. */
  private async settled(running: Promise<Outcome>, status: string): Promise<Outcome> {
    const outcome = await running;
    if (!status.endsWith('_IN_PROGRESS')) this.enter(status);
    this.time += 10 * SECOND;
    return outcome;
  }

  /** The last letters of the zones that cost money for the snapshot. */
  zones(snapshotId = this.snapshot): string {
    const active = this.ec2.handover.fastRestores.active().filter((one) => one.snapshotId === snapshotId);
    return active.map(({ zone }) => zone.slice(-1)).sort().join(''); // prettier-ignore
  }

  left(): unknown[] {
    return this.logs.flatMap(({ decision, reason }) => (decision === 'left' ? [reason] : []));
  }
}

/** Zone names from their last letters. */
export const names = (letters: string): Declared => ({
  AvailabilityZones: Array.from(letters).map((letter) => `${REGION}${letter}`),
  AvailabilityZoneIds: undefined,
});

/** Zone IDs from the last letters of the zones. Zone a has the number 1. */
export const ids = (letters: string): Declared => ({
  AvailabilityZones: undefined,
  AvailabilityZoneIds: Array.from(letters).map((letter) => `euw1-az${'abcdefgh'.indexOf(letter) + 1}`),
});
