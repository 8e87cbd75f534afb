// A CloudFormation whose only function does what a test says.
import { VirtualClock } from '../../local-aws/clock';
import { CloudFormation, type OperationResult } from '../../local-aws/cloudformation';
import type { CustomResourceEvent } from '../../local-aws/custom-resource';
import type { RollbackOptions } from '../../local-aws/stack';
import type { Properties, ResourceDefinition, Value } from '../../local-aws/template';

export const MINUTE = 60_000;

interface ScriptedAnswer {
  readonly afterSeconds?: number;
  readonly status?: 'SUCCESS' | 'FAILED';
  readonly reason?: string;
  readonly physicalId?: string;
  readonly data?: Properties;
}

export type Script = (event: CustomResourceEvent) => ScriptedAnswer | 'never';

export interface WorldOptions extends RollbackOptions {
  readonly showsOperations?: boolean;
}

/** One stack, whose resources are custom ones or topics. */
export class World {
  readonly clock = new VirtualClock();
  readonly events: CustomResourceEvent[] = [];
  readonly cloudFormation: CloudFormation;
  script: Script = () => ({});

  constructor(options: WorldOptions = {}) {
    this.cloudFormation = new CloudFormation({
      ...options,
      clock: this.clock,
      accountId: '111122223333',
      nativeResources: {
        put: ({ logicalId, physicalId }) => ({ physicalId: physicalId ?? logicalId, getAtt: (name) => `arn:${name}` }),
        delete: () => undefined,
      },
      invoke: (_, event) => this.answer(event),
    });
  }

  create(resources: Resources, others: { disableRollback?: boolean; outputs?: Record<string, Value> } = {}) {
    return this.clock.run(() => this.cloudFormation.createStack(input(resources, others)));
  }

  update(resources: Resources, others: { disableRollback?: boolean } = {}) {
    return this.clock.run(() => this.cloudFormation.updateStack(input(resources, others)));
  }

  continueRollback(skipped: readonly string[] = []) {
    return this.clock.run(() => this.cloudFormation.continueUpdateRollback('S', skipped));
  }

  delete() {
    return this.clock.run(() => this.cloudFormation.deleteStack('S'));
  }

  /** The events as "Create A id". */
  sent(from = 0): string[] {
    return this.events
      .slice(from)
      .map(({ RequestType, LogicalResourceId, PhysicalResourceId = '' }) =>
        `${RequestType} ${LogicalResourceId} ${PhysicalResourceId}`.trim(),
      );
  }

  private answer(event: CustomResourceEvent): Promise<void> {
    this.events.push(event);
    const answer = this.script(event);
    if (answer === 'never') return Promise.resolve();
    const { afterSeconds = 0, status = 'SUCCESS', reason, data } = answer;
    const { StackId, RequestId, LogicalResourceId } = event;
    const PhysicalResourceId = answer.physicalId ?? event.PhysicalResourceId ?? `id-${LogicalResourceId}`;
    const response = {
      Status: status,
      Reason: reason,
      StackId,
      RequestId,
      LogicalResourceId,
      PhysicalResourceId,
      Data: data,
    };
    this.clock.at(this.clock.now() + afterSeconds * 1000, () => {
      this.cloudFormation.customResources.respond(event.ResponseURL, JSON.stringify(response));
    });
    return Promise.resolve();
  }
}

type Resources = Record<string, ResourceDefinition>;

function input(resources: Resources, others: { disableRollback?: boolean; outputs?: Record<string, Value> }) {
  const Outputs = Object.fromEntries(Object.entries(others.outputs ?? {}).map(([name, Value]) => [name, { Value }]));
  const { disableRollback } = others;
  return {
    stackName: 'S',
    region: 'us-east-1',
    body: { Resources: resources, Outputs },
    assets: new Map(),
    disableRollback,
  };
}

export function custom(properties: Properties = {}, others: Partial<ResourceDefinition> = {}): ResourceDefinition {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: 'arn:f', ...properties }, ...others };
}

export function topic(others: Partial<ResourceDefinition> & { readonly name?: string } = {}): ResourceDefinition {
  const { name = 't', ...rest } = others;
  return { Type: 'AWS::SNS::Topic', Properties: { DisplayName: name }, ...rest };
}

export function statuses({ events }: OperationResult, logicalId = 'S'): string[] {
  return events.filter((event) => event.logicalId === logicalId).map(({ status }) => status);
}
