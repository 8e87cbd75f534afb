import {
  elapsed,
  isInStartWindow,
  isLatestWindowVisible,
  isOvertimeOver,
  isStageOver,
  mayHideDuplicate,
  secondWindow,
  startWindow,
  visibilityDelay,
  type Timing,
} from '../../lambda/times';
import { SECOND } from './in-process';
import { copyFor, requestFor } from './requests';

/** A poll so many seconds after its request, with a poll interval of 30 seconds. */
function pollAt(seconds: number, stage = 1): Timing {
  const request = { ...requestFor({ TimeoutSeconds: '600' }), stage };
  return { request, now: () => request.startedAt + seconds * SECOND, pollIntervalMs: 30 * SECOND };
}

test('the time that has elapsed counts from the request', () => {
  expect(elapsed(pollAt(42))).toBe(42 * SECOND);
});

describe('a start window', () => {
  test('lasts one poll interval, and the visibility delay is a window, a call and a stale read', () => {
    const poll = pollAt(0);
    expect([startWindow(poll), visibilityDelay(poll)]).toEqual([30 * SECOND, 180 * SECOND]);
    const slow = { ...poll, pollIntervalMs: 60 * SECOND };
    expect([startWindow(slow), visibilityDelay(slow)]).toEqual([60 * SECOND, 210 * SECOND]);
  });

  test.each([
    [0, true],
    [29.999, true],
    [30, false],
    [179.999, false],
    [180, true],
    [209.999, true],
    [210, false],
    [360, true],
  ])('opens every visibility delay: at %d s it is open: %s', (seconds, isOpen) => {
    expect(isInStartWindow(pollAt(seconds))).toBe(isOpen);
  });

  test.each([
    [0, false],
    [29, false],
    [179.999, false],
    [180, true],
    [209, true],
    [210, false],
  ])('is skipped once by a later stage: at %d s it is open: %s', (seconds, isOpen) => {
    expect(isInStartWindow(pollAt(seconds, 2))).toBe(isOpen);
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

  test('opens a second time a visibility delay after the request', () => {
    const poll = pollAt(0);
    expect(secondWindow(poll)).toBe(poll.request.startedAt + 180 * SECOND);
  });
});

test('a copy may hide a duplicate until everything started in its window is visible', () => {
  const { request } = pollAt(0);
  const copy = copyFor(request, { startedAt: request.startedAt + 10 * SECOND });
  expect([189.999, 190].map((seconds) => mayHideDuplicate(pollAt(seconds), copy))).toEqual([true, false]);
});

test('a stage is over at its timeout, and its overtime is over five minutes later', () => {
  expect([599.999, 600].map((seconds) => isStageOver(pollAt(seconds)))).toEqual([false, true]);
  expect([899.999, 900].map((seconds) => isOvertimeOver(pollAt(seconds)))).toEqual([false, true]);
});
