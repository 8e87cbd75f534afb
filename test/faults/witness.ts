// Watches a history, and says what must never be: the six invariants.
import { COPY_RESOURCE_TYPE, DRY_RUN_RESOURCE_TYPE, TAG, type CopyProperties } from '../../lib/contract';
import type { CloudFormationEvent } from '../../lambda/request';
import type { Call } from '../../local-aws/faults';
import type { StoredSnapshot } from '../../local-aws/ec2';
import { describeLock, tagsAt } from '../../local-aws/snapshot';
import type { StackEvent } from '../../local-aws/stack';
import { GAPS } from './gaps';
import type { Fired, Injector, Surroundings } from './injector';
import type { Row } from './kinds';
import { STACK, type Invocation } from './machine';
import { DRY_RUN, ORIGIN, REGIONS } from './model';

export interface Violation {
  readonly invariant: 1 | 2 | 3 | 4 | 5 | 6;
  readonly message: string;
}

interface Complete {
  readonly physicalId: string;
  readonly event: CloudFormationEvent;
  readonly isRollback: boolean;
}

/** No read is staler. */
const STALE_MS = 120_000;
const MAX_BYTES = 1_000;
const BLOB = /[\w-]{100,}/;
/** What the framework says for its own failures and those of its functions. */
const FRAMEWORK = /signal: killed|TooManyRequestsException|ThrottlingException/;

export class Witness {
  readonly violations: Violation[] = [];
  /** What happened, a line each. */
  readonly story: string[] = [];
  private readonly asked = new Map<string, CloudFormationEvent>();
  private readonly complete = new Map<string, Complete>();
  /** Physical ids that CloudFormation left behind on purpose, by logical id. */
  private readonly retained: { readonly copy: string; readonly physicalId: string; readonly stackId: string }[] = [];
  /** Of what a Delete failed in a clean-up: a physical id, or the resource of an invented one. */
  private readonly undeleted = new Set<string>();
  /** Resources that were rolled back, well or not, by stack id and logical id. */
  private readonly rolledBack = new Set<string>();
  /** Those whose rollback failed, with the Region that they are to be deleted in. */
  private readonly halfway = new Map<string, string | undefined>();
  /** Those that their latest request left as they were, by stack id and logical id. */
  private readonly left = new Set<string>();
  /** Those with a copy that a rollback could not find or reach, until the resource is deleted. */
  private readonly strayed = new Set<string>();
  /** Those whose latest rollback could not write the tags, by stack id and logical id. */
  private readonly untagged = new Set<string>();
  private readonly decoys: StoredSnapshot[] = [];
  private stackId = '';
  private status = '';

  constructor(
    private readonly machine: Surroundings,
    private readonly injector: Injector,
    private readonly sources: ReadonlyMap<string, StoredSnapshot>,
  ) {}

  asks(event: CloudFormationEvent): void {
    this.left.delete(`${event.StackId} ${event.LogicalResourceId}`);
    this.untagged.delete(`${event.StackId} ${event.LogicalResourceId}`);
    if (event.RequestType !== 'Delete') this.asked.set(event.LogicalResourceId, event);
  }

  /** The handler leaves a copy that it cannot delete, or all of a resource that it cannot roll back or find. */
  leaves(event: CloudFormationEvent, { snapshotId, reason }: { snapshotId?: unknown; reason?: unknown }): void {
    const { LogicalResourceId: copy, RequestId, RequestType, StackId } = event;
    // An update that was canceled may end much later, when what it met is long over.
    const awaited = this.asked.get(copy)?.RequestId ?? '';
    if (RequestType === 'Update' && !RequestId.startsWith(awaited)) return;
    if (this.status.includes('ROLLBACK') && String(reason).startsWith('a rollback does not move it')) return;
    const isForward = RequestType !== 'Delete' && this.status === 'UPDATE_IN_PROGRESS';
    if (isForward && snapshotId === undefined) this.violate(2, `an update leaves ${copy} as it is`);
    if (!this.mayBeLeft(snapshotId) && !this.isExcused(copy, String(reason)))
      this.violate(3, `${copy} ${RequestType} leaves what it is about: ${String(reason)}`);
    if (/^(tags|sharing|storage tier|lock): /.test(String(reason))) this.untagged.add(`${StackId} ${copy}`);
    else if (typeof snapshotId === 'string') this.undeleted.add(snapshotId);
    else {
      this.left.add(`${StackId} ${copy}`);
      this.strayed.add(`${StackId} ${copy}`);
    }
  }

