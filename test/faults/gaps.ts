// What the Provider framework and CloudFormation leave open, and no code of ours can close. The checks excuse a failed
// operation, or a copy that stays behind, for these and for nothing else. A test pins the list.

type Excused = 'a failed operation' | 'a copy that stays behind' | 'tags of another request';

export interface Gap {
  readonly name: string;
  readonly excuses: readonly Excused[];
  readonly reason: string;
}

export const GAPS = [
  {
    name: 'handler killed',
    excuses: ['a failed operation'],
    reason:
      'the framework answers FAILED for any error of a function, and a process that dies is one: it never asks again',
  },
  {
    name: 'invocation refused twice',
    excuses: ['a failed operation'],
    reason: 'the framework invokes a function twice at most, and answers FAILED when Lambda refuses both',
  },
  {
    name: 'waiter not started',
    excuses: ['a failed operation'],
    reason: 'the framework starts its state machine once, and answers FAILED when Step Functions refuses',
  },
  {
    name: 'Delete failed in the clean-up',
    excuses: ['a copy that stays behind'],
    reason:
      'CloudFormation ends an update well although a Delete of its clean-up phase has failed, and never sends it again',
  },
  {
    name: 'rolled back under a retaining policy',
    excuses: ['a copy that stays behind'],
    reason:
      'the copy that a failed update has made is retained like any other; CloudFormation says so, unless the rollback ' +
      'fails as well, or ends without a word about the id that it leaves',
  },
  {
    name: 'rollback failed across Regions',
    excuses: ['a copy that stays behind'],
    reason:
      'if the stack is deleted after a rollback that failed, the Delete names the Region of one of the two copies only',
  },
  {
    name: 'event out of its time',
    excuses: ['tags of another request', 'a failed operation', 'a copy that stays behind'],
    reason:
      'an event says neither when it was sent nor for which operation. If it is delivered late, or again, while ' +
      'CloudFormation waits for the next request for the same resource (or cannot be asked), it looks like that request. ' +
      'Its poll may delete the copy that the other request has begun; only a process that knows of both begins that copy ' +
      'once more. Or it makes a copy of its own, which stays until the resource is deleted',
  },
] as const satisfies readonly Gap[];

export type GapName = (typeof GAPS)[number]['name'];
