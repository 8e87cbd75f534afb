// The pictures of the README: text stays within its box and the picture, whatever the font.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const docs = (name: string): string => readFileSync(join(__dirname, '..', 'docs', name), 'utf8');
const attributes = (tag: string): Record<string, string> =>
  Object.fromEntries([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));

/** The character width of the widest fonts in use, such as Verdana, relative to the font size. */
const ADVANCE = 0.62;
const SIZES: Readonly<Record<string, number>> = { head: 14, note: 12 };

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function boxesIn(svg: string): Box[] {
  return [...svg.matchAll(/<rect [^>]*>/g)].map(([tag]) => {
    const { x = '0', y = '0', width = '', height = '' } = attributes(tag);
    return { left: Number(x), right: Number(x) + Number(width), top: Number(y), bottom: Number(y) + Number(height) };
  });
}

describe.each(['flow.svg', 'life.svg'])('%s', (name) => {
  const svg = docs(name);
  const texts = [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)];

  test('keeps all text within its box', () => {
    expect(texts.length).toBeGreaterThan(10);
    const boxes = boxesIn(svg);
    const leaving = texts.filter(([, tag = '', text = '']) => {
      const { class: kind = '', x = '', y = '', 'text-anchor': anchor } = attributes(tag);
      const width = text.length * ADVANCE * (SIZES[kind] ?? 13);
      const left = anchor === 'middle' ? Number(x) - width / 2 : Number(x);
      const around = boxes.filter((box) => box.left <= Number(x) && Number(x) <= box.right && box.top <= Number(y) && Number(y) <= box.bottom); // prettier-ignore
      return around.some((box) => left < box.left || left + width > box.right);
    });
    expect(leaving.map(([, , text]) => text)).toEqual([]);
  });

  test('has a title and a description for those who cannot see it', () => {
    expect(svg).toMatch(/<title id="t">[^<]+<\/title>/);
    expect(svg).toMatch(/<desc id="d">[^<]{100,}<\/desc>/);
  });
});

test('flow.svg shows all five functions', () => {
  const heads = [...docs('flow.svg').matchAll(/class="head"[^>]*>([^<]*)</g)].map(([, head]) => head);
  expect(heads).toEqual(
    expect.arrayContaining([
      'framework onEvent',
      'framework isComplete',
      'framework onTimeout',
      'onEvent',
      'isComplete',
    ]),
  );
});

describe('demo.svg', () => {
  const svg = docs('demo.svg');

  test('is animated: each line appears at its time within one loop', () => {
    const times = [...svg.matchAll(/keyTimes="([^"]*)" values="([^"]*)"/g)];
    expect(times.length).toBeGreaterThan(50);
    for (const [, keys = '', values = ''] of times) {
      const numbers = keys.split(';').map(Number);
      expect(values.split(';')).toHaveLength(numbers.length);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers[0]).toBe(0);
      expect(numbers.at(-1)).toBeLessThan(1);
    }
  });

  test('contains nothing that a page would have to load or run', () => {
    expect(svg).not.toMatch(/<script|href=|@import|url\(/);
  });
});
