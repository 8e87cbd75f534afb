// Every kind of fault, where in the life of a copy it has to be met, and what may come of it.
import { AwsError } from '../../local-aws/faults';
import type { Action } from '../../local-aws/services';
import type { GapName } from './gaps';
import type { CallFault, HandlerFunction, InvocationFault } from './machine';

/** What a resource is in when a fault meets it: the change that its request is about, or what follows. */
export const ROWS = [
  'create',
  'add',
  'tags',
  'retain',
  'handover',
  'timeout',
  'description',
  'region',
  'key',
  'source',
  'refresh',
  'dry run',
  'rollback of create',
  'rollback of update',
  'abandoned',
  'clean-up',
  'delete',
] as const;

export type Row = (typeof ROWS)[number];

/**
 * `transient`: nothing may fail for it. `alone`: nothing may fail for it if it is the only fault that the copy meets.
 * `definite`: the operation may fail, and says why.
 */
export type Consequence = 'transient' | 'alone' | 'definite' | GapName;

export type Scene =
  | 'deleted by somebody'
  | 'untagged by somebody'
  | 'retagged by somebody'
  | 'in use by an AMI'
  | 'locked'
  | 'managed by AWS Backup'
  | 'kept by the Recycle Bin'
  | 'hidden in the Recycle Bin'
  | 'late error'
  | 'late key error'
  | 'stalls for a while'
  | 'stalls for ever'
  | 'unknown state for a while'
  | 'unknown state for ever'
  | 'pending deletion waits'
  | 'stale ids'
  | 'stale tags'
  | 'stale deletions'
  | 'stale writes'
  | 'key disabled'
  | 'key pending deletion'
  | 'key denied'
  | 'key denied for a while'
  | 'key without grant'
  | 'source unshared'
  | 'source deleted'
  | 'stale CloudFormation'
  | 'slow searches'
  | 'crowded account'
  | 'Region not enabled'
  | 'Region closed by a policy'
  | 'Region unreachable'
  | 'locked in compliance mode'
  | 'tags forged'
  | 'cloned with all tags';

export type Means =
  | { readonly at: 'call'; readonly action: Action; readonly fault: CallFault }
  | { readonly at: 'invocation'; readonly handler: HandlerFunction; readonly fault: InvocationFault }
  | { readonly at: 'waiter' }
  | { readonly at: 'delivery'; readonly newRequestId: boolean }
  | { readonly at: 'scene'; readonly scene: Scene };

export interface FaultKind {
  readonly name: string;
  readonly means: Means;
  readonly rows: readonly Row[];
  readonly consequence: Consequence;
  /** What a failure over it says. */
  readonly says?: RegExp;
}

const STARTING: Row[] = ['create', 'add', 'description', 'region', 'key', 'source', 'refresh'];
const IN_PLACE: Row[] = ['tags', 'retain', 'handover', 'timeout'];
const ENDING: Row[] = ['clean-up', 'delete', 'rollback of create'];
const PROVIDING: Row[] = [...STARTING, ...IN_PLACE, 'dry run', 'rollback of update'];
const ALL: Row[] = [...PROVIDING, ...ENDING];
/** The rows that are about a copy. */
const OF_COPIES = ALL.filter((row) => row !== 'dry run');

/** The rows in which the handler makes a call. */
const CALLED: Readonly<Record<Action, readonly Row[]>> = {
  CopySnapshot: [...STARTING, 'dry run'],
  DescribeSnapshots: [...ALL, 'abandoned'],
  DeleteSnapshot: [...ENDING, 'rollback of update', 'abandoned'],
  CreateTags: ['tags', 'retain', 'rollback of update'],
  DeleteTags: ['tags', 'retain', 'rollback of update'],
  DescribeLockedSnapshots: [...STARTING, 'handover', 'rollback of create', 'rollback of update'],
  GetEbsEncryptionByDefault: STARTING,
  DescribeSnapshotAttribute: [...STARTING, 'handover', 'rollback of update'],
  ModifySnapshotAttribute: [...STARTING, 'handover', 'rollback of update'],
  DescribeSnapshotTierStatus: [...STARTING, 'handover'],
  ModifySnapshotTier: [...STARTING, 'handover'],
  RestoreSnapshotTier: ['handover'],
  LockSnapshot: [...STARTING, 'handover', 'rollback of update'],
  UnlockSnapshot: ['handover', 'rollback of create', 'rollback of update'],
  DescribeFastSnapshotRestores: [],
  EnableFastSnapshotRestores: [],
  DisableFastSnapshotRestores: [],
  DescribeKey: [...STARTING, 'dry run'],
  DescribeStacks: [...PROVIDING, 'abandoned'],
  DescribeStackResource: ['rollback of create', 'abandoned'],
};

