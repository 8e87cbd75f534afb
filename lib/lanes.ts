// EC2 limits how many copies into a Region run at the same time. Copies beyond the limit wait for earlier ones by
// DependsOn in CloudFormation, so that their timeout does not run while they wait.
import { CfnResource, type Stack } from 'aws-cdk-lib';
import { canonicalRegion, isKnown } from './tokens';

export class Lanes {
  /** For each destination Region, the first and last resource of each copy, in the order of declaration. */
  private readonly queues = new Map<string, { readonly first: CfnResource; readonly last: CfnResource }[]>();

  public constructor(
    private readonly stack: Stack,
    private readonly max: number,
  ) {}

  /** Makes a copy wait until the copy that was declared `max` positions before it is done. */
  public enqueue(destinationRegion: string, first: CfnResource, last: CfnResource): void {
    const region = canonicalRegion(destinationRegion, this.stack);
    // Regions that are known only at deployment may all be the same, so they share one queue.
    const name = isKnown(region) || region === this.stack.region ? region : 'unknown';
    const queue = this.queues.get(name) ?? [];
    const predecessor = queue.at(-this.max);
    if (predecessor !== undefined) first.node.addDependency(predecessor.last);
    queue.push({ first, last });
    this.queues.set(name, queue);
  }

  /** Finds cycles that consist of DependsOn alone. CloudFormation reports cycles that include references. */
  public problems(): string[] {
    const cycle = cycleFrom([...this.queues.values()].flat().map(({ first }) => first));
    if (cycle === undefined) return [];
    return [
      `${cycle.map(({ node }) => `"${node.path}"`).join(' waits for ')}: at most ${this.max} copies into a Region run at ` +
        'the same time (maxConcurrentCopies), in the order of their declaration; declare a copy after the copies that it ' +
        'depends on',
    ];
  }
}

function cycleFrom(starts: readonly CfnResource[]): CfnResource[] | undefined {
  const done = new Set<CfnResource>();

  function visit(resource: CfnResource, trail: readonly CfnResource[]): CfnResource[] | undefined {
    if (trail.includes(resource)) return [...trail.slice(trail.indexOf(resource)), resource];
    if (done.has(resource)) return undefined;
    for (const next of resource.obtainDependencies().filter((each) => CfnResource.isCfnResource(each))) {
      const cycle = visit(next, [...trail, resource]);
      if (cycle !== undefined) return cycle;
    }
    done.add(resource);
    return undefined;
  }

  for (const start of starts) {
    const cycle = visit(start, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
