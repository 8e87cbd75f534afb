// What the demo can show. A scenario is data: the scene, the deployments, and what is to come of each.
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { LocalAws, LocalAwsOptions } from '../../local-aws';
import { SnapshotCopy } from '../../lib';
import type { SnapshotCopyStack } from '../snapshot-copy-stack';

export interface Scenario {
  readonly name: string;
  /** For the list. */
  readonly summary: string;
  readonly shows: string;
  readonly lesson: string;
  readonly settings?: Pick<LocalAwsOptions, 'ec2' | 'faults'>;
  /** Prepares what is there before the first deployment. Default: the source snapshot. */
  readonly scene?: (aws: LocalAws) => void;
  readonly steps: readonly Step[];
  /** Whether there are too many copies for a line of each. */
  readonly isCrowd?: boolean;
  /** How many calls of CopySnapshot the handler makes in all. */
  readonly copySnapshotCalls: number;
}

export interface Step {
  readonly title: string;
  /** Context for the app, besides the source. Absent: the stack is deleted. */
  readonly context?: Readonly<Record<string, string>>;
  /** What the stack declares besides the app. */
  readonly addition?: (stack: SnapshotCopyStack) => void;
  /** What is to go wrong outside of our stack's copy. */
  readonly trouble?: (aws: LocalAws) => void;
  readonly expected: Expectation;
}

export interface Expectation {
  /** Of the stack, in the end. */
  readonly status: string;
  /** Of the failure; absent: nothing fails. */
  readonly reason?: RegExp;
  /** Whether the stack's output names the copy that it named before, or another one. */
  readonly output?: 'a new copy' | 'the same copy';
  /** How many copies the stack has afterwards, in whatever state. */
  readonly copies: number;
  /** Tags that the copy has afterwards, besides others. */
  readonly tags?: Readonly<Record<string, string>>;
}

export const REGION = 'eu-west-1';
export const SOURCE = { sourceSnapshotId: 'snap-0123456789abcdef0', sourceRegion: 'us-east-1' };

const MINUTE = 60_000;
/** The name of a key as its users know it. */
const KEY = 'alias/backup';

export function addSource({ ec2 }: LocalAws): void {
  ec2.addSnapshot({ id: SOURCE.sourceSnapshotId, region: SOURCE.sourceRegion, volumeSize: 100 });
}

const destroy: Step = { title: 'Delete the stack', expected: { status: 'DELETE_COMPLETE', copies: 0 } };

