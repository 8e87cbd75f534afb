// One account in one process: the handler's code, the framework's real runtime, a waiter and CloudFormation over the
// simulated services, in virtual time and without HTTP. Thousands of histories a minute go through it.
import { dirname, join } from 'node:path';
import { decide } from '../../lambda/on-event';
import { awsOver, type Aws } from '../../lambda/aws';
import type { Calls } from '../../lambda/calls';
import type { Log } from '../../lambda/context';
import { Memory } from '../../lambda/memory';
import { reconcile } from '../../lambda/reconcile';
import { decodeRequest, type CloudFormationEvent, type PollEvent } from '../../lambda/request';
import { callsOver } from '../lambda/calls';
import { VirtualClock } from '../../local-aws/clock';
import { CloudFormation, type OperationResult } from '../../local-aws/cloudformation';
import type { CustomResourceEvent } from '../../local-aws/custom-resource';
import { SimulatedEc2, type Ec2Settings } from '../../local-aws/ec2';
import { ConnectionReset, type Call, type Fault } from '../../local-aws/faults';
import { FrameworkFunction } from '../../local-aws/framework';
import { ACCOUNT_ID } from '../../local-aws/kms';
import type { InvocationResult } from '../../local-aws/lambda';
import { Services } from '../../local-aws/services';
import type { RollbackOptions, StackEvent } from '../../local-aws/stack';
import type { TemplateBody } from '../../local-aws/template';

export const HOME = 'us-east-1';
export const STACK = 'app';
export const SERVICE_TOKEN = arnOf('framework-onEvent');

export type HandlerFunction = 'onEvent' | 'isComplete';

/** One run of a handler function. */
export interface Invocation {
  readonly function: HandlerFunction;
  readonly event: CloudFormationEvent;
  /** How many calls it has made. */
  calls: number;
  isDead: boolean;
  readonly die: () => void;
}

/** `late`: the answer is lost, and the call takes effect only then. */
export type CallFault = Fault | 'late' | { readonly killed: 'before' | 'after' };

/** What the Invoke API and the processes behind it may do. The framework invokes once more if the API fails. */
export type InvocationFault =
  'killed' | 'killed at the end' | 'refused' | 'refused for good' | 'answer lost' | 'twice at once';

export interface Duplicate {
  readonly afterSeconds: number;
  readonly newRequestId: boolean;
}

/** Where faults come in. */
export interface Hooks {
  readonly invocation?: (handler: HandlerFunction, event: CloudFormationEvent) => InvocationFault | undefined;
  readonly call?: (call: Call, invocation: Invocation) => CallFault | undefined;
  readonly startExecution?: (event: PollEvent) => boolean;
  readonly delivery?: (event: CustomResourceEvent) => Duplicate | undefined;
  /** What our code threw, which is what the user will read. */
  readonly thrown?: (event: CloudFormationEvent, error: Error) => void;
  /** The handler's own log. */
  readonly log?: (event: CloudFormationEvent, ...line: Parameters<Log>) => void;
  readonly onStackEvent?: (event: StackEvent) => void;
}

export interface MachineOptions extends RollbackOptions {
  readonly showsOperations?: boolean;
  readonly ec2?: Partial<Ec2Settings>;
  readonly hooks?: Hooks;
  /** Processes that the handler's invocations go to in turn. */
  readonly processes?: number;
}

/** Half of what one call takes. */
const WIRE_MS = 50;
/** After so long the SDK gives an answer up for lost; the handler's code relies on nothing later than 30 s. */
const LOST_MS = 10_000;
const LATE_MS = 25_000;
const POLL_MS = 30_000;
/** Retries of the waiter's state machine: its hour over its interval. */
const MAX_RETRIES = 120;

export class Machine {
  readonly clock = new VirtualClock();
  readonly ec2: SimulatedEc2;
  readonly services: Services;
  readonly cloudFormation: CloudFormation;
  private readonly framework = new Map<string, FrameworkFunction>();
  private readonly hooks: Hooks;
  private readonly processes: Memory[];
  /** RequestIds of duplicates, and those they are duplicates of. */
  private readonly originals = new Map<string, string>();
  private invocations = 0;

  constructor(options: MachineOptions = {}) {
    const { clock } = this;
    this.hooks = options.hooks ?? {};
    this.processes = Array.from({ length: options.processes ?? 1 }, () => new Memory());
    this.ec2 = new SimulatedEc2({ clock, accountId: ACCOUNT_ID, ...options.ec2 });
    this.cloudFormation = new CloudFormation({
      ...options,
      clock,
      accountId: ACCOUNT_ID,
      nativeResources: {
        put: ({ logicalId, physicalId }) => ({ physicalId: physicalId ?? logicalId, getAtt: () => '' }),
        delete: () => undefined,
      },
      invoke: (_, event) => this.deliver(event),
      onEvent: (event) => this.hooks.onStackEvent?.(event),
    });
    this.services = new Services({ clock, ec2: this.ec2, stacks: this.cloudFormation.asSeen });
    for (const name of ['onEvent', 'isComplete', 'onTimeout']) this.framework.set(name, this.frameworkFunction(name));
  }

