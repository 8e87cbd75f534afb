import type { CopyProperties, StageProperties } from '../../lib/contract';
import {
  decidePhysicalId,
  decodeRequest,
  isLaterStage,
  type CloudFormationEvent,
  type PollEvent,
} from '../../lambda/request';
import { tags } from './in-process';
import { HANDLE } from './requests';

const DRY_RUN = 'Custom::SnapshotCopyDryRun';
const STAGE = 'Custom::SnapshotCopyStage';
const SNAPSHOT = 'snap-0fedcba9876543210';

const properties: CopyProperties = {
  SourceSnapshotId: 'snap-0123456789abcdef0',
  SourceRegion: 'us-east-1',
  DestinationRegion: 'eu-west-1',
  TimeoutSeconds: '3000',
};

const everyInput: CopyProperties = {
  ...properties,
  DestinationOutpostArn: 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0123456789abcdef0',
  DestinationAvailabilityZone: 'eu-west-1-ham-1a',
  Description: 'nightly',
  Encrypted: 'true',
  KmsKeyId: 'alias/mine',
};

function event(more: Partial<CloudFormationEvent> = {}): CloudFormationEvent {
  return {
    RequestType: 'Create',
    RequestId: 'r-1',
    StackId: 'arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/app/1',
    ResourceType: 'Custom::SnapshotCopy',
    LogicalResourceId: 'Copy',
    ResourceProperties: properties,
    ...more,
  };
}

function update(
  wanted: Partial<StageProperties>,
  before: Partial<StageProperties> = {},
  more: Partial<CloudFormationEvent> = {},
): CloudFormationEvent {
  return event({
    RequestType: 'Update',
    PhysicalResourceId: SNAPSHOT,
    ResourceProperties: { ...properties, ...wanted },
    OldResourceProperties: { ...properties, ...before },
    ...more,
  });
}

function decode(of: CloudFormationEvent = event(), more: Partial<PollEvent> = {}): ReturnType<typeof decodeRequest> {
  const { PhysicalResourceId = HANDLE } = of;
  return decodeRequest({ ...of, PhysicalResourceId, Begun: { At: 1_000 }, ...more }, 'us-west-2');
}

const decodeWith = (more: Partial<StageProperties>): ReturnType<typeof decodeRequest> =>
  decode(event({ ResourceProperties: { ...properties, ...more } }));

const decide = (of: CloudFormationEvent): string => decidePhysicalId(of, 'us-west-2');

describe('the physical ID that onEvent returns', () => {
  test('is frozen if it is a handle, because deployed copies carry it', () => {
    expect(decide(event())).toBe('copy-9fa34a873edd470a5e1944fa69bcb9fe');
  });

  test('is the same when onEvent runs twice for one request', () => {
    expect(decide(event())).toBe(decide(event()));
  });

  test.each<Partial<CloudFormationEvent>>([
    { RequestId: 'r-2' },
    { LogicalResourceId: 'Other' },
    { StackId: 'arn:aws:cloudformation:us-east-1:111122223333:stack/other/1' },
  ])('differs for a request that differs in %j', (change) => {
    expect(decide(event(change))).not.toBe(decide(event()));
  });

  test('differs for other inputs under a reused RequestId', () => {
    expect(decide(update({ Description: 'a' }))).not.toBe(decide(update({ Description: 'b' })));
  });

  test('stays the same in an Update that keeps the copy, and in a Delete', () => {
    expect(decide(update({ Tags: tags({ a: '1' }) }))).toBe(SNAPSHOT);
    expect(decide(update({ Description: 'a' }, {}, { RequestType: 'Delete' }))).toBe(SNAPSHOT);
  });

  test('is a handle for an Update whose inputs change or whose old properties are missing', () => {
    expect(decide(update({ Description: 'a' }))).toMatch(/^copy-[0-9a-f]{32}$/);
    expect(decide(update({}, {}, { OldResourceProperties: undefined }))).toMatch(/^copy-[0-9a-f]{32}$/);
  });

  test('is empty for a Delete without one', () => {
    expect(decide(event({ RequestType: 'Delete' }))).toBe('');
  });

  test.each([
    [STAGE, 'stage-Copy'],
    ['Custom::FastSnapshotRestore', 'fast-restore-Copy'],
    ['Custom::FastSnapshotRestoreStage', 'stage-Copy'],
    [DRY_RUN, 'dry-run-Copy'],
  ])('for %s is derived from the logical ID, and stays the same in an Update', (ResourceType, id) => {
    expect(decide(event({ ResourceType }))).toBe(id);
    expect(decide(update({ Description: 'a' }, {}, { ResourceType, PhysicalResourceId: 'id-of-old' }))).toBe(
      'id-of-old',
    );
  });
});

