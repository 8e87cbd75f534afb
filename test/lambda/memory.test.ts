import { Memory, type Sighting } from '../../lambda/memory';
import { HANDLE, requestFor } from './requests';

const request = requestFor();
const later = requestFor({}, { Begun: { At: request.startedAt + 1 } });
const ofStage = requestFor({}, { LogicalResourceId: 'Copy2' });
const ofOtherHandle = requestFor({}, { PhysicalResourceId: `copy-${'2'.repeat(32)}` });

const SIGHTING: Sighting = { snapshotId: 'snap-a', since: 0, at: 0, isOnlyStart: true };

test('a sighting of a copy is stored by physical ID, so that every request finds it, until it is forgotten', () => {
  const memory = new Memory();
  memory.see(request, SIGHTING);
  expect([request, later, ofStage].map((one) => memory.sightingOf(one))).toEqual([SIGHTING, SIGHTING, SIGHTING]);
  expect(memory.sightingOf(ofOtherHandle)).toBeUndefined();
  memory.forget(HANDLE);
  expect(memory.sightingOf(request)).toBeUndefined();
});

test('the starts of a copy are counted per physical ID', () => {
  const memory = new Memory();
  expect([memory.countStart(request), memory.countStart(later), memory.countStart(ofOtherHandle)]).toEqual([1, 2, 1]);
});

test('only the latest obstacle is stored, per request', () => {
  const memory = new Memory();
  memory.setObstacle(request, 'first');
  memory.setObstacle(request, 'second');
  expect([request, later, ofStage].map((one) => memory.obstacleOf(one))).toEqual(['second', undefined, undefined]);
});

describe('a doubt', () => {
  test('is confirmed when 30 seconds have passed, unless a read says otherwise in between', () => {
    const memory = new Memory();
    expect([1_000, 30_999, 31_000].map((now) => memory.doubt(request, now))).toEqual([false, false, true]);
    memory.trust(request);
    expect([32_000, 61_999].map((now) => memory.doubt(request, now))).toEqual([false, false]);
  });

  test('belongs to one request: later requests and other resources have their own', () => {
    const memory = new Memory();
    memory.doubt(request, 1_000);
    expect([later, ofStage].map((one) => memory.doubt(one, 40_000))).toEqual([false, false]);
    memory.trust(later);
    expect(memory.doubt(request, 40_000)).toBe(true);
  });
});

test('an answered request is forgotten, and the others are not', () => {
  const memory = new Memory();
  for (const one of [request, ofOtherHandle]) {
    memory.see(one, SIGHTING);
    memory.countStart(one);
    memory.setObstacle(one, 'quota');
    memory.doubt(one, 1_000);
  }
  memory.end(request);
  const known = [request, ofOtherHandle].map((one) => [
    memory.sightingOf(one),
    memory.countStart(one),
    memory.obstacleOf(one),
    memory.doubt(one, 40_000),
  ]);
  expect(known).toEqual([
    [undefined, 1, undefined, false],
    [SIGHTING, 2, 'quota', true],
  ]);
});

test('each refused call has its own first time', () => {
  const memory = new Memory();
  const calls = [['unlock', 1_000], ['archive', 2_000], ['unlock', 3_000]] as const; // prettier-ignore
  expect(calls.map(([what, now]) => memory.refuse(request, what, now))).toEqual([1_000, 2_000, 1_000]);
  memory.end(request);
  expect(memory.refuse(request, 'unlock', 4_000)).toBe(4_000);
});