  /** A copy that is of no use, or that nobody can delete. */
  private mayBeLeft(id: unknown): boolean {
    if (typeof id !== 'string') return false;
    const { ec2 } = this.machine;
    return ec2.stateOf(id) === 'error' || this.isLockedForGood(ec2.snapshot(id).lock);
  }

  /** A Region cannot be read: what is there stays, and nobody can know of it. */
  cannotSearch(event: CloudFormationEvent, { reason }: { reason?: unknown }): void {
    const { LogicalResourceId: copy, StackId } = event;
    if (!this.isExcused(copy, String(reason))) this.violate(3, `${copy} was not searched for: ${String(reason)}`);
    this.undeleted.add(`${StackId} ${copy}`);
  }

  /** What our code threw, whether or not CloudFormation waits for it. */
  thrown(event: CloudFormationEvent, { message }: Error): void {
    const { LogicalResourceId: copy } = event;
    this.tell(`${copy} ${event.RequestType} ${event.RequestId.slice(0, 8)} throws: ${message}`);
    if (message.includes('\n') || Buffer.byteLength(message) > MAX_BYTES)
      this.violate(5, `not one short line: ${message}`);
    if (BLOB.test(message)) this.violate(5, `an encoded blob: ${message}`);
  }

  sees(event: StackEvent): void {
    const { logicalId, type, physicalId = '', status, reason } = event;
    this.tell(`${logicalId} ${status} ${physicalId} ${(reason ?? '').slice(0, 400)}`.trim());
    if (logicalId === STACK) this.seesStack(physicalId, status);
    else if (type === COPY_RESOURCE_TYPE || type === DRY_RUN_RESOURCE_TYPE)
      this.seesCopy(logicalId, physicalId, status, reason ?? '');
  }

  private seesStack(stackId: string, status: string): void {
    this.status = status;
    if (stackId === this.stackId) return;
    this.stackId = stackId;
    this.addDecoys(stackId);
  }

  private seesCopy(copy: string, physicalId: string, status: string, reason: string): void {
    this.complete.delete(copy);
    const isOfFailedUpdate =
      status === 'UPDATE_FAILED' || (status === 'CREATE_FAILED' && this.status.startsWith('UPDATE'));
    if (this.status === 'UPDATE_ROLLBACK_IN_PROGRESS' || isOfFailedUpdate)
      this.rolledBack.add(`${this.stackId} ${copy}`);
    if (status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE') {
      const event = this.asked.get(copy);
      if (!event) throw new Error(`${copy} was never asked for`);
      const complete = { physicalId, event, isRollback: this.status.includes('ROLLBACK') };
      this.complete.set(copy, complete);
      this.checkComplete(copy, complete);
      if (status === 'CREATE_COMPLETE') this.checkCreated(copy, physicalId);
      return;
    }
    if (status === 'DELETE_SKIPPED') this.keep(copy, physicalId);
    if (status === 'DELETE_COMPLETE' && this.status === 'DELETE_IN_PROGRESS')
      this.strayed.delete(`${this.stackId} ${copy}`);
    if (!status.endsWith('_FAILED')) return;
    if (this.status === 'UPDATE_ROLLBACK_IN_PROGRESS') this.halfway.set(`${this.stackId} ${copy}`, this.regionOf(copy));
    if (status === 'DELETE_FAILED' && this.status.includes('CLEANUP'))
      this.undeleted.add(isInvented(physicalId) ? `${this.stackId} ${copy}` : physicalId);
    if (reason.endsWith('canceled')) return;
    this.checkFailure(copy, reason);
    this.checkStuck(copy, physicalId, status, reason);
  }

