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
  test('lasts from the first read that suggests that nobody is waiting until a read says otherwise', () => {
    const memory = new Memory();
    expect([memory.doubt(request, 1_000), memory.doubt(request, 2_000)]).toEqual([1_000, 1_000]);
    memory.trust(request);
    expect(memory.doubt(request, 3_000)).toBe(3_000);
  });

  test('belongs to one request: later requests and other resources have their own', () => {
    const memory = new Memory();
    memory.doubt(request, 1_000);
    expect(memory.doubt(later, 2_000)).toBe(2_000);
    expect(memory.doubt(ofStage, 2_000)).toBe(2_000);
    memory.trust(later);
    expect(memory.doubt(request, 2_000)).toBe(1_000);
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
    memory.doubt(one, 2_000),
  ]);
  expect(known).toEqual([
    [undefined, 1, undefined, 2_000],
    [SIGHTING, 2, 'quota', 1_000],
  ]);
});