  /** Creates or updates the stack, as the CDK CLI does. */
  deploy(body: TemplateBody): Promise<OperationResult> {
    const input = { stackName: STACK, region: HOME, body, assets: new Map<string, string>() };
    return this.clock.run(async () => {
      const present = this.cloudFormation.describeStack(STACK);
      if (present?.StackStatus === 'ROLLBACK_COMPLETE') await this.cloudFormation.deleteStack(STACK);
      const isThere = this.cloudFormation.describeStack(STACK) !== undefined;
      return isThere ? this.cloudFormation.updateStack(input) : this.cloudFormation.createStack(input);
    });
  }

  destroy(): Promise<OperationResult> {
    return this.clock.run(() => this.cloudFormation.deleteStack(STACK));
  }

  /** Somebody invokes the framework's function, with an event that CloudFormation never sent. */
  forge(event: CloudFormationEvent): Promise<InvocationResult> {
    return this.clock.run(() => this.runFramework('onEvent', event));
  }

  pass(ms: number): Promise<void> {
    return this.clock.run(() => this.clock.sleep(ms));
  }

  // ---- CloudFormation to framework ----------------------------------------------------------------------------------

  private async deliver(event: CustomResourceEvent): Promise<void> {
    const duplicate = this.hooks.delivery?.(event);
    if (duplicate) this.deliverAgain(event, duplicate);
    await this.runFramework('onEvent', event);
  }

  private deliverAgain(event: CustomResourceEvent, { afterSeconds, newRequestId }: Duplicate): void {
    const RequestId = newRequestId ? `${event.RequestId}-again` : event.RequestId;
    this.originals.set(RequestId, event.RequestId);
    void this.clock.spawn(async () => {
      await this.clock.sleep(afterSeconds * 1000);
      await this.runFramework('onEvent', { ...event, RequestId });
    });
  }

  private respond(url: string, body: string): void {
    const response = JSON.parse(body) as { RequestId: string };
    const RequestId = this.originals.get(response.RequestId) ?? response.RequestId;
    this.cloudFormation.customResources.respond(url, JSON.stringify({ ...response, RequestId }));
  }

  // ---- Framework and waiter -----------------------------------------------------------------------------------------

  private frameworkFunction(name: string): FrameworkFunction {
    return new FrameworkFunction(
      {
        arn: arnOf(name),
        name,
        region: HOME,
        handler: `framework.${name}`,
        codeDirectory: RUNTIME,
        environment: {
          USER_ON_EVENT_FUNCTION_ARN: 'onEvent',
          USER_IS_COMPLETE_FUNCTION_ARN: 'isComplete',
          WAITER_STATE_MACHINE_ARN: 'waiter',
        },
        timeoutSeconds: 900,
        memorySize: 128,
        logGroup: name,
      },
      {
        sleep: (ms) => this.clock.sleep(ms),
        invokeFunction: (handler, event) => this.invoke(handler as HandlerFunction, event as PollEvent),
        startExecution: (_, event) => this.startWaiter(event as PollEvent),
        respond: (url, body) => {
          this.respond(url, body);
        },
      },
    );
  }

  private runFramework(name: string, event: unknown): Promise<InvocationResult> {
    const found = this.framework.get(name);
    if (!found) throw new Error(`no function ${name}`);
    return found.run(event);
  }

  private startWaiter(event: PollEvent): Promise<void> {
    if (this.hooks.startExecution?.(event)) return Promise.reject(new Error('ThrottlingException: Rate exceeded'));
    void this.clock.spawn(() => this.wait(event));
    return Promise.resolve();
  }

  /** The state machine: the first poll at once, then one after each pause. */
  private async wait(event: PollEvent): Promise<void> {
    for (let retries = 0; ; retries += 1) {
      const { functionError, payload } = await this.runFramework('isComplete', event);
      if (!functionError) return;
      if (retries === MAX_RETRIES) {
        await this.runFramework('onTimeout', { Error: 'Retry', Cause: payload });
        return;
      }
      await this.clock.sleep(POLL_MS);
    }
  }

  // ---- Lambda and the handler ---------------------------------------------------------------------------------------

  private async invoke(handler: HandlerFunction, event: PollEvent): Promise<InvocationResult> {
    switch (this.hooks.invocation?.(handler, event)) {
      case undefined:
        return this.runHandler(handler, event);
      case 'killed':
        return KILLED;
      case 'killed at the end':
        await this.runHandler(handler, event);
        return KILLED;
      case 'answer lost':
        await this.runHandler(handler, event);
        return this.invocationFailed(handler, event);
      case 'refused':
        return this.invocationFailed(handler, event);
      case 'refused for good':
        throw new Error('TooManyRequestsException: Rate Exceeded.');
      case 'twice at once': {
        const second = this.clock.spawn(() => this.runHandler(handler, event));
        const first = await this.runHandler(handler, event);
        await this.clock.waitFor(second);
        return first;
      }
    }
  }