  /** The stack gets stuck over what failed, unless that was in a clean-up. */
  private checkStuck(copy: string, physicalId: string, status: string, reason: string): void {
    // Whoever may not ask CloudFormation does not know that it is a rollback.
    const isBlind = this.met(copy).some(({ fault }) => fault.name === 'DescribeStacks denied');
    if (FRAMEWORK.test(reason) || this.status.includes('CLEANUP') || isBlind) return;
    if (this.status === 'UPDATE_ROLLBACK_IN_PROGRESS') this.violate(6, `the rollback of ${copy} failed: ${reason}`);
    if (status !== 'DELETE_FAILED') return;
    const { ec2 } = this.machine;
    const remaining = ec2.remainingCopies().filter(({ id, lock }) => {
      const tags = ec2.tagsOf(id);
      const isItsCopy = id === physicalId || (tags[TAG.stack] === this.stackId && tags[TAG.resource] === copy);
      return isItsCopy && ec2.stateOf(id) !== 'error' && !this.isLockedForGood(lock);
    });
    // Whoever cannot read the Region does not know that the copy has gone, or is locked for good; nor does whoever finds
    // somebody else's snapshot in its place.
    const isUnread = this.met(copy).some(({ fault }) =>
      /^Region|^DescribeSnapshots denied$|^untagged by somebody$/.test(fault.name),
    );
    const wasThere = ec2.all().some(({ id }) => id === physicalId || ec2.tagsOf(id)[TAG.handle] === physicalId);
    if (remaining.length === 0 && !(isUnread && wasThere))
      this.violate(6, `the Delete of ${copy} failed over nothing: ${reason}`);
  }

  /** Remembers what stood when it was left behind. */
  private keep(copy: string, physicalId: string): void {
    const { ec2 } = this.machine;
    const isSnapshot = ec2.all().some(({ id }) => id === physicalId);
    if (isSnapshot && ec2.stateOf(physicalId) === 'deleted') return;
    this.retained.push({ copy, physicalId, stackId: this.stackId });
  }

  seesCall({ action, input }: Call, { event }: Invocation): void {
    if (action !== 'DeleteSnapshot') return;
    const { SnapshotId: id = '' } = input as { SnapshotId?: string };
    const { cloudFormation, ec2 } = this.machine;
    const before = tagsAt(ec2.snapshot(id), this.machine.clock.now() - STALE_MS);
    if (!before.has(TAG.stack) && ec2.tagsOf(id)[TAG.stack] === undefined) {
      this.violate(4, `${id}, which does not carry our tags, is deleted`);
    }
    // If the update fails afterwards, it has nothing to go back to.
    if (event.RequestType === 'Delete' || this.status.includes('ROLLBACK')) return;
    const named = cloudFormation.describeStackResource(event.StackId, event.LogicalResourceId)?.PhysicalResourceId;
    if (named === id && ec2.stateOf(id) === 'completed')
      this.violate(4, `${id}, which is in use, is deleted by an update`);
  }

  /** A Delete for each copy that CloudFormation has, as whoever may invoke the function could forge it. */
  forgedDeletes(): CloudFormationEvent[] {
    return [...this.complete.values()].map(({ event, physicalId: PhysicalResourceId }) => ({
      ...event,
      RequestType: 'Delete',
      RequestId: `forged ${event.RequestId}`,
      PhysicalResourceId,
    }));
  }

  /** When nothing goes on any more. */
  checkAtRest(): void {
    for (const [copy, complete] of this.complete) this.checkComplete(copy, complete);
    this.checkRemaining();
    this.checkRetained();
    for (const decoy of [...this.decoys, ...this.injector.impostors, ...this.sources.values()]) {
      if (decoy.tagHistory.length > 1)
        this.violate(4, `the tags of ${describe(decoy)}, a foreign snapshot, were changed`);
      if (decoy.deletion) this.violate(4, `${describe(decoy)}, a foreign snapshot, was deleted`);
    }
  }

  // ---- 1: no orphan, no double --------------------------------------------------------------------------------------

