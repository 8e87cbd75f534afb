// Virtual time, as a discrete-event loop: time stands still while a task works (real I/O included) and jumps to
// the next wake-up when all of them sleep. Tasks take turns, one at a time, in the order of their wake-ups, so that
// a run can be repeated. An hour of waiting takes as long as the work in it.

interface WakeUp {
  readonly at: number;
  readonly wake: () => void;
}

export const TIMED_OUT = Symbol('timed out');

export class VirtualClock {
  private readonly wakeUps: WakeUp[] = [];
  private readonly background = new Set<Promise<unknown>>();
  private working = 0;
  private awaited = 0;

  constructor(private time = Date.UTC(2030, 0, 1)) {}

  now(): number {
    return this.time;
  }

  /** Runs a task of the test or the demo. Time passes only while there is one. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    this.awaited++;
    try {
      return await this.takeTurns(task);
    } finally {
      this.awaited--;
    }
  }

  /** Starts what goes on by itself, as a state machine does after the stack operation it belongs to has ended. */
  spawn<T>(task: () => Promise<T>): Promise<T> {
    const running = this.takeTurns(task);
    this.background.add(running);
    const forget = (): void => void this.background.delete(running);
    running.then(forget, forget);
    return running;
  }

  /** Lets time pass until everything spawned has ended. */
  async settle(): Promise<void> {
    await this.run(async () => {
      while (this.background.size > 0) await this.waitFor(Promise.allSettled(this.background));
    });
  }

  /** To be called by the task whose turn it is. */
  async sleep(ms: number): Promise<void> {
    this.working--;
    await this.turnAt(this.time + ms);
  }

  /** Waits for another task (awaiting it alone would keep the turn, and time would stand still for ever). */
  async waitFor<T>(promise: Promise<T>): Promise<T> {
    this.working--;
    this.next();
    try {
      return await promise;
    } finally {
      await this.turnAt(this.time);
    }
  }

  async waitAtMost<T>(promise: Promise<T>, ms: number): Promise<T | typeof TIMED_OUT> {
    let cancel = (): void => undefined;
    const timeOut = new Promise<typeof TIMED_OUT>((resolve) => {
      cancel = this.at(this.time + ms, () => {
        resolve(TIMED_OUT);
      });
    });
    return this.waitFor(Promise.race([promise, timeOut])).finally(cancel);
  }

  /** Calls back at a time, in nobody's turn. Returns the function that cancels it. */
  at(time: number, callback: () => void): () => void {
    const wakeUp = { at: Math.max(time, this.time), wake: callback };
    const later = this.wakeUps.findIndex((other) => other.at > wakeUp.at);
    this.wakeUps.splice(later < 0 ? this.wakeUps.length : later, 0, wakeUp);
    this.next();
    return () => {
      const index = this.wakeUps.indexOf(wakeUp);
      if (index >= 0) this.wakeUps.splice(index, 1);
    };
  }

  private async takeTurns<T>(task: () => Promise<T>): Promise<T> {
    await this.turnAt(this.time);
    try {
      return await task();
    } finally {
      this.working--;
      this.next();
    }
  }

  private turnAt(time: number): Promise<void> {
    return new Promise((resolve) => {
      this.at(time, () => {
        this.working++;
        resolve();
      });
    });
  }

  /** setImmediate comes after all promises that are due: whoever they resume has taken its turn or its place. */
  private next(): void {
    setImmediate(() => {
      if (this.working > 0 || this.awaited === 0) return;
      const wakeUp = this.wakeUps.shift();
      if (!wakeUp) return;
      this.time = wakeUp.at;
      wakeUp.wake();
      this.next();
    });
  }
}
