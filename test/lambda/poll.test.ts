import type { Aws } from '../../lambda/aws';
import { toCopy } from '../../lambda/copies';
import { describe as look, isAtRest, isInWindow, isLate, isOld, isRollback, type Poll } from '../../lambda/poll';
import { AwsError } from '../../local-aws/faults';
import { requestFor, SECOND } from './in-process';

/** A poll at so many seconds after its request. */
function pollAt(seconds: number, stage = 1): Poll {
  const request = { ...requestFor({ TimeoutSeconds: '600' }), stage };
  const now = (): number => request.startedAt + seconds * SECOND;
  return { request, now, pollIntervalMs: 30 * SECOND } as Poll;
}

describe('a copy is started', () => {
  test.each([
    [0, true],
    [29.999, true],
    [30, false],
    [179.999, false],
    [180, true],
    [209.999, true],
    [210, false],
    [360, true],
  ])('in one poll interval of every three minutes: after %d s %s', (seconds, expected) => {
    expect(isInWindow(pollAt(seconds))).toBe(expected);
  });

  test('by a continuation not before its second window, as the stage before may just have had one', () => {
    expect([0, 29, 179, 180, 209, 210].map((seconds) => isInWindow(pollAt(seconds, 2)))).toEqual([
      false,
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});

test('a request is late from its time-out on', () => {
  expect([599.999, 600].map((seconds) => isLate(pollAt(seconds)))).toEqual([false, true]);
});

test('a copy is old when all that was begun in its window is to be seen', () => {
  const copy = toCopy({ StartTime: new Date(pollAt(10).now()) }, 'eu-west-1');
  expect([189.999, 190].map((seconds) => isOld(pollAt(seconds), copy))).toEqual([false, true]);
});

test.each([
  [undefined, false, false],
  ['UPDATE_IN_PROGRESS', false, false],
  ['UPDATE_COMPLETE', true, false],
  ['CREATE_FAILED', true, false],
  ['ROLLBACK_IN_PROGRESS', false, true],
  ['UPDATE_ROLLBACK_IN_PROGRESS', false, true],
  ['UPDATE_ROLLBACK_COMPLETE', true, true],
])('the status %s: at rest %s, a rollback %s', (status, atRest, rollback) => {
  expect([isAtRest(status), isRollback({ status: status ?? '', begunAt: '' })]).toEqual([atRest, rollback]);
});

describe('a look at one snapshot', () => {
  const answering = (describeSnapshot: Aws['describeSnapshot']): Aws => ({ describeSnapshot }) as Aws;

  test('finds none where EC2 does not know it', async () => {
    const missing = new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.');
    expect(
      await look(
        answering(() => Promise.reject(missing)),
        'eu-west-1',
        'snap-a',
      ),
    ).toBeUndefined();
    expect(
      await look(
        answering(() => Promise.resolve(undefined)),
        'eu-west-1',
        'snap-a',
      ),
    ).toBeUndefined();
  });

  test('does not take another error for that', async () => {
    const throttled = new AwsError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    await expect(
      look(
        answering(() => Promise.reject(throttled)),
        'eu-west-1',
        'snap-a',
      ),
    ).rejects.toBe(throttled);
  });
});
