import { createHash } from 'node:crypto';
import type {
  CopySnapshotRequest,
  CopySnapshotResult,
  CreateTagsRequest,
  DeleteSnapshotRequest,
  DeleteTagsRequest,
  DescribeSnapshotsRequest,
  DescribeSnapshotsResult,
  GetEbsEncryptionByDefaultResult,
} from '@aws-sdk/client-ec2';
import {
  checkCopyRequest,
  checkSnapshotId,
  combination,
  invalidValue,
  matcherOf,
  required,
  tagsOfSpecifications,
  withoutTags,
  withTags,
  type Matcher,
} from './ec2-requests';
import { AwsError, type Clock } from './faults';
import { checkUnlocked, Handover } from './handover';
import { isUsable, SimulatedKms } from './kms';
import {
  describe,
  goneAt,
  seenState,
  stateAt,
  tagsAt,
  tierAt,
  toTags,
  type CopyCourse,
  type StoredSnapshot,
  type TagMap,
} from './snapshot';

export type { CopyCourse, StoredSnapshot } from './snapshot';

/** What a test decides about EC2; every field may be changed at any time. */
export interface Ec2Settings {
  /** How long a copy takes, in milliseconds. */
  copyDuration: number;
  /** After how many milliseconds EC2 notices what is wrong with a copy that it has accepted. */
  lateErrorDelay: number;
  /** How one copy goes, other than the default; asked for copies that EC2 finds nothing wrong with. */
  course?: (copy: { region: string; input: CopySnapshotRequest; count: number }) => Partial<CopyCourse> | undefined;
  /** The quota of one destination Region. */
  maxConcurrentCopies: number;
  /** A bad key is refused at once with this code, instead of in an `error` state later. */
  badKeyCode?: string;
  /** By how many milliseconds answers lag. */
  staleness: Staleness;
  /** How many other snapshots the account has in each Region: a search pages through all of them. */
  crowd: number;
  /** Whether the deletion of a pending copy waits for its end. */
  pendingDeletion: 'at once' | 'when ended';
  /** Whether a Recycle Bin rule covers what is deleted, and whether DescribeSnapshots shows what it keeps. */
  recycleBin: 'visible' | 'hidden' | 'no';
}

export interface Staleness {
  /** A new snapshot is not found by its ID, and its state is seen late. */
  ids: number;
  /** A new tag matches no filter; a changed one is seen late. */
  tags: number;
  /** A deleted snapshot is still shown. */
  deletions: number;
  /** DeleteSnapshot, CreateTags and DeleteTags do not find a new snapshot. */
  writes: number;
}

export type NewSnapshot = Partial<
  Omit<StoredSnapshot, 'source' | 'course' | 'tagHistory' | 'sharedWith' | 'deletion'>
> & {
  readonly region: string;
  /** Default: completed. */
  readonly course?: Partial<CopyCourse>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly sharedWith?: readonly string[];
};

const MINUTE = 60_000;
const GIB = 2 ** 30;

/** The volume ID that copies have. */
const NO_VOLUME = 'vol-ffffffff';

/** EC2's snapshots in all Regions, as one account sees them. */
export class SimulatedEc2 {
  readonly accountId: string;
  readonly kms: SimulatedKms;
  readonly settings: Ec2Settings;
  /** Sharing, locks, tiers and fast restore. */
  readonly handover: Handover;
  private readonly clock: Clock;
  /** All that ever existed, by ID. */
  private readonly snapshots = new Map<string, StoredSnapshot>();
  private readonly encryptingRegions = new Set<string>();
  private readonly defaultKeys = new Map<string, string>();
  private copies = 0;

