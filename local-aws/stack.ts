// One stack and the operations on it, in the order and with the statuses of the real CloudFormation.
import { isDeepStrictEqual } from 'node:util';
import type { VirtualClock } from './clock';
import { ResourceFailure, stringify, type CustomResources, type RequestType } from './custom-resource';
import type { Attributes, Properties, ResourceDefinition, Template, Value } from './template';

export interface StackEvent {
  /** Virtual time, in milliseconds. */
  readonly time: number;
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly physicalId?: string;
}

/** What exists under a physical ID. */
export interface Provisioned {
  readonly physicalId: string;
  getAtt(attribute: string): Value;
}

/** A resource of a type that is no custom one. */
export interface NativeResource {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly region: string;
  readonly properties: Properties;
  /** Absent at its creation. */
  readonly physicalId?: string;
  /** Directories of the assets, by their keys in the bucket. */
  readonly assets: ReadonlyMap<string, string>;
}

export interface NativeResources {
  put(resource: NativeResource): Provisioned;
  delete(resource: NativeResource): void;
}

export interface PlannedFailure {
  readonly afterSeconds?: number;
  readonly reason?: string;
}

/** What no source settles about the Update of a rollback, so that tests can have it both ways. */
export interface RollbackOptions {
  /** Which physical ID it carries. Default: new. */
  readonly rollbackPhysicalId?: 'new' | 'old';
  /** Whether an ID that it neither carried nor got as the answer is deleted in the clean-up. Default: true. */
  readonly rollbackCleansUp?: boolean;
  /** Whether a rollback moves the stack's LastUpdatedTime. Default: false. */
  readonly rollbackMovesTime?: boolean;
}

/** What all stacks share. */
export interface Surroundings extends RollbackOptions {
  readonly clock: VirtualClock;
  readonly customResources: CustomResources;
  readonly nativeResources: NativeResources;
  readonly emit: (event: StackEvent) => void;
  readonly newSuffix: () => string;
  readonly newId: () => string;
  /** The failure that a test has planned for this action, once. */
  readonly takeFailure: (logicalId: string, action: RequestType) => PlannedFailure | undefined;
}

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  readonly definition: ResourceDefinition;
  readonly status: string;
  readonly updatedAt: number;
  readonly properties: Properties;
  readonly physicalId?: string;
  readonly getAtt: (attribute: string) => Value;
}

type Unrecorded = Omit<Resource, 'status' | 'updatedAt'>;

class Canceled extends Error {}

/** One walk over a template that creates and updates what is in it. */
class Change {
  readonly failed: string[] = [];
  /** Why the outputs cannot be had. */
  outputsFailure?: string;
  isCanceled = false;
  readonly canceled: Promise<never>;
  private reject: (reason: Canceled) => void = () => undefined;

  /** @param before the resources to go back to, in a rollback */
  constructor(
    readonly template: Template,
    readonly assets: ReadonlyMap<string, string>,
    readonly before?: ReadonlyMap<string, Resource>,
  ) {
    this.canceled = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.canceled.catch(() => undefined);
  }

  get succeeded(): boolean {
    return this.failed.length === 0 && this.outputsFailure === undefined;
  }

  /** CloudFormation does not wait for the others then; a rollback goes on with them. */
  fail(logicalId: string): void {
    this.failed.push(logicalId);
    if (this.before) return;
    this.isCanceled = true;
    this.reject(new Canceled());
  }

  again(): Change {
    return new Change(this.template, this.assets, this.before);
  }

  reason(verb: 'create' | 'update'): string {
    return this.outputsFailure ?? `The following resource(s) failed to ${verb}: [${this.failed.join(', ')}]. `;
  }
}

const PLANNED_FAILURE = 'Resource handler returned message: "Planned failure"';
const NEVER = new Promise<never>(() => undefined);

const MAX_OPERATIONS = 5;

/** About what a role, a function or a volume takes. */
const NATIVE_RESOURCE_MS = 5_000;

