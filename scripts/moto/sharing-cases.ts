import {
  DescribeSnapshotAttributeCommand,
  GetEbsEncryptionByDefaultCommand,
  ModifySnapshotAttributeCommand,
  type ModifySnapshotAttributeCommandInput,
} from '@aws-sdk/client-ec2';
import type { Case } from './cases';
import type { Side } from './sides';

const MISSING = 'snap-0123456789abcdef0';
const [A, B] = ['111122223333', '444455556666'];
const Attribute = 'createVolumePermission';

type Change = Partial<ModifySnapshotAttributeCommandInput>;

const modify = (side: Side, SnapshotId: string, change: Change) =>
  side.ec2.send(new ModifySnapshotAttributeCommand({ SnapshotId, Attribute, ...change }));

/** With whom the snapshot is shared after these changes, which the order of the answer says nothing of. */
async function shared(side: Side, id: string, ...changes: Change[]): Promise<unknown[]> {
  for (const change of changes) await modify(side, id, change);
  const { CreateVolumePermissions: shown = [] } = await side.ec2.send(
    new DescribeSnapshotAttributeCommand({ SnapshotId: id, Attribute }),
  );
  return shown.map(({ Group, UserId }) => UserId ?? Group).sort();
}

const add = (...UserIds: string[]): Change => ({ OperationType: 'add', UserIds });
const remove = (...UserIds: string[]): Change => ({ OperationType: 'remove', UserIds });

/** @param finished makes a completed copy */
export const sharingCases = (finished: (side: Side) => Promise<string>): readonly Case[] => {
  const after =
    (...changes: Change[]) =>
    async (side: Side) =>
      shared(side, await finished(side), ...changes);
  return [
    { name: 'sharing of a new copy', run: after() },
    { name: 'sharing with two accounts', run: after(add(A, B)) },
    { name: 'sharing twice', run: after(add(A), add(A, B)) },
    { name: 'no longer sharing', run: after(add(A, B), remove(A)) },
    { name: 'no longer sharing with whom it was never shared', run: after(add(A), remove(B)) },
    { name: 'sharing with everybody', run: after({ OperationType: 'add', GroupNames: ['all'] }) },
    { name: 'sharing with a malformed account', run: after(add('nobody')), differs: 'moto does not check it' },
    { name: 'sharing, missing', run: (side) => modify(side, MISSING, add(A)) },
    { name: 'DescribeSnapshotAttribute, missing', run: (side) => shared(side, MISSING) },
    {
      name: 'GetEbsEncryptionByDefault',
      run: async ({ ec2 }) => (await ec2.send(new GetEbsEncryptionByDefaultCommand({}))).EbsEncryptionByDefault,
    },
  ];
};