  private checkRemaining(): void {
    const owners = new Map<string, string>();
    for (const copy of this.machine.ec2.remainingCopies()) {
      // Deleted, if not yet: a pending copy may go when it ends.
      if (this.injector.disowned.has(copy.id) || copy.deletion) continue;
      if (this.machine.ec2.tagsOf(copy.id)[TAG.resource] === DRY_RUN)
        this.violate(1, `a dry run made ${this.describe(copy)}`);
      const owner = this.liveOwnerOf(copy);
      if (owner === undefined) {
        const isKept = this.wasRetained(copy) || this.wasKeptInRollback(copy);
        const { [TAG.stack]: stackId = '', [TAG.resource]: name = '' } = this.machine.ec2.tagsOf(copy.id);
        const isLeft = this.left.has(`${stackId} ${name}`) || this.strayed.has(`${stackId} ${name}`);
        const isUntimely = this.injector.untimelyIds.has(this.machine.ec2.tagsOf(copy.id)[TAG.handle] ?? '');
        const isExcused = isKept || isLeft || isUntimely || this.wasUndeleted(copy) || this.wasOutOfReach(copy);
        if (!isExcused) this.violate(1, `orphan: ${this.describe(copy)}`);
        continue;
      }
      if (owners.has(owner)) this.violate(1, `double of ${owner}: ${this.describe(copy)}`);
      owners.set(owner, copy.id);
    }
  }

  private liveOwnerOf({ id }: StoredSnapshot): string | undefined {
    const tags = this.machine.ec2.tagsOf(id);
    const { [TAG.stack]: stackId = '', [TAG.resource]: name = '', [TAG.handle]: handle } = tags;
    const stack = this.machine.cloudFormation.describeStack(stackId);
    if (!stack || stack.StackStatus === 'DELETE_COMPLETE') return undefined;
    const resource = this.machine.cloudFormation.describeStackResource(stackId, name);
    // Half-way back, it has both the copy that it had and the one it was to have.
    if (resource?.ResourceStatus.endsWith('_FAILED')) return `${name} ${id}`;
    const physicalId = resource?.PhysicalResourceId;
    return physicalId === id || physicalId === handle ? name : undefined;
  }

  private wasUndeleted({ id }: StoredSnapshot): boolean {
    const {
      [TAG.handle]: handle = '',
      [TAG.stack]: stackId = '',
      [TAG.resource]: name = '',
    } = this.machine.ec2.tagsOf(id);
    return [id, handle, `${stackId} ${name}`].some((one) => this.undeleted.has(one));
  }

  private regionOf(copy: string): string | undefined {
    return this.asked.get(copy)?.ResourceProperties.DestinationRegion;
  }

  private wasOutOfReach({ id, region }: StoredSnapshot): boolean {
    const { [TAG.stack]: stackId, [TAG.resource]: name } = this.machine.ec2.tagsOf(id);
    const deletedIn = this.halfway.get(`${stackId ?? ''} ${name ?? ''}`);
    return deletedIn !== undefined && deletedIn !== region;
  }

  private wasKeptInRollback({ id }: StoredSnapshot): boolean {
    const { [TAG.stack]: stackId, [TAG.resource]: name, [TAG.retain]: retain } = this.machine.ec2.tagsOf(id);
    return retain !== undefined && this.rolledBack.has(`${stackId ?? ''} ${name ?? ''}`);
  }

  private wasRetained({ id }: StoredSnapshot): boolean {
    const { ec2 } = this.machine;
    const tags = ec2.tagsOf(id);
    return this.retained.some(({ copy, physicalId, stackId }) => {
      const isOf = tags[TAG.stack] === stackId && tags[TAG.resource] === copy;
      if (!isOf) return false;
      // A handle need not be the one that the copy was started under: an adopted copy keeps its own.
      return physicalId === id || (!physicalId.startsWith('snap-') && tags[TAG.retain] !== undefined);
    });
  }

  // ---- 2: no false success ------------------------------------------------------------------------------------------

