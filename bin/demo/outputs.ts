// Shows the outputs of the stack when they change, and what the change means for the copy.
import type { Console } from './console';

type Values = Readonly<Record<string, string>>;

export class Outputs {
  private before: Values = {};

  constructor(private readonly console: Console) {}

  /** @param status the final status of the stack */
  show(outputs: Values, status: string): void {
    const { before } = this;
    this.before = outputs;
    const entries = Object.entries(outputs);
    if (entries.length === 0 || status === 'DELETE_COMPLETE') return;
    const changed = entries.filter(([name, value]) => value !== before[name]);
    if (changed.length === 0) {
      const how = status.includes('ROLLBACK') ? 'rolled back to the same copy' : 'updated in place, same copy';
      this.console.line(`Outputs unchanged: ${how}.`);
      return;
    }
    const isNew = before.SnapshotId !== undefined && outputs.SnapshotId !== before.SnapshotId;
    this.console.line(isNew ? 'Outputs changed: a new copy has replaced the old one.' : 'Outputs:');
    for (const [name, value] of changed) this.console.entry(name, value || '(empty)');
  }
}
