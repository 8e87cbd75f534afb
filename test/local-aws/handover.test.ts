// What can be done with a finished snapshot, and what EC2 refuses. See also fast-restores.test.ts.
import type { LockSnapshotRequest } from '@aws-sdk/client-ec2';
import { SimulatedEc2 } from '../../local-aws/ec2';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HERE = 'eu-west-1';
const [A, B] = ['999988887777', '888877776666'];

let now: number;
let ec2: SimulatedEc2;
let id: string;

beforeEach(() => {
  now = Date.parse('2026-03-01T12:00:00Z');
  ec2 = new SimulatedEc2({ clock: { now: () => now } });
  ({ id } = ec2.addSnapshot({ region: HERE }));
});

const theirs = () => ec2.addSnapshot({ region: HERE, ownerId: A, sharedWith: ['111122223333'] }).id;

describe('sharing', () => {
  const change = (OperationType: 'add' | 'remove', UserIds: string[], SnapshotId = id) => {
    ec2.handover.modifySnapshotAttribute(HERE, { SnapshotId, OperationType, UserIds });
  };
  const shown = () =>
    ec2.handover.describeSnapshotAttribute(HERE, { SnapshotId: id, Attribute: 'createVolumePermission' })
      .CreateVolumePermissions;

  it('adds and removes accounts, and never shows our own', () => {
    change('add', [A, B, '111122223333']);
    change('remove', [B]);
    expect(shown()).toEqual([{ UserId: A }]);
  });

  it('may be repeated', () => {
    change('add', [A]);
    change('add', [A]);
    change('remove', [B]);
    expect(shown()).toEqual([{ UserId: A }]);
  });

  it('with everyone shows the group', () => {
    ec2.handover.modifySnapshotAttribute(HERE, { SnapshotId: id, OperationType: 'add', GroupNames: ['all'] });
    expect(shown()).toEqual([{ Group: 'all' }]);
  });

  it('appears late if reads are stale', () => {
    ec2.handover.settings.staleness = HOUR;
    change('add', [A]);
    expect(shown()).toEqual([]);
    now += HOUR;
    expect(shown()).toEqual([{ UserId: A }]);
  });

  it.each<[string, () => void, string]>([
    ['a malformed account', () => { change('add', [A, 'nobody']); }, 'InvalidUserID.Malformed'],
    ['more than 500 changes', () => { change('add', Array.from({ length: 501 }, (_, n) => String(300_000_000_000 + n))); }, 'InvalidParameterValue'],
    ['no operation', () => { ec2.handover.modifySnapshotAttribute(HERE, { SnapshotId: id }); }, 'InvalidParameterCombination'],
    ['another account’s snapshot', () => { change('add', [B], theirs()); }, 'AuthFailure'],
    ['a snapshot under the AWS managed key', () => { change('add', [A], ec2.addSnapshot({ region: HERE, encrypted: true }).id); }, 'OperationNotPermitted'],
    ['an archived snapshot', () => { change('add', [A], ec2.addSnapshot({ region: HERE, storageTier: 'archive' }).id); }, 'OperationNotPermitted'],
    ['a snapshot that does not exist', () => { change('add', [A], 'snap-00000000'); }, 'InvalidSnapshot.NotFound'],
  ])('refuses %s, and changes nothing', (_, act, code) => {
    expect(act).toThrow(expect.objectContaining({ code }) as Error);
    expect(shown()).toEqual([]);
  }); // prettier-ignore

  it('of a snapshot under a customer key is accepted', () => {
    const key = ec2.kms.addKey({ region: HERE });
    const mine = ec2.addSnapshot({ region: HERE, kmsKeyId: key.arn });
    change('add', [A], mine.id);
    expect([...mine.sharedWith]).toEqual([A]);
  });
});

