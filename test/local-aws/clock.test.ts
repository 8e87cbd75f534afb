import { TIMED_OUT, VirtualClock } from '../../local-aws/clock';

const HOUR = 3_600_000;

test('an hour of waiting takes a moment', async () => {
  const clock = new VirtualClock(0);
  await clock.run(() => clock.sleep(HOUR));
  expect(clock.now()).toBe(HOUR);
});

test('time stands still while a task does real work', async () => {
  const clock = new VirtualClock(0);
  const times: number[] = [];
  const working = clock.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    times.push(clock.now());
  });
  await Promise.all([working, clock.run(() => clock.sleep(HOUR))]);
  expect(times).toEqual([0]);
});

test('tasks that wake at the same time take turns in the order in which they went to sleep', async () => {
  const clock = new VirtualClock(0);
  const order: string[] = [];
  const task = async (name: string): Promise<void> => {
    await clock.sleep(1000);
    order.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, name === 'a' ? 10 : 1));
    order.push(`${name} ends`);
  };
  await Promise.all(['a', 'b'].map((name) => clock.run(() => task(name))));
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('a task can wait for another', async () => {
  const clock = new VirtualClock(0);
  const result = await clock.run(async () => {
    const other = clock.spawn(async () => {
      await clock.sleep(5000);
      return 'done';
    });
    return clock.waitFor(other);
  });
  expect([result, clock.now()]).toEqual(['done', 5000]);
});

test('waiting for another task can have a limit', async () => {
  const clock = new VirtualClock(0);
  const never = new Promise<never>(() => undefined);
  await expect(clock.run(() => clock.waitAtMost(never, 2000))).resolves.toBe(TIMED_OUT);
  await expect(clock.run(() => clock.waitAtMost(Promise.resolve(1), 2000))).resolves.toBe(1);
  expect(clock.now()).toBe(2000);
});

test('spawned work proceeds only while time passes for another task', async () => {
  const clock = new VirtualClock(0);
  let ended = false;
  await clock.run(async () => {
    void clock.spawn(async () => {
      await clock.sleep(HOUR);
      ended = true;
    });
    await clock.sleep(1000);
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([ended, clock.now()]).toEqual([false, 1000]);
  await clock.settle();
  expect([ended, clock.now()]).toEqual([true, HOUR]);
});

test('a task’s failure reaches its caller', async () => {
  const clock = new VirtualClock(0);
  await expect(clock.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await clock.run(() => clock.sleep(1));
});