  constructor(options: { clock: Clock; accountId?: string; kms?: SimulatedKms } & Partial<Ec2Settings>) {
    const { clock, accountId, kms, ...settings } = options;
    this.clock = clock;
    this.kms = kms ?? new SimulatedKms({ clock, accountId });
    this.accountId = accountId ?? this.kms.accountId;
    this.settings = {
      copyDuration: 10 * MINUTE,
      lateErrorDelay: 5_000,
      maxConcurrentCopies: 20,
      staleness: { ids: 0, tags: 0, deletions: 0, writes: 0 },
      crowd: 0,
      pendingDeletion: 'at once',
      recycleBin: 'no',
      ...settings,
    };
    this.handover = new Handover({
      clock,
      accountId: this.accountId,
      toBeWritten: (region, id) => this.toBeWritten(region, id),
      toBeUsed: (region, id) => this.toBeUsed(region, id),
      all: () => this.all(),
      hasManagedKey: ({ kmsKeyId, region }) =>
        kmsKeyId !== undefined && this.kms.find(region, kmsKeyId)?.manager === 'AWS',
    });
  }

  // The scene

  /** A snapshot that is there without having been copied: completed a day ago unless told otherwise. */
  addSnapshot(snapshot: NewSnapshot): StoredSnapshot {
    const { tags = {}, sharedWith = [], course, ...given } = snapshot;
    const now = this.clock.now();
    const ownerId = given.ownerId ?? this.accountId;
    const encrypted = given.encrypted ?? given.kmsKeyId !== undefined;
    const volumeSize = given.volumeSize ?? 8;
    return this.store({
      startTime: course ? now : now - 24 * 60 * MINUTE,
      description: '',
      volumeId: this.newId('vol'),
      fullSize: volumeSize * (GIB / 2),
      storageTier: 'standard',
      backupManaged: false,
      id: this.newId('snap'),
      ...given,
      ownerId,
      volumeSize,
      encrypted,
      kmsKeyId: given.kmsKeyId ?? (encrypted ? this.kms.defaultEbsKey(given.region, ownerId).arn : undefined),
      course: { duration: course ? MINUTE : 0, outcome: 'completed', ...course },
      tagHistory: [{ since: -Infinity, tags: new Map(Object.entries(tags)) }],
      sharedWith: new Set(sharedWith),
    });
  }

  /** The account encrypts by default in this Region. */
  encryptByDefault(region: string): void {
    this.encryptingRegions.add(region);
  }

  /** Makes a key, in any of its four forms, the account's default for EBS in this Region. */
  setDefaultKey(region: string, kmsKeyId: string): void {
    this.defaultKeys.set(region, kmsKeyId);
  }

  // What tests look at

  /** Every snapshot that ever existed, deleted ones too. */
  all(): StoredSnapshot[] {
    return [...this.snapshots.values()];
  }

  /** Every copy that exists now, in whatever state, in all Regions; one that the Recycle Bin keeps is deleted. */
  remainingCopies(): StoredSnapshot[] {
    const now = this.clock.now();
    return this.all().filter((snapshot) => snapshot.source && goneAt(snapshot) > now);
  }

  /** A snapshot that exists or existed. */
  snapshot(id: string): StoredSnapshot {
    const snapshot = this.snapshots.get(id);
    if (!snapshot) {
      throw new Error(`there was never a snapshot ${id}`);
    }
    return snapshot;
  }

  /** The state as it is, no answer being late: EC2's word, or `deleted`. */
  stateOf(id: string): string {
    const snapshot = this.snapshot(id);
    const now = this.clock.now();
    return goneAt(snapshot) <= now ? 'deleted' : stateAt(snapshot, now);
  }

  /** The tags as they are, no answer being late. */
  tagsOf(id: string): Record<string, string> {
    return Object.fromEntries(tagsAt(this.snapshot(id), this.clock.now()));
  }

  /** From now on a copy goes otherwise, times still being counted from its start. */
  changeCourse(id: string, course: Partial<CopyCourse>): void {
    const snapshot = this.snapshot(id);
    snapshot.course = { ...snapshot.course, ...course };
  }

  // The API

  getEbsEncryptionByDefault(region: string): GetEbsEncryptionByDefaultResult {
    return { EbsEncryptionByDefault: this.encryptingRegions.has(region) };
  }

