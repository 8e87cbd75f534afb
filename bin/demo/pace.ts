// On a terminal, plays hours of virtual time in seconds, at an even pace, so that a person can follow.
import type { Output } from './console';

/** How long the playback takes, in real time. The simulation before it takes a few more seconds. */
const WHOLE_MS = 9_000;
/** The eye needs some time for each new line. */
const LINE_MS = 35;
/** The least share of the playback that is spent on the passing of virtual time, not on lines. */
const LEAST_SHARE = 0.4;

interface Moment {
  /** Virtual time. */
  readonly at: number;
  readonly text: string;
}

export type Sleep = (ms: number) => Promise<unknown>;

/** An output that records what is written to it, and plays it later. */
export class Pace implements Output {
  private readonly moments: Moment[] = [];
  private now?: () => number;

  constructor(
    private readonly output: Output,
    private readonly sleep: Sleep,
  ) {}

  get isTTY(): boolean | undefined {
    return this.output.isTTY;
  }

  get columns(): number | undefined {
    return this.output.columns;
  }

  /** Records everything that is written from now on. Until then, text is written through. */
  keep(now: () => number): void {
    this.now = now;
  }

  write(text: string): void {
    if (this.now) this.moments.push({ at: this.now(), text });
    else this.output.write(text);
  }

  async play(): Promise<void> {
    this.now = undefined;
    const pauses = pausesBefore(this.moments);
    // Short pauses are added up, because timers fire late rather than early.
    let due = 0;
    for (const [n, { text }] of this.moments.entries()) {
      due += pauses[n] ?? 0;
      if (due >= LINE_MS) {
        await this.sleep(due);
        due = 0;
      }
      this.output.write(text);
    }
    this.moments.length = 0;
  }
}

/** The pause before each moment, in real time. */
export function pausesBefore(moments: readonly Moment[]): number[] {
  const lines = moments.filter(({ text }) => text.endsWith('\n')).length;
  const perLine = Math.min(LINE_MS, (WHOLE_MS * (1 - LEAST_SHARE)) / Math.max(1, lines));
  const virtual = (moments.at(-1)?.at ?? 0) - (moments[0]?.at ?? 0);
  const scale = virtual > 0 ? (WHOLE_MS - lines * perLine) / virtual : 0;
  return moments.map(({ at, text }, n) => {
    const passed = at - (moments[n - 1]?.at ?? at);
    return passed * scale + (text.endsWith('\n') ? perLine : 0);
  });
}
