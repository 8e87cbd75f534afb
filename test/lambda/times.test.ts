import {
  elapsed,
  failedEarly,
  isInFirstWindow,
  isLatestWindowVisible,
  isOfFirstWindow,
  isOvertimeOver,
  isStageOver,
  mayHideDuplicate,
  mayStart,
  pollAge,
  visibilityDelay,
  type Timing,
} from '../../lambda/times';
import type { Poll } from '../../lambda/context';
import type { Request } from '../../lambda/request';
import { SECOND } from './in-process';
import { copyFor, requestFor } from './requests';

interface PollOptions {
  readonly stage?: number;
  /** How many seconds ago the poll began. */
  readonly age?: number;
  /** The poll interval in seconds. */
  readonly interval?: number;
}

/** A poll that began this many seconds after its request. */
function pollAt(
  seconds: number,
  { stage = 1, age = 0, interval = 30 }: PollOptions = {},
): Timing & { readonly request: Request } {
  const request = { ...requestFor({ TimeoutSeconds: '600' }), stage };
  const beganAt = request.startedAt + seconds * SECOND;
  return { request, beganAt, now: () => beganAt + age * SECOND, pollIntervalMs: interval * SECOND };
}

/** The copy that was started this many seconds after the request. */
const copyOf = ({ request }: Pick<Poll, 'request'>, seconds: number): ReturnType<typeof copyFor> =>
  copyFor(request, { startedAt: request.startedAt + seconds * SECOND });

test('time is measured from the request, and from the start of the poll', () => {
  const poll = pollAt(42, { age: 3 });
  expect([elapsed(poll), pollAge(poll)]).toEqual([45 * SECOND, 3 * SECOND]);
});

test('the visibility delay is a start window plus a call plus a stale read', () => {
  expect(visibilityDelay(pollAt(0))).toBe(180 * SECOND);
  expect(visibilityDelay(pollAt(0, { interval: 60 }))).toBe(210 * SECOND);
});

describe('a start window', () => {
  test.each([
    [0, true],
    [29.999, true],
    [30, false],
    [179.999, false],
    [180, true],
    [209.999, true],
    [210, false],
    [360, true],
  ])('opens once per visibility delay, for one poll interval: at %d s it is open: %s', (seconds, isOpen) => {
    expect(mayStart(pollAt(seconds))).toBe(isOpen);
    // What counts is when the poll began.
    expect(mayStart(pollAt(seconds, { age: 15 }))).toBe(isOpen);
  });

  test.each([
    [0, false],
    [29, false],
    [179.999, false],
    [180, true],
    [209, true],
    [210, false],
  ])('is skipped the first time in a later stage: at %d s it is open: %s', (seconds, isOpen) => {
    expect(mayStart(pollAt(seconds, { stage: 2 }))).toBe(isOpen);
  });

  test('is open for a poll whose clock is behind that of onEvent', () => {
    expect([-0.001, -60].map((seconds) => mayStart(pollAt(seconds)))).toEqual([true, true]);
  });

  test.each([
    [0, false],
    [149.999, false],
    [150, true],
    [179.999, true],
    [180, false],
    [330, true],
  ])('is visible before the next one opens: at %d s it is visible: %s', (seconds, isVisible) => {
    expect(isLatestWindowVisible(pollAt(seconds))).toBe(isVisible);
  });

  test.each([
    [0, 1, true],
    [29.999, 1, true],
    [30, 1, false],
    [180, 1, false],
    [0, 2, false],
  ])('is the very first one at %d s in stage %i: %s', (seconds, stage, isFirst) => {
    expect(isInFirstWindow(pollAt(seconds, { stage, age: 100 }))).toBe(isFirst);
  });
});

describe('the start windows of slow polls', () => {
  // The time between two polls is the poll interval plus the time that the first one takes.
  test.each([
    [15.001, 360],
    [31, 360],
    [90, 360],
    [90.001, 720],
    [151, 720],
    [240, 720],
    [270.001, 1_440],
  ])('last as long as such a poll, here %d s, and open every %d s', (age, length) => {
    const isOpen = (seconds: number): boolean => mayStart(pollAt(seconds, { age }));
    expect([0, age - 0.001, age, length - 0.001, length].map(isOpen)).toEqual([true, true, false, false, true]);
    const isVisible = (seconds: number): boolean => isLatestWindowVisible(pollAt(seconds, { age }));
    expect([length - 30.001, length - 30, length].map(isVisible)).toEqual([false, true, false]);
  });

  test.each([16, 31, 60, 90, 151, 240, 300])('give a poll of %d s time to call, and its copy time to appear', (age) => {
    const opens = Array.from({ length: 2_000 }, (_, seconds) => mayStart(pollAt(seconds, { age })));
    const next = opens.findIndex((isOpen, i) => isOpen && i > 0 && !opens[i - 1]);
    const last = opens.indexOf(false) - 1;
    // The call may start as late as possible and time out after 30 s, and a read may be two minutes old.
    expect(next).toBeGreaterThanOrEqual(last + age + 30 + 120);
  });

  test('do not include the first one in a later stage', () => {
    const isOpen = (seconds: number): boolean => mayStart(pollAt(seconds, { age: 60, stage: 2 }));
    expect([0, 299, 360].map(isOpen)).toEqual([false, false, true]);
  });
});

test('a copy may hide a duplicate until everything started in its window is visible', () => {
  const hides = (seconds: number): boolean => mayHideDuplicate(pollAt(seconds), copyOf(pollAt(0), 10));
  expect([189.999, 190].map(hides)).toEqual([true, false]);
});

test('a copy failed early if its failure shows within five minutes plus a visibility delay of its start', () => {
  const isEarly = (seconds: number): boolean => failedEarly(pollAt(seconds), copyOf(pollAt(0), 10));
  expect([489.999, 490].map(isEarly)).toEqual([true, false]);
});

test('a copy belongs to the first window if it was started before the second one could open', () => {
  const poll = pollAt(500);
  expect([0, 179.999, 180].map((seconds) => isOfFirstWindow(poll, copyOf(poll, seconds)))).toEqual([true, true, false]);
});

test('a stage is over at its timeout, and its overtime is over five minutes later', () => {
  expect([599.999, 600].map((seconds) => isStageOver(pollAt(seconds)))).toEqual([false, true]);
  expect([899.999, 900].map((seconds) => isOvertimeOver(pollAt(seconds)))).toEqual([false, true]);
});