export class Stack {
  status = '';
  lastUpdatedTime?: number;
  /** The latest operation first, as DescribeStacks shows them. */
  operations: { readonly OperationType: string; readonly OperationId: string }[] = [];
  outputs: Readonly<Record<string, string>> = {};
  readonly creationTime: number;
  readonly resources = new Map<string, Resource>();
  private template?: Template;
  private assets: ReadonlyMap<string, string> = new Map();
  /** What an update has replaced, to be deleted in its clean-up phase. */
  private leftovers: Resource[] = [];
  private failedRollback?: { readonly change: Change; readonly previous: Change };

  constructor(
    readonly id: string,
    readonly name: string,
    readonly region: string,
    private readonly surroundings: Surroundings,
  ) {
    this.creationTime = this.now();
  }

  async create(template: Template, assets: ReadonlyMap<string, string>, disableRollback: boolean): Promise<void> {
    this.template = template;
    this.assets = assets;
    this.begin('CREATE_STACK');
    this.setStatus('CREATE_IN_PROGRESS', 'User Initiated');
    const change = await this.apply(new Change(template, assets));
    if (change.succeeded) {
      this.setStatus('CREATE_COMPLETE');
    } else if (disableRollback) {
      this.setStatus('CREATE_FAILED', change.reason('create'));
    } else {
      this.begin('ROLLBACK');
      this.setStatus('ROLLBACK_IN_PROGRESS', `${change.reason('create')}Rollback requested by user.`);
      const failed = await this.deleteAll([...this.resources.keys()], template, true);
      this.setStatus(failed.length > 0 ? 'ROLLBACK_FAILED' : 'ROLLBACK_COMPLETE');
    }
  }

