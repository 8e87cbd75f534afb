import { TAG, type RetainingPolicy } from '../../lib/contract';
import type { StackOperation } from '../../lambda/aws';
import type { Copy } from '../../lambda/copies';
import {
  begunBy,
  chooseCopy,
  duplicatesAndLeftovers,
  isAtRest,
  isAttemptOf,
  isBackup,
  isMeantByDelete,
  isOurs,
  isPresent,
  isRollback,
  isStillReferenced,
  isTakenByRollback,
  shouldDelete,
  superseded,
} from '../../lambda/ownership';
import { MINUTE, SECOND } from './in-process';
import { copyFor, HANDLE, requestFor } from './requests';

const UPDATE = { RequestType: 'Update' } as const;
const OTHER_HANDLE = `copy-${'2'.repeat(32)}`;
const request = requestFor();
const START = request.startedAt;

/** An operation that, by default, began with the request. The stack is a minute older than the request. */
const during = (status: string, begunAt = START): StackOperation => ({
  status,
  begunAt,
  stackCreatedAt: START - MINUTE,
});
/** The rollback of a new stack, with its own begin time. */
const ROLLBACK = { status: 'ROLLBACK_IN_PROGRESS', begunAt: START + MINUTE, stackCreatedAt: START };

/** A copy in this state, started this many seconds after the request began. */
const copy = (id: string, state: string, seconds: number, tags: Record<string, string> = {}): Copy =>
  copyFor(request, { id, state, startedAt: START + seconds * SECOND, tags });

const EARLIER = { [TAG.handle]: OTHER_HANDLE };
const OTHER_INPUTS = { [TAG.handle]: OTHER_HANDLE, [TAG.inputs]: 'v1-other' };
const retained = (policy: RetainingPolicy): Record<string, string> => ({ [TAG.retain]: policy });

const idsOf = (copies: readonly Copy[]): string[] => copies.map(({ id }) => id);

test.each([
  [undefined, false, false],
  ['UPDATE_IN_PROGRESS', false, false],
  ['UPDATE_COMPLETE', true, false],
  ['CREATE_FAILED', true, false],
  ['ROLLBACK_IN_PROGRESS', false, true],
  ['UPDATE_ROLLBACK_IN_PROGRESS', false, true],
  ['UPDATE_ROLLBACK_COMPLETE', true, true],
])('the status %s means an idle stack: %s, and a rollback: %s', (status, atRest, rollback) => {
  expect([isAtRest(status), isRollback(during(status ?? ''))]).toEqual([atRest, rollback]);
});

describe('a snapshot belongs to the resource', () => {
  const isOfResource = (one: Copy): boolean => isOurs(one, request, during('UPDATE_IN_PROGRESS'));

  test('if its tags name both the stack and the resource', () => {
    expect(isOfResource(copy('a', 'completed', 0))).toBe(true);
    for (const key of [TAG.stack, TAG.resource]) {
      expect(isOfResource(copy('a', 'completed', 0, { [key]: 'other' }))).toBe(false);
    }
  });

  test('unless its ID tag shows that it is a clone of another snapshot', () => {
    expect(isOfResource(copy('a', 'completed', 0, { [TAG.id]: 'a' }))).toBe(true);
    expect(isOfResource(copy('a', 'completed', 0, { [TAG.id]: 'b' }))).toBe(false);
  });

  test('unless it is older than the stack', () => {
    expect(isOfResource(copy('a', 'completed', -60))).toBe(true);
    expect(isOfResource(copy('a', 'completed', -60.001))).toBe(false);
    // If the stack is gone, nobody knows how old it was.
    const gone = { status: '', begunAt: NaN, stackCreatedAt: NaN };
    expect(isOurs(copy('a', 'completed', -60.001), request, gone)).toBe(true);
  });
});

test('a backup is finished and retained', () => {
  expect(isBackup(copy('a', 'completed', 0, retained('Retain')))).toBe(true);
  expect(isBackup(copy('a', 'pending', 0, retained('Retain')))).toBe(false);
  expect(isBackup(copy('a', 'completed', 0))).toBe(false);
});

