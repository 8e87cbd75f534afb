// A stack with snapshot copies, deployed on the local AWS: the synthesized template, the real framework runtime and waiter,
// and the bundled handler in processes of its own.
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import type { SnapshotCopyProps } from '../../lib';
import { SnapshotCopy } from '../../lib';
import { LocalAws, type LocalAwsOptions, type OperationResult } from '../../local-aws';

export const MINUTE = 60_000;
export const ENV = { account: '111122223333', region: 'us-east-1' };

type Declare = (stack: Stack) => void;

export class Deployment {
  static async start(options: LocalAwsOptions = {}): Promise<Deployment> {
    return new Deployment(await LocalAws.start(options));
  }

  private constructor(readonly aws: LocalAws) {}

  /** A completed source in the stack's Region, unencrypted. */
  readonly source = (): string => this.aws.ec2.addSnapshot({ region: 'us-east-1' }).id;

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

  copies(): string[] {
    return this.aws.ec2.remainingCopies().map(({ id }) => id);
  }

  started(): number {
    return this.aws.services.calls.filter(({ action }) => action === 'CopySnapshot').length;
  }

  /** Minutes between the first and the last event of an operation. */
  minutes({ events }: OperationResult): number {
    return ((events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0)) / MINUTE;
  }
}

export function copyInto(stack: Stack, props: SnapshotCopyProps, id = 'Copy'): SnapshotCopy {
  return new SnapshotCopy(stack, id, props);
}

/** The reason of the failed custom resource alone. */
export function reasonOf({ events }: OperationResult, status = /_FAILED$/): string {
  return events.find((event) => event.type.startsWith('Custom::') && status.test(event.status))?.reason ?? '';
}
