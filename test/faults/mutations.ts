// Deliberate mistakes in the handler, each of which the histories have to notice. A mistake replaces exported functions
// of a module by name, so that the compiler follows when the handler's code moves.
import { TAG } from '../../lib/contract';
import type * as copies from '../../lambda/copies';
import type * as failure from '../../lambda/failure';
import type * as ownership from '../../lambda/ownership';
import type * as align from '../../lambda/steps/align';
import type * as remove from '../../lambda/steps/delete';
import type * as leave from '../../lambda/steps/leave';
import type * as tidy from '../../lambda/steps/tidy';
import type * as times from '../../lambda/times';

interface Modules {
  readonly copies: typeof copies;
  readonly failure: typeof failure;
  readonly ownership: typeof ownership;
  readonly times: typeof times;
  readonly 'steps/align': typeof align;
  readonly 'steps/delete': typeof remove;
  readonly 'steps/leave': typeof leave;
  readonly 'steps/tidy': typeof tidy;
}

export interface Mutation {
  readonly name: string;
  readonly module: keyof Modules;
  /** The replacements for what the module exports. */
  readonly change: (original: never) => object;
}

function mutation<Name extends keyof Modules>(
  name: string,
  module: Name,
  change: (original: Modules[Name]) => Partial<Modules[Name]>,
): Mutation {
  return { name, module, change };
}

const withTag = (copy: copies.Copy, key: string, value?: string): copies.Copy => {
  const others = Object.entries(copy.tags).filter(([other]) => other !== key);
  return { ...copy, tags: Object.fromEntries(value === undefined ? others : [...others, [key, value]]) };
};

/** Where two guards do the same, one mistake alone is no violation: those are left to the unit tests. */
export const MUTATIONS: readonly Mutation[] = [
  mutation('a StateMessage while pending is a failure', 'copies', ({ isFailed }) => ({
    isFailed: (copy) => isFailed(copy) || copy.snapshot.StateMessage !== undefined,
  })),
  mutation('throttling is the end', 'failure', ({ kindOf }) => ({
    kindOf: (error) => (kindOf(error) === 'transient' ? 'refused' : kindOf(error)),
  })),
  mutation('a denied call is the end, however young the role is', 'failure', ({ kindOf }) => ({
    kindOf: (error) => (kindOf(error) === 'denied' ? 'refused' : kindOf(error)),
  })),
  mutation('success before all duplicates are visible', 'times', () => ({ mayHideDuplicate: () => false })),
  mutation('duplicates and leftovers are left', 'steps/tidy', () => ({ tidy: () => Promise.resolve(undefined) })),
  mutation('nobody asks whether the stack operation goes on', 'steps/leave', () => ({
    leave: () => Promise.resolve(undefined),
  })),
  mutation('the Delete of a handle answers at once', 'steps/delete', ({ deleteOwnCopies }) => ({
    deleteOwnCopies: async (context) => {
      await deleteOwnCopies(context);
      return { answer: { IsComplete: true } };
    },
  })),
  mutation('a Create adopts finished copies of an earlier life', 'ownership', ({ chooseCopy }) => ({
    chooseCopy: (all, request, operation) => chooseCopy(all, { ...request, type: 'Update' }, operation),
  })),
  mutation('an Update adopts copies of other inputs', 'ownership', ({ chooseCopy }) => ({
    chooseCopy: (all, request, operation) => {
      const alike = all.map((copy) => withTag(copy, TAG.inputs, request.wanted.inputs));
      return all.find(({ id }) => id === chooseCopy(alike, request, operation)?.id);
    },
  })),
  mutation('the mark of a retained copy means nothing', 'ownership', ({ shouldDelete }) => ({
    shouldDelete: (copy, ...rest) => shouldDelete(withTag(copy, TAG.retain), ...rest),
  })),
  mutation('tags are compared with what a stale read says', 'steps/align', (original) => ({
    align: (context) => original.align({ ...context, request: { ...context.request, before: undefined } }),
  })),
  mutation('copies without our tags are deleted too', 'ownership', () => ({ isOurs: () => true })),
  mutation('the encoded authorization message is shown', 'failure', () => ({
    describeError: (error) => `${(error as Error).name}: ${(error as Error).message}`,
  })),
  mutation('any state but an error is finished', 'copies', () => ({ isFinished: ({ state }) => state !== 'error' })),
  mutation('an Update deletes the present copy when a stale read shows it unfinished', 'ownership', () => ({
    isPresent: () => false,
  })),
  mutation('a rollback leaves the finished copy of the update', 'ownership', () => ({ superseded: () => [] })),
  mutation('a copy that another request deleted was deleted externally', 'ownership', () => ({
    isStartedUnder: () => true,
  })),
];