const lifecycle: Scenario = {
  name: 'lifecycle',
  summary: 'create, update in place, replace, delete (the default)',
  shows:
    'A stack makes a copy of a 100 GiB snapshot from us-east-1 in eu-west-1, gives it a tag, replaces it, and is ' +
    'deleted. What can be changed in place is; for all else a new copy is made before the old one is deleted.',
  lesson:
    'The stack owns its copy: a deployment ends when the copy is usable, and nothing is left when the stack is gone.',
  steps: [
    {
      title: 'Create the stack',
      context: {},
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    {
      title: 'Add a tag: an update in place',
      context: { tags: '{"team":"storage"}' },
      expected: { status: 'UPDATE_COMPLETE', output: 'the same copy', copies: 1, tags: { team: 'storage' } },
    },
    {
      title: 'Encrypt under a key: a replacement, the new copy first',
      context: { tags: '{"team":"storage"}', kmsKeyId: KEY },
      expected: { status: 'UPDATE_COMPLETE', output: 'a new copy', copies: 1, tags: { team: 'storage' } },
    },
    destroy,
  ],
  scene: (aws) => {
    addSource(aws);
    aws.kms.addKey({ region: REGION, alias: KEY });
  },
  copySnapshotCalls: 2,
};

const kmsKeyDisabled: Scenario = {
  name: 'kms-key-disabled',
  summary: 'the key of the copy is disabled: the deployment fails before anything is copied',
  shows:
    'The copy is to be encrypted under a key that somebody has disabled. EC2 would accept the request, hand out a ' +
    'snapshot id and fail later; the handler looks at the key first.',
  lesson: 'The reason names the key, its state and the Region. Enable the key, or give another one, and deploy again.',
  scene: (aws) => {
    addSource(aws);
    aws.kms.addKey({ region: REGION, alias: KEY, state: 'Disabled' });
  },
  steps: [
    {
      title: 'Create the stack',
      context: { kmsKeyId: KEY },
      expected: {
        status: 'ROLLBACK_COMPLETE',
        reason: /KMS key alias\/backup is in state Disabled in eu-west-1/,
        copies: 0,
      },
    },
  ],
  copySnapshotCalls: 0,
};

const sourceMissing: Scenario = {
  name: 'source-missing',
  summary: 'the source snapshot does not exist: the deployment fails before anything is copied',
  shows:
    'There is no source snapshot of this id. As EC2 may not know a new snapshot at once, the handler looks again for ' +
    'two minutes before it says so.',
  lesson: 'Correct the id or the Region, or have the owner of the snapshot share it with this account.',
  scene: () => undefined,
  steps: [
    {
      title: 'Create the stack',
      context: {},
      expected: {
        status: 'ROLLBACK_COMPLETE',
        reason: /source snapshot snap-0123456789abcdef0 was not found in us-east-1/,
        copies: 0,
      },
    },
  ],
  copySnapshotCalls: 0,
};

const copyError: Scenario = {
  name: 'copy-error',
  summary: 'EC2 accepts the copy and fails it later, over its key',
  shows:
    'The key is enabled, but its policy keeps EC2 from using it, which shows only when the copy ends in state error. ' +
    'As a key policy may still be on its way, the handler tries once more before it gives up.',
  lesson:
    'The reason quotes EC2 and lists the permissions to look at. Both failed copies were deleted: a failed copy is ' +
    'never reported as a success, and never left behind.',
  scene: (aws) => {
    addSource(aws);
    aws.kms.addKey({ region: REGION, alias: KEY, access: 'describe' });
  },
  steps: [
    {
      title: 'Create the stack',
      context: { kmsKeyId: KEY },
      expected: {
        status: 'ROLLBACK_COMPLETE',
        reason:
          /EC2 says of snap-\w+ "Given key ID is not accessible"; check of each key \(alias\/backup in eu-west-1\)/,
        copies: 0,
      },
    },
  ],
  copySnapshotCalls: 2,
};

const timeout: Scenario = {
  name: 'timeout',
  summary: 'the copy takes longer than "timeout" allows',
  shows: 'The copy would take 35 minutes, but the stack allows it only 15.',
  lesson:
    'The reason says how far the copy got and what to change, before CloudFormation would time out without a word. ' +
    'The unfinished copy was deleted. Raise "timeout", or set "completionDuration" for a time-based copy.',
  settings: { ec2: { copyDuration: 35 * MINUTE } },
  steps: [
    {
      title: 'Create the stack',
      context: { timeoutMinutes: '15' },
      expected: {
        status: 'ROLLBACK_COMPLETE',
        reason: /was \d+ % done after 15 minutes; raise "timeout" \(now 15 minutes\)/,
        copies: 0,
      },
    },
  ],
  copySnapshotCalls: 1,
};

const queueFull: Scenario = {
  name: 'queue-full',
  summary: 'the quota of concurrent copies is used up: the deployment waits for its turn',
  shows:
    'EC2 makes at most 20 copies at a time to one Region of an account, and others are making 20 already. The ' +
    'handler waits and asks again.',
  lesson: 'A full queue is not a failure as long as the wait and the copy fit into "timeout" (50 minutes by default).',
  scene: (aws) => {
    addSource(aws);
    const { sourceSnapshotId: SourceSnapshotId, sourceRegion: SourceRegion } = SOURCE;
    for (let i = 0; i < aws.ec2.settings.maxConcurrentCopies; i++) {
      aws.ec2.copySnapshot(REGION, { SourceSnapshotId, SourceRegion, Description: 'made by somebody else' });
    }
  },
  steps: [
    {
      title: 'Create the stack',
      context: {},
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    destroy,
  ],
  copySnapshotCalls: 5,
};

const rollback: Scenario = {
  name: 'rollback',
  summary: 'another resource fails in an update: the stack goes back to the old copy',
  shows:
    'An update replaces the copy; then the parameter "Latest", which is to hold the id of the new one, cannot be ' +
    'written, and CloudFormation rolls the stack back.',
  lesson:
    'The old copy was still there, as it is deleted only after everything else has succeeded. The stack has it back ' +
    'without copying anything, and the new one is deleted.',
  steps: [
    {
      title: 'Create the stack',
      context: {},
      addition: addLatest,
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    {
      title: 'Change the description: a replacement, after which "Latest" fails',
      context: { description: 'golden image' },
      addition: addLatest,
      trouble: ({ cloudFormation }) => {
        cloudFormation.failNext('Latest', 'Update', { afterSeconds: 5, reason: 'Rate exceeded (Service: Ssm)' });
      },
      expected: {
        status: 'UPDATE_ROLLBACK_COMPLETE',
        reason: /^Latest: Rate exceeded/,
        output: 'the same copy',
        copies: 1,
      },
    },
    destroy,
  ],
  copySnapshotCalls: 2,
};

const cancelled: Scenario = {
  name: 'cancelled',
  summary: 'another resource fails while the copy is pending: the pending copy is removed',
  shows:
    'The volume "Scratch" cannot be made while the copy is pending. CloudFormation does not wait for the copy then: ' +
    'it deletes the resource by an id that it has invented, as it has not been told the real one.',
  lesson:
    'The handler finds the pending copy by its tags and deletes it, and the waiting that still goes on starts no ' +
    'other. Solve the problem of the other resource, and deploy again.',
  steps: [
    {
      title: 'Create the stack',
      context: {},
      addition: addScratch,
      trouble: ({ cloudFormation }) => {
        cloudFormation.failNext('Scratch', 'Create', {
          afterSeconds: 300,
          reason: 'Maximum total storage of volumes exceeded (Service: Ec2)',
        });
      },
      expected: { status: 'ROLLBACK_COMPLETE', reason: /^Scratch: Maximum total storage/, copies: 0 },
    },
  ],
  copySnapshotCalls: 1,
};

const lostResponse: Scenario = {
  name: 'lost-response',
  summary: 'the answer of CopySnapshot is lost on the way: there is still one copy only',
  shows:
    'EC2 makes the copy, but the connection breaks before the answer arrives. CopySnapshot has no client token: to ' +
    'repeat the call would make, and bill, a second copy.',
  lesson: 'The handler looks by the tags that were set with the copy, finds it, and waits for it. One call, one copy.',
  settings: { faults: ({ action, count }) => (action === 'CopySnapshot' && count === 1 ? 'lost-response' : undefined) },
  steps: [
    {
      title: 'Create the stack',
      context: {},
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    destroy,
  ],
  copySnapshotCalls: 1,
};

const retain: Scenario = {
  name: 'retain',
  summary: 'a backup is to outlive its stack: the copy is left on purpose',
  shows: 'The removal policy of the copy is RETAIN_ON_UPDATE_OR_DELETE, which is recommended for backups.',
  lesson:
    'A finished copy stays when the stack goes, and is paid for until somebody deletes it; an unfinished one of a ' +
    'creation that is rolled back would not stay.',
  steps: [
    {
      title: 'Create the stack',
      context: { removalPolicy: 'retain-on-update-or-delete' },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    { ...destroy, expected: { status: 'DELETE_COMPLETE', copies: 1 } },
  ],
  copySnapshotCalls: 1,
};

const longCopy: Scenario = {
  name: 'long-copy',
  summary: 'the copy takes three hours, longer than CloudFormation waits for one resource',
  shows:
    'CloudFormation gives a custom resource one hour. For a "timeout" of four hours the stack has further resources ' +
    'that wait on, one after the other, each for at most 50 minutes.',
  lesson:
    'The copy is still one, and belongs to the first resource. Once it is finished, an update passes all stages in ' +
    'seconds; raising or lowering "timeout" touches no copy.',
  settings: { ec2: { copyDuration: 180 * MINUTE } },
  steps: [
    {
      title: 'Create the stack',
      context: { timeoutMinutes: '240' },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    {
      title: 'Add a tag, and lower the time-out: an update in place',
      context: { timeoutMinutes: '60', tags: '{"team":"storage"}' },
      expected: { status: 'UPDATE_COMPLETE', output: 'the same copy', copies: 1, tags: { team: 'storage' } },
    },
    destroy,
  ],
  copySnapshotCalls: 1,
};

const many: Scenario = {
  name: 'many',
  summary: '60 copies in one stack, where EC2 makes 20 at a time',
  shows:
    'EC2 makes at most 20 copies at a time to one Region. The stack declares 60, and the construct lets the later ' +
    'ones depend on the earlier ones, so that none of them waits inside of its own time.',
  lesson: 'No request was refused, and nobody had to count. The quota of your account goes into maxConcurrentCopies.',
  isCrowd: true,
  steps: [
    {
      title: 'Create the stack',
      context: {},
      addition: (stack) => {
        for (let i = 2; i <= 60; i++) new SnapshotCopy(stack, `Copy${i}`, SOURCE);
      },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 60 },
    },
    destroy,
  ],
  copySnapshotCalls: 60,
};

/** Depends on the copy. */
function addLatest(stack: SnapshotCopyStack): void {
  new ssm.CfnParameter(stack, 'Latest', {
    type: 'String',
    name: '/golden/latest',
    value: stack.copy?.snapshotId ?? '',
  });
}

/** Does not depend on the copy. */
function addScratch(stack: Stack): void {
  new ec2.CfnVolume(stack, 'Scratch', { availabilityZone: `${REGION}a`, size: 4000 });
}

/** The first is the default. */
export const SCENARIOS: readonly Scenario[] = [
  lifecycle,
  kmsKeyDisabled,
  sourceMissing,
  copyError,
  timeout,
  queueFull,
  rollback,
  cancelled,
  lostResponse,
  retain,
  longCopy,
  many,
];