test.each<[string, boolean, Copy]>([
  ['under its handle', true, copy('a', 'pending', -60)],
  ['under another handle, with the wanted inputs, since the operation began', true, copy('a', 'pending', 0, EARLIER)],
  ['under another handle, with the wanted inputs, before the operation', false, copy('a', 'pending', -1, EARLIER)],
  ['under another handle, with other inputs', false, copy('a', 'pending', 0, OTHER_INPUTS)],
])('a copy that was started %s is an attempt of the request: %s', (_, expected, one) => {
  expect(isAttemptOf(one, request, during('CREATE_IN_PROGRESS'))).toBe(expected);
});

test('the copy whose ID is the physical ID is an attempt of the request, regardless of its handle', () => {
  const named = requestFor({}, { ...UPDATE, PhysicalResourceId: 'snap-0123456789abcdef1' });
  const one = copy('snap-0123456789abcdef1', 'completed', -60, OTHER_INPUTS);
  expect(isAttemptOf(one, named, during('UPDATE_IN_PROGRESS'))).toBe(true);
  expect(isAttemptOf(one, request, during('UPDATE_IN_PROGRESS'))).toBe(false);
});

test('a request began the copies that were started under its handle', () => {
  expect(idsOf(begunBy([copy('a', 'pending', 0), copy('b', 'pending', 0, EARLIER)], request))).toEqual(['a']);
});

describe('the chosen copy', () => {
  const choose = (copies: readonly Copy[], of = request, status = 'UPDATE_IN_PROGRESS'): string | undefined =>
    chooseCopy(copies, of, during(status))?.id;
  const update = requestFor({}, UPDATE);

  test('is undefined if every copy has failed or is in another Region', () => {
    expect(choose([copy('a', 'error', 0), { ...copy('b', 'completed', 1), region: 'eu-west-2' }])).toBeUndefined();
  });

  test('for a Create is the oldest copy of the request that has not failed, finished or not', () => {
    expect(choose([copy('a', 'error', 0), copy('b', 'pending', 1), copy('c', 'completed', 2)])).toBe('b');
  });

  test('for a Create may be an unfinished earlier copy with the wanted inputs, but not a finished one', () => {
    expect(choose([copy('a', 'completed', -3, EARLIER), copy('b', 'pending', -2, EARLIER)])).toBe('b');
    expect(choose([copy('a', 'completed', -3, EARLIER), copy('b', 'pending', -2, OTHER_INPUTS)])).toBeUndefined();
  });

  test('for an Update is the latest finished earlier copy with the wanted inputs, or else as for a Create', () => {
    const earlier = [copy('a', 'completed', -3, EARLIER), copy('b', 'completed', -2, EARLIER)];
    expect(choose([...earlier, copy('c', 'completed', -1, OTHER_INPUTS), copy('d', 'completed', 1)], update)).toBe('b');
    expect(choose([copy('a', 'pending', -3, EARLIER), copy('b', 'pending', 1)], update)).toBe('a');
  });

  describe('for a request that keeps its copy', () => {
    const ID = 'snap-0123456789abcdef1';
    const copies = [
      copy('a', 'completed', -4, EARLIER),
      copy(ID, 'pending', -3, EARLIER),
      copy('b', 'completed', -2, EARLIER),
    ];
    const event = { ...UPDATE, PhysicalResourceId: ID };
    const declared = { SourceSnapshotId: 'snap-0123456789abcdef0', DestinationRegion: 'eu-west-1' };
    const keeping = requestFor({}, { ...event, OldResourceProperties: declared });

    test('is the copy whose ID is the physical ID, regardless of its state', () => {
      expect(choose(copies, keeping)).toBe(ID);
      expect(choose(copies, requestFor({}, event))).toBe('b');
    });

    test('is not the copy whose ID is the physical ID if that copy was made from other inputs', () => {
      // A rollback could not reach the present copy, so CloudFormation kept the ID of the failed update's copy.
      const ofUpdate = copy(ID, 'completed', -1, OTHER_INPUTS);
      expect(choose([copy('a', 'completed', -4, EARLIER), ofUpdate], keeping)).toBe('a');
      expect(choose([ofUpdate], keeping)).toBeUndefined();
    });

    test('is the copy whose ID is the physical ID, even if it has lost its inputs tag', () => {
      const one = copy(ID, 'completed', -3, EARLIER);
      const { [TAG.inputs]: inputs, ...others } = one.tags;
      expect(inputs).toBe(request.wanted.inputs);
      expect(choose([{ ...one, tags: others }], keeping)).toBe(ID);
    });

    test('is the finished copy whose handle is the physical ID', () => {
      const handled = { ...keeping, physicalId: request.physicalId };
      const older = copy('a', 'completed', -3, EARLIER);
      expect(choose([older, copy('b', 'completed', -2)], handled)).toBe('b');
      expect(choose([older, copy('b', 'pending', -2)], handled)).toBe('a');
      expect(choose([older, copy('b', 'completed', -2)], { ...handled, keepsCopy: false })).toBe('a');
    });

    test('is also the present copy in a later stage, even if that stage keeps none', () => {
      expect(choose(copies, { ...keeping, keepsCopy: false, stage: 2 })).toBe(ID);
      expect(choose(copies, { ...keeping, keepsCopy: false, stage: 1 })).toBe('b');
    });
  });
});