describe('a request', () => {
  test('knows the partition and the account of its stack, and when it arrived', () => {
    expect(decode()).toMatchObject({ partition: 'aws-cn', account: '111122223333', startedAt: 1_000 });
  });

  test('knows what onEvent saw: the operation that sent it, and the physical ID that it carried', () => {
    expect(decode()).toMatchObject({ operation: undefined, presentId: undefined });
    const Operation = { status: 'CREATE_IN_PROGRESS', begunAt: 900, ids: 'a,b', stackCreatedAt: 800 };
    const request = decode(event(), { Begun: { At: 1_000, Operation, PresentId: SNAPSHOT } });
    expect(request).toMatchObject({ operation: Operation, presentId: SNAPSHOT });
  });

  test('is about the copy of its own resource', () => {
    const physicalId = { kind: 'snapshot', text: SNAPSHOT };
    const request = decode(update({ Tags: tags({ a: '1' }) }));
    expect(request).toMatchObject({ logicalId: 'Copy', requesterId: 'Copy', physicalId, stage: 1, isDryRun: false });
  });

  test('keeps the present copy if it is an Update that changes no input', () => {
    expect(decode(update({ Tags: tags({ a: '1' }) })).keepsCopy).toBe(true);
    expect(decode(update({ Description: 'a' })).keepsCopy).toBe(false);
    expect(decode(event({ OldResourceProperties: properties })).keepsCopy).toBe(false);
  });

  test('decodes the previous declaration, if there is one', () => {
    expect(decode().before).toBeUndefined();
    expect(decode(update({}, { DestinationRegion: 'eu-west-2' })).before).toMatchObject({
      destinationRegion: 'eu-west-2',
      sourceSnapshotId: 'snap-0123456789abcdef0',
    });
  });

  test('decodes every property', () => {
    const declared = {
      ...everyInput,
      SourceKmsKeyArn: 'arn:source',
      SourceOwner: '999988887777',
      CompletionDurationMinutes: '15',
      Tags: tags({ team: 'storage', env: '' }),
      DeletionPolicy: 'Retain' as const,
      CopySourceTags: 'true' as const,
      ShareWith: ['999988887777', '999988887777'],
      StorageTier: 'archive' as const,
      LockMode: 'compliance' as const,
      LockDurationDays: '30',
      CoolOffPeriodHours: '24',
    };
    expect(decodeWith(declared).wanted).toEqual({
      sourceSnapshotId: 'snap-0123456789abcdef0',
      sourceRegion: 'us-east-1',
      sourceKmsKeyArn: 'arn:source',
      sourceOwner: '999988887777',
      destinationRegion: 'eu-west-1',
      destinationOutpostArn: everyInput.DestinationOutpostArn,
      destinationAvailabilityZone: 'eu-west-1-ham-1a',
      description: 'nightly',
      encrypted: true,
      kmsKeyId: 'alias/mine',
      completionDurationMinutes: 15,
      tags: { team: 'storage', env: '' },
      retain: 'Retain',
      copySourceTags: true,
      shareWith: ['999988887777'],
      storageTier: 'archive',
      lock: { mode: 'compliance', days: 30, coolOffHours: 24 },
      inputs: expect.stringMatching(/^v1-/) as string,
      inputsBesidesSource: expect.stringMatching(/^v1-/) as string,
    });
  });

  test('decodes the selector of the latest source', () => {
    const LatestSource = { VolumeId: 'vol-1', Tags: tags({ app: 'shop' }), Owner: '999988887777', MaxAgeSeconds: '60' };
    expect(decodeWith({ LatestSource, Refresh: '2' }).wanted).toMatchObject({
      latestSource: { volumeId: 'vol-1', tags: { app: 'shop' }, owner: '999988887777', maxAgeMs: 60_000 },
      refresh: '2',
    });
    expect(decodeWith({ LatestSource: {}, Refresh: '' }).wanted).toMatchObject({
      latestSource: { tags: {}, owner: 'self' },
      refresh: undefined,
    });
  });

  test.each<[string, Partial<Record<keyof CopyProperties, string>>]>([
    ['absent', {}],
    [
      'empty',
      { SourceKmsKeyArn: '', SourceOwner: '', CompletionDurationMinutes: '', DeletionPolicy: '', LockMode: '' },
    ],
    ['empty, including the source', { SourceSnapshotId: '', SourceRegion: '', DestinationRegion: '' }],
  ])('decodes properties that are %s as the defaults', (_, wire) => {
    const request = decode(event({ ResourceProperties: wire as Partial<CopyProperties> }));
    expect(request.wanted).toEqual({
      sourceRegion: 'us-west-2',
      destinationRegion: 'us-west-2',
      encrypted: false,
      tags: {},
      copySourceTags: false,
      shareWith: [],
      storageTier: 'standard',
      inputs: expect.stringMatching(/^v1-/) as string,
      inputsBesidesSource: expect.stringMatching(/^v1-/) as string,
    });
  });
});

