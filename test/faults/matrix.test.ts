import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CELLS, COLUMNS, expectation, matrixDocument, runCell } from './matrix';

test('docs/fault-matrix.md is what `npm run docs:faults` writes', () => {
  expect(readFileSync(join(__dirname, '../../docs/fault-matrix.md'), 'utf8')).toBe(matrixDocument());
});

describe.each(COLUMNS.map(({ name }) => name))('%s', (name) => {
  const cells = CELLS.filter(({ column }) => column.name === name);
  test.each(cells.map((cell) => [cell.fault.name, expectation(cell), cell] as const))('%s: %s', async (_, __, cell) => {
    const { points, wrong } = await runCell(cell);
    expect(wrong).toEqual([]);
    expect(points).toBeGreaterThan(0);
  });
});