describe('duplicates and leftovers', () => {
  const chosen = copy('chosen', 'completed', 0);
  const find = (copies: Copy[], one: Copy | undefined, operation = during('UPDATE_IN_PROGRESS')): string[] =>
    idsOf(duplicatesAndLeftovers(copies, one, request, operation));

  test('are the other copies of the request, finished or not, once one is chosen', () => {
    const others = [copy('a', 'pending', 1), copy('b', 'completed', 2, EARLIER), copy('c', 'error', 3)];
    expect(find([chosen, ...others], chosen)).toEqual(['a', 'b', 'c']);
    expect(find(others, undefined)).toEqual([]);
  });

  test('include unfinished copies from before the operation, regardless of their inputs', () => {
    const others = [copy('a', 'pending', -2, OTHER_INPUTS), copy('b', 'error', -1, EARLIER)];
    expect(find([...others, copy('c', 'completed', -1, OTHER_INPUTS)], undefined)).toEqual(['a', 'b']);
    expect(find([...others, chosen], chosen)).toEqual(['a', 'b']);
  });

  test('do not include unfinished copies that other requests started during the operation', () => {
    expect(find([copy('a', 'pending', 0, OTHER_INPUTS)], undefined)).toEqual([]);
  });

  test('in a rollback include copies that the failed update may have started at the last moment', () => {
    const rollback = during('UPDATE_ROLLBACK_IN_PROGRESS', START - MINUTE);
    const others = [copy('a', 'pending', 29.999, OTHER_INPUTS), copy('b', 'pending', 30, OTHER_INPUTS)];
    expect(find(others, undefined, rollback)).toEqual(['a']);
  });
});

