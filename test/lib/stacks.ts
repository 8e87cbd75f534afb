// Stacks for the tests, and functions that read their templates.
import { App, type AppProps, CfnResource, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { IConstruct } from 'constructs';
import { COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE } from '../../lib/contract';

export const SOURCE = 'snap-0123456789abcdef0';
export const ENV = { account: '111122223333', region: 'us-east-1' };

/** A resource of a synthesized template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** Skips the CDK's own validation of templates, which takes most of the time. */
export function newApp(props: AppProps = {}): App {
  return new App({ builtinCloudFormationValidation: false, ...props });
}

export function newStack(props: StackProps = { env: ENV }): Stack {
  return new Stack(newApp(), 'Stack', props);
}

export function templateOf(stack: Stack): { readonly Resources: Readonly<Record<string, Resource>> } {
  return Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
}

/** Logical ID of a resource, or of the default child of a construct. */
export function idOf(construct: IConstruct): string {
  if (CfnResource.isCfnResource(construct)) return construct.stack.getLogicalId(construct);
  const { defaultChild } = construct.node;
  if (defaultChild === undefined) throw new Error(`${construct.node.path} has no resource`);
  return idOf(defaultChild);
}

/** The default child of a construct, as it is in the template. */
export function resourceOf(construct: IConstruct): Resource {
  const resource = templateOf(Stack.of(construct)).Resources[idOf(construct)];
  if (resource === undefined) throw new Error(`${construct.node.path} is not in the template`);
  return resource;
}

/** The properties that CloudFormation sends to the handler. */
export function wiredBy(construct: IConstruct): Record<string, unknown> {
  const entries = Object.entries(resourceOf(construct).Properties);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('Service')));
}

/** All custom resources of copies, by logical ID. */
export function copiesIn(stack: Stack): [id: string, resource: Resource][] {
  const types = [COPY_RESOURCE_TYPE, STAGE_RESOURCE_TYPE];
  return Object.entries(templateOf(stack).Resources).filter(([, { Type }]) => types.includes(Type));
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
