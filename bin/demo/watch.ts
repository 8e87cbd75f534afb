// Shows a stack operation line by line, as the CloudFormation console and EC2 would. On a terminal, a pending copy has one
// line, which is redrawn.
import type { Snapshot } from '@aws-sdk/client-ec2';
import type { LocalAws, LogLine, StackEvent } from '../../local-aws';
import { describe, type StoredSnapshot } from '../../local-aws/snapshot';
import { type Console, inShort, type Style } from './console';

const TICK_MS = 10_000;
/** Percentage points between two lines of progress if lines are not redrawn. */
const PLAIN_STEP = 25;
/** The prefix of the logical ids of the provider. Its construct path never changes. */
const PROVIDER = 'cdkebssnapshotcopy';
const BAR_WIDTH = 16;
const INITIATED = 'User Initiated';
/** Decisions that are already visible in the events, the progress and the reasons. */
const TOLD_OTHERWISE = ['accept', 'complete', 'deleted', 'fail', 'dry run failed', 'fast restore failed'];

interface SeenCopy {
  state: string;
  /** The latest bar, unless it already has a permanent line. */
  drawn?: string;
  /** The last progress that got its own line. */
  shown: number;
}

interface HandlerMessage {
  readonly decision?: string;
  readonly snapshotId?: string;
  readonly progress?: string;
  readonly reason?: string;
  readonly set?: readonly string[];
  readonly removed?: readonly string[];
  readonly added?: readonly string[];
  readonly source?: string;
  readonly mode?: string;
  readonly days?: number;
}

/** Follows the stack, its copies and the handler's log in virtual time. */
export class Watch {
  private readonly start: number;
  private readonly others: ReadonlySet<string>;
  private readonly seen = new Map<string, SeenCopy>();
  private readonly told = new Set<string>();
  /** The number of resources that have no line of their own, by subject and status. */
  private readonly counts = new Map<string, Map<string, number>>();
  /** When the last of them was counted. */
  private readonly counted = new Map<string, number>();
  private tally = '';
  private paths: ReadonlyMap<string, string> = new Map();
  private cancelTick: () => void = () => undefined;

  /**
   * Copies that already exist do not belong to the stack.
   *
   * @param isCrowd whether there are too many copies to show a line for each
   */
  constructor(
    private readonly console: Console,
    private readonly aws: LocalAws,
    private readonly isCrowd = false,
  ) {
    this.start = aws.clock.now();
    this.others = new Set(aws.ec2.all().map(({ id }) => id));
    this.tick();
  }

  /** Copies that were made after this object, and still exist. */
  copies(): StoredSnapshot[] {
    return this.aws.ec2.remainingCopies().filter(({ id }) => !this.others.has(id));
  }

  /**
   * Within an operation, each line of the handler appears only once.
   *
   * @param paths construct paths by logical id. Default: the paths of the previous operation
   */
  beginOperation(paths: ReadonlyMap<string, string> = this.paths): void {
    this.paths = paths;
    this.told.clear();
  }

  endOperation(): void {
    this.lookAtCopies();
    this.sumUp();
  }

  stop(): void {
    this.cancelTick();
  }

  event({ logicalId, type, status, reason, physicalId }: StackEvent): void {
    this.lookAtCopies();
    const isCustom = type.startsWith('Custom::');
    const subject = logicalId.startsWith(PROVIDER) ? '(provider)' : isCustom && this.isCrowd ? '(copies)' : undefined;
    if (subject !== undefined && !status.endsWith('FAILED')) {
      if (!status.endsWith('IN_PROGRESS')) this.count(subject, status);
      return;
    }
    this.sumUp();
    const id = isCustom && physicalId ? `  ${physicalId}` : '';
    const text = this.console.styled(styleOf(status), status) + id;
    const path = this.paths.get(logicalId) ?? logicalId;
    if (reason === INITIATED) {
      this.console.row(this.now(), path, `${text}  ${reason}`);
      return;
    }
    this.console.row(this.now(), path, text);
    if (reason) this.console.detail(reason.replace(/\s+/g, ' ').trim());
  }

  handlerLog({ line }: LogLine): void {
    const { decision, ...details } = line.message as HandlerMessage;
    if (decision === undefined || TOLD_OTHERWISE.includes(decision) || details.progress !== undefined) return;
    if (this.isCrowd && details.snapshotId !== undefined) return;
    const text = `${decision}${inWords(decision, details)}`;
    if (this.told.has(text)) return;
    this.told.add(text);
    this.console.row(this.now(), '(handler)', this.console.styled('dim', text));
  }

  private now(): number {
    return this.aws.clock.now() - this.start;
  }

  private tick(): void {
    const { clock } = this.aws;
    this.cancelTick = clock.at(clock.now() + TICK_MS, () => {
      this.lookAtCopies();
      this.tick();
    });
  }