  private checkComplete(name: string, complete: Complete): void {
    const { physicalId, event } = complete;
    if (this.left.has(`${event.StackId} ${name}`)) return;
    const wanted = event.ResourceProperties as unknown as CopyProperties;
    if (event.ResourceType === DRY_RUN_RESOURCE_TYPE) return;
    const copy = this.copyOf(event.StackId, name, physicalId);
    if (!copy) {
      const { ec2 } = this.machine;
      const lost = ec2.all().some(({ id }) => this.injector.disowned.has(id) && ec2.tagsOf(id)[TAG.resource] === name);
      if (!lost) this.violate(2, `${name} is complete, but there is no copy ${physicalId}`);
      return;
    }
    if (this.injector.disowned.has(copy.id)) return;
    for (const fault of this.faultsOf(copy, wanted, complete)) {
      this.violate(2, `${name} is complete, but of its copy ${this.describe(copy)} ${fault}`);
    }
  }

  private copyOf(stackId: string, name: string, physicalId: string): StoredSnapshot | undefined {
    const { ec2 } = this.machine;
    const all = ec2.remainingCopies();
    const isOf = ({ id }: StoredSnapshot): boolean => {
      const tags = ec2.tagsOf(id);
      return tags[TAG.stack] === stackId && tags[TAG.resource] === name && tags[TAG.handle] === physicalId;
    };
    return all.find(({ id }) => id === physicalId) ?? all.find(isOf);
  }

  private faultsOf(copy: StoredSnapshot, wanted: CopyProperties, { event, isRollback }: Complete): string[] {
    const { ec2 } = this.machine;
    const checks: [string, unknown, unknown][] = [
      ['the state', ec2.stateOf(copy.id), 'completed'],
      ['the Region', copy.region, wanted.DestinationRegion],
      ['the source', copy.source?.id, wanted.SourceSnapshotId ?? ec2.tagsOf(copy.id)[TAG.source]],
      ['the description', copy.description, wanted.Description ?? ''],
      ['the key', copy.kmsKeyId, wanted.KmsKeyId],
    ];
    const faults = checks.filter(([, is, ought]) => is !== ought);
    const resource = `${event.StackId} ${event.LogicalResourceId}`;
    const isExcused =
      this.injector.retagged.has(copy.id) || this.injector.untimely.has(resource) || this.untagged.has(resource);
    if (!isExcused) {
      // A lock that nobody can take off stays, although it is not declared any more.
      const isForGood = wanted.LockMode === undefined && this.isLockedForGood(copy.lock);
      // A copy that was left behind on purpose keeps its lock when a later update takes it back.
      const wasRetained = this.retained.some(({ physicalId }) => physicalId === copy.id);
      const isHeld = isForGood || wasRetained || this.injector.held.has(copy.id);
      // A change of something else does not wait for a restore that is under way.
      const isRestored = copy.tiering?.kind === 'permanent-restore' && copy.tiering.endsAt > this.machine.clock.now();
      const isTierLeft = isRollback || (isRestored && event.OldResourceProperties?.StorageTier === 'archive');
      faults.push(...this.tagFaults(copy, wanted, event), ...handoverFaults(copy, wanted, { isHeld, isTierLeft }));
    }
    return faults.map(([what, is, ought]) => `${what} is ${JSON.stringify(is)} and not ${JSON.stringify(ought)}`);
  }

  private tagFaults(
    copy: StoredSnapshot,
    wanted: CopyProperties,
    event: CloudFormationEvent,
  ): [string, unknown, unknown][] {
    const { ec2 } = this.machine;
    const tags = ec2.tagsOf(copy.id);
    const declared = tagsIn(wanted);
    if (wanted.DeletionPolicy) declared[TAG.retain] = wanted.DeletionPolicy;
    const missing = Object.entries(declared).filter(([key, value]) => tags[key] !== value);
    const isInPlace = event.PhysicalResourceId === copy.id;
    const before = isInPlace ? Object.keys(tagsIn(event.OldResourceProperties ?? {})) : [];
    const left = before.filter((key) => !(key in declared) && key in tags);
    const source = ec2.snapshot(copy.source?.id ?? '');
    const inherits = wanted.CopySourceTags && event.RequestType === 'Create' && source.ownerId === ec2.accountId;
    if (inherits && tags[ORIGIN] === undefined) missing.push([ORIGIN, 'that of the source']);
    if ('dlm:managed' in tags) left.push('dlm:managed');
    return [
      ...missing.map(([key, value]): [string, unknown, unknown] => [`the tag ${key}`, tags[key], value]),
      ...left.map((key): [string, unknown, unknown] => [`the removed tag ${key}`, tags[key], undefined]),
    ];
  }

