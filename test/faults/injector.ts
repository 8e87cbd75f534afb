// Brings the planned faults upon a machine, and keeps account of those that came.
import { TAG } from '../../lib/contract';
import { decidePhysicalId, type CloudFormationEvent } from '../../lambda/request';
import type { CustomResourceEvent } from '../../local-aws/custom-resource';
import type { CopyCourse, Ec2Settings, StoredSnapshot } from '../../local-aws/ec2';
import { AwsError, type Call, type Fault } from '../../local-aws/faults';
import { faultNamed, type FaultKind, type Row, type Scene } from './kinds';
import { HOME, STACK, type CallFault, type Duplicate, type Hooks, type Invocation, type Machine } from './machine';
import { DRY_RUN, regionOf, type Declared, type Scenery } from './model';

/** A fault as a history has it. */
export interface Planned {
  readonly fault: string;
  readonly row: Row;
  readonly copy: string;
  /** It comes at the how-manieth occasion, from 1; */
  readonly nth: number;
  /** and lasts, or comes after, so many seconds. */
  readonly seconds: number;
}

export interface Fired {
  readonly fault: FaultKind;
  readonly row: Row;
  readonly copy: string;
  readonly step: number;
}

interface Armed extends Planned {
  readonly kind: FaultKind;
  readonly requests: Set<string>;
  occasions: number;
  since?: number;
}

/** The part of an account that faults and their witness see. */
export type Surroundings = Pick<Machine, 'clock' | 'ec2' | 'cloudFormation' | 'services'>;

/** What a step changes, by copy. */
export type RowsOfStep = Readonly<Record<string, Row>>;

const MINUTE = 60_000;
/** Younger than this, a request that is denied something goes on. Some seconds less than the handler has it. */
const GRACE_MS = 285_000;
const STALE_MS = MINUTE;
const MAX_DRY_RUN_SECONDS = 100;

export class Injector {
  readonly fired: Fired[] = [];
  /** Snapshots that somebody from outside deleted or robbed of their tags, at some time. */
  readonly disowned = new Set<string>();
  /** Snapshots whose other tags somebody changed. */
  readonly retagged = new Set<string>();
  /** Snapshots that somebody locked for a while. */
  readonly held = new Set<string>();
  /** The last step in which an event of a resource came out of its time, by stack id and logical id. */
  readonly untimely = new Map<string, number>();
  /** What onEvent answers to such events. */
  readonly untimelyIds = new Set<string>();
  step = 0;
  private armed: Armed[] = [];
  private rows: RowsOfStep = {};
  private declared: Readonly<Record<string, Declared>> = {};
  private readonly requests = new Map<string, { row: Row; step: number; status: string; at: number }>();
  private readonly restore: (() => void)[] = [];
  /** The Region that one copy's resource cannot use. */
  private readonly closed = new Map<string, { readonly region: string; readonly fault: Fault }>();
  /** Snapshots that somebody made look like a copy. */
  readonly impostors: StoredSnapshot[] = [];
  private machine!: Surroundings;
  private scenery!: Scenery;

  readonly hooks: Hooks = {
    delivery: (event) => this.atDelivery(event),
    invocation: (handler, event) => {
      this.enterScenes(event);
      const armed = this.next(event, ({ means }) => means.at === 'invocation' && means.handler === handler);
      return armed?.kind.means.at === 'invocation' ? armed.kind.means.fault : undefined;
    },
    call: (call, invocation) => this.atCall(call, invocation),
    startExecution: (event) => this.next(event, ({ means }) => means.at === 'waiter') !== undefined,
  };

  attach(machine: Surroundings, scenery: Scenery): void {
    this.machine = machine;
    this.scenery = scenery;
    machine.ec2.settings.course = ({ input }) => this.courseOf(input.TagSpecifications?.[0]?.Tags ?? []);
  }

  begin(
    step: number,
    rows: RowsOfStep,
    declared: Readonly<Record<string, Declared>>,
    faults: readonly Planned[],
  ): void {
    this.step = step;
    this.rows = rows;
    this.declared = declared;
    this.armed = faults.map((planned) => ({
      ...planned,
      kind: faultNamed(planned.fault),
      requests: new Set(),
      occasions: 0,
    }));
  }

