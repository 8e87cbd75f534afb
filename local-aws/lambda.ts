// Lambda: the functions of the deployed stacks, each in processes of its own, or in the real runtime of the CDK's
// Provider framework.
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { VirtualClock } from './clock';
import { FrameworkFunction, type Outbound } from './framework';

export interface FunctionConfiguration {
  readonly arn: string;
  readonly name: string;
  readonly region: string;
  /** As in index.onEvent. */
  readonly handler: string;
  readonly codeDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memorySize: number;
  readonly logGroup: string;
  /** Lines below it are not logged. Default: all are. */
  readonly logLevel?: string;
}

/** What the Invoke API answers, its payload still in JSON. */
export interface InvocationResult {
  readonly payload: string;
  readonly functionError?: string;
  /** The virtual time of its calls. */
  readonly durationMs?: number;
}

export interface Invocation {
  readonly functionArn: string;
  readonly functionName: string;
  readonly handler: string;
  readonly payload: unknown;
}

/**
 * Stands between a caller and a function, for the faults that a test wants: does not run it (the Invoke API fails, or
 * the process has died), runs it twice, in sequence or at the same time, or loses its answer.
 */
export type Interceptor = (
  invocation: Invocation,
  invoke: () => Promise<InvocationResult>,
) => Promise<InvocationResult>;

export interface LogLine {
  readonly functionName: string;
  readonly logGroup: string;
  /** One line of Lambda's JSON format. */
  readonly line: {
    readonly timestamp: string;
    readonly level: string;
    readonly requestId: string;
    readonly message: unknown;
  };
}

export interface LambdaOptions {
  readonly clock: VirtualClock;
  /** AWS_ENDPOINT_URL of the functions. */
  readonly endpointUrl: string;
  /** Virtual time that an invocation of one of our functions takes. */
  readonly invocationMs: number;
  /** Real time after which an invocation has timed out. */
  readonly hangingMs: number;
  /** Regions that do not exist: their endpoints have no address. */
  readonly unknownRegions: readonly string[];
  readonly outbound: Omit<Outbound, 'invokeFunction'>;
  readonly onLog?: (line: LogLine) => void;
}

interface RunningFunction {
  run(payload: unknown, requestId: string): Promise<InvocationResult>;
  kill(): void;
}

export class Lambda {
  readonly logs: LogLine[] = [];
  interceptor?: Interceptor;
  private readonly functions = new Map<string, { configuration: FunctionConfiguration; running: RunningFunction }>();
  private invocations = 0;

  constructor(private readonly options: LambdaOptions) {}

  /** Creates the function, or gives it new code and a new environment. */
  put(configuration: FunctionConfiguration): void {
    this.remove(configuration.arn);
    this.functions.set(configuration.arn, { configuration, running: this.start(configuration) });
  }

  remove(arn: string): void {
    this.functions.get(arn)?.running.kill();
    this.functions.delete(arn);
  }

  /** Invokes and waits for the answer. Rejects as the Invoke API does, that is not for an error of the function. */
  async invoke(arn: string, payload: unknown): Promise<InvocationResult> {
    const found = this.functions.get(arn);
    if (!found) throw new Error(`ResourceNotFoundException: Function not found: ${arn}`);
    const { configuration, running } = found;
    const { name: functionName, handler } = configuration;
    const invoke = (): Promise<InvocationResult> => running.run(payload, `invocation-${++this.invocations}`);
    const invocation = { functionArn: arn, functionName, handler, payload };
    let durationMs = 0;
    try {
      const result = await (this.interceptor ? this.interceptor(invocation, invoke) : invoke());
      durationMs = result.durationMs ?? 0;
      return result;
    } finally {
      if (!(running instanceof FrameworkFunction))
        await this.options.clock.sleep(this.options.invocationMs + durationMs);
    }
  }

  /** Ends all processes, those at work too: their invocations fail, and the next ones start new processes. */
  kill(): void {
    for (const { running } of this.functions.values()) running.kill();
  }

  /** For good: what is still under way finds no function. */
  stop(): void {
    this.kill();
    this.functions.clear();
  }

  private start(configuration: FunctionConfiguration): RunningFunction {
    if (existsSync(join(configuration.codeDirectory, 'framework.js'))) {
      const invokeFunction: Outbound['invokeFunction'] = (arn, payload) => this.invoke(arn, payload);
      const outbound = { ...this.options.outbound, invokeFunction };
      return new FrameworkFunction(configuration, outbound, (line) => {
        const timestamp = new Date(this.options.clock.now()).toISOString();
        this.log(configuration, { timestamp, ...line });
      });
    }
    return new ProcessPool(configuration, this.options, (line) => {
      this.log(configuration, JSON.parse(line) as LogLine['line']);
    });
  }