  // ---- 3: no false failure ------------------------------------------------------------------------------------------

  private checkFailure(copy: string, reason: string): void {
    const row = this.injector.rowOf(copy) ?? '';
    if (!this.isExcused(copy, reason))
      this.violate(3, `${copy} failed (${row}) without a reason that counts: ${reason}`);
  }

  private isExcused(copy: string, reason: string): boolean {
    const row = this.injector.rowOf(copy);
    // The last gap: the two requests cannot tell each other.
    const isOfAnother =
      this.injector.untimely.get(`${this.stackId} ${copy}`) === this.injector.step &&
      reason.includes('was deleted by somebody else');
    return isOfAnother || this.isFixed(copy, reason) || this.met(copy).some((one) => this.excuses(one, row, reason));
  }

  /**
   * What an earlier step brought about:
   *
   * - EC2 only extends a lock in compliance mode after its cool-off period, shares nothing that is archived, and archives
   *   nothing that is being restored.
   * - A copy that is under way for ever, and could not be deleted then, is adopted now.
   * - The copy went then, and a rollback finds none.
   * - A rollback that failed has not removed a lock, and the declaration that it went back to does not know of it.
   */
  private isFixed(copy: string, reason: string): boolean {
    const { ec2 } = this.machine;
    const isOf = ({ id }: StoredSnapshot): boolean => ec2.tagsOf(id)[TAG.resource] === copy;
    if (/(% done|barely begun|in state "\w+") after \d+ minutes/.test(reason))
      return ec2.all().some((one) => isOf(one) && !['completed', 'error'].includes(one.course.outcome));
    const copies = ec2.remainingCopies().filter(isOf);
    if (reason.includes('the earlier copy was deleted by somebody else'))
      return ec2.all().some((one) => isOf(one) && this.injector.disowned.has(one.id));
    if (reason.includes('its lock is in state'))
      return this.halfway.has(`${this.stackId} ${copy}`) && copies.some(({ lock }) => lock !== undefined);
    if (/EC2 only extends such a lock|nobody can unlock it/.test(reason))
      return copies.some(({ lock }) => this.isLockedForGood(lock));
    if (reason.includes('is being restored from the archive'))
      return copies.some(({ tiering }) => tiering?.kind === 'permanent-restore');
    return /sharing.*Archived/.test(reason) && copies.some(({ tiering }) => tiering !== undefined);
  }

  private isLockedForGood(lock: StoredSnapshot['lock']): boolean {
    return lock !== undefined && describeLock(lock, this.machine.clock.now()).LockState === 'compliance';
  }

  private excuses({ copy, fault, row }: Fired, failed: Row | undefined, reason: string): boolean {
    switch (fault.consequence) {
      case 'transient':
        return false;
      case 'alone':
        return this.met(copy).length > 1 && (fault.says?.test(reason) ?? false);
      case 'definite':
        return fault.says?.test(reason) ?? false;
      default:
        return (
          row === failed &&
          FRAMEWORK.test(reason) &&
          GAPS.some(
            ({ name, excuses }) => name === fault.consequence && excuses.some((one) => one === 'a failed operation'),
          )
        );
    }
  }

  private met(copy: string): Fired[] {
    const { fired, step } = this.injector;
    return fired.filter((one) => one.copy === copy && one.step === step);
  }

  // ---- 4: nobody else's snapshot ------------------------------------------------------------------------------------