  /** The operation has ended: whoever did something from outside undoes it. */
  end(): void {
    // Whoever was abandoned goes on for a while.
    this.armed = this.armed.filter(({ row }) => row === 'abandoned');
    for (const undo of this.restore.splice(0).reverse()) undo();
  }

  /** What a copy's latest request is about. */
  rowOf(copy: string): Row | undefined {
    return [...this.requests].findLast(([key]) => key.startsWith(`${copy} `))?.[1].row;
  }

  private atDelivery(event: CustomResourceEvent): Duplicate | undefined {
    const { LogicalResourceId: copy, RequestId } = event;
    const status = this.status();
    const isDryRun = copy === DRY_RUN && event.RequestType !== 'Delete' && !status.includes('ROLLBACK');
    const row = isDryRun ? 'dry run' : (ROW_OF_STATUS[status] ?? this.rows[copy] ?? 'create');
    const known = { row, step: this.step, status, at: this.machine.clock.now() };
    for (const id of [RequestId, `${RequestId}-again`]) this.requests.set(`${copy} ${id}`, known);
    const armed = this.next(event, ({ means }) => means.at === 'delivery');
    if (armed?.kind.means.at !== 'delivery') return undefined;
    return { afterSeconds: armed.seconds, newRequestId: armed.kind.means.newRequestId };
  }

  private atCall(call: Call, { event, function: handler }: Invocation): CallFault | undefined {
    const fault = this.faultAt(call, event);
    if (handler === 'onEvent') this.noteUntimely(event, fault !== undefined);
    return fault;
  }

  /** In onEvent, CloudFormation is asked which operation it is in. */
  private noteUntimely(event: CloudFormationEvent, isUnanswered: boolean): void {
    const { StackId, LogicalResourceId, RequestId } = event;
    const request = this.requests.get(`${LogicalResourceId} ${RequestId}`);
    const hasGoneOn = request?.step !== this.step || request.status !== this.status();
    if (!hasGoneOn && !isUnanswered) return;
    this.untimely.set(`${StackId} ${LogicalResourceId}`, this.step);
    this.untimelyIds.add(decidePhysicalId(event, HOME));
  }

  private faultAt(call: Call, event: CloudFormationEvent): CallFault | undefined {
    const closed = this.closed.get(event.LogicalResourceId);
    if (closed?.region === call.region && call.service !== 'cloudformation') return closed.fault;
    const matches = ({ means }: FaultKind): boolean => means.at === 'call' && means.action === call.action;
    const armed = this.next(event, matches);
    return armed?.kind.means.at === 'call' ? armed.kind.means.fault : undefined;
  }

  /** The fault, if any, that is due at such an occasion. */
  private next(event: CloudFormationEvent, isSuch: (kind: FaultKind) => boolean): Armed | undefined {
    const row = this.rowAt(event);
    for (const armed of this.armed) {
      if (
        armed.row === row &&
        armed.copy === event.LogicalResourceId &&
        isSuch(armed.kind) &&
        this.isDue(armed, event)
      ) {
        this.note(armed);
        return armed;
      }
    }
    return undefined;
  }

  private isDue(armed: Armed, event: CloudFormationEvent): boolean {
    const now = this.machine.clock.now();
    armed.occasions += 1;
    const { consequence, means } = armed.kind;
    if (armed.kind.name.endsWith('denied for a while'))
      return this.ageOf(event) < Math.min(armed.seconds * 1000, GRACE_MS);
    if (armed.occasions < armed.nth && !armed.kind.name.endsWith(' denied')) return false;
    armed.since ??= now;
    if (consequence === 'definite') return true;
    const isOnce = consequence !== 'transient' || means.at !== 'call' || armed.seconds === 0 || means.fault === 'late';
    // A dry run has ten minutes, and may meet several faults.
    const seconds = armed.copy === DRY_RUN ? Math.min(armed.seconds, MAX_DRY_RUN_SECONDS) : armed.seconds;
    return isOnce ? armed.occasions === armed.nth : now <= armed.since + seconds * 1000;
  }

  private note({ kind, row, copy }: Armed): void {
    const { step } = this;
    if (!this.fired.some((one) => one.fault === kind && one.row === row && one.copy === copy && one.step === step)) {
      this.fired.push({ fault: kind, row, copy, step });
    }
  }

