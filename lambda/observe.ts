// Reads EC2 and CloudFormation once per poll. What only some steps need is read when first asked for, and remembered.
import { TAG } from '../lib/contract';
import type { Aws, StackOperation } from './aws';
import { isDeleted, toCopy, type Copy } from './copies';
import { isOurs } from './ownership';
import { lostTags } from './reasons';
import type { Request } from './request';

export interface Observation {
  /** All copies of the resource, oldest first, in the Region where it wants one and in the Region of before. */
  readonly copies: readonly Copy[];
  /** What the stack does, or did last. */
  readonly operation: StackOperation;
  /** The physical id that CloudFormation has for the owner of the copy. */
  presentId(): Promise<string | undefined>;
  /** The status that CloudFormation has for the resource that asks. */
  requesterStatus(): Promise<string | undefined>;
  /** A copy by its id. Throws a failure if the snapshot is there but is not this resource's copy. */
  copyById(id: string): Promise<Copy | undefined>;
}

export async function observe(aws: Aws, request: Request): Promise<Observation> {
  const { stackId, logicalId, requesterId } = request;
  const resource = memoized((id) => aws.describeResource(stackId, id));
  const [copies, operation] = await Promise.all([findCopies(aws, request), aws.describeStack(stackId)]);
  return {
    copies,
    operation,
    presentId: async () => (await resource(logicalId)).physicalId,
    requesterStatus: async () => (await resource(requesterId)).status,
    copyById: memoized((id) => describeCopy(aws, request, id)),
  };
}

function memoized<Value>(read: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const known = new Map<string, Promise<Value>>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}

async function findCopies(aws: Aws, request: Request): Promise<Copy[]> {
  const regions = new Set([request.wanted.destinationRegion]);
  if (request.before) regions.add(request.before.destinationRegion);
  const filters = [
    { Name: `tag:${TAG.stack}`, Values: [request.stackId] },
    { Name: `tag:${TAG.resource}`, Values: [request.logicalId] },
  ];
  const find = async (region: string): Promise<Copy[]> =>
    (await aws.findSnapshots(region, filters)).map((snapshot) => toCopy(snapshot, region));
  const found = await Promise.all([...regions].map(find));
  return found
    .flat()
    .filter((copy) => isOurs(copy, request) && !isDeleted(copy))
    .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
}

async function describeCopy(aws: Aws, request: Request, id: string): Promise<Copy | undefined> {
  const { destinationRegion } = request.wanted;
  const snapshot = await aws.describeSnapshot(destinationRegion, id);
  const copy = snapshot && toCopy(snapshot, destinationRegion);
  if (!copy || isDeleted(copy)) return undefined;
  if (!isOurs(copy, request)) throw lostTags(copy);
  return copy;
}