  /** Snapshots that look like copies of this stack, and are not. */
  private addDecoys(stackId: string): void {
    const { ec2 } = this.machine;
    const like = { Name: 'backup 0', [TAG.inputs]: 'v1-0', [TAG.handle]: 'copy-0' };
    const other = stackId.replace(':stack/', ':stack/other-');
    for (const region of REGIONS) {
      const add = (tags: Record<string, string>, more: { ownerId?: string; sharedWith?: string[] } = {}): void => {
        this.decoys.push(ec2.addSnapshot({ region, tags: { ...like, ...tags }, ...more }));
      };
      add({ [TAG.stack]: other, [TAG.resource]: 'Copy0' });
      add({ [TAG.stack]: `${stackId}0`, [TAG.resource]: 'Copy0' });
      add({ [TAG.stack]: stackId, [TAG.resource]: 'Copy01' });
      add({ [TAG.stack]: stackId });
      add({ [TAG.resource]: 'Copy0' });
      add({ [TAG.stack]: stackId, [TAG.resource]: 'Copy0' }, { ownerId: '444455556666', sharedWith: [ec2.accountId] });
    }
  }

  /** It would go with the new resource. */
  private checkCreated(copy: string, physicalId: string): void {
    if (this.retained.some((one) => one.physicalId === physicalId))
      this.violate(4, `${copy} is created as ${physicalId}, which an earlier resource left behind on purpose`);
  }

  /** What was retained stands, unless the resource took it back. */
  private checkRetained(): void {
    const { ec2, cloudFormation } = this.machine;
    for (const { copy, physicalId } of this.retained) {
      const snapshot = ec2.all().find(({ id }) => id === physicalId);
      if (!snapshot || this.injector.disowned.has(physicalId)) continue;
      const wasTakenBack = cloudFormation.events
        .slice(
          cloudFormation.events.findIndex((one) => one.status === 'DELETE_SKIPPED' && one.physicalId === physicalId),
        )
        .some((one) => one.logicalId === copy && one.physicalId === physicalId && one.status.startsWith('UPDATE'));
      if (ec2.stateOf(physicalId) === 'deleted' && !wasTakenBack) {
        this.violate(4, `${physicalId} was retained on purpose, and has been deleted`);
      }
    }
  }

  private describe(copy: StoredSnapshot): string {
    const { ec2 } = this.machine;
    return `${describe(copy)}, ${ec2.stateOf(copy.id)}, ${JSON.stringify(ec2.tagsOf(copy.id))}`;
  }

  private violate(invariant: Violation['invariant'], message: string): void {
    this.tell(`VIOLATION of ${invariant}: ${message}`);
    this.violations.push({ invariant, message });
  }

  tell(line: string): void {
    const seconds = (this.machine.clock.now() - Date.UTC(2030, 0, 1)) / 1000;
    this.story.push(`${seconds.toFixed(1).padStart(9)} ${line}`);
  }
}

/** A rollback does not move a copy to another tier, and leaves a lock that EC2 only extends. */
function handoverFaults(
  { lock, sharedWith, storageTier, tiering }: StoredSnapshot,
  wanted: CopyProperties,
  { isHeld, isTierLeft }: { readonly isHeld: boolean; readonly isTierLeft: boolean },
): [string, unknown, unknown][] {
  const { LockMode: mode, LockDurationDays: days, ShareWith = [], StorageTier } = wanted;
  const tier = tiering?.kind === 'archival' ? 'archive' : storageTier;
  const checks: [string, unknown, unknown][] = [
    ['the sharing', [...sharedWith].sort().join(), [...ShareWith].sort().join()],
  ];
  if (!isTierLeft && StorageTier) checks.push(['the tier', tier, StorageTier]);
  if (!isHeld && typeof lock !== 'string')
    checks.push(['the lock', lock && `${lock.mode} ${lock.days}`, mode && `${mode} ${days ?? ''}`]);
  return checks.filter(([, is, ought]) => is !== ought);
}

function tagsIn({ Tags = [] }: Partial<CopyProperties>): Record<string, string> {
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
}

function describe({ id, region }: StoredSnapshot): string {
  return `${id} in ${region}`;
}

/** CloudFormation's own, for a request that was canceled. */
function isInvented(physicalId: string): boolean {
  return !/^(snap|copy)-/.test(physicalId);
}
