// Step Functions: the waiters of the deployed stacks, run from their own definitions by an ASL interpreter. Its pauses
// between attempts are ours, as they pass in virtual time.
import { createRequire } from 'node:module';
import type { StateMachine, StateMachineDefinition } from 'aws-local-stepfunctions' with {
  'resolution-mode': 'import',
};
import type { VirtualClock } from './clock';
import type { InvocationResult } from './lambda';

// It can be required, but is typed as if it could only be imported.
const { StateMachine: Interpreter } = createRequire(__filename)('aws-local-stepfunctions') as {
  StateMachine: typeof StateMachine;
};

type Json = Parameters<StateMachine['run']>[0];
type State = StateMachineDefinition['States'][string];
type TaskState = Extract<State, { Type: 'Task' }>;
type Retrier = NonNullable<TaskState['Retry']>[number];

interface Machine {
  readonly definition: StateMachineDefinition;
  readonly interpreter: StateMachine;
}

export interface StepFunctionsOptions {
  readonly clock: VirtualClock;
  readonly invoke: (functionArn: string, payload: unknown) => Promise<InvocationResult>;
}

export interface Execution {
  readonly stateMachineArn: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED';
}

/** The interpreter's default for a task is a minute, in real time; this is as long as its timer can run. */
const TASK_TIMEOUT_SECONDS = 2_147_483;

export class StepFunctions {
  readonly executions: Execution[] = [];
  private readonly machines = new Map<string, Machine>();
  private readonly failures: Error[] = [];
  private readonly running = new Set<() => void>();
  private readonly stopped: Promise<never>;
  private endTasks: (reason: Error) => void = () => undefined;

  constructor(private readonly options: StepFunctionsOptions) {
    provideWithResolvers();
    this.stopped = new Promise((_, reject) => {
      this.endTasks = reject;
    });
    this.stopped.catch(() => undefined);
  }

  /** Ends what still runs, tasks and all: the interpreter's timers would keep the process alive. */
  stop(): void {
    for (const abort of this.running) abort();
    this.endTasks(new Error('stopped'));
  }

  put(arn: string, definition: string): void {
    const parsed = JSON.parse(definition) as StateMachineDefinition;
    for (const state of Object.values(parsed.States)) {
      if (state.Type === 'Task') state.TimeoutSeconds ??= TASK_TIMEOUT_SECONDS;
    }
    this.machines.set(arn, { definition: parsed, interpreter: new Interpreter(parsed) });
  }

  remove(arn: string): void {
    this.machines.delete(arn);
  }

  failNextStart(error = new Error('ThrottlingException: Rate exceeded')): void {
    this.failures.push(error);
  }

  /** Ends when the execution has been started; it goes on by itself. */
  startExecution(stateMachineArn: string, input: unknown): Promise<void> {
    const failure = this.failures.shift();
    const machine = this.machines.get(stateMachineArn);
    if (failure) return Promise.reject(failure);
    if (!machine) return Promise.reject(new Error(`StateMachineDoesNotExist: ${stateMachineArn}`));
    const execution: Execution = { stateMachineArn, status: 'RUNNING' };
    this.executions.push(execution);
    void this.options.clock.spawn(async () => {
      execution.status = await this.run(machine, input as Json);
    });
    return Promise.resolve();
  }

  private async run({ definition, interpreter }: Machine, input: Json): Promise<Execution['status']> {
    const tasks = Object.entries(definition.States).filter((entry): entry is [string, TaskState] => isTask(entry[1]));
    const overrides = {
      taskResourceLocalHandlers: Object.fromEntries(tasks.map(([name, state]) => [name, this.task(state)])),
      retryIntervalOverrides: Object.fromEntries(tasks.map(([name]) => [name, 0])),
    };
    const { result, abort } = interpreter.run(input, { overrides });
    this.running.add(abort);
    try {
      await result;
      return 'SUCCEEDED';
    } catch {
      return 'FAILED';
    } finally {
      this.running.delete(abort);
    }
  }

  private task({ Resource, Retry: [retrier] = [] }: TaskState): (input: Json) => Promise<Json> {
    let retries = -1;
    return async (input) => {
      const pause = ++retries > 0 && retrier ? pauseSeconds(retrier, retries) * 1000 : 0;
      if (pause > 0) await Promise.race([this.options.clock.sleep(pause), this.stopped]);
      const { payload, functionError } = await this.options.invoke(Resource, input);
      if (!functionError) return JSON.parse(payload) as Json;
      const { errorType } = JSON.parse(payload) as { errorType: string };
      throw Object.assign(new Error(payload), { name: errorType });
    };
  }
}

function isTask(state: State): state is TaskState {
  return state.Type === 'Task';
}

/** By the definition of Retry in the Amazon States Language, with its defaults. */
function pauseSeconds({ IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds }: Retrier, retry: number): number {
  return Math.min(IntervalSeconds * BackoffRate ** (retry - 1), MaxDelaySeconds ?? Infinity);
}

/** The interpreter is made for Node.js 22, where it is built in. */
function provideWithResolvers(): void {
  const promise = Promise as unknown as { withResolvers?: () => object };
  promise.withResolvers ??= () => {
    const resolvers = {};
    const pending = new Promise((resolve, reject) => Object.assign(resolvers, { resolve, reject }));
    return Object.assign(resolvers, { promise: pending });
  };
}
