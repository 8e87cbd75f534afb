import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

/** A resource of a synthesized template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
}

export function templateOf(stack: Stack): { readonly Resources: Readonly<Record<string, Resource>> } {
  return Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
}