  copySnapshot(region: string, input: CopySnapshotRequest): CopySnapshotResult {
    checkCopyRequest(region, input);
    const tags = tagsOfSpecifications(input.TagSpecifications);
    refuseDryRun(input.DryRun);
    if (this.pendingCopies(region) >= this.settings.maxConcurrentCopies) {
      throw new AwsError(
        'ResourceLimitExceeded',
        `Too many snapshot copies in progress. The limit is ${this.settings.maxConcurrentCopies} for this destination region.`,
      );
    }
    const copy = this.startCopy(region, input, tags);
    return { SnapshotId: copy.id, Tags: toTags(tags) };
  }

  describeSnapshots(region: string, input: DescribeSnapshotsRequest): DescribeSnapshotsResult {
    const { SnapshotIds: ids = [], OwnerIds: owners = [], MaxResults: max } = input;
    checkPaging(ids, max);
    const matchers = (input.Filters ?? []).map(matcherOf);
    refuseDryRun(input.DryRun);
    const owned = this.ownerTest(owners);
    const candidates = (ids.length > 0 ? this.visibleByIds(region, ids) : this.visible(region)).filter(owned);
    // Pages are cut before the filters are applied: one may come out empty and still have a next.
    const crowd = ids.length > 0 ? 0 : this.settings.crowd;
    const count = crowd + candidates.length;
    const start = input.NextToken === undefined ? 0 : startOf(input.NextToken);
    const end = start + (max ?? count);
    return {
      Snapshots: candidates
        .slice(Math.max(0, start - crowd), Math.max(0, end - crowd))
        .filter((snapshot) => this.passes(snapshot, matchers))
        .map((snapshot) => describe(snapshot, this.stateTime(snapshot), this.tagTime())),
      NextToken: end < count ? Buffer.from(String(end)).toString('base64') : undefined,
    };
  }

  deleteSnapshot(region: string, input: DeleteSnapshotRequest): void {
    const id = required(input.SnapshotId, 'SnapshotId');
    checkSnapshotId(id);
    refuseDryRun(input.DryRun);
    const snapshot = this.toBeWritten(region, id);
    const now = this.clock.now();
    checkDeletable(snapshot);
    checkUnlocked(snapshot, now);
    // Asked for twice, the first time counts.
    snapshot.deletion ??= {
      requestedAt: now,
      whenEnded: this.settings.pendingDeletion === 'when ended' && stateAt(snapshot, now) === 'pending',
      recycled: this.settings.recycleBin,
    };
  }

  createTags(region: string, input: CreateTagsRequest): void {
    this.changeTags(region, input, (tags) => withTags(tags, input.Tags ?? []));
  }

  deleteTags(region: string, input: DeleteTagsRequest): void {
    this.changeTags(region, input, (tags) => withoutTags(tags, input.Tags));
  }

  // Copying

  private startCopy(region: string, input: CopySnapshotRequest, tags: TagMap): StoredSnapshot {
    const { SourceRegion: sourceRegion = '', SourceSnapshotId: sourceId = '' } = input;
    const source = this.accessibleSource(sourceRegion, sourceId);
    const keyId = this.keyIdOf(region, input, source);
    const key = keyId === undefined ? undefined : this.kms.find(region, keyId);
    const problem = keyId !== undefined && !isUsable(key) ? this.badKey() : this.problemOf(source);
    const startTime = this.clock.now();
    return this.store({
      id: this.newId('snap'),
      region,
      ownerId: this.accountId,
      startTime,
      description: input.Description ?? '',
      volumeId: NO_VOLUME,
      volumeSize: source?.volumeSize ?? 0,
      fullSize: source?.fullSize ?? 0,
      encrypted: keyId !== undefined,
      kmsKeyId: key?.arn ?? keyId,
      source: { region: sourceRegion, id: sourceId },
      completionDurationMinutes: input.CompletionDurationMinutes,
      outpostArn: input.DestinationOutpostArn,
      availabilityZone: input.DestinationAvailabilityZone,
      course: this.courseOf(region, input, problem),
      tagHistory: [{ since: startTime, tags }],
      sharedWith: new Set(),
      storageTier: 'standard',
      backupManaged: false,
    });
  }

