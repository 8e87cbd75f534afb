// A stack with snapshot copies, deployed on the local AWS: the synthesized template, the real framework runtime and waiter,
// and the bundled handler in processes of its own.
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import type { SnapshotCopyProps } from '../../lib';
import { SnapshotCopy } from '../../lib';
import { LocalAws, type LocalAwsOptions, type OperationResult, type StackEvent } from '../../local-aws';
import type { NewSnapshot } from '../../local-aws/ec2';
import type { Call, Fault } from '../../local-aws/faults';

export const MINUTE = 60_000;
export const ENV = { account: '111122223333', region: 'us-east-1' };

type Declare = (stack: Stack) => void;

export class Deployment {
  static async start(options: LocalAwsOptions = {}): Promise<Deployment> {
    return new Deployment(await LocalAws.start(options));
  }

  private constructor(readonly aws: LocalAws) {}

  /** A completed source in the stack's Region, unencrypted unless told otherwise. */
  readonly source = (snapshot: Partial<NewSnapshot> = {}): string =>
    this.aws.ec2.addSnapshot({ region: 'us-east-1', ...snapshot }).id;

  deploy(declare: Declare, options: Parameters<LocalAws['deploy']>[1] & { readonly env?: StackProps['env'] } = {}) {
    const stack = new Stack(new App({ builtinCloudFormationValidation: false }), 'Test', { env: options.env ?? ENV });
    declare(stack);
    return this.aws.deploy(stack, options);
  }

  /** Destroys the stack, and lets whatever still polls finish. */
  async destroy(): Promise<OperationResult> {
    const result = await this.aws.destroy('Test');
    await this.aws.clock.settle();
    return result;
  }

  pass(minutes: number): Promise<void> {
    return this.aws.clock.run(() => this.aws.clock.sleep(minutes * MINUTE));
  }

  /** From now on, calls into a Region fail, other than those to CloudFormation. */
  close(region: string, fault: Fault): void {
    this.aws.services.faults = (call) =>
      call.region === region && call.service !== 'cloudformation' ? fault : undefined;
  }

  /** Every Region can be used and reached again. */
  open(): void {
    this.aws.services.faults = undefined;
    this.aws.unknownRegions.length = 0;
  }

  copies(): string[] {
    return this.aws.ec2.remainingCopies().map(({ id }) => id);
  }

  /** When EC2 got each call of CopySnapshot. */
  starts(): Call[] {
    return this.aws.services.calls.filter(({ action }) => action === 'CopySnapshot');
  }

  started(): number {
    return this.starts().length;
  }

  /** What the handler has logged, from the first decision to the last one. */
  decisions(): Readonly<Record<string, unknown>>[] {
    return this.aws.lambda.logs.map(({ line }) => line.message as Record<string, unknown>);
  }

  /** What it has logged of one kind. */
  logged(decision: string): Readonly<Record<string, unknown>>[] {
    return this.decisions().filter((one) => one.decision === decision);
  }

  /** Minutes between the first and the last event of an operation. */
  minutes({ events }: OperationResult): number {
    return ((events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0)) / MINUTE;
  }
}

export function copyInto(stack: Stack, props: SnapshotCopyProps, id = 'Copy'): SnapshotCopy {
  return new SnapshotCopy(stack, id, props);
}

const isOfCopy = ({ type }: StackEvent): boolean => type.startsWith('Custom::');

/** The reason of the failed custom resource alone. */
export function reasonOf({ events }: OperationResult, status = /_FAILED$/): string {
  return events.find((event) => isOfCopy(event) && status.test(event.status))?.reason ?? '';
}

/** Our line of that reason. What follows is the framework's. */
export function lineOf(result: OperationResult, status?: RegExp): string {
  const [line = ''] = reasonOf(result, status).split('\n');
  return line.replace(/^Received response status \[FAILED\] from custom resource. Message returned: /, '');
}

/** Minutes that the first custom resource of a result took, from its first event until it came into a status. */
export function minutesUntil(status: RegExp, { events }: OperationResult): number {
  const ofCopy = events.filter(isOfCopy);
  const end = ofCopy.find((event) => status.test(event.status))?.time ?? NaN;
  return (end - (ofCopy[0]?.time ?? NaN)) / MINUTE;
}
