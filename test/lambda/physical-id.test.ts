import { decodePhysicalId, handleFor, shortHash, type PhysicalId } from '../../lambda/physical-id';

test.each<[string, PhysicalId['kind']]>([
  ['copy-0123456789abcdef0123456789abcdef', 'handle'],
  ['copy-0123456789abcdef0123456789abcdef0', 'unknown'],
  ['my-copy-0123456789abcdef0123456789abcdef', 'unknown'],
  ['copy-0123456789ABCDEF0123456789ABCDEF', 'unknown'],
  ['snap-01234567', 'snapshot'],
  ['snap-0123456789abcdef0', 'snapshot'],
  ['snap-0123456', 'unknown'],
  ['snap-0123456789abcdef01', 'unknown'],
  ['app-snap-0123456789abcdef0', 'unknown'],
  ['app-Copy1A2B3C-1XYZ', 'unknown'],
  ['', 'unknown'],
])('the physical ID "%s" is of kind "%s"', (text, kind) => {
  expect(decodePhysicalId(text)).toEqual({ kind, text });
});

describe('a handle', () => {
  test('is recognized by its format', () => {
    expect(decodePhysicalId(handleFor('stack', 'Copy')).kind).toBe('handle');
  });

  test('depends on each part of the identity of the request, and on where each part ends', () => {
    const handles = [['a', 'b'], ['a', 'c'], ['c', 'b'], ['ab'], ['b', 'a']].map((parts) => handleFor(...parts));
    expect(new Set(handles).size).toBe(handles.length);
    expect(handleFor('a', 'b')).toBe(handles[0]);
  });
});

test('a short hash is the first half of the SHA-256 hash of the JSON text', () => {
  expect(shortHash(['a', 'b'])).toBe('0473ef2dc0d324ab659d3580c1134e9d');
});