const ACTIONS = Object.keys(CALLED) as Action[];
const BROKEN = ['throttled', 'internal-error', 'unavailable', 'lost-response', 'refused-connection'] as const;

const ofCalls = ACTIONS.flatMap((action): FaultKind[] => {
  const rows = CALLED[action];
  const call = (fault: CallFault): Means => ({ at: 'call', action, fault });
  return [
    ...BROKEN.map((fault) => ({
      name: `${action} ${fault}`,
      means: call(fault),
      rows,
      consequence: 'transient' as const,
    })),
    // The policies of a new role take minutes to arrive; at the age of five minutes a denial is meant.
    { name: `${action} denied for a while`, means: call('denied'), rows, consequence: 'transient' },
    {
      name: `${action} denied`,
      means: call('denied'),
      rows,
      consequence: 'definite',
      // Whoever may not ask for a lock is told that it is in the way.
      says: action === 'DescribeLockedSnapshots' ? /not authorized|SnapshotLocked/ : /not authorized|handler’s role/,
    },
    ...(['before', 'after'] as const).map((killed) => ({
      name: `killed ${killed === 'before' ? 'before' : 'during'} ${action}`,
      means: call({ killed }),
      rows,
      consequence: 'handler killed' as const,
    })),
  ];
});

const ofCopySnapshot: FaultKind[] = [
  {
    name: 'CopySnapshot late',
    means: { at: 'call', action: 'CopySnapshot', fault: 'late' },
    rows: STARTING,
    consequence: 'transient',
  },
  ...['ResourceLimitExceeded', 'PendingSnapshotLimitExceeded'].map((code): FaultKind => ({
    name: `CopySnapshot ${code}`,
    means: { at: 'call', action: 'CopySnapshot', fault: new AwsError(code, 'Too many snapshot copies in progress.') },
    rows: STARTING,
    consequence: 'transient',
  })),
  {
    name: 'CopySnapshot refused',
    means: {
      at: 'call',
      action: 'CopySnapshot',
      fault: new AwsError('SnapshotCopyUnsupported.InterRegion', 'Inter-region snapshot copy is not supported.'),
    },
    rows: STARTING,
    consequence: 'definite',
    says: /SnapshotCopyUnsupported/,
  },
];

const ofInvocations = (['onEvent', 'isComplete'] as const).flatMap((handler): FaultKind[] => {
  const rows = ALL;
  const invocation = (fault: InvocationFault): Means => ({ at: 'invocation', handler, fault });
  return [
    { name: `${handler} refused once`, means: invocation('refused'), rows, consequence: 'transient' },
    { name: `${handler} run twice`, means: invocation('answer lost'), rows, consequence: 'transient' },
    { name: `${handler} run twice at once`, means: invocation('twice at once'), rows, consequence: 'transient' },
    {
      name: `${handler} refused for good`,
      means: invocation('refused for good'),
      rows,
      consequence: 'invocation refused twice',
    },
    { name: `${handler} killed at its start`, means: invocation('killed'), rows, consequence: 'handler killed' },
    {
      name: `${handler} killed at its end`,
      means: invocation('killed at the end'),
      rows,
      consequence: 'handler killed',
    },
  ];
});

