// What a process of the handler remembers between polls. Every entry is a hint: a new process does without it.
import type { BasicRequest } from './request';

/** A copy that this process has seen, or has started. */
export interface Sighting {
  readonly snapshotId: string;
  /** When this process saw it first, or started it. */
  readonly since: number;
  /** When this process saw it last. */
  readonly at: number;
  /** Since when a search by tags has shown the copy. */
  readonly visibleSince?: number;
  /** This process called CopySnapshot once for the request, in the first start window, and heard the answer. */
  readonly isOnlyStart: boolean;
}

export class Memory {
  /** Since when no call has reached an endpoint. */
  readonly unreachableSince = new Map<string, number>();
  /** The places where EC2 has shown the transfer type of a copy. */
  readonly transferTypesIn = new Set<string>();
  private readonly sightings = new Map<string, Sighting>();
  private readonly starts = new Map<string, number>();
  private readonly obstacles = new Map<string, string>();
  private readonly sources = new Map<string, string>();
  private readonly doubts = new Map<string, number>();
  private readonly refusals = new Map<string, { readonly what: string; readonly since: number }>();

  sightingOf({ physicalId }: BasicRequest): Sighting | undefined {
    return this.sightings.get(physicalId.text);
  }

  see({ physicalId }: BasicRequest, sighting: Sighting): void {
    this.sightings.set(physicalId.text, sighting);
  }

  /** A copy is deleted by us, or answered: nobody is to miss it. */
  forget(handle: string): void {
    this.sightings.delete(handle);
  }

  /** Counts a call of CopySnapshot before it is made, and answers the count. */
  countStart({ physicalId }: BasicRequest): number {
    const count = (this.starts.get(physicalId.text) ?? 0) + 1;
    this.starts.set(physicalId.text, count);
    return count;
  }

  /** Whether this process has called CopySnapshot for the request. */
  hasStarted({ physicalId }: BasicRequest): boolean {
    return this.starts.has(physicalId.text);
  }

  /** Why the latest attempt to start a copy did not start one. */
  obstacleOf(request: BasicRequest): string | undefined {
    return this.obstacles.get(keyOf(request));
  }

  setObstacle(request: BasicRequest, reason: string): void {
    this.obstacles.set(keyOf(request), reason);
  }

  /** The id of the latest source that was chosen last. */
  sourceOf(request: BasicRequest): string | undefined {
    return this.sources.get(keyOf(request));
  }

  chooseSource(request: BasicRequest, snapshotId: string): void {
    this.sources.set(keyOf(request), snapshotId);
  }

  /** Since when reads have suggested that nobody waits for the answer any more. */
  doubt(request: BasicRequest, now: number): number {
    const since = this.doubts.get(keyOf(request)) ?? now;
    this.doubts.set(keyOf(request), since);
    return since;
  }

  trust(request: BasicRequest): void {
    this.doubts.delete(keyOf(request));
  }

  /** Since when EC2 has refused this, and nothing else. */
  refuse(request: BasicRequest, what: string, now: number): number {
    const known = this.refusals.get(keyOf(request));
    const since = known?.what === what ? known.since : now;
    this.refusals.set(keyOf(request), { what, since });
    return since;
  }

  /** The request has its answer. */
  end(request: BasicRequest): void {
    this.forget(request.physicalId.text);
    this.starts.delete(request.physicalId.text);
    this.obstacles.delete(keyOf(request));
    this.sources.delete(keyOf(request));
    this.doubts.delete(keyOf(request));
    this.refusals.delete(keyOf(request));
  }
}

/** A resource keeps its physical id through requests, of which each has a time of its own. */
function keyOf({ physicalId, startedAt, requesterId }: BasicRequest): string {
  return `${requesterId} ${physicalId.text} ${startedAt}`;
}
