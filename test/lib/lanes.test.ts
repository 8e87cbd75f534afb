import { App, Aspects, Aws, CfnParameter, CfnResource, Duration, NestedStack, Stack } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { IConstruct } from 'constructs';
import { SnapshotCopy, type SnapshotCopyProps } from '../../lib';
import { STAGE_RESOURCE_TYPE, COPY_RESOURCE_TYPE } from '../../lib/contract';
import { addDependency } from '../../lib/lanes';
import { cycleIn, waitsFor } from './cycles';
import { type Resource, templateOf } from './templates';

const QUOTA = 20;
const SOURCE = 'snap-0123456789abcdef0';
const at = <T>(values: readonly T[], index: number): T => {
  const value = values.at(index);
  if (value === undefined) throw new Error(`there is no ${index}`);
  return value;
};
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

let stack: Stack;

function newStack(env = { region: 'us-east-1' } as { region?: string }): Stack {
  return new Stack(new App({ builtinCloudFormationValidation: false }), 'Stack', { env });
}

beforeEach(() => {
  stack = newStack();
});

function copyOf(id: string, props: Partial<SnapshotCopyProps> = {}): SnapshotCopy {
  return new SnapshotCopy(stack, id, { sourceSnapshotId: SOURCE, ...props });
}

function copies(count: number, props: Partial<SnapshotCopyProps> = {}, prefix = 'Copy'): SnapshotCopy[] {
  return range(count).map((n) => copyOf(`${prefix}${n}`, props));
}

function idOf(construct: IConstruct): string {
  const resource = construct.node.defaultChild ?? construct;
  if (!CfnResource.isCfnResource(resource)) throw new Error(`${construct.node.path} has no resource`);
  return stack.resolve(resource.logicalId) as string;
}

/** The copies among the direct dependencies of one. */
function copiesBefore(copy: IConstruct, resources: Readonly<Record<string, Resource>>): string[] {
  return (resources[idOf(copy)]?.DependsOn ?? []).filter((id) =>
    [COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE].includes(resources[id]?.Type ?? ''),
  );
}

/** How many copies CloudFormation may come to have under way at once, by what the lanes alone keep apart. */
function mostAtOnce(resources: Readonly<Record<string, Resource>>, isMeant: (copy: Resource) => boolean): number {
  const meant = Object.entries(resources).filter(([, each]) => each.Type === COPY_RESOURCE_TYPE && isMeant(each));
  const followed = new Set(
    meant.flatMap(([, { DependsOn: before = [] }]) => before).filter((id) => meant.some(([other]) => other === id)),
  );
  return meant.filter(([id]) => !followed.has(id)).length;
}

test('as many copies as EC2 makes at once wait for nothing', () => {
  const all = copies(QUOTA);
  const { Resources: resources } = templateOf(stack);
  expect(all.flatMap((copy) => copiesBefore(copy, resources))).toEqual([]);
});

test('of 450 copies each comes after the twentieth before it, at one resource a copy', () => {
  const all = copies(450);
  const { Resources: resources } = templateOf(stack);
  expect(all.map((copy) => copiesBefore(copy, resources))).toEqual(
    range(450).map((n) => (n < QUOTA ? [] : [idOf(at(all, n - QUOTA))])),
  );
  expect(mostAtOnce(resources, () => true)).toBe(QUOTA);
  const kinds = Object.values(resources).map(({ Type }) => Type);
  expect(kinds.filter((kind) => kind === COPY_RESOURCE_TYPE)).toHaveLength(450);
  expect(kinds.length).toBeLessThanOrEqual(500);
  expect(JSON.stringify({ Resources: resources }).length).toBeLessThan(1_000_000);
  expect(cycleIn({ Resources: resources })).toBeUndefined();
});

test('a copy comes after the last stage of the one before', () => {
  const all = copies(QUOTA + 1, { timeout: Duration.hours(2) });
  const { Resources: resources } = templateOf(stack);
  const last = at(all, 0).node.findChild('Completion3');
  expect(copiesBefore(at(all, QUOTA), resources)).toEqual([idOf(last)]);
});