describe('a dry run', () => {
  test('is recognized by its resource type, and waits ten minutes regardless of the declared timeout', () => {
    const of = event({ ResourceType: DRY_RUN, ResourceProperties: { ...properties, TimeoutSeconds: '9000' } });
    expect(decode(of)).toMatchObject({ isDryRun: true, stage: 1, isLastStage: true });
    expect(decode(of)).toMatchObject({ timeoutSeconds: 600, stageMs: 600_000 });
  });
});

describe('a later stage', () => {
  test('is recognized by its resource type', () => {
    expect(
      [STAGE, 'Custom::SnapshotCopy', DRY_RUN].map((ResourceType) => isLaterStage(event({ ResourceType }))),
    ).toEqual([true, false, false]);
  });

  test.each([
    [SNAPSHOT, 'snapshot', true],
    [HANDLE, 'handle', false],
  ])('is about the copy of its owner, %s (%s), and keeps an existing copy: %s', (CopyId, kind, keepsCopy) => {
    const ResourceProperties = { ...properties, CopyLogicalId: 'Owner', CopyId, Stage: '2' };
    expect(decode(event({ ResourceType: STAGE, ResourceProperties }))).toMatchObject({
      logicalId: 'Owner',
      requesterId: 'Copy',
      physicalId: { kind, text: CopyId },
      keepsCopy,
      stage: 2,
    });
  });

  test('without a copy ID is about no copy', () => {
    expect(decode(event({ ResourceType: STAGE }))).toMatchObject({
      logicalId: '',
      physicalId: { kind: 'unknown', text: '' },
      keepsCopy: false,
    });
  });
});

describe('waiting', () => {
  test.each([
    ['600', 600],
    ['3000', 3_000],
    ['999999', 172_800],
    ['nonsense', 3_000],
    ['', 3_000],
    [undefined, 3_000],
  ])('with TimeoutSeconds %s lasts %i s in total, and at most two days', (TimeoutSeconds, seconds) => {
    expect(decodeWith({ TimeoutSeconds }).timeoutSeconds).toBe(seconds);
  });

  test.each([
    ['3000', '1', true, 3_000],
    ['3001', '1', false, 3_000],
    ['3001', '2', true, 60],
    ['9000', '2', false, 3_000],
    ['9000', '3', true, 3_000],
    ['600', '4', true, 60],
    ['600', undefined, true, 600],
  ])('for %s s: stage %s is the last one: %s, and waits %i s', (TimeoutSeconds, Stage, isLastStage, seconds) => {
    const request = decodeWith({ TimeoutSeconds, Stage });
    expect([request.isLastStage, request.stageMs]).toEqual([isLastStage, seconds * 1_000]);
  });
});
