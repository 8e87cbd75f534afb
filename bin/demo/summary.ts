// The table at the end: the time and cost of each step.
import type { LocalAws } from '../../local-aws';
import { priceOf } from '../../local-aws/price';
import { clockTime, wrapped } from './console';

export interface StepResult {
  readonly title: string;
  /** Virtual time. */
  readonly ms: number;
  readonly copies: number;
  readonly copySnapshotCalls: number;
  /** Cost of waiting, in dollars. */
  readonly price: number;
}

const TITLE_WIDTH = 36;
/** Memory of each function of the library. */
const HANDLER_MEGABYTES = 256;

/** Measures one step after another. */
export class Meter {
  private readonly invoked: string[] = [];
  private seen = { time: 0, calls: 0, invocations: 0 };

  constructor(private readonly aws: LocalAws) {
    this.aws.lambda.interceptor = ({ handler }, invoke) => {
      this.invoked.push(handler);
      return invoke();
    };
    this.begin();
  }

  begin(): void {
    this.seen = { time: this.aws.clock.now(), calls: this.calls, invocations: this.invoked.length };
  }

  end(title: string, endedAt: number, copies: number): StepResult {
    return {
      title,
      ms: endedAt - this.seen.time,
      copies,
      copySnapshotCalls: this.calls - this.seen.calls,
      price: priceOf(this.invoked.slice(this.seen.invocations), HANDLER_MEGABYTES),
    };
  }

  private get calls(): number {
    return this.aws.services.calls.filter(({ action }) => action === 'CopySnapshot').length;
  }
}

export function tableOf(results: readonly StepResult[]): string[] {
  const lines = [lineOf('step', 'time', 'copies', 'CopySnapshot', 'waiting')];
  for (const { title, ms, copies, copySnapshotCalls, price } of results) {
    const [first = '', ...others] = wrapped(title, TITLE_WIDTH);
    lines.push(lineOf(first, clockTime(ms), String(copies), String(copySnapshotCalls), inDollars(price)), ...others);
  }
  return lines;
}

function inDollars(price: number): string {
  if (price === 0) return '–';
  return price < 0.0001 ? '<$0.0001' : `$${price.toFixed(4)}`;
}

function lineOf(title: string, time: string, copies: string, calls: string, price: string): string {
  return [title.padEnd(TITLE_WIDTH), time.padEnd(8), copies.padStart(6), calls.padStart(12), price.padStart(8)].join(
    '  ',
  );
}