describe('a lock', () => {
  const lock = (more: Partial<LockSnapshotRequest>) => {
    ec2.handover.lockSnapshot(HERE, { SnapshotId: id, LockMode: 'governance', LockDuration: 7, ...more });
  };
  const compliance = (more: Partial<LockSnapshotRequest> = {}) => {
    lock({ LockMode: 'compliance', LockDuration: 30, CoolOffPeriod: 24, ...more });
  };
  const unlock = () => {
    ec2.handover.unlockSnapshot(HERE, { SnapshotId: id });
  };
  const remove = () => {
    ec2.deleteSnapshot(HERE, { SnapshotId: id });
  };
  const state = () => ec2.handover.describeLockedSnapshots(HERE, { SnapshotIds: [id] }).Snapshots?.[0]?.LockState;

  it('in governance mode prevents the deletion of the snapshot until it is removed', () => {
    lock({});
    expect(remove).toThrow(expect.objectContaining({ code: 'SnapshotLocked' }) as Error);
    unlock();
    expect(state()).toBeUndefined();
    remove();
    expect(ec2.stateOf(id)).toBe('deleted');
  });

  it('expires: the snapshot can be deleted, and the lock is still listed', () => {
    lock({});
    now += 7 * DAY;
    expect(state()).toBe('expired');
    remove();
  });

  it('in compliance mode can be changed during the cool-off, but only extended after it', () => {
    compliance();
    expect(state()).toBe('compliance-cooloff');
    lock({});
    compliance();
    now += 24 * HOUR;
    expect(state()).toBe('compliance');
    expect(unlock).toThrow(expect.objectContaining({ code: 'OperationNotPermitted' }) as Error);
    for (const worse of [{ LockDuration: 29 }, { LockDuration: 60, CoolOffPeriod: 1 }]) {
      expect(() => { compliance({ CoolOffPeriod: undefined, ...worse }); }).toThrow('can only be extended'); // prettier-ignore
    }
    expect(() => { lock({}); }).toThrow('can only be extended'); // prettier-ignore
    compliance({ LockDuration: 60, CoolOffPeriod: undefined });
    now += 59 * DAY;
    expect(state()).toBe('compliance');
  });

  it.each<[string, () => void, string]>([
    ['no mode', () => { lock({ LockMode: undefined }); }, 'InvalidParameterValue'],
    ['zero days', () => { lock({ LockDuration: 0 }); }, 'InvalidParameterValue'],
    ['more than a hundred years', () => { lock({ LockDuration: 36_501 }); }, 'InvalidParameterValue'],
    ['a cool-off in governance mode', () => { lock({ CoolOffPeriod: 1 }); }, 'InvalidParameterValue'],
    ['a cool-off of more than three days', () => { compliance({ CoolOffPeriod: 73 }); }, 'InvalidParameterValue'],
    ['another account’s snapshot', () => { lock({ SnapshotId: theirs() }); }, 'AuthFailure'],
    ['a snapshot on an Outpost', () => { lock({ SnapshotId: ec2.addSnapshot({ region: HERE, outpostArn: 'arn:aws:outposts:x' }).id }); }, 'UnsupportedOperation'],
    ['unlocking what is not locked', unlock, 'IncorrectState'],
  ])('is refused: %s', (_, act, code) => {
    expect(act).toThrow(expect.objectContaining({ code }) as Error);
    expect(state()).toBeUndefined();
  }); // prettier-ignore

  it('appears late and disappears late if reads are stale', () => {
    ec2.handover.settings.staleness = HOUR;
    lock({});
    expect(state()).toBeUndefined();
    now += HOUR;
    expect(state()).toBe('governance');
    unlock();
    expect(state()).toBe('governance');
  });
});

describe('the storage tier', () => {
  const archive = (SnapshotId = id) => {
    ec2.handover.modifySnapshotTier(HERE, { SnapshotId, StorageTier: 'archive' });
  };
  const restore = () => {
    ec2.handover.restoreSnapshotTier(HERE, { SnapshotId: id, PermanentRestore: true });
  };
  const status = () => {
    const Filters = [{ Name: 'snapshot-id', Values: [id] }];
    const [shown] = ec2.handover.describeSnapshotTierStatus(HERE, { Filters }).SnapshotTierStatuses ?? [];
    return [shown?.StorageTier, shown?.LastTieringOperationStatus];
  };

  it('changes within hours in both directions, and DescribeSnapshots shows it', () => {
    expect(status()).toEqual(['standard', undefined]);
    archive();
    expect(status()).toEqual(['standard', 'archival-in-progress']);
    now += HOUR;
    expect(status()).toEqual(['archive', 'archival-completed']);
    expect(ec2.describeSnapshots(HERE, { SnapshotIds: [id] }).Snapshots?.[0]?.StorageTier).toBe('archive');
    restore();
    expect(status()).toEqual(['archive', 'permanent-restore-in-progress']);
    now += DAY;
    expect(status()).toEqual(['standard', 'permanent-restore-completed']);
  });

  it('does not change if archiving fails', () => {
    ec2.handover.settings.archivalFailure = 'Too large';
    archive();
    now += HOUR;
    expect(status()).toEqual(['standard', 'archival-failed']);
  });

  it('changes late if reads are stale', () => {
    ec2.handover.settings.staleness = HOUR;
    archive();
    expect(status()).toEqual(['standard', undefined]);
  });

  it.each<[string, () => void]>([
    ['archiving what is being archived', () => { archive(); archive(); }],
    ['archiving what is archived', () => { archive(); now += HOUR; archive(); }],
    ['archiving what is not completed', () => { archive(ec2.addSnapshot({ region: HERE, course: {} }).id); }],
    ['restoring what is not archived', restore],
    ['restoring what is being archived', () => { archive(); restore(); }],
  ])('is refused: %s', (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: 'IncorrectState' }) as Error);
  }); // prettier-ignore

  it('does not prevent deletion, and a lock does not prevent archiving', () => {
    ec2.handover.lockSnapshot(HERE, { SnapshotId: id, LockMode: 'governance', LockDuration: 1 });
    archive();
    now += DAY;
    ec2.deleteSnapshot(HERE, { SnapshotId: id });
    expect(ec2.stateOf(id)).toBe('deleted');
  });

  it('prevents copying if it is the archive tier', () => {
    const source = ec2.addSnapshot({ region: HERE, storageTier: 'archive' });
    const { SnapshotId = '' } = ec2.copySnapshot(HERE, { SourceRegion: HERE, SourceSnapshotId: source.id });
    now += HOUR;
    expect(ec2.stateOf(SnapshotId)).toBe('error');
  });
});
