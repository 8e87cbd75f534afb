// What AWS charges for waiting, in US East (N. Virginia), without the free tier.

const PRICE = {
  /** AWS Step Functions pricing, Standard Workflows. */
  transition: 0.025 / 1000,
  /** AWS Lambda pricing, x86: requests. */
  invocation: 0.2 / 1_000_000,
  /** AWS Lambda pricing, x86: duration, the first 6 billion GB-seconds of a month. */
  gigabyteSecond: 0.0000166667,
};
/** An assumption, for the handler and for the framework that waits for it: a warm poll makes two calls to AWS. */
const INVOCATION_SECONDS = 0.5;
const FRAMEWORK_MEGABYTES = 128;

/**
 * The waiter has one state, which is entered anew for each poll.
 *
 * @param handlers what was invoked, as in `index.onEvent` or `framework.isComplete`
 */
export const transitionsOf = (handlers: readonly string[]): number =>
  handlers.filter((handler) => handler === 'framework.isComplete').length;

/** In dollars. */
export function priceOf(handlers: readonly string[], handlerMegabytes: number): number {
  const memory = handlers.map((handler) => (handler.startsWith('index.') ? handlerMegabytes : FRAMEWORK_MEGABYTES));
  const gigabytes = memory.reduce((sum, each) => sum + each, 0) / 1024;
  return (
    transitionsOf(handlers) * PRICE.transition +
    handlers.length * PRICE.invocation +
    gigabytes * INVOCATION_SECONDS * PRICE.gigabyteSecond
  );
}
