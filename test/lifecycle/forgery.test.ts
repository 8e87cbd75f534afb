// Being able to tag snapshots, point aliases, invoke the functions, or choose a source gains an attacker nothing.
import type { CopySnapshotRequest } from '@aws-sdk/client-ec2';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { SnapshotCopyProps } from '../../lib';
import type { NewSnapshot } from '../../local-aws/ec2';
import type { Call } from '../../local-aws/faults';
import type { StoredKey } from '../../local-aws/kms';
import { declare, madeIn } from './declarations';
import { copyInto, lineOf, MINUTE, type Deployment } from './deployment';
import { start } from './start';

const REGION = 'eu-west-1';
const OTHER_ACCOUNT = '999988887777';

const propsOf = (deployment: Deployment, more: Partial<SnapshotCopyProps> = {}) => ({
  sourceSnapshotId: deployment.source(),
  destinationRegion: REGION,
  ...more,
});

const tagsIn = (call: Call): Record<string, string> => {
  const { TagSpecifications: [first] = [] } = call.input as CopySnapshotRequest;
  return Object.fromEntries((first?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
};

/** When the next copy starts, somebody puts its tags on their own snapshot, a second older. Returns the IDs. */
function forgeNext({ aws }: Deployment, snapshot: Partial<NewSnapshot>, seconds = -1): string[] {
  const forged: string[] = [];
  aws.services.faults = (call) => {
    if (call.action === 'CopySnapshot' && forged.length === 0) {
      const startTime = call.time + seconds * 1_000;
      forged.push(aws.ec2.addSnapshot({ region: REGION, startTime, tags: tagsIn(call), ...snapshot }).id);
    }
    return undefined;
  };
  return forged;
}

interface Forgery {
  readonly name: string;
  readonly declared?: (keys: Keys) => Partial<SnapshotCopyProps>;
  readonly snapshot: (keys: Keys) => Partial<NewSnapshot>;
  readonly reason: (keys: Keys) => string;
}

interface Keys {
  readonly key: StoredKey;
  readonly other: StoredKey;
}

const FORGERIES: readonly Forgery[] = [
  { name: 'is larger', snapshot: () => ({ volumeSize: 9 }), reason: () => 'its size is 9 GiB, not 8 GiB' },
  {
    name: 'is not encrypted',
    declared: () => ({ encrypted: true }),
    snapshot: () => ({}),
    reason: () => 'it is not encrypted',
  },
  {
    name: 'is under another key',
    declared: ({ key }) => ({ kmsKeyId: key.arn }),
    snapshot: ({ other }) => ({ kmsKeyId: other.arn }),
    reason: ({ key, other }) => `its key is ${other.arn}, not ${key.arn}`,
  },
];

describe.each(FORGERIES)('a snapshot with the copy’s tags that $name', ({ declared, snapshot, reason }) => {
  test('is neither adopted nor deleted by create, replacement, or deletion, and the log says so', async () => {
    const deployment = await start();
    const { ec2 } = deployment.aws;
    const keys = { key: ec2.kms.addKey({ region: REGION }), other: ec2.kms.addKey({ region: REGION }) };
    const props = propsOf(deployment, declared?.(keys));
    const [first = ''] = await forgedAt({ ...props });
    const [second = ''] = await forgedAt({ ...props, description: 'new' });
    const before = deployment.logged('not this copy').length;
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
    for (const id of [first, second]) expect(ec2.stateOf(id)).toBe('completed');
    expect(deployment.logged('not this copy').length).toBeGreaterThan(before);

    async function forgedAt(wanted: SnapshotCopyProps): Promise<string[]> {
      const forged = forgeNext(deployment, snapshot(keys));
      const { outputs, status } = await deployment.deploy(declare(wanted));
      expect(status).toMatch(/^(CREATE|UPDATE)_COMPLETE$/);
      expect(deployment.copies()).toEqual([outputs.Id]);
      expect(deployment.logged('not this copy')).toContainEqual(
        expect.objectContaining({ snapshotId: forged[0], reason: reason(keys) }),
      );
      return forged;
    }
  });
});

describe('a snapshot with the copy’s tags that is too old', () => {
  async function replacedBesideOlder() {
    const deployment = await start();
    const props = propsOf(deployment);
    await deployment.deploy(declare(props));
    await deployment.pass(10);
    const forged = forgeNext(deployment, { startTime: deployment.aws.clock.now() - 2 * MINUTE });
    const result = await deployment.deploy(declare({ ...props, description: 'new' }));
    return { deployment, result, id: forged[0] ?? '' };
  }

  test('because it began before the request is not adopted, and stays', async () => {
    const { deployment, result, id } = await replacedBesideOlder();
    expect(result.status).toBe('UPDATE_COMPLETE');
    expect(deployment.copies()).toEqual([result.outputs.Id]);
    expect(deployment.logged('not this copy')).toContainEqual(
      expect.objectContaining({ snapshotId: id, reason: 'it began before the request' }),
    );
    expect(deployment.aws.ec2.stateOf(id)).toBe('completed');
  });

  test('because it began before the request, and is not a copy, is not deleted with the stack', async () => {
    const { deployment, id } = await replacedBesideOlder();
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.aws.ec2.stateOf(id)).toBe('completed');
  });

  test('because it began before the stack is neither adopted nor deleted', async () => {
    const deployment = await start();
    const forged = forgeNext(deployment, { startTime: deployment.aws.clock.now() - MINUTE });
    const { outputs, status } = await deployment.deploy(declare(propsOf(deployment)));
    const [id = ''] = forged;
    expect(status).toBe('CREATE_COMPLETE');
    expect(deployment.copies()).toEqual([outputs.Id]);
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.copies()).toEqual([]);
    expect(deployment.aws.ec2.stateOf(id)).toBe('completed');
  });
});

