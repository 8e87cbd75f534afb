// How the demo writes: on a terminal, it wraps lines and redraws the line with the progress; elsewhere, it writes plain lines.
import { stripVTControlCharacters, styleText } from 'node:util';

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'cyan';

const TEXT_WIDTH = 100;
/** Details are aligned with the subject of a row. */
const INDENT = ' '.repeat(10);
export const ERASE_LINE = '\r\u001b[2K';

export class Console {
  readonly redraws: boolean;
  private isDrawn = false;

  constructor(
    private readonly output: Output,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.redraws = output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  }

  line(text = ''): void {
    this.output.write(`${this.isDrawn ? ERASE_LINE : ''}${text}\n`);
    this.isDrawn = false;
  }

  heading(text: string): void {
    this.line();
    this.line(this.styled('bold', text));
  }

  paragraph(text: string): void {
    for (const line of wrapped(text, Math.min(this.width, TEXT_WIDTH))) this.line(line);
  }

  /** One line, except on a terminal. */
  sentence(text: string, style?: Style): void {
    const lines = this.redraws ? wrapped(text, Math.min(this.width, TEXT_WIDTH)) : [text];
    for (const line of lines) this.line(style === undefined ? line : this.styled(style, line));
  }

  /** One line, except on a terminal, where long commands are continued as in a shell. */
  command(words: readonly string[]): void {
    const all = `$ ${words.join(' ')}`;
    if (!this.redraws || all.length < this.width) {
      this.line(all);
      return;
    }
    const [first = '', ...others] = words;
    this.line(`$ ${first} \\`);
    for (const [n, word] of others.entries()) this.line(`    ${word}${n < others.length - 1 ? ' \\' : ''}`);
  }

  /** One line, except on a terminal. */
  detail(text: string): void {
    const lines = this.redraws ? wrapped(text, this.width - INDENT.length) : [text];
    for (const line of lines) this.line(this.indented(line));
  }

  /** On a terminal, a long value gets its own line. */
  entry(name: string, value: string): void {
    const whole = `  ${name.padEnd(12)}  ${value}`;
    const lines = this.redraws && whole.length > this.width ? [`  ${name}`, `    ${value}`] : [whole];
    for (const line of lines) this.line(line);
  }

  /** Text that does not fit continues under the subject. */
  row(time: number, subject: string, text: string): void {
    const whole = rowOf(time, subject, text);
    const [first = '', ...others] = this.redraws ? wrapped(whole, this.width, this.width - INDENT.length) : [whole];
    this.line(first);
    for (const line of others) this.line(this.indented(line));
  }

  /** A line that the next one replaces, on terminals only. */
  draw(time: number, subject: string, text: string): void {
    this.sketch(rowOf(time, subject, text));
  }

  sketch(text: string): void {
    if (!this.redraws) return;
    this.output.write(ERASE_LINE + text.slice(0, this.width - 1));
    this.isDrawn = true;
  }

  styled(style: Style, text: string): string {
    // The constructor has checked the output, which may differ from the output of the process.
    return this.redraws ? styleText(style, text, { validateStream: false }) : text;
  }

  /** A word that would not fit is not indented. */
  private indented(line: string): string {
    return this.redraws && INDENT.length + visibleLength(line) > this.width ? line : INDENT + line;
  }

  private get width(): number {
    const { columns = 0 } = this.output;
    return columns > 0 ? columns : TEXT_WIDTH;
  }
}

function rowOf(time: number, subject: string, text: string): string {
  return `${clockTime(time)}  ${subject.padEnd(22)}  ${text}`;
}

/** Breaks the text only at spaces. Lines after the first may be `width` wide. */
export function wrapped(text: string, firstWidth: number, width = firstWidth): string[] {
  const lines: string[] = [];
  for (const [gap, word] of partsOf(text)) {
    const last = lines.at(-1);
    const room = lines.length <= 1 ? firstWidth : width;
    if (last === undefined) lines.push(gap + word);
    else if (visibleLength(last + gap + word) <= room) lines[lines.length - 1] = last + gap + word;
    else lines.push(word);
  }
  return lines.length > 0 ? lines : [''];
}

/** Each word, and the spaces before it. */
function partsOf(text: string): [string, string][] {
  return [...text.matchAll(/( *)([^ ]+)/g)].map(([, gap = '', word = '']) => [gap, word]);
}

const visibleLength = (text: string): number => stripVTControlCharacters(text).length;

/** Hours, minutes and seconds. */
export function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, '0'))
    .join(':');
}

/** A duration in its shortest form. */
export function inShort(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`;
}