test('each destination Region has lanes of its own, and so have all that are not known together', () => {
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

test.each([{ region: 'us-east-1' }, {}])('the Region of the stack is one, however it is named (%j)', (env) => {
  stack = newStack(env);
  copies(15);
  copies(15, { destinationRegion: Aws.REGION }, 'Other');
  expect(mostAtOnce(templateOf(stack).Resources, () => true)).toBe(QUOTA);
});

test('dry runs need no lane', () => {
  const proofs = copies(30, { dryRun: true }, 'Proof');
  copies(QUOTA);
  const { Resources: resources } = templateOf(stack);
  expect(proofs.flatMap((copy) => copiesBefore(copy, resources))).toEqual([]);
});

test('copies of copies go into lanes without a cycle, whichever was declared first', () => {
  const sources = copies(30);
  for (const [n, source] of sources.entries()) {
    copyOf(`Again${n}`, { sourceSnapshotId: source.snapshotId, timeout: Duration.hours(1) });
    copyOf(`Away${n}`, { sourceSnapshotId: source.snapshotId, destinationRegion: 'eu-west-1' });
  }
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
});

test('a dependency the other way round moves copies to other places', () => {
  const all = copies(QUOTA + 5);
  const [first, last] = [at(all, 0), at(all, -1)];
  for (const copy of all.slice(0, 5)) copy.node.addDependency(last);
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  expect(waitsFor(template, idOf(first), idOf(last))).toBe(true);
  expect(mostAtOnce(template.Resources, () => true)).toBeLessThanOrEqual(QUOTA);
});

/** Ways for a copy that was declared first to wait for one that was declared last. */
const CONTRARY: [string, (first: SnapshotCopy, last: SnapshotCopy) => void][] = [
  [
    'a dependency of resources',
    (first, last) => {
      addDependency(resourceOf(first), resourceOf(last));
    },
  ],
  [
    'a token by way of another resource',
    (first, last) => {
      first.node.addDependency(new sns.Topic(stack, 'Topic', { displayName: last.snapshotId }));
    },
  ],
  ...[
    (id: string) => ({ 'Fn::GetAtt': [id, 'SnapshotId'] }),
    (id: string) => ({ 'Fn::Sub': `a \${${id}.OwnerId}` }),
    (id: string) => ({ 'Fn::Sub': [`a \${${id}}`, {}] }),
    (id: string) => ({ Ref: id }),
  ].map((write): (typeof CONTRARY)[number] => [
    `text as ${JSON.stringify(write('Copy'))}`,
    (first, last) => {
      const properties = { DisplayName: write(idOf(last)) };
      first.node.addDependency(new CfnResource(stack, 'Text', { type: 'AWS::SNS::Topic', properties }));
    },
  ]),
  [
    'an override of its own DependsOn',
    (first, last) => {
      resourceOf(first).addOverride('DependsOn', [idOf(last)]);
    },
  ],
  [
    'an override of a property of its own',
    (first, last) => {
      resourceOf(first).addPropertyOverride('Description', { Ref: idOf(last) });
    },
  ],
  [
    'a token among its props',
    (first, last) => {
      first.tags.setTag('after', last.snapshotId);
    },
  ],
  [
    'a name in its metadata',
    (first, last) => {
      resourceOf(first).addMetadata('after', { Ref: idOf(last) });
    },
  ],
  [
    'an override of DependsOn',
    (first, last) => {
      const topic = new CfnResource(stack, 'Topic', { type: 'AWS::SNS::Topic' });
      topic.addOverride('DependsOn', idOf(last));
      first.node.addDependency(topic);
    },
  ],
  [
    'a nested stack',
    (first, last) => {
      const nested = new NestedStack(stack, 'Nested');
      const topic = new sns.Topic(nested, 'Topic', { displayName: last.snapshotId });
      first.node.addDependency(topic);
    },
  ],
  [
    'an Aspect that adds the dependency late',
    (first, last) => {
      Aspects.of(last).add(
        {
          visit: (node) => {
            if (node === last) first.node.addDependency(last);
          },
        },
        { priority: 5000 },
      );
    },
  ],
];
const resourceOf = (copy: SnapshotCopy) => copy.node.defaultChild as CfnResource;

test.each(CONTRARY)('%s makes no cycle with the lanes', (_, declare) => {
  const all = copies(QUOTA + 1);
  const [first, last] = [at(all, 0), at(all, -1)];
  declare(first, last);
  const template = templateOf(stack);
  expect(cycleIn(template)).toBeUndefined();
  expect(waitsFor(template, idOf(first), idOf(last))).toBe(true);
});

test('all stages of a copy count for what it waits for', () => {
  const all = copies(QUOTA + 2, { timeout: Duration.hours(1) });
  const [first, beforeLast, last] = [at(all, 0), at(all, -2), at(all, -1)];
  first.node.addDependency(beforeLast.node.findChild('Completion2'));
  addDependency(resourceOf(beforeLast), resourceOf(last));
  expect(cycleIn(templateOf(stack))).toBeUndefined();
});

test('copies of a nested stack are in lanes, too', () => {
  const parent = stack;
  stack = new NestedStack(parent, 'Nested');
  const all = copies(QUOTA + 1);
  templateOf(parent);
  const { Resources: resources } = templateOf(stack);
  expect(copiesBefore(at(all, QUOTA), resources)).toEqual([idOf(at(all, 0))]);
});

test('a copy that was taken out of the stack is in no lane', () => {
  copies(QUOTA + 1);
  stack.node.tryRemoveChild('Copy0');
  const { Resources: resources } = templateOf(stack);
  const names = Object.values(resources).flatMap(({ DependsOn: before = [] }) => before);
  expect(names.filter((name) => !(name in resources))).toEqual([]);
});

test('the same copies make the same bytes', () => {
  const bytes = () => {
    stack = newStack();
    const all = copies(60);
    for (const [n, copy] of all.slice(0, 40).entries()) copy.node.addDependency(at(all, 59 - (n % 7)));
    return JSON.stringify(templateOf(stack));
  };
  expect(bytes()).toBe(bytes());
});
