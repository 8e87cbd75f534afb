// What the stacks of these tests declare.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, CfnResource, CustomResource, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as cr from 'aws-cdk-lib/custom-resources';
import { SnapshotCopyDryRun, type SnapshotCopyDryRunProps, type SnapshotCopyProps } from '../../lib';
import { copyInto, ENV } from './deployment';

export const declare = (props: SnapshotCopyProps) => (stack: Stack) => {
  const copy = copyInto(stack, props);
  new CfnOutput(stack, 'Id', { value: copy.snapshotId });
};

/** A resource that comes after the copy, and whose failure takes the operation back. */
export const declareWithSibling = (props: SnapshotCopyProps, revision: string) => (stack: Stack) => {
  const copy = copyInto(stack, props);
  const sibling = new CfnResource(stack, 'Sibling', { type: 'AWS::SNS::Topic', properties: { DisplayName: revision } });
  sibling.node.addDependency(copy);
};

/** A resource beside the copy, whose failure cancels what the copy is in. */
export const declareApart = (props: SnapshotCopyProps, revision: string) => (stack: Stack) => {
  copyInto(stack, props);
  new CfnResource(stack, 'Sibling', { type: 'AWS::SNS::Topic', properties: { DisplayName: revision } });
};

export const declareDryRun = (props: SnapshotCopyDryRunProps) => (stack: Stack) => {
  new SnapshotCopyDryRun(stack, 'DryRun', props);
};

/** A custom resource of somebody else, which hands out a snapshot id as an attribute. */
export function madeIn(stack: Stack, snapshotId: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'maker-'));
  writeFileSync(
    join(directory, 'index.js'),
    'exports.onEvent = async ({ ResourceProperties: { Id } }) => ({ PhysicalResourceId: Id, Data: { Id } });',
  );
  const onEventHandler = new lambda.Function(stack, 'Maker', {
    code: lambda.Code.fromAsset(directory),
    handler: 'index.onEvent',
    runtime: lambda.Runtime.NODEJS_22_X,
  });
  const { serviceToken } = new cr.Provider(stack, 'MakerProvider', { onEventHandler });
  return new CustomResource(stack, 'Made', { serviceToken, properties: { Id: snapshotId } }).getAttString('Id');
}

export function logicalIdOfCopy(): string {
  const stack = new Stack(new App(), 'Test', { env: ENV });
  const copy = copyInto(stack, { sourceSnapshotId: 'snap-0123456789abcdef0' });
  return stack.getLogicalId(copy.node.defaultChild as CfnResource);
}
