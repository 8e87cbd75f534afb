// What every step receives, and what a step may return.
import type { Attributes } from '../lib/contract';
import type { Aws, Snapshot } from './aws';
import type { Copy } from './copies';
import type { Memory } from './memory';
import type { Observation } from './observe';
import type { Request } from './request';
import type { Timing } from './times';

export type Log = (decision: string, details?: Readonly<Record<string, unknown>>) => void;

/** What every poll receives. */
export interface BasicPoll extends Timing {
  readonly aws: Aws;
  readonly log: Log;
  /** Name of the handler's log group. Failure messages point to it. */
  readonly logGroup: string;
  readonly memory: Memory;
}

/** What a poll for a copy or a dry run receives. */
export interface Poll extends BasicPoll {
  readonly request: Request;
}

export interface ReconcileContext extends Poll {
  readonly observed: Observation;
  /** The copies that the request may adopt or delete. The step "choose" sets it when it searches for copies. */
  copies?: readonly Copy[];
  /** The latest source. Set when a step has looked for it. */
  source?: Snapshot;
  /** The copy that the request is about. The step "choose" sets it. */
  copy?: Copy;
}

/** What isComplete returns to the framework. */
export interface Answer {
  readonly IsComplete: boolean;
  readonly PhysicalResourceId?: string;
  readonly Data?: Attributes;
}

/** Ends the poll: either answers the request or waits for the next poll. Failures are thrown. */
export type Outcome = { readonly answer: Answer } | { readonly wait: string; readonly details?: object };

/** Translates an outcome into the framework's terms. */
export function toAnswer(outcome: Outcome, log: Log): Answer {
  if ('answer' in outcome) return outcome.answer;
  log('wait', { reason: outcome.wait, ...outcome.details });
  return { IsComplete: false };
}

/** Returns nothing to let the next step run. */
export type Step = (context: ReconcileContext) => Promise<Outcome | undefined> | Outcome | undefined;

export const wait = (reason: string, details: object = {}): Outcome => ({ wait: reason, details });

/** For the steps after "start", which ends the poll when there is no copy. */
export function chosenCopy({ copy }: ReconcileContext): Copy {
  if (!copy) throw new Error('no copy was chosen');
  return copy;
}
