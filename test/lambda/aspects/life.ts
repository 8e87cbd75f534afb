// The life of a copy with something done to it when it is finished: through creates, updates and rollbacks, while EC2's
// answers are on time, late, or lost.
import type { CopyProperties } from '../../../lib/contract';
import type { Fault, FaultHook } from '../../../local-aws/faults';
import { MINUTE, SECOND, stale, World, type Outcome } from '../in-process';

export const REGION = 'eu-west-1';

type Declared = Partial<CopyProperties>;

/** What a life comes to. Each goes on from the one before: a copy is created, then changed, then the change rolled back. */
export type Ending = 'created' | 'changed' | 'rolled back';

export type Weather = 'answers on time' | 'late reads' | 'lost answers' | 'late reads and lost answers' | 'throttling';

export const WEATHERS: readonly Weather[] = [
  'answers on time',
  'late reads',
  'lost answers',
  'late reads and lost answers',
  'throttling',
];

/** The weather spares what makes the copy, which other tests are about. */
const SPARED = ['CopySnapshot', 'DescribeSnapshots', 'DescribeStacks', 'DescribeStackResource', 'DescribeKey'];

export class Life extends World {
  private declared: CopyProperties;
  private updated?: { readonly from: CopyProperties; readonly presentId: string | undefined };

  constructor(weather: Weather = 'answers on time', before: Declared = {}) {
    super({ copyDuration: MINUTE });
    this.declared = this.declare(before);
    if (weather.startsWith('late reads')) {
      this.ec2.handover.settings.staleness = 110 * SECOND;
      this.ec2.settings.staleness = stale({ tags: 110 * SECOND });
    }
    if (weather.endsWith('lost answers')) this.services.faults = this.atFirst('lost-response');
    if (weather === 'throttling') this.services.faults = this.atFirst('throttled');
  }

  async live(ending: Ending, change: Declared = {}): Promise<void> {
    succeeded(await this.make());
    if (ending !== 'created') succeeded(await this.change(change));
    if (ending === 'rolled back') succeeded(await this.goBack());
    this.time += 5 * MINUTE;
  }

  /** Creates the resource. What follows comes soon, so that late reads do not know of it. */
  async make(): Promise<Outcome> {
    const outcome = await this.runCreate(this.declared);
    this.enter('CREATE_COMPLETE');
    this.time += 10 * SECOND;
    return outcome;
  }

  /** An Update. The properties that are not named stay; those that are undefined go. */
  async change(change: Declared): Promise<Outcome> {
    this.updated = { from: this.declared, presentId: this.physicalId };
    this.declared = { ...this.declared, ...change };
    this.enter('UPDATE_IN_PROGRESS');
    const outcome = await this.run(this.update(this.declared, this.updated.from));
    this.time += 10 * SECOND;
    return outcome;
  }

  /** Another resource has failed, so the Update is taken back. A copy that is not retained is then cleaned up. */
  async goBack(): Promise<Outcome> {
    const { from, presentId } = this.updated ?? { from: this.declared, presentId: undefined };
    const newId = this.physicalId;
    this.enter('UPDATE_ROLLBACK_IN_PROGRESS');
    this.physicalId = presentId;
    const outcome = await this.run(this.update(from, this.declared));
    this.enter('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    const isRetained = this.declared.DeletionPolicy === 'Retain';
    if (newId !== this.physicalId && !isRetained) succeeded(await this.remove(newId));
    this.declared = from;
    return outcome;
  }

  /** The Create is taken back, or the stack goes: the same Delete in another operation. */
  async end(status: 'ROLLBACK_IN_PROGRESS' | 'DELETE_IN_PROGRESS'): Promise<Outcome> {
    this.enter(status);
    return this.remove(this.physicalId);
  }

  /** The Delete of an id. CloudFormation sends it for a retained copy only when it takes back what has made the copy. */
  async remove(PhysicalResourceId: string | undefined): Promise<Outcome> {
    const ResourceProperties = this.declared;
    return this.wait(await this.accept(this.event('Delete', { PhysicalResourceId, ResourceProperties })));
  }

  /** What the log says was left, and why. */
  left(): unknown[] {
    return this.logs.flatMap(({ decision, reason }) => (decision === 'left' ? [reason] : []));
  }

  /** Each call meets the fault when it is first made in an operation. */
  private atFirst(fault: Fault): FaultHook {
    const made = new Set<string>();
    return ({ action, input }) => {
      const call = JSON.stringify([action, input, this.stack.LastUpdatedTime]);
      if (made.has(call) || SPARED.includes(action)) return undefined;
      made.add(call);
      return fault;
    };
  }

  /** From now on, such calls meet this fault. */
  fail(action: string, fault: Fault): void {
    this.services.faults = (call) => (call.action === action ? fault : undefined);
  }
}

function succeeded({ answer, failure }: Outcome): void {
  if (!answer) throw failure ?? new Error('no answer');
}