  private rowAt(event: CloudFormationEvent): Row | undefined {
    const request = this.requests.get(`${event.LogicalResourceId} ${event.RequestId}`);
    if (request?.step !== this.step) return undefined;
    return request.status === this.status() ? request.row : 'abandoned';
  }

  private ageOf(event: CloudFormationEvent): number {
    const request = this.requests.get(`${event.LogicalResourceId} ${event.RequestId}`);
    return this.machine.clock.now() - (request?.at ?? 0);
  }

  private status(): string {
    return this.machine.cloudFormation.describeStack(STACK)?.StackStatus ?? '';
  }

  // ---- What happens around the copies -------------------------------------------------------------------------------

  /** A scene is set when the first invocation of its row comes, or some seconds later. */
  private enterScenes(event: CloudFormationEvent): void {
    const row = this.rowAt(event);
    for (const armed of this.armed) {
      const { means } = armed.kind;
      const isEntered = armed.row === row && armed.copy === event.LogicalResourceId && armed.since === undefined;
      if (means.at !== 'scene' || !isEntered) continue;
      armed.since = this.machine.clock.now();
      if (!LATER.has(means.scene)) this.set(means.scene, armed, event);
      else {
        this.machine.clock.at(armed.since + armed.seconds * 1000, () => {
          if (this.armed.includes(armed) && this.rowAt(event) === armed.row) this.set(means.scene, armed, event);
        });
      }
    }
  }

  private set(scene: Scene, armed: Armed, event: CloudFormationEvent): void {
    const done = this.act(scene, armed, event);
    if (done) this.note(armed);
  }

  /** Whether there was something to act on. */
  private act(scene: Scene, { copy, seconds }: Armed, event: CloudFormationEvent): boolean {
    const { settings } = this.machine.ec2;
    switch (scene) {
      case 'deleted by somebody':
        return this.toCopies(copy, event, (snapshot) => {
          const requestedAt = this.machine.clock.now();
          snapshot.deletion ??= { requestedAt, whenEnded: false, recycled: 'no' };
          this.disowned.add(snapshot.id);
        });
      case 'untagged by somebody':
        return this.toCopies(copy, event, (snapshot) => {
          const { tags } = snapshot.tagHistory.at(-1) ?? { tags: new Map<string, string>() };
          this.retag(snapshot, (now) => [...now].filter(([key]) => key !== TAG.stack));
          this.disowned.add(snapshot.id);
          this.restore.push(() => {
            this.retag(snapshot, () => [...tags]);
          });
        });
      case 'retagged by somebody':
        return this.toCopies(copy, event, (snapshot) => {
          this.retag(snapshot, (now) => [...[...now].filter(([key]) => key !== 'stage'), ['Name', 'mine'], ['x', 'y']]);
          this.retagged.add(snapshot.id);
        });
      case 'in use by an AMI':
        return this.hold(copy, event, 'imageId', 'ami-0123456789abcdef0');
      case 'locked':
        return this.hold(copy, event, 'lock', 'governance');
      case 'managed by AWS Backup':
        return this.hold(copy, event, 'backupManaged', true);
      case 'kept by the Recycle Bin':
        return this.settle({ recycleBin: 'visible' });
      case 'hidden in the Recycle Bin':
        return this.settle({ recycleBin: 'hidden' });
      case 'pending deletion waits':
        return this.settle({ pendingDeletion: 'when ended' });
      case 'stale ids':
        return this.settle({ staleness: { ...settings.staleness, ids: STALE_MS } });
      case 'stale tags':
        return this.settle({ staleness: { ...settings.staleness, tags: STALE_MS } });
      case 'stale deletions':
        return this.settle({ staleness: { ...settings.staleness, deletions: STALE_MS } });
      case 'stale writes':
        return this.settle({ staleness: { ...settings.staleness, writes: STALE_MS } });
      case 'locked in compliance mode':
        return this.hold(copy, event, 'lock', 'compliance');
      case 'stale CloudFormation':
        this.machine.cloudFormation.staleness = CLOUDFORMATION_STALE_MS;
        this.restore.push(() => {
          this.machine.cloudFormation.staleness = 0;
        });
        return true;
      case 'slow searches':
        // All pages of a search together take no longer than a poll may read.
        return this.slowDown(settings.crowd > 0 ? PAGE_MS : SLOW_MS);
      case 'crowded account':
        return this.slowDown(PAGE_MS) && this.settle({ crowd: 3_500 });
      case 'Region not enabled':
      case 'Region closed by a policy':
      case 'Region unreachable':
        return this.close(copy, CLOSINGS[scene]);
      case 'tags forged':
        return this.imitate(copy, event, ({ id }) => ({ volumeSize: 16, tags: { [TAG.id]: id } }));
      case 'cloned with all tags':
        return this.imitate(copy, event, () => ({}));
      case 'key disabled':
        return this.withKey(copy, 'state', 'Disabled');
      case 'key pending deletion':
        return this.withKey(copy, 'state', 'PendingDeletion');
      case 'key denied':
        return this.withKey(copy, 'access', 'none');
      case 'key without grant':
        return this.withKey(copy, 'access', 'describe');
      case 'key denied for a while':
        this.machine.clock.at(this.machine.clock.now() + Math.min(seconds * 1000, GRACE_MS), () => {
          const key = this.declared[copy] && this.scenery.keyOf(copy, this.declared[copy]);
          if (key) key.access = 'full';
        });
        return this.withKey(copy, 'access', 'none');
      case 'source unshared':
        return this.unshare(copy);
      case 'source deleted':
        return this.deleteSource(copy);
      default:
        // The courses, which are taken when a copy starts.
        return false;
    }
  }

