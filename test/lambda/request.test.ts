import type { WireProperties } from '../../lib/contract';
import {
  decidePhysicalId,
  decodeRequest,
  isHandle,
  isSnapshotId,
  type CloudFormationEvent,
  type PollEvent,
} from '../../lambda/request';

const properties: WireProperties = {
  SourceSnapshotId: 'snap-0123456789abcdef0',
  SourceRegion: 'us-east-1',
  DestinationRegion: 'eu-west-1',
  TimeoutSeconds: '3000',
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

function decode(more: Partial<PollEvent> = {}): ReturnType<typeof decodeRequest> {
  return decodeRequest(
    { ...event(), PhysicalResourceId: 'copy-1', Begun: { At: '2030-01-01T00:00:00.000Z' }, ...more },
    'us-west-2',
  );
}

describe('what is frozen, since copies in the field carry it', () => {
  test('the hash of the inputs', () => {
    expect(decode().wanted.inputs).toBe('v1-add24d935fd150ccdde16a38fc53cf4e');
    const everything: WireProperties = {
      ...properties,
      DestinationOutpostArn: 'arn:aws:outposts:eu-west-1:111122223333:outpost/op-0123456789abcdef0',
      DestinationAvailabilityZone: 'eu-west-1-ham-1a',
      Description: 'nightly',
      Encrypted: 'true',
      KmsKeyId: 'alias/mine',
    };
    expect(decode({ ResourceProperties: everything }).wanted.inputs).toBe('v1-16b9b5395e69078ec3fe91d7b1412201');
  });

  test('the handle', () => {
    expect(decidePhysicalId(event(), 'us-west-2')).toBe('copy-9f13a70afccc29c8b74d062e5d4937d6');
  });
});

describe('the hash of the inputs', () => {
  const inputs = (more: Partial<WireProperties>): string =>
    decode({ ResourceProperties: { ...properties, ...more } }).wanted.inputs;

  test.each<Partial<WireProperties>>([
    { SourceSnapshotId: 'snap-0123456789abcdef1' },
    { SourceRegion: 'us-east-2' },
    { DestinationRegion: 'eu-west-2' },
    { DestinationOutpostArn: 'arn' },
    { DestinationAvailabilityZone: 'eu-west-1-ham-1a' },
    { Description: 'x' },
    { Encrypted: 'true' },
    { KmsKeyId: 'alias/x' },
  ])('changes with %j', (change) => {
    expect(inputs(change)).not.toBe(inputs({}));
  });

  test.each<Partial<WireProperties>>([
    { Description: '' },
    { DestinationOutpostArn: '' },
    { DestinationAvailabilityZone: '' },
    { KmsKeyId: '' },
    { Tags: { a: 'b' } },
    { TimeoutSeconds: '60' },
    { CompletionDurationMinutes: '15' },
    { SourceKmsKeyArn: 'arn' },
    { DeletionPolicy: 'Retain' },
    { DryRun: 'true' },
  ])('does not change with %j', (change) => {
    expect(inputs(change)).toBe(inputs({}));
  });

  test('is the same for a key with and without "encrypted", which it implies', () => {
    expect(inputs({ KmsKeyId: 'alias/x' })).toBe(inputs({ KmsKeyId: 'alias/x', Encrypted: 'true' }));
  });

  test('takes an absent Region for the function’s own', () => {
    expect(inputs({ DestinationRegion: undefined })).toBe(inputs({ DestinationRegion: 'us-west-2' }));
    expect(inputs({ SourceRegion: undefined })).toBe(inputs({ SourceRegion: 'us-west-2' }));
  });
});

describe('the physical id', () => {
  const update = (
    wanted: Partial<WireProperties>,
    before: Partial<WireProperties>,
    more: Partial<CloudFormationEvent> = {},
  ): string =>
    decidePhysicalId(
      event({
        RequestType: 'Update',
        PhysicalResourceId: 'snap-0fedcba9876543210',
        ResourceProperties: { ...properties, ...wanted },
        OldResourceProperties: { ...properties, ...before },
        ...more,
      }),
      'us-west-2',
    );

  test('is the same when onEvent runs twice for one request, and another for another request', () => {
    const first = decidePhysicalId(event(), 'us-west-2');
    expect(decidePhysicalId(event(), 'us-west-2')).toBe(first);
    expect(decidePhysicalId(event({ RequestId: 'r-2' }), 'us-west-2')).not.toBe(first);
    expect(decidePhysicalId(event({ LogicalResourceId: 'Other' }), 'us-west-2')).not.toBe(first);
  });

  test('is another for other inputs under a RequestId that is used again', () => {
    expect(update({ Description: 'a' }, {})).not.toBe(update({ Description: 'b' }, {}));
  });

  test('stays in an Update that keeps the copy, and in a Delete', () => {
    expect(update({ Tags: { a: '1' } }, {})).toBe('snap-0fedcba9876543210');
    expect(update({}, {}, { RequestType: 'Delete' })).toBe('snap-0fedcba9876543210');
  });

  test('stays in a dry run, and is new after one, whose inputs the copy need not have', () => {
    expect(update({ Description: 'a', DryRun: 'true' }, {})).toBe('snap-0fedcba9876543210');
    expect(update({ Description: 'a' }, { Description: 'a', DryRun: 'true' })).toMatch(/^copy-[0-9a-f]{32}$/);
  });
});

describe('a request', () => {
  test('knows the partition and the account of its stack', () => {
    expect(decode()).toMatchObject({ partition: 'aws-cn', account: '111122223333', startedAt: Date.UTC(2030, 0, 1) });
  });

  test.each([
    ['600', 600_000],
    ['3000', 3_000_000],
    ['999999', 172_800_000],
    ['nonsense', 3_000_000],
    [undefined, 3_000_000],
  ])('with TimeoutSeconds %s waits %i ms: never longer than two days', (TimeoutSeconds, ms) => {
    expect(decode({ ResourceProperties: { ...properties, TimeoutSeconds } }).wanted.timeoutMs).toBe(ms);
  });
});

describe('a continuation', () => {
  const ResourceType = 'Custom::SnapshotCopyCompletion';

  test('has an id of its own from its first request on', () => {
    expect(decidePhysicalId(event({ ResourceType }), 'us-west-2')).toBe('completion-Copy');
    const PhysicalResourceId = 'completion-of-old';
    expect(decidePhysicalId(event({ ResourceType, PhysicalResourceId }), 'us-west-2')).toBe(PhysicalResourceId);
  });

  test.each([
    ['snap-0123456789abcdef0', true],
    ['copy-0123456789abcdef0123456789abcdef', false],
  ])('is about the copy of its owner, %s', (CopyId, inPlace) => {
    const ResourceProperties = { ...properties, CopyLogicalId: 'Owner', CopyId, Stage: '2' };
    expect(decode({ ResourceType, ResourceProperties })).toMatchObject({
      logicalId: 'Owner',
      requesterId: 'Copy',
      handle: CopyId,
      inPlace,
      stage: 2,
    });
  });
});

test('a continuation that names no copy is about none', () => {
  const request = decode({ ResourceType: 'Custom::SnapshotCopyCompletion' });
  expect(request).toMatchObject({ logicalId: '', handle: '', inPlace: false });
});

test('a dry run that creates its resource keeps no copy, and has a handle', () => {
  const dry = { ResourceProperties: { ...properties, DryRun: 'true' as const } };
  expect(decidePhysicalId(event(dry), 'us-west-2')).toMatch(/^copy-/);
  expect(decode(dry).inPlace).toBe(false);
});

describe('the stages of waiting', () => {
  test.each([
    ['3000', '1', true, 3000],
    ['3001', '1', false, 3000],
    ['3001', '2', true, 60],
    ['9000', '2', false, 3000],
    ['9000', '3', true, 3000],
    ['600', '4', true, 60],
    ['600', undefined, true, 600],
  ])('of %s s in all: in stage %s the last is %s and waits %i s', (TimeoutSeconds, Stage, isLastStage, seconds) => {
    const { shareMs, ...request } = decode({ ResourceProperties: { ...properties, TimeoutSeconds, Stage } });
    expect([request.isLastStage, shareMs]).toEqual([isLastStage, seconds * 1000]);
  });
});

describe('a physical id', () => {
  test.each<[string, 'a handle' | 'a snapshot' | 'neither']>([
    ['copy-0123456789abcdef0123456789abcdef', 'a handle'],
    ['copy-0123456789abcdef0123456789abcdef0', 'neither'],
    ['my-copy-0123456789abcdef0123456789abcdef', 'neither'],
    ['copy-0123456789ABCDEF0123456789ABCDEF', 'neither'],
    ['snap-01234567', 'a snapshot'],
    ['snap-0123456789abcdef0', 'a snapshot'],
    ['snap-0123456', 'neither'],
    ['snap-0123456789abcdef01', 'neither'],
    ['app-snap-0123456789abcdef0', 'neither'],
    ['app-Copy1A2B3C-1XYZ', 'neither'],
    ['', 'neither'],
  ])('%s names %s', (id, kind) => {
    expect([isHandle(id), isSnapshotId(id)]).toEqual([kind === 'a handle', kind === 'a snapshot']);
  });
});

test('tags that are not declared are none, and a source that is not is no id', () => {
  const { wanted } = decode({ ResourceProperties: {} });
  expect(wanted).toMatchObject({ tags: {}, sourceSnapshotId: '', encrypted: false, dryRun: false });
  expect(wanted.completionDurationMinutes).toBeUndefined();
  expect(decode({ ResourceProperties: { ...properties, CompletionDurationMinutes: '15' } }).wanted).toMatchObject({
    completionDurationMinutes: 15,
  });
});
