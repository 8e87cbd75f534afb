import { Aspects, Aws, CfnParameter, type CfnResource, Duration, NestedStack, type Stack } from 'aws-cdk-lib';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE } from '../../lib/contract';
import { cycleIn } from './cycles';
import { idOf, newStack, range, type Resource, SOURCE, templateOf } from './stacks';

const QUOTA = 20;

const at = <T>(values: readonly T[], index: number): T => {
  const value = values.at(index);
  if (value === undefined) throw new Error(`there is no ${index}`);
  return value;
};

let stack: Stack;

beforeEach(() => {
  stack = newStack();
});

const copyOf = (id: string, props: Partial<SnapshotCopyProps> = {}) =>
  new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });

function copies(count: number, props: Partial<SnapshotCopyProps> = {}, prefix = 'Copy'): SnapshotCopy[] {
  return range(count).map((n) => copyOf(`${prefix}${n}`, props));
}

/** The copy resources that a copy waits for directly. */
function copiesBefore(copy: SnapshotCopy, resources: Readonly<Record<string, Resource>>): string[] {
  return (resources[idOf(copy)]?.DependsOn ?? []).filter((id) =>
    [COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE].includes(resources[id]?.Type ?? ''),
  );
}

/** How many of the copies may run at the same time: those that wait for none of the others. */
function mostAtOnce(resources: Readonly<Record<string, Resource>>, isMeant: (copy: Resource) => boolean): number {
  const meant = Object.entries(resources).filter(([, each]) => each.Type === COPY_RESOURCE_TYPE && isMeant(each));
  const followed = new Set(
    meant.flatMap(([, { DependsOn: before = [] }]) => before).filter((id) => meant.some(([other]) => other === id)),
  );
  return meant.filter(([id]) => !followed.has(id)).length;
}

test('copies up to EC2’s limit do not wait', () => {
  const all = copies(QUOTA);
  const { Resources: resources } = templateOf(stack);
  expect(all.flatMap((copy) => copiesBefore(copy, resources))).toEqual([]);
});

test('each of 450 copies waits for the copy declared twenty positions earlier, with one resource per copy', () => {
  const all = copies(450);
  const { Resources: resources } = templateOf(stack);
  expect(all.map((copy) => copiesBefore(copy, resources))).toEqual(
    range(450).map((n) => (n < QUOTA ? [] : [idOf(at(all, n - QUOTA))])),
  );
  expect(mostAtOnce(resources, () => true)).toBe(QUOTA);
  const types = Object.values(resources).map(({ Type }) => Type);
  expect(types.filter((type) => type === COPY_RESOURCE_TYPE)).toHaveLength(450);
  expect(types.length).toBeLessThanOrEqual(500);
  expect(JSON.stringify({ Resources: resources }).length).toBeLessThan(1_000_000);
  expect(cycleIn({ Resources: resources })).toBeUndefined();
});

test('a copy waits for the last stage of its predecessor', () => {
  const all = copies(QUOTA + 1, { timeout: Duration.hours(2) });
  const { Resources: resources } = templateOf(stack);
  const last = idOf(at(all, 0).node.findChild('Stage3'));
  expect(copiesBefore(at(all, QUOTA), resources)).toEqual([last]);
});

test('each destination Region has its own lanes, and all Regions known only at deployment share lanes', () => {
  const parameters = range(2).map((n) => new CfnParameter(stack, `Region${n}`));
  const regions = ['us-east-1', 'eu-west-1', ...parameters.map(({ valueAsString }) => valueAsString)];
  range(15).forEach((n) => {
    for (const [index, destinationRegion] of regions.entries()) copyOf(`Copy${n}To${index}`, { destinationRegion });
  });
  copies(10);
  const { Resources: resources } = templateOf(stack);
  const to = (region: unknown) => (copy: Resource) => copy.Properties.DestinationRegion === region;
  expect(mostAtOnce(resources, to('eu-west-1'))).toBe(15);
  expect(mostAtOnce(resources, to('us-east-1'))).toBe(QUOTA);
  expect(mostAtOnce(resources, ({ Properties: p }) => typeof p.DestinationRegion === 'object')).toBe(QUOTA);
});

test.each([{ region: 'us-east-1' }, {}])(
  'the stack’s Region has one set of lanes, however it is referenced (%j)',
  (env) => {
    stack = newStack({ env });
    copies(15);
    copies(15, { destinationRegion: Aws.REGION }, 'Other');
    expect(mostAtOnce(templateOf(stack).Resources, () => true)).toBe(QUOTA);
  },
);

test('copies of copies do not form a cycle if they are declared in order', () => {
  for (const [n, source] of copies(30).entries()) {
    copyOf(`Again${n}`, { sourceSnapshotId: source.snapshotId, timeout: Duration.hours(1) });
    copyOf(`Away${n}`, { sourceSnapshotId: source.snapshotId, destinationRegion: 'eu-west-1' });
  }
  expect(cycleIn(templateOf(stack))).toBeUndefined();
});

test('copies in a nested stack have lanes, too', () => {
  const parent = stack;
  stack = new NestedStack(parent, 'Nested');
  const all = copies(QUOTA + 1);
  templateOf(parent);
  const { Resources: resources } = templateOf(stack);
  expect(copiesBefore(at(all, QUOTA), resources)).toEqual([idOf(at(all, 0))]);
});

test.each<[string, (first: SnapshotCopy, last: SnapshotCopy) => void]>([
  [
    'between constructs',
    (first, last) => {
      first.node.addDependency(last);
    },
  ],
  [
    'between resources, added late by an Aspect',
    (first, last) => {
      const add = (node: unknown) => {
        if (node === last) (first.node.defaultChild as CfnResource).node.addDependency(last.node.defaultChild ?? last);
      };
      Aspects.of(stack).add({ visit: add });
    },
  ],
])('a dependency that contradicts the declaration order is refused: %s', (_, depend) => {
  const all = copies(QUOTA + 1);
  depend(at(all, 0), at(all, -1));
  expect(() => templateOf(stack)).toThrow(
    /"Stack\/Copy0\/Resource" waits for "Stack\/Copy20\/Resource" waits for "Stack\/Copy0\/Resource": at most 20 copies .*declare a copy after the copies that it depends on/,
  );
});

test('a dependency that contradicts the declaration order is accepted within EC2’s limit', () => {
  const all = copies(QUOTA);
  at(all, 0).node.addDependency(at(all, -1));
  expect(() => templateOf(stack)).not.toThrow();
});
