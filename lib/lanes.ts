// EC2 makes so many copies into a Region at once, and no more. The copies of a stack that are beyond that wait for others
// of the stack in CloudFormation, so that nobody's hour runs while they do.
import { CfnElement, CfnResource, DefaultTokenResolver, Reference, Stack, Token, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { CopyResource } from './resource';

/** A copy as CloudFormation sees it. */
export interface CopyStages {
  readonly destinationRegion: string;
  /** The resources that wait for it, each after the one before. */
  readonly stages: readonly [CfnResource, ...CfnResource[]];
}

/**
 * Lets each copy come after the one that is `max` places before it in the queue of its destination Region. To be
 * called when no Aspect and no user can add a copy or a dependency any more. What is `shared`, all copies wait for.
 */
export function putInLanes(declared: readonly CopyStages[], max: number, shared: CfnResource): void {
  const { stack } = shared;
  const elements = stack.node.findAll().filter((node) => CfnElement.isCfnElement(node));
  const present = new Set<CfnElement>(elements);
  const copies = declared.filter(({ stages }) => present.has(stages[0]));
  const queuesOf = (queued: readonly CopyStages[]) => [
    ...groupBy(queued, ({ destinationRegion }) => regionOf(destinationRegion, stack)).values(),
  ];
  if (queuesOf(copies).every(({ length }) => length <= max)) return;
  for (const queue of queuesOf(sorted(copies, new Dependencies(elements, stack), shared))) {
    queue.slice(max).forEach(({ stages: [first] }, index) => {
      const last = queue[index]?.stages.at(-1);
      if (last !== undefined) addDependency(first, last);
    });
  }
}

/** The method has another name since aws-cdk-lib 2.200, whose types do not know that one; the old one warns now. */
export function addDependency(from: CfnResource, to: CfnResource): void {
  const name = 'addResourceDependency' in from ? 'addResourceDependency' : 'addDependency';
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the types of the least aws-cdk-lib know no other
  from[name as 'addDependency'](to);
}

/** All Regions that are known at deployment only are taken for one. */
function regionOf(region: string, stack: Stack): string {
  if (!Token.isUnresolved(region)) return region;
  return JSON.stringify(stack.resolve(region)) === JSON.stringify({ Ref: 'AWS::Region' }) ? stack.region : 'unknown';
}

/**
 * In the order of their declaration, but each after the copies that it waits for already. Who waits in this order
 * only, for whatever reason, never waits for itself.
 */
function sorted(copies: readonly CopyStages[], dependencies: Dependencies, shared: CfnResource): CopyStages[] {
  const copyOf = new Map(copies.flatMap((copy) => copy.stages.map((stage) => [stage, copy])));
  // It waits for no copy, or it would wait for itself.
  const seen = new Set<CopyStages | CfnResource>([shared]);
  const order: CopyStages[] = [];

  function visit(resource: CfnResource): void {
    const copy = copyOf.get(resource);
    if (seen.has(copy ?? resource)) return;
    seen.add(copy ?? resource);
    for (const each of copy?.stages ?? [resource]) dependencies.of(each).forEach(visit);
    if (copy !== undefined) order.push(copy);
  }

  for (const { stages } of copies) visit(stages[0]);
  return order;
}

/** What the resources of a stack wait for, by DependsOn, tokens and names; a nested stack is one resource. */
class Dependencies {
  private index?: ReturnType<Dependencies['indexed']>;

  public constructor(
    private readonly elements: readonly CfnElement[],
    private readonly stack: Stack,
  ) {}

  public of(resource: CfnResource): Set<CfnResource> {
    if (resource instanceof CopyResource && resource.isPlain) return directDependencies(resource);
    const { elementsOf, byName } = (this.index ??= this.indexed());
    const found = new Set<CfnResource>();
    for (const element of elementsOf.get(resource) ?? []) {
      const targets = new Targets();
      const tree: unknown = Tokenization.resolve(templateOf(element), {
        scope: element,
        resolver: targets,
        preparing: true,
      });
      const named = Stack.of(element) === this.stack ? namesIn(tree).map((name) => byName.get(name)) : [];
      for (const target of [...targets.found].map((each) => this.resourceAround(each)).concat(named)) {
        if (target !== undefined) found.add(target);
      }
    }
    return found;
  }

  /** Only where a copy waits for more: to write the names of 450 resources takes its time. */
  private indexed() {
    const elementsOf = groupBy(this.elements, (element) => this.resourceAround(element));
    const resources = [...elementsOf.keys()].filter((resource) => resource !== undefined);
    return {
      elementsOf,
      byName: new Map(resources.map((each) => [this.stack.resolve(each.logicalId) as unknown, each])),
    };
  }

  /** The resource of the stack itself: of the nested stack, for what is inside of one. */
  private resourceAround(construct: IConstruct): CfnResource | undefined {
    const { nestedStackResource } = Stack.of(construct);
    if (Stack.of(construct) === this.stack) return CfnResource.isCfnResource(construct) ? construct : undefined;
    return nestedStackResource && this.resourceAround(nestedStackResource);
  }
}

function directDependencies(resource: CfnResource): Set<CfnResource> {
  return new Set(resource.obtainDependencies().filter((target) => CfnResource.isCfnResource(target)));
}

/** Notes whom tokens refer to, and leaves only the names in the tree that were written as text. */
class Targets extends DefaultTokenResolver {
  public readonly found = new Set<IConstruct>();

  public constructor() {
    super({ join: (left: unknown, right: unknown) => String(left) + String(right) });
  }

  public override resolveToken(...[token, context, post]: Parameters<DefaultTokenResolver['resolveToken']>): unknown {
    if (!Reference.isReference(token)) return super.resolveToken(token, context, post) as unknown;
    this.found.add(token.target);
    return { Ref: '' };
  }
}

/** Internal to the CDK, but the only place where all that a resource refers to is found, overrides too. */
function templateOf(element: CfnElement): object {
  return (element as unknown as { _toCloudFormation(): object })._toCloudFormation();
}

function namesIn(tree: unknown): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([key, value]: [string, unknown]) => [...namesOf(key, value), ...namesIn(value)]);
}

function namesOf(key: string, value: unknown): string[] {
  const texts = [value].flat().filter((text) => typeof text === 'string');
  switch (key) {
    case 'Ref':
    case 'DependsOn':
      return texts;
    case 'Fn::GetAtt':
      return texts.slice(0, 1);
    case 'Fn::Sub':
      return texts.slice(0, 1).flatMap((text) => [...text.matchAll(/\$\{([^.}]+)/g)].map(([, name]) => name ?? ''));
    default:
      return [];
  }
}

function groupBy<K, V>(values: readonly V[], keyOf: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
