'use strict';
// Lambda's Node.js runtime for one function, as far as a handler can tell the difference. Started by lambda.ts with
// the function's environment; virtual time comes with each invocation, and nothing in the handler knows of it.
const { subscribe } = require('node:diagnostics_channel');
const { join } = require('node:path');
const { format } = require('node:util');

let virtualTime = 0;
let requestId = '';
let started = 0;
let unknownRegions = [];
// The function's own clock: Date is the only one that handlers and the SDK read.
const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [virtualTime], newTarget),
  apply: () => new RealDate(virtualTime).toString(),
  get: (target, key) => (key === 'now' ? () => virtualTime : Reflect.get(target, key)),
});

// Time passes while a call that takes long is under way.
subscribe('http.client.response.finish', ({ response }) => {
  virtualTime += Number(response.headers['x-delay-ms'] ?? 0);
});

// The name of an endpoint has no address in a Region that does not exist.
subscribe('http.client.request.start', ({ request }) => {
  const [, region, service] = /\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(request.getHeader('authorization')) ?? [];
  if (!unknownRegions.includes(region)) return;
  const hostname = `${service}.${region}.amazonaws.com`;
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
  request.destroy(Object.assign(error, { errno: -3008, code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname }));
});

// Virtual time stands still, so the pauses of the SDK between its attempts are none. They are random; its time-outs,
// which guard real connections, are whole seconds.
globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
  apply: (target, _, [callback, ms, ...args]) => target(callback, ms % 1000 === 0 ? ms : 0, ...args),
});

// Lambda's JSON log format: a single object stays one, everything else becomes text.
for (const [method, level] of Object.entries({
  debug: 'DEBUG',
  info: 'INFO',
  log: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
})) {
  console[method] = (...args) => {
    const isObject = args.length === 1 && typeof args[0] === 'object' && !(args[0] instanceof Error);
    const message = isObject ? args[0] : format(...args);
    process.send({ log: JSON.stringify({ timestamp: new Date().toISOString(), level, requestId, message }) });
  };
}

function failure(error) {
  const isError = error instanceof Error;
  const payload = isError
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { payload: JSON.stringify(payload), functionError: 'Unhandled' };
}

async function run({ event, context }) {
  try {
    const [file, name] = process.env._HANDLER.split('.');
    const result = await require(join(process.env.LAMBDA_TASK_ROOT, file))[name](event, context);
    return { payload: JSON.stringify(result) ?? 'null' };
  } catch (error) {
    return failure(error);
  }
}

process.on('message', async (invocation) => {
  virtualTime = started = invocation.time;
  unknownRegions = invocation.unknownRegions;
  requestId = invocation.context.awsRequestId;
  const result = await run(invocation);
  process.send({ result: { ...result, durationMs: virtualTime - started } });
});
// Never outlives the local AWS.
process.on('disconnect', () => process.exit());