const ofFramework: FaultKind[] = [
  { name: 'waiter not started', means: { at: 'waiter' }, rows: ALL, consequence: 'waiter not started' },
  {
    name: 'event delivered twice',
    means: { at: 'delivery', newRequestId: false },
    rows: ALL,
    consequence: 'transient',
  },
  {
    name: 'event delivered twice, with another RequestId',
    means: { at: 'delivery', newRequestId: true },
    rows: ALL,
    consequence: 'transient',
  },
];

function scene(name: Scene, rows: readonly Row[], consequence: Consequence, says?: RegExp): FaultKind {
  return { name, means: { at: 'scene', scene: name }, rows, consequence, says };
}

const LATE = /(% done|barely begun|in state "\w+") after \d+ minutes|could not be started within/;
const KEY = /\bkey\b/i;
const HELD = /could not be deleted/;
const HOLDING: Row[] = [...ENDING, 'rollback of update'];
const CLOSED = /AuthFailure|explicit deny|hang up/;

const ofScenes: FaultKind[] = [
  scene('deleted by somebody', OF_COPIES, 'definite', /deleted by somebody else/),
  scene('untagged by somebody', OF_COPIES, 'definite', /does not carry the tags/),
  scene('retagged by somebody', OF_COPIES, 'transient'),
  scene('in use by an AMI', HOLDING, 'definite', HELD),
  scene('locked', HOLDING, 'definite', HELD),
  scene('managed by AWS Backup', HOLDING, 'definite', HELD),
  scene('locked in compliance mode', HOLDING, 'definite', /SnapshotLocked/),
  scene('Region not enabled', ALL, 'definite', CLOSED),
  scene('Region closed by a policy', ALL, 'definite', CLOSED),
  scene('Region unreachable', ALL, 'definite', CLOSED),
  scene('stale CloudFormation', [...ALL, 'abandoned'], 'transient'),
  scene('slow searches', ALL, 'transient'),
  scene('crowded account', ALL, 'transient'),
  scene('tags forged', OF_COPIES, 'transient'),
  scene('cloned with all tags', OF_COPIES, 'transient'),
  scene('kept by the Recycle Bin', ENDING, 'transient'),
  scene('hidden in the Recycle Bin', ENDING, 'transient'),
  scene('late error', STARTING, 'definite', /failed: EC2 says of/),
  scene('late key error', STARTING, 'alone', KEY),
  scene('stalls for a while', STARTING, 'transient'),
  scene('stalls for ever', STARTING, 'definite', LATE),
  scene('unknown state for a while', STARTING, 'transient'),
  scene('unknown state for ever', STARTING, 'definite', LATE),
  scene('pending deletion waits', ['rollback of create', 'rollback of update'], 'transient'),
  scene('stale ids', ALL, 'transient'),
  scene('stale tags', ALL, 'transient'),
  scene('stale deletions', ALL, 'transient'),
  scene('stale writes', ALL, 'transient'),
  scene('key disabled', [...STARTING, 'dry run'], 'definite', KEY),
  scene('key pending deletion', [...STARTING, 'dry run'], 'definite', KEY),
  scene('key denied', [...STARTING, 'dry run'], 'definite', KEY),
  scene('key denied for a while', [...STARTING, 'dry run'], 'alone', KEY),
  scene('key without grant', STARTING, 'definite', KEY),
  scene('source unshared', [...STARTING, 'dry run'], 'definite', /source/i),
  scene('source deleted', [...STARTING, 'dry run'], 'definite', /source/i),
];

export const FAULTS: readonly FaultKind[] = [
  ...ofCalls,
  ...ofCopySnapshot,
  ...ofInvocations,
  ...ofFramework,
  ...ofScenes,
];

export function faultNamed(name: string): FaultKind {
  const found = FAULTS.find((fault) => fault.name === name);
  if (!found) throw new Error(`there is no fault "${name}"`);
  return found;
}

/** What the histories have to reach. */
export const ROW_AND_FAULT = new Map(
  FAULTS.flatMap(({ name, rows }) => rows.map((row) => [pair(row, name), { row, fault: name }] as const)),
);
export const PAIRS: readonly string[] = [...ROW_AND_FAULT.keys()];

export function pair(row: Row, fault: string): string {
  return `${row} × ${fault}`;
}
