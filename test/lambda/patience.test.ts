import { CallError, Failure, NotYet } from '../../lambda/failure';
import { Memory } from '../../lambda/memory';
import { isFinal, mayBeDone } from '../../lambda/patience';
import { AwsError, ConnectionReset } from '../../local-aws/faults';
import { SECOND } from './in-process';
import { requestFor } from './requests';

const request = requestFor();

/** Whether the error is the last word in a poll so many seconds after the request began. */
function isFinalAt(seconds: number, error: Error, memory = new Memory()): boolean {
  const time = request.startedAt + seconds * SECOND;
  return isFinal({ request, memory, now: () => time, pollIntervalMs: 30 * SECOND, beganAt: time }, error);
}

const HOURS = 10 * 3_600;

/** From which second on it is, at the latest in ten hours. */
const finalFrom = (error: Error): number | undefined =>
  [0, 59.999, 60, 299.999, 300, HOURS].find((seconds) => isFinalAt(seconds, error));

test.each<[string, number | undefined, Error]>([
  ['a failure', 0, new Failure('no')],
  ['a definite refusal', 0, new AwsError('SnapshotLimitExceeded', 'Limit reached.')],
  ['a closed Region', 60, new AwsError('AuthFailure', 'Not able to validate the credentials.')],
  ['an explicit deny', 60, new AwsError('UnauthorizedOperation', 'No, with an explicit deny in a policy', 403)],
  ['a denied call', 300, new AwsError('UnauthorizedOperation', 'No.', 403)],
  ['a throttled call', undefined, new AwsError('Throttling', 'Rate exceeded')],
  ['a missing snapshot', undefined, new AwsError('InvalidSnapshot.NotFound', 'The snapshot does not exist.')],
  ['what is not yet so', undefined, new NotYet('not yet')],
  ['a call without an answer, of which nothing more is known', undefined, new ConnectionReset()],
])('%s is the last word from this second of the request on: %s', (_, seconds, error) => {
  expect(finalFrom(error)).toBe(seconds);
  if (error instanceof AwsError) expect(finalFrom(new CallError(error, 'eu-west-1'))).toBe(seconds);
});

describe('an endpoint that is not reached', () => {
  /** Since so many seconds after the request began. */
  const lost = (seconds: number): CallError =>
    new CallError(new ConnectionReset(), 'eu-west-1', request.startedAt + seconds * SECOND);

  test('is the last word when the request could not reach it from the beginning, for five minutes', () => {
    expect(finalFrom(lost(0))).toBe(300);
    expect([359.999, 360].map((seconds) => isFinalAt(seconds, lost(60)))).toEqual([false, true]);
  });

  test('is not the last word over what was before the request', () => {
    expect(finalFrom(lost(-HOURS))).toBe(300);
  });

  test('is never the last word if the request reached it before', () => {
    expect(isFinalAt(HOURS, lost(60.001))).toBe(false);
  });

  test('is never the last word if there is a copy, because then the Region exists', () => {
    const memory = new Memory();
    memory.see(request, { snapshotId: 'snap-a', since: 0, at: 0, isOnlyStart: true });
    expect(isFinalAt(HOURS, lost(0), memory)).toBe(false);
  });
});

describe('a refusal of what may have been done already', () => {
  const refusal = new CallError(new AwsError('IncorrectState', 'Not now.'), 'eu-west-1');
  const at = (seconds: number, what: string, error: Error, memory: Memory): boolean =>
    mayBeDone({ request, memory, now: () => seconds * SECOND, pollIntervalMs: 30 * SECOND, beganAt: 0 }, what, error);

  test('counts when it has been the answer for two minutes', () => {
    const memory = new Memory();
    expect([600, 719.999, 720].map((seconds) => at(seconds, 'lock', refusal, memory))).toEqual([true, true, false]);
  });

  test('is another one if something else is refused, and after the answer', () => {
    const memory = new Memory();
    at(0, 'tier', refusal, memory);
    expect(at(120, 'lock', refusal, memory)).toBe(true);
    memory.end(request);
    expect(at(600, 'lock', refusal, memory)).toBe(true);
  });

  test.each([
    new Failure('no'),
    new NotYet('not yet'),
    new CallError(new AwsError('Throttling', 'Slow.'), 'eu-west-1'),
  ])('is not meant: %s', (error) => {
    expect(at(0, 'lock', error, new Memory())).toBe(false);
  });
});