describe('a copy that looks like a leftover is present', () => {
  const present = (one: Copy, presentId: string | undefined, status = 'UPDATE_IN_PROGRESS'): boolean =>
    isPresent(one, presentId, request, during(status));

  test('if CloudFormation knows it by its ID', () => {
    expect(present(copy('a', 'pending', -1, OTHER_INPUTS), 'a')).toBe(true);
    expect(present(copy('a', 'pending', -1, OTHER_INPUTS), 'b')).toBe(false);
    expect(present(copy('a', 'pending', -1, OTHER_INPUTS), 'a', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe(true);
  });

  test('if CloudFormation knows it by its handle, unless a rollback restores the copy before it', () => {
    expect(present(copy('a', 'pending', -1, OTHER_INPUTS), OTHER_HANDLE)).toBe(true);
    expect(present(copy('a', 'pending', -1, OTHER_INPUTS), OTHER_HANDLE, 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe(false);
  });

  test('but not if it is a duplicate under the handle of the request', () => {
    expect(present(copy('a', 'pending', 1), HANDLE)).toBe(false);
  });
});

describe('superseded copies', () => {
  const kept = copy('kept', 'completed', 10);
  const since = [copy('a', 'completed', 0, OTHER_INPUTS), copy('b', 'completed', 10, OTHER_INPUTS)];
  const before = copy('c', 'completed', -1, OTHER_INPUTS);
  const find = (copies: Copy[], one: Copy, status: string, of = request): string[] =>
    idsOf(superseded(copies, one, of, during(status)));

  test('are those that were started no earlier than the kept copy', () => {
    expect(find([before, ...since, kept], kept, 'UPDATE_IN_PROGRESS')).toEqual(['b']);
  });

  test('are only those that the operation started', () => {
    const old = copy('kept', 'completed', -10);
    expect(find([old, before, ...since], old, 'UPDATE_IN_PROGRESS')).toEqual(['a', 'b']);
  });

  test('in a rollback are all copies of the operation, even those older than the kept copy', () => {
    expect(find([before, ...since, kept], kept, 'UPDATE_ROLLBACK_IN_PROGRESS')).toEqual(['a', 'b']);
  });

  test('in a rollback include copies with the inputs of the failed update, which may predate the rollback', () => {
    const update = requestFor({}, { ...UPDATE, OldResourceProperties: { SourceSnapshotId: 'snap-0123456789abcdef1' } });
    const ofUpdate = copy('d', 'completed', -1, { ...OTHER_INPUTS, [TAG.inputs]: update.before?.inputs ?? '' });
    expect(find([before, ofUpdate, kept], kept, 'UPDATE_ROLLBACK_IN_PROGRESS', update)).toEqual(['d']);
    expect(find([before, ofUpdate, kept], kept, 'UPDATE_IN_PROGRESS', update)).toEqual([]);
  });

  test('do not include attempts of the request itself', () => {
    const copies = [copy('a', 'completed', 11), copy('b', 'pending', 12, EARLIER)];
    expect(find(copies, kept, 'UPDATE_IN_PROGRESS')).toEqual([]);
    expect(find(copies, kept, 'UPDATE_ROLLBACK_IN_PROGRESS')).toEqual([]);
  });

  test('do not include a backup', () => {
    const copies = [
      copy('a', 'completed', 11, { ...OTHER_INPUTS, ...retained('RetainExceptOnCreate') }),
      copy('b', 'pending', 12, { ...OTHER_INPUTS, ...retained('Retain') }),
    ];
    expect(find(copies, kept, 'UPDATE_IN_PROGRESS')).toEqual(['b']);
  });
});

describe('a copy that a request began', () => {
  test('is still referenced by its ID, by its handle, or as a backup', () => {
    const one = copy('a', 'completed', 0);
    expect([undefined, 'a', HANDLE, 'b'].map((id) => isStillReferenced(one, id))).toEqual([false, true, true, false]);
    expect(isStillReferenced(copy('a', 'completed', 0, retained('Retain')), undefined)).toBe(true);
    expect(isStillReferenced(copy('a', 'error', 0, retained('Retain')), 'b')).toBe(false);
  });

  test.each([
    ['Create', 'UPDATE_ROLLBACK_IN_PROGRESS', 'RetainExceptOnCreate', 0, true],
    ['Create', 'UPDATE_ROLLBACK_IN_PROGRESS', 'RetainExceptOnCreate', -1, false],
    ['Create', 'UPDATE_ROLLBACK_IN_PROGRESS', 'Retain', 0, false],
    ['Create', 'CREATE_IN_PROGRESS', 'RetainExceptOnCreate', 0, false],
    ['Update', 'UPDATE_ROLLBACK_IN_PROGRESS', 'RetainExceptOnCreate', 0, false],
  ] as const)(
    'is deleted by the rollback (%s, %s, %s, started %i s after the operation began): %s',
    (type, status, policy, at, taken) => {
      const one = copy('a', 'completed', at, retained(policy));
      expect(isTakenByRollback(one, requestFor({}, { RequestType: type }), during(status))).toBe(taken);
    },
  );
});

test('the rollback of a new stack, even with its own begin time, deletes a RetainExceptOnCreate copy', () => {
  const isTaken = (policy: RetainingPolicy): boolean =>
    isTakenByRollback(copy('a', 'completed', 0, retained(policy)), request, ROLLBACK);
  expect([isTaken('RetainExceptOnCreate'), isTaken('Retain')]).toEqual([true, false]);
});

describe('a Delete', () => {
  const UNKNOWN = 'app-Copy1A2B3C-1XYZ';
  const deletes = (
    one: Copy,
    PhysicalResourceId: string,
    operation = during('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'),
    resourceGoes = false,
  ): boolean =>
    shouldDelete(one, requestFor({}, { RequestType: 'Delete', PhysicalResourceId }), operation, resourceGoes);

  test('by a handle deletes the copies under it, even if they are finished and retained', () => {
    expect(deletes(copy('a', 'completed', 0, retained('Retain')), HANDLE)).toBe(true);
    expect(deletes(copy('a', 'completed', 0), OTHER_HANDLE)).toBe(false);
    expect(deletes(copy('a', 'pending', 0), OTHER_HANDLE)).toBe(false);
  });

  test('by a snapshot ID deletes the unfinished copies that were started under that ID', () => {
    const ID = 'snap-0123456789abcdef1';
    expect(deletes(copy('a', 'pending', 0, { [TAG.handle]: ID }), ID)).toBe(true);
    expect(deletes(copy('a', 'completed', 0, { [TAG.handle]: ID }), ID)).toBe(false);
    expect(deletes(copy('a', 'pending', 0), ID)).toBe(false);
  });

  test.each<[string, boolean, boolean, boolean, Copy]>([
    ['finished', true, true, true, copy('a', 'completed', 0)],
    ['unfinished and retained', true, true, true, copy('a', 'pending', 0, retained('Retain'))],
    ['finished and retained', false, false, false, copy('a', 'completed', 0, retained('Retain'))],
    ['of the canceled create', true, true, false, copy('a', 'completed', 0, retained('RetainExceptOnCreate'))],
    ['of an earlier operation', false, false, false, copy('a', 'completed', -1, retained('RetainExceptOnCreate'))],
  ])(
    'deletes a copy that is %s, by an unknown ID: %s, when a new stack rolls back: %s, with the stack or resource: %s',
    (_, byUnknownId, inRollback, withResource, one) => {
      expect(deletes(one, UNKNOWN)).toBe(byUnknownId);
      expect(deletes(one, OTHER_HANDLE, ROLLBACK)).toBe(inRollback);
      expect(deletes(one, OTHER_HANDLE, during('DELETE_IN_PROGRESS'))).toBe(withResource);
      expect(deletes(one, OTHER_HANDLE, undefined, true)).toBe(withResource);
      expect(deletes(one, OTHER_HANDLE)).toBe(false);
    },
  );

  test('must delete the copies under its handle, and a Create need not', () => {
    const operation = during('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    const byHandle = requestFor({}, { RequestType: 'Delete' });
    expect(isMeantByDelete(copy('a', 'completed', 0), byHandle, operation)).toBe(true);
    expect(isMeantByDelete(copy('a', 'completed', 0, EARLIER), byHandle, operation)).toBe(false);
    expect(isMeantByDelete(copy('a', 'completed', 0), request, operation)).toBe(false);
  });

  test('by an unknown ID must delete unfinished copies, and copies that the operation began', () => {
    const operation = during('UPDATE_ROLLBACK_IN_PROGRESS');
    const byUnknownId = requestFor({}, { RequestType: 'Delete', PhysicalResourceId: 'app-Copy-1XYZ' });
    const at = (startedAt: number, state = 'completed'): boolean =>
      isMeantByDelete({ ...copy('a', state, 0, EARLIER), startedAt }, byUnknownId, operation);
    expect([at(operation.begunAt), at(operation.begunAt - 1)]).toEqual([true, false]);
    expect(at(operation.begunAt - 1, 'pending')).toBe(true);
  });
});