  private slowDown(ms: number): boolean {
    const { services } = this.machine;
    services.delays = ({ action, input }) =>
      action === 'DescribeSnapshots' && 'Filters' in (input as object) ? ms : 0;
    this.restore.push(() => {
      services.delays = undefined;
    });
    return true;
  }

  private close(copy: string, fault: Fault): boolean {
    const declared = this.declared[copy];
    if (!declared) return false;
    this.closed.set(copy, { region: regionOf(declared.region), fault });
    this.restore.push(() => this.closed.delete(copy));
    return true;
  }

  /** A finished snapshot that looks like each finished copy. It is gone when the operation has ended. */
  private imitate(
    copy: string,
    event: CloudFormationEvent,
    change: (twin: { id: string }) => { volumeSize?: number; tags?: Record<string, string> },
  ): boolean {
    const { ec2 } = this.machine;
    let isDone = false;
    this.toCopies(copy, event, (snapshot) => {
      const tags = ec2.tagsOf(snapshot.id);
      if (ec2.stateOf(snapshot.id) !== 'completed' || tags[TAG.id] === undefined) return;
      const id = `snap-${String(this.impostors.length).padStart(17, 'f')}`;
      const { tags: changed, ...more } = change({ id });
      const { region, volumeSize, encrypted, kmsKeyId } = snapshot;
      const startTime = this.machine.clock.now();
      const given = { id, region, volumeSize, encrypted, kmsKeyId, startTime, ...more };
      const twin = ec2.addSnapshot({ ...given, tags: { ...tags, ...changed } });
      this.impostors.push(twin);
      isDone = true;
    });
    return isDone;
  }

  private toCopies(copy: string, { StackId }: CloudFormationEvent, act: (snapshot: StoredSnapshot) => void): boolean {
    const { ec2 } = this.machine;
    const found = ec2.remainingCopies().filter(({ id }) => {
      const tags = ec2.tagsOf(id);
      return tags[TAG.stack] === StackId && tags[TAG.resource] === copy;
    });
    found.forEach(act);
    return found.length > 0;
  }

  private retag(snapshot: StoredSnapshot, change: (tags: ReadonlyMap<string, string>) => [string, string][]): void {
    const { tags } = snapshot.tagHistory.at(-1) ?? { tags: new Map<string, string>() };
    snapshot.tagHistory.push({ since: this.machine.clock.now(), tags: new Map(change(tags)) });
  }

  private hold<K extends 'imageId' | 'lock' | 'backupManaged'>(
    copy: string,
    event: CloudFormationEvent,
    by: K,
    value: StoredSnapshot[K],
  ): boolean {
    return this.toCopies(copy, event, (snapshot) => {
      const before = snapshot[by];
      snapshot[by] = value;
      this.held.add(snapshot.id);
      this.restore.push(() => {
        snapshot[by] = before;
      });
    });
  }

  private settle(change: Partial<Ec2Settings>): boolean {
    const { settings } = this.machine.ec2;
    const before = { ...settings };
    Object.assign(settings, change);
    this.restore.push(() => Object.assign(settings, before));
    return true;
  }