// EC2 shows nothing reliable about a snapshot in progress, so it counts as a duplicate. SECURITY.md says so.
test.each([
  ['is in progress and older', { duration: 15 * MINUTE }, -1, 'CREATE_COMPLETE'],
  ['is in progress and younger', { duration: 15 * MINUTE }, 1, 'CREATE_COMPLETE'],
  ['fails quickly', { duration: MINUTE, outcome: 'error' }, -1, 'ROLLBACK_COMPLETE'],
] as const)('a snapshot with the copy’s tags is never reported if it %s', async (_, course, seconds, status) => {
  const deployment = await start();
  const [forged] = [forgeNext(deployment, { volumeSize: 9, course }, seconds)];
  const created = await deployment.deploy(declare(propsOf(deployment)));
  expect(created.status).toBe(status);
  expect(created.outputs.Id).not.toBe(forged[0]);
  const copies = status === 'CREATE_COMPLETE' ? [created.outputs.Id] : [];
  expect(deployment.copies()).toEqual(copies);
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([]);
});

test('a clone of the copy with all its tags is not deleted by an update or with the stack', async () => {
  const deployment = await start();
  const props = propsOf(deployment);
  await deployment.deploy(declare(props));
  const [id = ''] = deployment.copies();
  const Tags = Object.entries(deployment.aws.ec2.tagsOf(id)).map(([Key, Value]) => ({ Key, Value }));
  const { SnapshotId: clone } = deployment.aws.ec2.copySnapshot(REGION, {
    SourceRegion: REGION,
    SourceSnapshotId: id,
    TagSpecifications: [{ ResourceType: 'snapshot', Tags }],
  });
  // In progress, and then finished.
  for (const team of ['a', 'b']) {
    const tagged = await deployment.deploy(declare({ ...props, tags: { team } }));
    expect(tagged).toMatchObject({ status: 'UPDATE_COMPLETE', outputs: { Id: id } });
    await deployment.pass(20);
  }
  const replaced = await deployment.deploy(declare({ ...props, description: 'new' }));
  expect(replaced.status).toBe('UPDATE_COMPLETE');
  expect(deployment.copies()).toEqual([clone, replaced.outputs.Id]);
  expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
  expect(deployment.copies()).toEqual([clone]);
});

test.each([
  ['is adopted again if its alias still points to its key', false],
  ['is not adopted if its alias points to another key: a new copy is made', true],
])('a retained copy %s', async (_, isMoved) => {
  const deployment = await start();
  const { kms } = deployment.aws.ec2;
  const alias = 'alias/mine';
  kms.addKey({ region: REGION, alias });
  const removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
  const props = propsOf(deployment, { kmsKeyId: alias, removalPolicy });
  const { outputs: first } = await deployment.deploy(declare(props));
  await deployment.deploy(declare({ ...props, description: 'second' }));
  const other = kms.addKey({ region: REGION });
  if (isMoved) kms.addAlias(alias, other);
  const back = await deployment.deploy(declare(props));
  expect(back.status).toBe('UPDATE_COMPLETE');
  expect(deployment.started()).toBe(isMoved ? 3 : 2);
  expect(deployment.copies()).toHaveLength(isMoved ? 3 : 2);
  expect(back.outputs.Id === first.Id).toBe(!isMoved);
  expect(deployment.aws.ec2.snapshot(back.outputs.Id ?? '').kmsKeyId === other.arn).toBe(isMoved);
});

describe('a source', () => {
  const foreign = (deployment: Deployment): string =>
    deployment.source({ ownerId: OTHER_ACCOUNT, sharedWith: [deployment.aws.ec2.accountId] });

  test('that does not belong to the declared owner fails before anything is copied', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: foreign(deployment), destinationRegion: REGION };
    const refused = await deployment.deploy(declare({ ...props, sourceOwner: '123456789012' }));
    expect(refused.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(refused)).toContain(
      `source snapshot ${props.sourceSnapshotId} in us-east-1 belongs to account ${OTHER_ACCOUNT}, not to 123456789012; correct "sourceSnapshotId", or set "sourceOwner" to that account if you trust it`,
    );
    expect(deployment.started()).toBe(0);
    expect((await deployment.deploy(declare({ ...props, sourceOwner: OTHER_ACCOUNT }))).status).toBe('CREATE_COMPLETE');
    expect(deployment.copies()).toHaveLength(1);
  });

  test('that comes from a token must belong to the stack’s account, unless an owner is declared', async () => {
    const deployment = await start();
    const id = foreign(deployment);
    const declareMade = (sourceOwner?: string) => (stack: Parameters<typeof copyInto>[0]) => {
      copyInto(stack, { sourceSnapshotId: madeIn(stack, id), destinationRegion: REGION, sourceOwner });
    };
    const refused = await deployment.deploy(declareMade());
    expect(refused.status).toBe('ROLLBACK_COMPLETE');
    expect(lineOf(refused)).toContain(
      `source snapshot ${id} in us-east-1 belongs to account ${OTHER_ACCOUNT}, not to 111122223333; `,
    );
    expect(deployment.started()).toBe(0);
    expect((await deployment.deploy(declareMade(OTHER_ACCOUNT))).status).toBe('CREATE_COMPLETE');
    expect(deployment.copies()).toHaveLength(1);
  });
});