  private courseOf(region: string, input: CopySnapshotRequest, problem: string | undefined): CopyCourse {
    this.copies += 1;
    if (problem !== undefined) {
      return { duration: this.settings.lateErrorDelay, outcome: 'error', message: problem, stallAt: 0 };
    }
    const promised = (input.CompletionDurationMinutes ?? Infinity) * MINUTE;
    return {
      duration: Math.min(this.settings.copyDuration, promised),
      outcome: 'completed',
      ...this.settings.course?.({ region, input, count: this.copies }),
    };
  }

  /** What EC2 finds wrong with a source, after it has accepted the request. */
  private problemOf(source: StoredSnapshot | undefined): string | undefined {
    if (!source) {
      return 'Source snapshot is not found';
    }
    if (stateAt(source, this.clock.now()) !== 'completed') {
      return 'Source snapshot is not complete';
    }
    if (tierAt(source, this.clock.now()) === 'archive' || source.outpostArn !== undefined) {
      return 'Source snapshot cannot be copied';
    }
    const usable = source.kmsKeyId === undefined || isUsable(this.kms.find(source.region, source.kmsKeyId));
    return usable ? undefined : BAD_KEY;
  }

  private badKey(): string {
    if (this.settings.badKeyCode !== undefined) {
      throw new AwsError(this.settings.badKeyCode, BAD_KEY);
    }
    return BAD_KEY;
  }

  /** The ID of the key that the copy gets, undefined if it stays unencrypted. */
  private keyIdOf(region: string, input: CopySnapshotRequest, source?: StoredSnapshot): string | undefined {
    const encrypted =
      input.Encrypted === true ||
      source?.encrypted === true ||
      this.encryptingRegions.has(region) ||
      input.DestinationOutpostArn !== undefined;
    if (!encrypted) {
      return undefined;
    }
    return input.KmsKeyId ?? this.defaultKeys.get(region) ?? this.kms.defaultEbsKey(region).arn;
  }

  private accessibleSource(region: string, id: string): StoredSnapshot | undefined {
    const source = this.snapshots.get(id);
    const found = source?.region === region && goneAt(source) > this.clock.now() && this.mayRead(source);
    return found ? source : undefined;
  }

  private pendingCopies(region: string): number {
    const now = this.clock.now();
    let count = 0;
    for (const snapshot of this.snapshots.values()) {
      if (snapshot.region === region && snapshot.source && goneAt(snapshot) > now) {
        count += stateAt(snapshot, now) === 'pending' ? 1 : 0;
      }
    }
    return count;
  }

  // Reading

  private mayRead(snapshot: StoredSnapshot): boolean {
    return (
      snapshot.ownerId === this.accountId || snapshot.sharedWith.has(this.accountId) || snapshot.sharedWith.has('all')
    );
  }

  private isVisible(snapshot: StoredSnapshot, region: string): boolean {
    if (snapshot.region !== region || !this.mayRead(snapshot)) {
      return false;
    }
    const now = this.clock.now();
    const { ids, deletions } = this.settings.staleness;
    const arrived = !snapshot.source || snapshot.startTime + ids <= now;
    return arrived && (now < goneAt(snapshot) + deletions || snapshot.deletion?.recycled === 'visible');
  }

