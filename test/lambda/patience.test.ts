import { CallError, Failure, NotYet } from '../../lambda/failure';
import { Memory } from '../../lambda/memory';
import { isFinal, mayBeDone } from '../../lambda/patience';
import { AwsError, ConnectionReset } from '../../local-aws/faults';
import { SECOND } from './in-process';
import { requestFor } from './requests';

const request = requestFor();

/** Whether the error is final in a poll this many seconds after the request began. */
function isFinalAt(seconds: number, error: Error, memory = new Memory()): boolean {
  const time = request.startedAt + seconds * SECOND;
  return isFinal({ request, memory, now: () => time, pollIntervalMs: 30 * SECOND, beganAt: time }, error);
}

const HOURS = 10 * 3_600;

/** The first of these seconds at which the error is final. Undefined if it is not final even after ten hours. */
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
  ['a NotYet error', undefined, new NotYet('not yet')],
  ['an unanswered call about which nothing else is known', undefined, new ConnectionReset()],
])('%s is final from this second of the request on: %s', (_, seconds, error) => {
  expect(finalFrom(error)).toBe(seconds);
  if (error instanceof AwsError) expect(finalFrom(new CallError(error, 'eu-west-1'))).toBe(seconds);
});

describe('an unreachable endpoint', () => {
  /** Unreachable since this many seconds after the request began. */
  const lost = (seconds: number): CallError =>
    new CallError(new ConnectionReset(), 'eu-west-1', request.startedAt + seconds * SECOND);

  test('is final after five minutes if it became unreachable in the first minute of the request', () => {
    expect(finalFrom(lost(0))).toBe(300);
    expect([359.999, 360].map((seconds) => isFinalAt(seconds, lost(60)))).toEqual([false, true]);
  });

  test('is not final in the first five minutes of the request, even if it was unreachable long before', () => {
    expect(finalFrom(lost(-HOURS))).toBe(300);
  });

  test('is never final if it became unreachable after the first minute', () => {
    expect(isFinalAt(HOURS, lost(60.001))).toBe(false);
  });

  test('is never final if the handler has seen a copy, because then the Region exists', () => {
    const memory = new Memory();
    memory.see(request, { snapshotId: 'snap-a', since: 0, at: 0, isOnlyStart: true });
    expect(isFinalAt(HOURS, lost(0), memory)).toBe(false);
  });
});

describe('a refusal of a call that may have taken effect already', () => {
  const refusal = new CallError(new AwsError('IncorrectState', 'Not now.'), 'eu-west-1');
  const at = (seconds: number, what: string, error: Error, memory: Memory): boolean =>
    mayBeDone({ request, memory, now: () => seconds * SECOND, pollIntervalMs: 30 * SECOND, beganAt: 0 }, what, error);

  test('counts only after EC2 has refused for two minutes', () => {
    const memory = new Memory();
    expect([600, 719.999, 720].map((seconds) => at(seconds, 'lock', refusal, memory))).toEqual([true, true, false]);
  });

  test('is timed separately for each call, and again after the request is answered', () => {
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
  ])('does not include other errors: %s', (error) => {
    expect(at(0, 'lock', error, new Memory())).toBe(false);
  });
});