  private withKey(copy: string, field: 'state' | 'access', value: string): boolean {
    const declared = this.declared[copy];
    const key = declared && this.scenery.keyOf(copy, declared);
    if (!key) return false;
    const { state, access } = key;
    Object.assign(key, { [field]: value });
    this.restore.push(() => Object.assign(key, { state, access }));
    return true;
  }

  private unshare(copy: string): boolean {
    const declared = this.declared[copy];
    const shared = declared && this.scenery.sourceOf(copy, declared).sharedWith;
    if (!shared || shared.size === 0) return false;
    const accounts = [...shared];
    shared.clear();
    this.restore.push(() => {
      for (const account of accounts) shared.add(account);
    });
    return true;
  }

  private deleteSource(copy: string): boolean {
    const declared = this.declared[copy];
    if (!declared) return false;
    const source = this.scenery.sourceOf(copy, declared);
    source.deletion = { requestedAt: this.machine.clock.now(), whenEnded: false, recycled: 'no' };
    this.restore.push(() => {
      source.deletion = undefined;
    });
    return true;
  }

  private courseOf(tags: readonly { Key?: string; Value?: string }[]): Partial<CopyCourse> | undefined {
    const copy = tags.find(({ Key }) => Key === TAG.resource)?.Value;
    const armed = this.armed.find(
      ({ kind: { means }, row, ...one }) =>
        means.at === 'scene' && COURSES[means.scene] && one.copy === copy && row === this.rowOf(one.copy),
    );
    const { means } = armed?.kind ?? {};
    if (!armed || means?.at !== 'scene') return undefined;
    const isOnce = means.scene === 'late key error';
    if (isOnce && armed.occasions++ > 0) return undefined;
    this.note(armed);
    if (means.scene === 'unknown state for a while') this.mendLater();
    return COURSES[means.scene];
  }

  /** States that nobody knows come to an end. */
  private mendLater(): void {
    this.machine.clock.at(this.machine.clock.now() + 6 * MINUTE, () => {
      for (const snapshot of this.machine.ec2.remainingCopies()) {
        if (snapshot.course.outcome === 'thinking') snapshot.course = { ...snapshot.course, outcome: 'completed' };
      }
    });
  }
}

const ROW_OF_STATUS: Readonly<Record<string, Row>> = {
  CREATE_IN_PROGRESS: 'create',
  ROLLBACK_IN_PROGRESS: 'rollback of create',
  UPDATE_ROLLBACK_IN_PROGRESS: 'rollback of update',
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: 'clean-up',
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: 'clean-up',
  DELETE_IN_PROGRESS: 'delete',
};

/** A moment less than the handler allows for. */
const CLOUDFORMATION_STALE_MS = 25_000;
const SLOW_MS = 70_000;
const PAGE_MS = 12_000;

const CLOSINGS = {
  'Region not enabled': new AwsError(
    'AuthFailure',
    'AWS was not able to validate the provided access credentials',
    401,
  ),
  'Region closed by a policy': new AwsError(
    'UnauthorizedOperation',
    'You are not authorized to perform this operation, with an explicit deny in a service control policy',
    403,
  ),
  'Region unreachable': 'refused-connection',
} as const;

/** Scenes that come some time after the row was entered; the others are there with it. */
const LATER: ReadonlySet<Scene> = new Set([
  'Region not enabled',
  'Region closed by a policy',
  'Region unreachable',
  'tags forged',
  'cloned with all tags',
  'deleted by somebody',
  'untagged by somebody',
  'retagged by somebody',
  'key disabled',
  'key pending deletion',
  'source unshared',
  'source deleted',
]);

const COURSES: Partial<Record<Scene, Partial<CopyCourse>>> = {
  'late error': { duration: 2 * MINUTE, outcome: 'error', message: 'The copy could not be made' },
  'late key error': { duration: 5_000, outcome: 'error', message: 'Given key ID is not accessible' },
  'stalls for a while': { duration: 9 * MINUTE, stallAt: 43 },
  'stalls for ever': { duration: 9 * MINUTE, outcome: 'pending', stallAt: 43 },
  'unknown state for a while': { duration: MINUTE, outcome: 'thinking' },
  'unknown state for ever': { duration: MINUTE, outcome: 'dreaming' },
};
