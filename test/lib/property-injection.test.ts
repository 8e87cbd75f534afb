import { type IPropertyInjector, PropertyInjectors, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { SnapshotCopy, SnapshotCopyDryRun, type SnapshotCopyProps } from '../../lib';
import { SOURCE, wiredBy, newApp } from './stacks';

const injector = (constructUniqueId: string, added: Partial<SnapshotCopyProps>): IPropertyInjector => ({
  constructUniqueId,
  inject: (props: object) => ({ ...added, ...props }),
});

test('an injector on the app changes a copy’s props', () => {
  const app = newApp({
    propertyInjectors: [injector(SnapshotCopy.PROPERTY_INJECTION_ID, { destinationRegion: 'eu-west-1' })],
  });
  const copy = new SnapshotCopy(new Stack(app, 'Stack'), 'Copy', { sourceSnapshotId: SOURCE });
  expect(wiredBy(copy)).toMatchObject({ DestinationRegion: 'eu-west-1' });
  expect(copy.env.region).toBe('eu-west-1');
});

test('the nearest injector wins; one on another scope or for another class has no effect', () => {
  const stack = new Stack(newApp(), 'Stack');
  const [near, other] = ['Near', 'Other'].map((id) => new Construct(stack, id)) as [Construct, Construct];
  const describe = (scope: Construct, description: string, id = SnapshotCopy.PROPERTY_INJECTION_ID) => {
    PropertyInjectors.of(scope).add(injector(id, { description }));
  };
  describe(stack, 'far');
  describe(near, 'near');
  describe(other, 'other class', SnapshotCopyDryRun.PROPERTY_INJECTION_ID);
  const copies = [stack, near, other].map((scope) => new SnapshotCopy(scope, 'Copy', { sourceSnapshotId: SOURCE }));
  expect(copies.map((copy) => wiredBy(copy).Description)).toEqual(['far', 'near', 'far']);
});

test('an injector changes a dry run’s props', () => {
  const stack = new Stack(newApp(), 'Stack');
  PropertyInjectors.of(stack).add(injector(SnapshotCopyDryRun.PROPERTY_INJECTION_ID, { description: 'injected' }));
  const dryRun = new SnapshotCopyDryRun(stack, 'DryRun', { sourceSnapshotId: SOURCE });
  expect(wiredBy(dryRun.node.findChild('Resource'))).toMatchObject({ Description: 'injected' });
});

test('values from an injector are validated', () => {
  const stack = new Stack(newApp(), 'Stack');
  PropertyInjectors.of(stack).add(injector(SnapshotCopy.PROPERTY_INJECTION_ID, { kmsKeyId: 'my-key' }));
  expect(() => new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE })).toThrow(/kmsKeyId "my-key" is not a key/);
});
