// The Provider framework's functions: the real files of their asset, in this process. Only what is outside of them is
// ours (the SDK, HTTPS and time), and each function has an environment of its own, as many of them run at once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as url from 'node:url';
import { compileFunction } from 'node:vm';
import { format } from 'node:util';
import type { FunctionConfiguration, InvocationResult, LogLine } from './lambda';

export interface Outbound {
  readonly invokeFunction: (arn: string, payload: unknown) => Promise<InvocationResult>;
  readonly startExecution: (stateMachineArn: string, input: unknown) => Promise<void>;
  /** PUT to a ResponseURL. */
  readonly respond: (url: string, body: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
}

type Exports = Record<string, unknown>;
type FrameworkHandler = (event: unknown) => Promise<unknown>;

export class FrameworkFunction {
  private readonly handler: FrameworkHandler;
  private readonly modules = new Map<string, { exports: Exports }>();
  private requestId = '';

  constructor(
    private readonly configuration: FunctionConfiguration,
    private readonly outbound: Outbound,
    private readonly log?: (line: Omit<LogLine['line'], 'timestamp'>) => void,
  ) {
    const [file = '', name = ''] = configuration.handler.split('.');
    this.handler = this.load(`./${file}`)[name] as FrameworkHandler;
  }

  async run(payload: unknown, requestId = ''): Promise<InvocationResult> {
    this.requestId = requestId;
    try {
      const result = await this.handler(structuredClone(payload));
      return { payload: JSON.stringify(result ?? null) };
    } catch (error) {
      const { name: errorType, message: errorMessage, stack = '' } = error as Error;
      const payload = { errorType, errorMessage, trace: stack.split('\n') };
      // Lambda's runtime does that.
      this.log?.({ level: 'ERROR', requestId, message: payload });
      return { payload: JSON.stringify(payload), functionError: 'Unhandled' };
    }
  }

  kill(): void {
    // There is no process to end.
  }

  private load(name: string): Exports {
    const loaded = this.modules.get(name);
    if (loaded) return loaded.exports;
    const module = { exports: {} };
    this.modules.set(name, module);
    const source = readFileSync(join(this.configuration.codeDirectory, `${name}.js`), 'utf8');
    const scope = {
      exports: module.exports,
      module,
      require: (inner: string) => (inner.startsWith('./') ? this.load(inner) : this.outside(inner)),
      process: { env: this.configuration.environment },
      console: {
        log: (...args: unknown[]) => {
          this.log?.({ level: 'INFO', requestId: this.requestId, message: format(...args) });
        },
      },
      setTimeout: (callback: () => void, ms: number) => void this.outbound.sleep(ms).then(callback),
    };
    const run = compileFunction(source, Object.keys(scope)) as (...values: unknown[]) => void;
    run(...Object.values(scope));
    return module.exports;
  }

  private outside(name: string): unknown {
    const { invokeFunction, startExecution, respond } = this.outbound;
    switch (name) {
      case '@aws-sdk/client-lambda':
        return { Lambda: lambdaClient(invokeFunction), waitUntilFunctionActiveV2: () => Promise.resolve() };
      case '@aws-sdk/client-sfn':
        return { SFN: stepFunctionsClient(startExecution) };
      case 'https':
        return { request: httpsRequest(respond) };
      case 'url':
        return url;
      default:
        throw new Error(`Cannot find module '${name}': new in the framework, unknown here`);
    }
  }
}

function lambdaClient(invokeFunction: Outbound['invokeFunction']) {
  return class {
    async invoke(request: { FunctionName: string; Payload: string }) {
      const { payload, functionError } = await invokeFunction(request.FunctionName, JSON.parse(request.Payload));
      return { StatusCode: 200, Payload: Buffer.from(payload), FunctionError: functionError };
    }
  };
}

function stepFunctionsClient(startExecution: Outbound['startExecution']) {
  return class {
    startExecution(request: { stateMachineArn: string; input: string }) {
      return startExecution(request.stateMachineArn, JSON.parse(request.input));
    }
  };
}

type OnResponse = (response: { statusCode: number; resume: () => void }) => void;

function httpsRequest(respond: Outbound['respond']) {
  return ({ hostname, path }: { hostname: string; path: string }, onResponse: OnResponse) => {
    let body = '';
    return {
      on: () => undefined,
      write: (part: string) => {
        body += part;
      },
      end: () => {
        respond(`https://${hostname}${path}`, body);
        onResponse({ statusCode: 200, resume: () => undefined });
      },
    };
  };
}
