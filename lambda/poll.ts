// One poll: what it is given, and the times that all decisions hang on.
import type { Attributes } from '../lib/contract';
import type { Aws, StackOperation } from './aws';
import { toCopy, type Copy } from './copies';
import { kindOf } from './failure';
import { STALE_MS } from './preflight';
import type { Request } from './request';

export interface Answer {
  readonly IsComplete: boolean;
  readonly PhysicalResourceId?: string;
  readonly Data?: Attributes;
}

export interface Poll {
  readonly request: Request;
  readonly aws: Aws;
  readonly now: () => number;
  readonly log: (decision: string, details?: Record<string, unknown>) => void;
  /** The handler's own log group, for whoever reads a failure. */
  readonly logGroup: string;
  readonly pollIntervalMs: number;
  /** What this process has seen of the copies it started, by handle: a hint, which a new process does without. */
  readonly sightings: Map<string, Sighting>;
}

interface Sighting {
  readonly snapshotId: string;
  readonly at: number;
}

export const WAIT: Answer = { IsComplete: false };

/** Policies take time to arrive: until then a denied call means nothing. */
export const GRACE_MS = 300_000;

/** A call that is under way has ended, or has been given up, by then. */
export const CALL_MS = 30_000;

/** A copy is started in a window of one poll interval. */
export const windowOf = ({ pollIntervalMs }: Poll): number => pollIntervalMs;

/**
 * From the opening of a window until all that was started in it is visible, which is when the next one opens. So an
 * answer that was lost never makes a double; two waiters at once may, and it is seen before the next window.
 */
export const settleTimeOf = (poll: Poll): number => windowOf(poll) + CALL_MS + STALE_MS;

export const elapsed = ({ request, now }: Poll): number => now() - request.startedAt;

export const isLate = (poll: Poll): boolean => elapsed(poll) >= poll.request.shareMs;

export const isOld = (poll: Poll, copy: Copy): boolean => poll.now() >= copy.startedAt + settleTimeOf(poll);

/** The first window of a continuation could follow too closely on the last one of the stage before. */
export function isInWindow(poll: Poll): boolean {
  const isFirst = elapsed(poll) < settleTimeOf(poll);
  return elapsed(poll) % settleTimeOf(poll) < windowOf(poll) && !(isFirst && poll.request.stage > 1);
}

export const isRollback = ({ status }: StackOperation): boolean => status.includes('ROLLBACK');

/** Whether CloudFormation is known to wait for no answer about a resource. */
export const isAtRest = (status: string | undefined): boolean =>
  status !== undefined && !status.endsWith('_IN_PROGRESS');

export async function describe(aws: Aws, region: string, id: string): Promise<Copy | undefined> {
  try {
    const snapshot = await aws.describeSnapshot(region, id);
    return snapshot && toCopy(snapshot, region);
  } catch (error) {
    if (kindOf(error) === 'missing') return undefined;
    throw error;
  }
}

export async function presentId({ aws, request }: Poll): Promise<string | undefined> {
  return (await aws.describeResource(request.stackId, request.logicalId)).physicalId;
}
