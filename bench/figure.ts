// One line of the table, and the table.

export interface Figure {
  readonly what: string;
  /** What the value is a ratio to; absent where it stands for itself. */
  readonly baseline?: string;
  readonly value: number;
  readonly unit: string;
  /** The most that the value may be; absent where it is only shown. */
  readonly goal?: number;
}

export const isMissed = ({ value, goal }: Figure): boolean => goal !== undefined && !(value <= goal);

export function table(figures: readonly Figure[]): string {
  const all = [['what', 'compared with', 'measured', 'goal'], ...figures.map(cellsOf)];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const lines = all.map((cells) => lineOf(cells.map((cell, column) => cell.padEnd(widths[column] ?? 0))));
  return [lines[0], lineOf(widths.map((width) => '-'.repeat(width))), ...lines.slice(1)].join('\n');
}

export function row(figure: Figure): string {
  return lineOf(cellsOf(figure));
}

function cellsOf(figure: Figure): string[] {
  return [
    figure.what,
    figure.baseline ?? '–',
    `${written(figure.value, figure.unit)}${isMissed(figure) ? ' (missed)' : ''}`,
    figure.goal === undefined ? '–' : `≤ ${written(figure.goal, figure.unit)}`,
  ];
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Three digits tell all that a measurement knows; counts are whole. */
export function written(value: number, unit: string): string {
  const digits = Number.isInteger(value) ? value.toLocaleString('en-US') : Number(value.toPrecision(3)).toString();
  if (unit === '×') return `${value.toFixed(2)}×`;
  return unit === '$' ? `$${value.toPrecision(2)}` : `${digits} ${unit}`.trim();
}