  async update(template: Template, assets: ReadonlyMap<string, string>, disableRollback: boolean): Promise<void> {
    const previous = new Change(this.template ?? template, this.assets, new Map(this.resources));
    this.lastUpdatedTime = this.now();
    this.begin('UPDATE_STACK');
    this.setStatus('UPDATE_IN_PROGRESS', 'User Initiated');
    const change = await this.apply(new Change(template, assets));
    if (change.succeeded) {
      this.setStatus('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
      await this.cleanUp(previous.template, template);
      this.setStatus('UPDATE_COMPLETE');
    } else if (disableRollback) {
      this.setStatus('UPDATE_FAILED', change.reason('update'));
    } else {
      await this.rollBack(change, previous);
      return;
    }
    this.template = template;
    this.assets = assets;
  }

  async delete(): Promise<void> {
    this.begin('DELETE_STACK');
    this.setStatus('DELETE_IN_PROGRESS', 'User Initiated');
    const failed = await this.deleteAll([...this.resources.keys()], this.template, false);
    if (failed.length > 0) {
      this.setStatus('DELETE_FAILED', `The following resource(s) failed to delete: [${failed.join(', ')}]. `);
    } else {
      this.setStatus('DELETE_COMPLETE');
    }
  }

  private async rollBack(change: Change, previous: Change): Promise<void> {
    this.begin('ROLLBACK');
    this.setStatus('UPDATE_ROLLBACK_IN_PROGRESS', change.reason('update'));
    // Nothing that was to be replaced is: it is what the stack goes back to.
    this.leftovers = [];
    await this.goBack(change, previous);
  }

  /** ContinueUpdateRollback: what is skipped counts as rolled back, as it is. */
  async continueRollback(skipped: readonly string[]): Promise<void> {
    if (!this.failedRollback) throw new Error(`${this.name} has no rollback to continue`);
    const { change, previous } = this.failedRollback;
    this.begin('CONTINUE_ROLLBACK');
    this.setStatus('UPDATE_ROLLBACK_IN_PROGRESS', 'User Initiated');
    for (const logicalId of skipped) {
      const resource = this.resources.get(logicalId);
      if (resource) this.record('UPDATE_COMPLETE', resource);
    }
    await this.goBack(change, previous.again(), skipped);
  }

  private async goBack(change: Change, previous: Change, skipped: readonly string[] = []): Promise<void> {
    this.failedRollback = undefined;
    await this.apply(previous, skipped);
    if (!previous.succeeded) {
      this.failedRollback = { change, previous };
      this.setStatus('UPDATE_ROLLBACK_FAILED', previous.reason('update'));
      return;
    }
    this.setStatus('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    await this.cleanUp(change.template, previous.template, true);
    this.setStatus('UPDATE_ROLLBACK_COMPLETE');
  }

  private async apply(change: Change, skipped: readonly string[] = []): Promise<Change> {
    const { resources, dependencies } = change.template;
    await this.inOrder(
      [...resources.keys()],
      dependencies,
      async (logicalId) => skipped.includes(logicalId) || this.put(change, logicalId),
    );
    if (!change.succeeded) return change;
    try {
      this.outputs = change.template.outputs(this.attributes);
    } catch (error) {
      change.outputsFailure = (error as Error).message;
    }
    return change;
  }

  /** Visits each one after those that it depends on, and not at all when one of these has failed. */
  private async inOrder(
    ids: readonly string[],
    dependencies: ReadonlyMap<string, ReadonlySet<string>>,
    visit: (logicalId: string) => Promise<boolean>,
  ): Promise<void> {
    const { clock } = this.surroundings;
    const visits = new Map<string, Promise<boolean>>();
    const visitOnce = (id: string): Promise<boolean> => {
      const running = visits.get(id) ?? clock.spawn(() => visitAfterOthers(id));
      visits.set(id, running);
      return running;
    };
    const visitAfterOthers = async (id: string): Promise<boolean> => {
      const needed = [...(dependencies.get(id) ?? [])].filter((other) => ids.includes(other));
      const done = await clock.waitFor(Promise.all(needed.map(visitOnce)));
      return done.every(Boolean) && visit(id);
    };
    await clock.waitFor(Promise.all(ids.map(visitOnce)));
  }

  private async put(change: Change, logicalId: string): Promise<boolean> {
    if (change.isCanceled) return false;
    const definition = change.template.resources.get(logicalId);
    if (!definition) return false;
    const present = this.resources.get(logicalId);
    if (!present || (present.status === 'CREATE_FAILED' && !change.before)) {
      if (present?.physicalId) this.leftovers.push(present);
      return this.createResource(change, logicalId, definition);
    }
    return this.updateResource(change, present, definition);
  }

  private async createResource(change: Change, logicalId: string, definition: ResourceDefinition): Promise<boolean> {
    const type = definition.Type;
    let resource: Unrecorded = { logicalId, type, definition, properties: {}, getAtt: () => '' };
    try {
      resource = { ...resource, properties: this.propertiesOf(change.template, logicalId, type) };
      this.record('CREATE_IN_PROGRESS', resource);
      await this.meetPlannedFailure(change, resource, 'Create');
      const provisioned = await this.provision(change, 'Create', resource);
      this.record('CREATE_COMPLETE', { ...resource, ...provisioned });
      return true;
    } catch (error) {
      this.recordFailure(change, 'Create', resource, error as Error);
      return false;
    }
  }

  private async updateResource(change: Change, present: Resource, definition: ResourceDefinition): Promise<boolean> {
    const { logicalId, type } = present;
    const original = change.before?.get(logicalId);
    const wasTouched = original && original.properties !== present.properties;
    let resource = { ...present, definition };
    try {
      const properties = this.propertiesOf(change.template, logicalId, type);
      if (!wasTouched && !present.status.endsWith('FAILED') && isDeepStrictEqual(properties, present.properties)) {
        this.resources.set(logicalId, resource);
        return true;
      }
      if (properties.ServiceToken !== present.properties.ServiceToken) {
        throw new ResourceFailure('Modifying service token is not allowed.');
      }
      resource = this.record('UPDATE_IN_PROGRESS', { ...resource, properties });
      await this.meetPlannedFailure(change, resource, 'Update');
      const carried = this.surroundings.rollbackPhysicalId === 'old' ? (original ?? present) : present;
      const target = { ...resource, physicalId: carried.physicalId };
      const provisioned = await this.provision(change, 'Update', target, present.properties);
      this.record('UPDATE_COMPLETE', { ...resource, ...provisioned });
      const others = this.surroundings.rollbackCleansUp === false ? [carried] : [present, original];
      this.replace(provisioned.physicalId, others);
      return true;
    } catch (error) {
      const failure = error as Error;
      if (failure instanceof ResourceFailure && failure.physicalId) this.replace(failure.physicalId, [present]);
      this.recordFailure(change, 'Update', resource, failure);
      return false;
    }
  }

  /** Keeps for the clean-up what goes by another ID than the present one. */
  private replace(physicalId: string, others: readonly (Resource | undefined)[]): void {
    const known = new Set([physicalId]);
    for (const other of others) {
      if (!other?.physicalId || known.has(other.physicalId)) continue;
      known.add(other.physicalId);
      this.leftovers.push(other);
    }
  }

  private recordFailure(change: Change, action: 'Create' | 'Update', resource: Unrecorded, error: Error): void {
    const word = action === 'Create' ? 'creation' : 'update';
    const reason = error instanceof Canceled ? `Resource ${word} canceled` : error.message;
    const named = error instanceof ResourceFailure ? error.physicalId : undefined;
    const physicalId = named ?? this.resources.get(resource.logicalId)?.physicalId ?? this.inventedId(resource);
    this.record(`${action.toUpperCase()}_FAILED`, { ...resource, physicalId }, reason);
    change.fail(resource.logicalId);
  }

  /** What a custom resource is deleted by when its Create has not answered. */
  private inventedId({ type, logicalId, properties }: Unrecorded): string | undefined {
    if (!isCustom(type) || !properties.ServiceToken) return undefined;
    return `${this.name}-${logicalId}-${this.surroundings.newSuffix()}`;
  }

  private async meetPlannedFailure(change: Change, { logicalId }: Unrecorded, action: RequestType): Promise<void> {
    const planned = this.surroundings.takeFailure(logicalId, action);
    if (!planned) return;
    await this.surroundings.clock.waitAtMost(change.canceled, (planned.afterSeconds ?? 0) * 1000);
    throw new ResourceFailure(planned.reason ?? PLANNED_FAILURE);
  }

  private async provision(
    change: Change,
    action: 'Create' | 'Update',
    resource: Unrecorded,
    old?: Properties,
  ): Promise<Provisioned> {
    if (!isCustom(resource.type)) {
      await this.surroundings.clock.waitAtMost(change.canceled, NATIVE_RESOURCE_MS);
      return this.surroundings.nativeResources.put(this.nativeResource(resource, change.assets));
    }
    return this.request(action, resource, change.canceled, old);
  }

  /** Deletes resources of the stack, each before those that it depends on. Returns those that would not go. */
  private async deleteAll(
    ids: readonly string[],
    template: Template | undefined,
    createdNow: boolean,
  ): Promise<string[]> {
    const failed: string[] = [];
    await this.inOrder(ids, dependents(template), async (logicalId) => {
      const resource = this.resources.get(logicalId);
      const done = !resource || (await this.deleteResource(resource, createdNow));
      if (!done) failed.push(logicalId);
      return done;
    });
    return failed;
  }

  private async cleanUp(template: Template, kept: Template, createdNow = false): Promise<void> {
    const leftovers = this.leftovers;
    this.leftovers = [];
    const ids = new Set([...this.resources.keys(), ...leftovers.map(({ logicalId }) => logicalId)]);
    await this.inOrder([...ids], dependents(template), async (logicalId) => {
      for (const leftover of leftovers.filter((one) => one.logicalId === logicalId))
        await this.deleteLeftover(leftover);
      const resource = this.resources.get(logicalId);
      if (resource && !kept.resources.has(logicalId)) {
        await this.deleteResource(resource, createdNow);
        // Also if that failed: the stack forgets the resource, and never sends its Delete again.
        this.resources.delete(logicalId);
      }
      return true;
    });
  }

  private async deleteResource(resource: Resource, createdNow: boolean): Promise<boolean> {
    const { DeletionPolicy: policy } = resource.definition;
    if (policy === 'Retain' || (policy === 'RetainExceptOnCreate' && !createdNow)) {
      this.emit('DELETE_SKIPPED', resource);
      this.resources.delete(resource.logicalId);
      return true;
    }
    this.record('DELETE_IN_PROGRESS', resource);
    const failure = await this.remove(resource);
    if (failure) {
      this.record('DELETE_FAILED', resource, failure.message);
      return false;
    }
    this.emit('DELETE_COMPLETE', resource);
    this.resources.delete(resource.logicalId);
    return true;
  }

  /** One that fails stays behind: the operation does not fail for it. */
  private async deleteLeftover(resource: Resource): Promise<void> {
    if (resource.definition.UpdateReplacePolicy === 'Retain') {
      this.emit('DELETE_SKIPPED', resource);
      return;
    }
    this.emit('DELETE_IN_PROGRESS', resource);
    const failure = await this.remove(resource);
    this.emit(failure ? 'DELETE_FAILED' : 'DELETE_COMPLETE', resource, failure?.message);
  }

  private async remove(resource: Resource): Promise<Error | undefined> {
    if (!resource.physicalId) return undefined;
    try {
      const planned = this.surroundings.takeFailure(resource.logicalId, 'Delete');
      if (planned) {
        await this.surroundings.clock.sleep((planned.afterSeconds ?? 0) * 1000);
        throw new ResourceFailure(planned.reason ?? PLANNED_FAILURE);
      }
      if (isCustom(resource.type)) {
        await this.request('Delete', resource, NEVER);
      } else {
        await this.surroundings.clock.sleep(NATIVE_RESOURCE_MS);
        this.surroundings.nativeResources.delete(this.nativeResource(resource, this.assets));
      }
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  private async request(
    type: RequestType,
    resource: Unrecorded,
    canceled: Promise<never>,
    old?: Properties,
  ): Promise<Provisioned> {
    const { logicalId } = resource;
    const answer = await this.surroundings.customResources.request(
      {
        RequestType: type,
        StackId: this.id,
        LogicalResourceId: logicalId,
        ResourceType: resource.type,
        ResourceProperties: resource.properties,
        ...(old && { OldResourceProperties: old }),
        ...(type !== 'Create' && { PhysicalResourceId: resource.physicalId }),
      },
      canceled,
    );
    const getAtt = (attribute: string): Value => {
      const value = answer.data[attribute];
      if (value !== undefined) return value;
      throw new ResourceFailure(
        `CustomResource attribute error: Vendor response doesn't contain ${attribute} attribute in object ${this.id}|${logicalId}|${answer.requestId}`,
      );
    };
    return { physicalId: answer.physicalId, getAtt };
  }

  private nativeResource(resource: Unrecorded, assets: ReadonlyMap<string, string>): NativeResource {
    const { logicalId, type, properties, physicalId } = resource;
    return { stackName: this.name, region: this.region, logicalId, type, properties, physicalId, assets };
  }

  private propertiesOf(template: Template, logicalId: string, type: string): Properties {
    const properties = template.properties(logicalId, this.attributes);
    return isCustom(type) ? (stringify(properties) as Properties) : properties;
  }

  private readonly attributes: Attributes = {
    ref: (logicalId) => this.resources.get(logicalId)?.physicalId ?? '',
    getAtt: (logicalId, attribute) => this.resources.get(logicalId)?.getAtt(attribute) ?? '',
  };

  private record(status: string, resource: Unrecorded, reason?: string): Resource {
    const recorded = { ...resource, status, updatedAt: this.now() };
    this.resources.set(resource.logicalId, recorded);
    this.emit(status, recorded, reason);
    return recorded;
  }

  private emit(status: string, resource: Unrecorded, reason?: string): void {
    const { logicalId, type, physicalId } = resource;
    this.surroundings.emit({ time: this.now(), stackName: this.name, logicalId, type, status, reason, physicalId });
  }

  private begin(OperationType: string): void {
    const { newId, rollbackMovesTime } = this.surroundings;
    this.operations = [{ OperationType, OperationId: newId() }, ...this.operations].slice(0, MAX_OPERATIONS);
    if (OperationType.endsWith('ROLLBACK') && rollbackMovesTime) this.lastUpdatedTime = this.now();
  }

  private setStatus(status: string, reason?: string): void {
    this.status = status;
    const { name: stackName, id: physicalId } = this;
    const type = 'AWS::CloudFormation::Stack';
    this.surroundings.emit({ time: this.now(), stackName, logicalId: stackName, type, status, reason, physicalId });
  }

  private now(): number {
    return this.surroundings.clock.now();
  }
}

function isCustom(type: string): boolean {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
}

function dependents(template: Template | undefined): Map<string, Set<string>> {
  const reversed = new Map<string, Set<string>>();
  for (const [id, needed] of template?.dependencies ?? []) {
    for (const other of needed) reversed.set(other, (reversed.get(other) ?? new Set()).add(id));
  }
  return reversed;
}
