import { STAGE_RESOURCE_TYPE } from '../../lib/contract';
import { World } from './in-process';
import { HANDLE } from './requests';

const SNAPSHOT = 'snap-0123456789abcdef0';
const AT = Date.UTC(2030, 0, 1);
const OPERATION = { status: 'CREATE_IN_PROGRESS', begunAt: AT };

test('onEvent creates nothing', async () => {
  const world = new World();
  await world.accept(world.event('Create'));
  expect(world.copies()).toEqual([]);
  expect(world.started()).toBe(0);
});

describe('onEvent notes', () => {
  test('when the request arrived, and which operation sent it', async () => {
    const world = new World();
    expect((await world.accept(world.event('Create'))).Begun).toEqual({
      At: AT,
      Operation: OPERATION,
      IsAnswered: false,
    });
  });

  test('no operation for a Delete, and does not ask for it', async () => {
    const world = new World();
    world.physicalId = SNAPSHOT;
    expect((await world.accept(world.event('Delete'))).Begun).toEqual({ At: AT });
    expect(world.services.calls).toEqual([]);
  });

  test('no operation if the stack is at rest', async () => {
    const world = new World();
    world.stack.StackStatus = 'CREATE_COMPLETE';
    expect((await world.accept(world.event('Create'))).Begun).toEqual({ At: AT });
  });

  test('no operation if CloudFormation could not say, which is not a failure', async () => {
    const world = new World();
    world.services.faults = ({ action }) => (action === 'DescribeStackResource' ? 'throttled' : undefined);
    expect((await world.accept(world.event('Create'))).Begun).toEqual({ At: AT });
  });

  test.each([
    ['a Create whose resource has its copy', 'Create', { physicalId: SNAPSHOT }, true],
    ['a Create whose resource has only a handle', 'Create', { physicalId: HANDLE }, false],
    ['a Create whose resource has no id', 'Create', { physicalId: undefined }, false],
    ['an Update, whose resource has a copy in any case', 'Update', { physicalId: SNAPSHOT }, false],
    ['an Update whose resource is at rest', 'Update', { physicalId: HANDLE, resourceStatus: 'UPDATE_COMPLETE' }, true],
  ] as const)('whether the request has its answer: %s (%s)', async (_, type, state, IsAnswered) => {
    const world = Object.assign(new World(), state);
    expect((await world.accept(world.event(type))).Begun).toMatchObject({ Operation: OPERATION, IsAnswered });
  });

  test('that a later stage has no answer, whatever its physical id', async () => {
    const world = Object.assign(new World(), { physicalId: SNAPSHOT });
    const event = world.event('Create', { ResourceType: STAGE_RESOURCE_TYPE });
    expect((await world.accept(event)).Begun.IsAnswered).toBe(false);
  });
});
