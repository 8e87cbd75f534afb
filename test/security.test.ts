// The service control policy that SECURITY.md proposes, as IAM evaluates it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TAG } from '../lib/contract';
import { SnapshotCopy } from '../lib';
import { carried, newSnapshot, ownCopy, requested, snapshot, tagsFor } from './lib/calls';
import { type Context, isAllowed, STACK_ID, type Statement } from './lib/iam';
import { newStack, SOURCE, templateOf } from './lib/stacks';

const page = readFileSync(join(__dirname, '..', 'SECURITY.md'), 'utf8');
const [, json = ''] = /<!-- scp -->\s*```json\n(.*?)```/s.exec(page) ?? [];
const { Statement: statements } = JSON.parse(json) as { Statement: (Statement & { Effect: string })[] };

const principal = (name: string): Context => ({ 'aws:PrincipalArn': `arn:aws-us-gov:iam::111122223333:role/${name}` });
const SOMEBODY = principal('Administrator');

const isDenied = (action: string, resource: string, context: Context): boolean =>
  isAllowed(statements, action, resource, context);

/** CloudFormation shortens the logical ID, but keeps its first 24 characters. */
function nameOfHandlerRole(): string {
  const stack = newStack();
  new SnapshotCopy(stack, 'Copy', { sourceSnapshotId: SOURCE });
  const { Resources: resources } = templateOf(stack) as { Resources: Record<string, { Type: string }> };
  const id = Object.keys(resources).find(
    (each) => each.includes('HandlerRole') && resources[each]?.Type === 'AWS::IAM::Role',
  );
  return `Data-${id?.slice(0, 24) ?? ''}-1A2B3C4D5E6F`;
}

test('all statements deny', () => {
  expect(statements.map(({ Effect }) => Effect)).toEqual(['Deny', 'Deny']);
});

describe.each(Object.values(TAG))('%s', (key) => {
  test.each([key, key.toUpperCase()])('is off limits to everybody else as %s', (tag) => {
    const context = { ...SOMEBODY, ...requested({ [tag]: 'x', team: 'storage' }) };
    expect(isDenied('ec2:CreateTags', snapshot('us-gov-west-1'), context)).toBe(true);
    expect(isDenied('ec2:DeleteTags', snapshot('us-gov-west-1'), { ...context, ...ownCopy })).toBe(true);
  });
});

test('the handler may tag its copies', () => {
  const context = { ...principal(nameOfHandlerRole()), ...requested(tagsFor(STACK_ID)) };
  expect(isDenied('ec2:CreateTags', newSnapshot('us-gov-west-1'), context)).toBe(false);
});

test('everybody may change other tags of snapshots, including copies', () => {
  const context = { ...SOMEBODY, ...ownCopy, ...requested({ team: 'storage' }) };
  expect(isDenied('ec2:CreateTags', snapshot('us-gov-west-1'), context)).toBe(false);
  expect(isDenied('ec2:DeleteTags', snapshot('us-gov-west-1'), context)).toBe(false);
});

test('nobody may remove all tags of a copy at once, but everybody may remove those of other snapshots', () => {
  expect(isDenied('ec2:DeleteTags', snapshot('us-gov-west-1'), { ...SOMEBODY, ...ownCopy })).toBe(true);
  const other = { ...SOMEBODY, ...carried({ team: 'storage' }) };
  expect(isDenied('ec2:DeleteTags', snapshot('us-gov-west-1'), other)).toBe(false);
});