  /** In an order that is not that of their creation, as with EC2. */
  private visible(region: string): StoredSnapshot[] {
    return this.all()
      .filter((snapshot) => this.isVisible(snapshot, region))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private visibleByIds(region: string, ids: string[]): StoredSnapshot[] {
    ids.forEach(checkSnapshotId);
    return [...new Set(ids)].map((id) => {
      const snapshot = this.snapshots.get(id);
      if (!snapshot || !this.isVisible(snapshot, region)) {
        throw notFound(id);
      }
      return snapshot;
    });
  }

  private ownerTest(owners: string[]): (snapshot: StoredSnapshot) => boolean {
    const accounts = new Set(owners.map((owner) => (owner === 'self' ? this.accountId : owner)));
    return (snapshot) => accounts.size === 0 || accounts.has(snapshot.ownerId);
  }

  private passes(snapshot: StoredSnapshot, matchers: Matcher[]): boolean {
    const state = seenState(snapshot, this.stateTime(snapshot));
    const tags = this.searchableTags(snapshot);
    return matchers.every((matches) => matches(snapshot, state, tags));
  }

  /** What filters know of the tags: nothing yet of those that came with a new snapshot. */
  private searchableTags(snapshot: StoredSnapshot): TagMap {
    const arrived = !snapshot.source || snapshot.startTime <= this.tagTime();
    return arrived ? tagsAt(snapshot, this.tagTime()) : new Map();
  }

  private stateTime(snapshot: StoredSnapshot): number {
    return Math.max(snapshot.startTime, this.clock.now() - this.settings.staleness.ids);
  }

  private tagTime(): number {
    return this.clock.now() - this.settings.staleness.tags;
  }

  // Writing

  private changeTags(
    region: string,
    input: { Resources?: string[]; DryRun?: boolean },
    change: (tags: TagMap) => TagMap,
  ): void {
    const ids = input.Resources ?? [];
    required(ids[0], 'ResourceId');
    ids.forEach(checkSnapshotId);
    refuseDryRun(input.DryRun);
    const now = this.clock.now();
    const changes = ids.map((id) => {
      const snapshot = this.toBeWritten(region, id);
      return { snapshot, tags: change(tagsAt(snapshot, now)) };
    });
    // All or none: nothing is stored before every resource has been checked.
    for (const { snapshot, tags } of changes) {
      snapshot.tagHistory.push({ since: now, tags });
    }
  }

  private toBeUsed(region: string, id: string): StoredSnapshot {
    checkSnapshotId(id);
    const snapshot = this.snapshots.get(id);
    if (snapshot?.region !== region || goneAt(snapshot) <= this.clock.now() || !this.mayRead(snapshot)) {
      throw notFound(id);
    }
    return snapshot;
  }

  private toBeWritten(region: string, id: string): StoredSnapshot {
    const now = this.clock.now();
    const snapshot = this.toBeUsed(region, id);
    if (snapshot.ownerId !== this.accountId) {
      throw new AwsError('AuthFailure', `Not authorized for resource ${id}`, 403);
    }
    if (snapshot.source && now < snapshot.startTime + this.settings.staleness.writes) {
      throw notFound(id);
    }
    return snapshot;
  }

  private store(snapshot: StoredSnapshot): StoredSnapshot {
    this.snapshots.set(snapshot.id, snapshot);
    return snapshot;
  }

  private newId(kind: 'snap' | 'vol'): string {
    const hash = createHash('sha256').update(`${kind} ${this.snapshots.size}`).digest('hex');
    return `${kind}-0${hash.slice(0, 16)}`;
  }
}

const BAD_KEY = 'Given key ID is not accessible';

function notFound(id: string): AwsError {
  return new AwsError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
}

function refuseDryRun(dryRun: boolean | undefined): void {
  if (dryRun === true) {
    throw new AwsError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
  }
}

function checkPaging(ids: string[], max: number | undefined): void {
  if (max === undefined) {
    return;
  }
  if (ids.length > 0) {
    throw combination('The parameter snapshotIds cannot be used with the parameter maxResults');
  }
  if (max < 5 || max > 1000) {
    throw invalidValue(`Value ( ${max} ) for parameter maxResults is invalid. Expecting a value from 5 to 1000.`);
  }
}

function startOf(token: string): number {
  const start = Number(Buffer.from(token, 'base64').toString());
  if (!Number.isSafeInteger(start)) {
    throw invalidValue(`Value ( ${token} ) for parameter nextToken is invalid.`);
  }
  return start;
}

function checkDeletable(snapshot: StoredSnapshot): void {
  if (snapshot.imageId !== undefined) {
    throw new AwsError(
      'InvalidSnapshot.InUse',
      `The snapshot ${snapshot.id} is currently in use by ${snapshot.imageId}`,
    );
  }
  if (snapshot.backupManaged) {
    throw invalidValue(
      'This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs. ' +
        'If you wish to delete this snapshot, please do so via the Backup console.',
    );
  }
}