  /** The framework waits until the function is active, and invokes it once more. */
  private async invocationFailed(handler: HandlerFunction, event: PollEvent): Promise<InvocationResult> {
    await this.clock.sleep(1_000);
    return this.runHandler(handler, event);
  }

  private async runHandler(handler: HandlerFunction, event: PollEvent): Promise<InvocationResult> {
    const turn = this.invocations++ % this.processes.length;
    let die = (): void => undefined;
    const died = new Promise<InvocationResult>((resolve) => {
      die = () => {
        resolve(KILLED);
      };
    });
    const invocation: Invocation = { function: handler, event, calls: 0, isDead: false, die };
    const result = await this.clock.waitFor(Promise.race([died, this.answer(invocation, turn)]));
    if (result === KILLED) {
      invocation.isDead = true;
      this.processes[turn] = new Memory();
    }
    return result;
  }

  private async answer(invocation: Invocation, turn: number): Promise<InvocationResult> {
    const event = structuredClone(invocation.event) as PollEvent;
    const memory = this.processes[turn] ?? new Memory();
    const now = (): number => this.clock.now();
    const aws = this.awsFor(invocation, memory);
    const log: Log = (decision, details) => this.hooks.log?.(event, decision, details);
    try {
      const result =
        invocation.function === 'onEvent'
          ? await decide({ event, aws, now, ownRegion: HOME, log })
          : await reconcile({
              request: decodeRequest(event, HOME),
              ...{ aws, now, log, memory, logGroup: 'handler-logs', pollIntervalMs: 30_000 },
              beganAt: now(),
            });
      return { payload: JSON.stringify(result) };
    } catch (error) {
      const { name: errorType, message: errorMessage, stack = '' } = error as Error;
      if (!invocation.isDead) this.hooks.thrown?.(event, error as Error);
      return {
        payload: JSON.stringify({ errorType, errorMessage, trace: stack.split('\n') }),
        functionError: 'Unhandled',
      };
    }
  }

  // ---- The handler's calls ------------------------------------------------------------------------------------------

  private awsFor(invocation: Invocation, { unreachableSince }: Memory): Aws {
    const sending = new Proxy(callsOver(this.services), {
      get:
        (calls, name: keyof Calls) =>
        (...input: unknown[]) =>
          this.send(invocation, () => (calls[name] as AnyCall)(...input)),
    });
    return awsOver(sending, () => this.clock.now(), unreachableSince);
  }

  private async send(invocation: Invocation, call: () => Promise<unknown>): Promise<unknown> {
    if (invocation.isDead) return NEVER;
    invocation.calls += 1;
    await this.after(WIRE_MS);
    const outcome = await this.arrive(invocation, call);
    await this.after(outcome.ms);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  private async arrive(invocation: Invocation, call: () => Promise<unknown>): Promise<Outcome> {
    let fault: CallFault | undefined;
    let delay = 0;
    this.services.faults = (seen) => {
      delay = this.services.delays?.(seen) ?? 0;
      fault = this.hooks.call?.(seen, invocation);
      if (fault === 'late') return 'refused-connection';
      if (typeof fault === 'object' && 'killed' in fault)
        return fault.killed === 'before' ? 'refused-connection' : undefined;
      return fault;
    };
    // The fault is asked for before the first pause of the call.
    const answered = call().then(
      (value): Outcome => ({ value, ms: WIRE_MS + delay }),
      (error: unknown): Outcome => ({ error, ms: error instanceof ConnectionReset ? LOST_MS : WIRE_MS + delay }),
    );
    this.services.faults = undefined;
    if (fault === 'late') {
      this.clock.at(this.clock.now() + LATE_MS, () => void call().catch(() => undefined));
    }
    const outcome = await answered;
    if (typeof fault === 'object' && 'killed' in fault) {
      invocation.isDead = true;
      invocation.die();
      return NEVER;
    }
    return outcome;
  }

  private after(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.at(this.clock.now() + ms, resolve);
    });
  }
}

const RUNTIME = join(
  dirname(require.resolve('aws-cdk-lib/package.json')),
  'custom-resources/lib/provider-framework/runtime',
);

type AnyCall = (...input: unknown[]) => Promise<unknown>;
type Outcome = { readonly ms: number } & ({ readonly value: unknown } | { readonly error: unknown });

const NEVER = new Promise<never>(() => undefined);

const KILLED: InvocationResult = {
  payload: JSON.stringify({
    errorType: 'Runtime.ExitError',
    errorMessage: 'RequestId: 1 Error: Runtime exited with error: signal: killed',
  }),
  functionError: 'Unhandled',
};

function arnOf(name: string): string {
  return `arn:aws:lambda:${HOME}:${ACCOUNT_ID}:function:${name}`;
}