  private log(
    { name: functionName, logGroup, logLevel = 'TRACE' }: FunctionConfiguration,
    line: LogLine['line'],
  ): void {
    if (LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(logLevel)) return;
    const log: LogLine = { functionName, logGroup, line };
    this.logs.push(log);
    this.options.onLog?.(log);
  }
}

const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

const MAX_PROCESSES = 4;

/** The warm processes of one function, each with one invocation at a time. */
class ProcessPool implements RunningFunction {
  private readonly processes = new Set<HandlerProcess>();
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly configuration: FunctionConfiguration,
    private readonly options: LambdaOptions,
    private readonly log: (line: string) => void,
  ) {}

  async run(payload: unknown, requestId: string): Promise<InvocationResult> {
    const process = await this.free();
    const result = await process.run(payload, requestId, this.options.clock.now());
    process.isBusy = false;
    this.queue.shift()?.();
    return result;
  }

  kill(): void {
    for (const process of this.processes) process.kill();
  }

  private async free(): Promise<HandlerProcess> {
    for (;;) {
      for (const process of this.processes) if (!process.isAlive) this.processes.delete(process);
      const idle = [...this.processes].find(({ isBusy }) => !isBusy);
      const process = idle ?? (this.processes.size < MAX_PROCESSES ? this.start() : undefined);
      if (process) {
        process.isBusy = true;
        return process;
      }
      await new Promise<void>((resolve) => this.queue.push(resolve));
    }
  }

  private start(): HandlerProcess {
    const process = new HandlerProcess(this.configuration, this.options, this.log);
    this.processes.add(process);
    return process;
  }
}

type Message = { readonly log: string } | { readonly result: InvocationResult };

class HandlerProcess {
  isBusy = false;
  isAlive = true;
  private readonly child: ChildProcess;
  private end: (result: InvocationResult) => void = () => undefined;

  constructor(
    private readonly configuration: FunctionConfiguration,
    private readonly options: LambdaOptions,
    log: (line: string) => void,
  ) {
    this.child = fork(join(__dirname, 'lambda-process.js'), {
      cwd: configuration.codeDirectory,
      env: environmentOf(configuration, options.endpointUrl),
      // Of our Node.js version, not of Lambda's.
      execArgv: ['--disable-warning=NodeVersionSupportWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.on('message', (message: Message) => {
      if ('log' in message) log(message.log);
      else this.end(message.result);
    });
    const died = (): void => {
      this.isAlive = false;
      this.end(failure('Runtime.ExitError', 'Runtime exited with error: signal: killed'));
    };
    this.child.on('exit', died).on('error', died);
  }

  async run(event: unknown, requestId: string, time: number): Promise<InvocationResult> {
    const { name, arn, memorySize, timeoutSeconds, logGroup } = this.configuration;
    const result = new Promise<InvocationResult>((resolve) => {
      this.end = resolve;
    });
    const hanging = setTimeout(() => {
      this.end(timedOut(timeoutSeconds));
      this.kill();
    }, this.options.hangingMs);
    const context = {
      awsRequestId: requestId,
      functionName: name,
      functionVersion: '$LATEST',
      invokedFunctionArn: arn,
      memoryLimitInMB: String(memorySize),
      logGroupName: logGroup,
    };
    this.child.send({ event, context, time, unknownRegions: this.options.unknownRegions });
    const ended = await result.finally(() => {
      clearTimeout(hanging);
    });
    const { durationMs = 0 } = ended;
    return durationMs > timeoutSeconds * 1_000
      ? { ...timedOut(timeoutSeconds), durationMs: timeoutSeconds * 1_000 }
      : ended;
  }

  kill(): void {
    this.isAlive = false;
    this.child.kill('SIGKILL');
  }
}

function timedOut(timeoutSeconds: number): InvocationResult {
  return failure('Sandbox.Timedout', `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`);
}

function failure(errorType: string, errorMessage: string): InvocationResult {
  return { payload: JSON.stringify({ errorType, errorMessage }), functionError: 'Unhandled' };
}

/** Nothing of ours is inherited. */
function environmentOf(configuration: FunctionConfiguration, endpointUrl: string): NodeJS.ProcessEnv {
  return {
    ...configuration.environment,
    AWS_REGION: configuration.region,
    AWS_DEFAULT_REGION: configuration.region,
    AWS_ACCESS_KEY_ID: 'ASIALOCALAWSLOCALAWS',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_LAMBDA_FUNCTION_NAME: configuration.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memorySize),
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroup,
    AWS_LAMBDA_LOG_FORMAT: 'JSON',
    HOME: '/home/sbx_user1051',
    LAMBDA_TASK_ROOT: configuration.codeDirectory,
    TZ: ':UTC',
    _HANDLER: configuration.handler,
  };
}
