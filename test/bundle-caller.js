'use strict';
// Makes calls with one bundle of lambda/sdk.ts, and reports what each came to. Time stands still and nothing is random,
// so that two bundles that do the same send the same bytes.

globalThis.crypto.randomUUID = () => '00000000-0000-4000-8000-000000000000';
Math.random = () => 0;
// The pauses of the SDK between its attempts; its time-outs are whole seconds.
globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
  apply: (target, _, [callback, ms, ...args]) => target(callback, ms % 1000 === 0 ? ms : 0, ...args),
});
const RealDate = Date;
const NOW = RealDate.parse('2026-03-01T12:00:00Z');
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length > 0 ? args : [NOW]));
  }
  static now() {
    return NOW;
  }
};

async function outcomeOf(sent) {
  try {
    return { value: await sent };
  } catch (error) {
    return { error: { name: error.name, message: error.message, isError: error instanceof Error, ...error } };
  }
}

process.on('message', async ({ bundle, calls }) => {
  const aws = require(bundle).sdkCalls();
  const outcomes = [];
  for (const [method, ...args] of calls) outcomes.push(await outcomeOf(aws[method](...args)));
  process.send(outcomes, () => process.exit());
});
