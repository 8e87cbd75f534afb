// What one process of the handler remembers between polls. Every entry is a hint: a new process works without it.
import type { BasicRequest } from './request';
import { CALL_MS } from './times';

/** A copy that this process has seen, or has started. */
export interface Sighting {
  readonly snapshotId: string;
  /** When this process first saw the copy, or started it. */
  readonly since: number;
  /** When this process last saw the copy. */
  readonly at: number;
  /** When a search by tags first returned the copy. */
  readonly visibleSince?: number;
  /** Whether this process called CopySnapshot exactly once, in the first start window, and received the answer. */
  readonly isOnlyStart: boolean;
}

export class Memory {
  /** For each endpoint that cannot be reached: since when. */
  readonly unreachableSince = new Map<string, number>();
  /** The places in which EC2 has shown a transfer type for a copy. */
  readonly transferTypesIn = new Set<string>();
  private readonly sightings = new Map<string, Sighting>();
  private readonly starts = new Map<string, number>();
  private readonly obstacles = new Map<string, string>();
  private readonly sources = new Map<string, string>();
  private readonly doubts = new Map<string, number>();
  private readonly refusals = new Map<string, Map<string, number>>();
  private readonly accepted = new Map<string, Set<string>>();

  sightingOf({ physicalId }: BasicRequest): Sighting | undefined {
    return this.sightings.get(physicalId.text);
  }

  see({ physicalId }: BasicRequest, sighting: Sighting): void {
    this.sightings.set(physicalId.text, sighting);
  }

  /** The handler has deleted or reported the copy, so its absence no longer means anything. */
  forget(handle: string): void {
    this.sightings.delete(handle);
  }

  /** Counts a call to CopySnapshot before the handler makes it. Returns the new count. */
  countStart({ physicalId }: BasicRequest): number {
    const count = (this.starts.get(physicalId.text) ?? 0) + 1;
    this.starts.set(physicalId.text, count);
    return count;
  }

  /** Whether this process has called CopySnapshot for the request. */
  hasStarted({ physicalId }: BasicRequest): boolean {
    return this.starts.has(physicalId.text);
  }

  /** Why the latest attempt to start a copy failed. */
  obstacleOf(request: BasicRequest): string | undefined {
    return this.obstacles.get(keyOf(request));
  }

  setObstacle(request: BasicRequest, reason: string): void {
    this.obstacles.set(keyOf(request), reason);
  }

  /** The latest source that the handler chose last. */
  sourceOf(request: BasicRequest): string | undefined {
    return this.sources.get(keyOf(request));
  }

  chooseSource(request: BasicRequest, snapshotId: string): void {
    this.sources.set(keyOf(request), snapshotId);
  }

  /**
   * Records a read that suggests that nobody waits for the answer. A single read never decides, because it may be older
   * than the request. Returns whether another one, so much earlier that this one cannot be stale, suggested it, too.
   */
  doubt(request: BasicRequest, beganAt: number): boolean {
    const since = this.doubts.get(keyOf(request)) ?? beganAt;
    this.doubts.set(keyOf(request), since);
    return beganAt - since >= CALL_MS;
  }

  trust(request: BasicRequest): void {
    this.doubts.delete(keyOf(request));
  }

  /** Records that EC2 refused a call. Returns when it did so first. */
  refuse(request: BasicRequest, what: string, now: number): number {
    const known = this.refusals.get(keyOf(request)) ?? new Map<string, number>();
    const since = known.get(what) ?? now;
    this.refusals.set(keyOf(request), known.set(what, since));
    return since;
  }

  /** Records that EC2 accepted a call of the request. */
  accept(request: BasicRequest, what: string): void {
    const known = this.accepted.get(keyOf(request)) ?? new Set();
    this.accepted.set(keyOf(request), known.add(what));
  }

  hasAccepted(request: BasicRequest, what: string): boolean {
    return this.accepted.get(keyOf(request))?.has(what) ?? false;
  }

  /** Forgets the request, which has been answered. */
  end(request: BasicRequest): void {
    this.forget(request.physicalId.text);
    this.starts.delete(request.physicalId.text);
    this.obstacles.delete(keyOf(request));
    this.sources.delete(keyOf(request));
    this.doubts.delete(keyOf(request));
    this.refusals.delete(keyOf(request));
    this.accepted.delete(keyOf(request));
  }
}

/** A resource may keep its physical ID through several requests, so the key includes the request's time. */
function keyOf({ physicalId, startedAt, requesterId }: BasicRequest): string {
  return `${requesterId} ${physicalId.text} ${startedAt}`;
}