  private lookAtCopies(): void {
    const copies = this.aws.ec2.all().filter((copy) => copy.source && !this.others.has(copy.id));
    if (this.isCrowd) this.lookAtCrowd(copies);
    else for (const copy of copies) this.lookAt(copy);
  }

  private lookAtCrowd(copies: readonly StoredSnapshot[]): void {
    const states = copies.map(({ id }) => this.aws.ec2.stateOf(id));
    const count = (state: string): number => states.filter((each) => each === state).length;
    const tally = ['pending', 'completed', 'deleted'].map((state) => `${count(state)} ${state}`).join(', ');
    if (tally === this.tally || copies.length === 0) return;
    this.tally = tally;
    this.console.row(this.now(), '(copies)', tally);
  }

  private lookAt(copy: StoredSnapshot): void {
    const { id } = copy;
    const seen = this.seen.get(id) ?? { state: 'none', shown: -1 };
    this.seen.set(id, seen);
    const state = this.aws.ec2.stateOf(id);
    const { Progress = '', StateMessage } = this.shownByEc2(copy);
    if (state === 'pending') this.showProgress(copy, seen, Number.parseInt(Progress) || 0);
    else if (state !== seen.state) {
      if (state !== 'completed' && seen.drawn !== undefined) this.console.row(this.now(), id, seen.drawn);
      seen.drawn = undefined;
      this.console.row(this.now(), id, this.outcome(copy, state, seen, StateMessage));
    }
    seen.state = state;
  }

  private showProgress(copy: StoredSnapshot, seen: SeenCopy, percent: number): void {
    const text = this.bar(copy, percent);
    seen.drawn = text;
    if (this.console.redraws) {
      this.console.draw(this.now(), copy.id, text);
    } else if (seen.shown < 0 || percent >= seen.shown + PLAIN_STEP) {
      this.console.row(this.now(), copy.id, text);
      seen.drawn = undefined;
      seen.shown = percent - (percent % PLAIN_STEP);
    }
  }

  private outcome(copy: StoredSnapshot, state: string, { state: before }: SeenCopy, message = ''): string {
    switch (state) {
      case 'completed':
        return this.console.styled('green', this.bar(copy, 100));
      case 'deleted':
        return this.console.styled('dim', before === 'none' ? 'deleted' : `deleted (was ${before})`);
      default:
        return this.console.styled('red', message ? `${state}: ${message}` : state);
    }
  }

  private bar({ startTime, course, volumeSize }: StoredSnapshot, percent: number): string {
    const filled = Math.floor((percent / 100) * BAR_WIDTH);
    const drawn = '#'.repeat(filled).padEnd(BAR_WIDTH, '-');
    const elapsed = percent === 100 ? course.duration : this.aws.clock.now() - startTime;
    const left = percent === 0 ? '' : `, ${inShort((elapsed * (100 - percent)) / percent)} left`;
    const gibibytes = `${Math.floor((percent / 100) * volumeSize)}/${volumeSize} GiB`;
    return `[${drawn}]  ${gibibytes}${percent === 100 ? `, took ${inShort(elapsed)}` : left}`;
  }

  private shownByEc2(copy: StoredSnapshot): Snapshot {
    const now = this.aws.clock.now();
    return describe(copy, now, now);
  }

  private count(subject: string, status: string): void {
    this.counted.set(subject, this.now());
    const counts = this.counts.get(subject) ?? new Map<string, number>();
    this.counts.set(subject, counts.set(status, (counts.get(status) ?? 0) + 1));
  }

  private sumUp(): void {
    for (const [subject, counts] of this.counts) {
      for (const [status, count] of counts) {
        const what = subject === '(provider)' ? 'shared resource' : 'resource';
        const text = `${status}  ${count} ${what}${count === 1 ? '' : 's'}`;
        this.console.row(this.counted.get(subject) ?? this.now(), subject, this.console.styled('dim', text));
      }
    }
    this.counts.clear();
  }
}

function styleOf(status: string): Style {
  if (/FAILED|ROLLBACK/.test(status)) return 'red';
  return status.endsWith('COMPLETE') ? 'green' : 'cyan';
}

function inWords(decision: string, message: HandlerMessage): string {
  const { added = [], days, mode, reason, removed = [], set = [], source } = message;
  const snapshotId = decision === 'latest source' ? source : message.snapshotId;
  const parts = [
    reason,
    mode && `${mode} mode, ${days ?? 0} days`,
    ...set.map((key) => `set ${key}`),
    ...added.map((account) => `added ${account}`),
    ...removed.map((key) => `removed ${key}`),
  ];
  const text = parts.filter((part) => part !== undefined).join(', ');
  return `${snapshotId ? ` ${snapshotId}` : ''}${text ? `: ${text}` : ''}`;
}
