import { COMPLETION_RESOURCE_TYPE } from '../../lib/contract';
import { World } from './in-process';

const SNAPSHOT = 'snap-0123456789abcdef0';
const HANDLE = `copy-${'0'.repeat(32)}`;

describe('onEvent notes', () => {
  const At = '2030-01-01T00:00:00.000Z';
  const ENDED = { status: 'ENDED', begunAt: '' };

  test('when the request came, and of which operation it is', async () => {
    const world = new World();
    expect((await world.accept(world.event('Create'))).Begun).toEqual({
      At,
      Operation: { status: 'CREATE_IN_PROGRESS', begunAt: At },
    });
  });

  test('no operation for a Delete, for which CloudFormation need not be asked', async () => {
    const world = new World();
    world.physicalId = SNAPSHOT;
    expect((await world.accept(world.event('Delete'))).Begun).toEqual({ At });
    expect(world.services.calls).toEqual([]);
  });

  test('no operation where the stack rests already', async () => {
    const world = new World();
    world.stack.StackStatus = 'CREATE_COMPLETE';
    expect((await world.accept(world.event('Create'))).Begun).toEqual({ At });
  });

  test.each([
    ['a Create whose resource has its copy', 'Create', { physicalId: SNAPSHOT }, true],
    ['a Create whose resource has a handle only', 'Create', { physicalId: HANDLE }, false],
    ['a Create whose resource has no id', 'Create', { physicalId: undefined }, false],
    ['an Update, whose resource has a copy in any case', 'Update', { physicalId: SNAPSHOT }, false],
    ['a request whose resource rests', 'Update', { physicalId: HANDLE, resourceStatus: 'UPDATE_COMPLETE' }, true],
  ] as const)('for %s (%s) whether the request is over', async (_, type, state, isOver) => {
    const world = Object.assign(new World(), state);
    const { Operation } = (await world.accept(world.event(type))).Begun;
    expect(Operation).toEqual(isOver ? ENDED : { status: 'CREATE_IN_PROGRESS', begunAt: At });
  });

  test('the operation for a continuation, whatever id it has', async () => {
    const world = Object.assign(new World(), { physicalId: SNAPSHOT });
    const event = world.event('Create', { ResourceType: COMPLETION_RESOURCE_TYPE });
    expect((await world.accept(event)).Begun.Operation).not.toEqual(ENDED);
  });
});
