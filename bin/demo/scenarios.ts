// The scenarios of the demo. A scenario is data: the scene, the deployments, and the expected result of each.
import type { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { LocalAws, LocalAwsOptions } from '../../local-aws';
import { SnapshotCopy } from '../../lib';
import type { SnapshotCopyStack } from '../snapshot-copy-stack';

export interface Scenario {
  readonly name: string;
  /** One line for the list of scenarios. */
  readonly summary: string;
  readonly shows: string;
  readonly lesson: string;
  readonly settings?: Pick<LocalAwsOptions, 'ec2' | 'faults'>;
  /** Creates what exists before the first deployment. Default: the source. */
  readonly scene?: (aws: LocalAws) => void;
  readonly steps: readonly Step[];
  /** Whether there are too many copies to show a line for each. */
  readonly isCrowd?: boolean;
  /** How many times the handler calls CopySnapshot in total. */
  readonly copySnapshotCalls: number;
}

export interface Step {
  readonly title: string;
  /** Context for the app, in addition to the source. If absent, the step deletes the stack. */
  readonly context?: Readonly<Record<string, string>>;
  /** What the stack declares in addition to the copy of the app. */
  readonly addition?: (stack: SnapshotCopyStack) => void;
  /** What happens, or goes wrong, outside the copy. */
  readonly trouble?: (aws: LocalAws) => void;
  readonly expected: Expectation;
}

export interface Expectation {
  /** Final status of the stack. */
  readonly status: string;
  /** Reason of the failure. If absent, nothing fails. */
  readonly reason?: RegExp;
  /** Whether the output of the stack names the same copy as before, or another one. */
  readonly output?: 'a new copy' | 'the same copy';
  /** How many copies the stack has afterward, in any state. */
  readonly copies: number;
  /** Tags that the copy has afterward, among others. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Aspect that the finished copy has. */
  readonly copyIs?: string;
}

export const REGION = 'eu-west-1';
const SOURCE = { sourceSnapshotId: 'snap-0123456789abcdef0', sourceRegion: 'us-east-1' };

const MINUTE = 60_000;
/** The name that users use for the key. */
const KEY = 'alias/backup';

/** The source is the same in every step, unless it is the latest one. */
export function wholeContext(context: NonNullable<Step['context']> = {}): Readonly<Record<string, string>> {
  const { sourceRegion } = SOURCE;
  return context.latestVolumeId === undefined ? { ...SOURCE, ...context } : { sourceRegion, ...context };
}

export function addSource({ ec2 }: LocalAws): void {
  ec2.addSnapshot({ id: SOURCE.sourceSnapshotId, region: SOURCE.sourceRegion, volumeSize: 100 });
}

const destroy: Step = { title: 'Delete the stack', expected: { status: 'DELETE_COMPLETE', copies: 0 } };

const lifecycle: Scenario = {
  name: 'lifecycle',
  summary: 'create, update in place, replace, delete (the default)',
  shows:
    'A stack copies a 100 GiB snapshot from us-east-1 to eu-west-1, tags the copy, replaces it, and is deleted. ' +
    'What can change in place does. For everything else, EC2 makes a new copy before the old one is deleted.',
  lesson:
    'The stack owns its copy: a deployment ends when the copy is usable, and no copy is left when the stack is ' +
    'deleted. Only the log group stays, so that you can still find out what happened.',
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
      title: 'Encrypt under a key: a replacement, new copy first',
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
  summary: 'the key of the copy is disabled: the deployment fails before it copies anything',
  shows:
    'The copy should be encrypted under a key that somebody has disabled. EC2 would accept the request, return a ' +
    'snapshot ID and fail later. The handler checks the key first.',
  lesson: 'The reason names the key, its state and the Region. Enable the key or use another one, and deploy again.',
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
  summary: 'the source does not exist: the deployment fails before it copies anything',
  shows:
    'No snapshot has this id. Because EC2 may not show a new snapshot immediately, the handler keeps looking for two ' +
    'minutes before it fails.',
  lesson: 'Correct the id or the Region, or ask the owner of the snapshot to share it with this account.',
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
  summary: 'EC2 accepts the request, but the copy fails later because of its key',
  shows:
    'The key is enabled, but its policy does not let EC2 use it. That shows only when the copy ends in state error. ' +
    'Because a new key policy may take time to propagate, the handler tries once more before it gives up.',
  lesson:
    'The reason quotes EC2 and lists the permissions to check. The handler deleted both failed copies: it never ' +
    'reports a failed copy as a success, and never leaves one behind.',
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
          /EC2 says of snap-\w+ "Given key ID is not accessible"; check that each key \(alias\/backup in eu-west-1\)/,
        copies: 0,
      },
    },
  ],
  copySnapshotCalls: 2,
};

const timeout: Scenario = {
  name: 'timeout',
  summary: 'the copy takes longer than "timeout" allows',
  shows: 'The copy would take 35 minutes, but the stack allows only 15.',
  lesson:
    'The reason says how far the copy got and what to change. CloudFormation would have timed out without a reason. ' +
    'The handler deleted the unfinished copy. Raise "timeout", or set "completionDuration" for a time-based copy.',
  settings: { ec2: { copyDuration: 35 * MINUTE } },
  steps: [
    {
      title: 'Create the stack',
      context: { timeoutMinutes: '15' },
      expected: {
        status: 'ROLLBACK_COMPLETE',
        reason: /was \d+% done after 15 minutes; raise "timeout" \(now 15 minutes\)/,
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
    'EC2 makes at most 20 copies into one Region of an account at a time, and 20 others are already in progress. The ' +
    'handler waits and tries again.',
  lesson:
    'The handler tried every three minutes, and EC2 refused four times. A full queue is not a failure as long as the ' +
    'wait and the copy fit into "timeout" (50 minutes by default).',
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
  summary: 'another resource fails in an update: the stack returns to the old copy',
  shows:
    'An update replaces the copy. Then the parameter "Latest", which should hold the id of the new one, cannot be ' +
    'written, and CloudFormation rolls the stack back. (The scenario adds "Latest" to the app; the command does not.)',
  lesson:
    'The old copy still existed, because it is deleted only after everything else has succeeded. The stack returns to ' +
    'it without copying anything, and the new copy is deleted.',
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

const canceled: Scenario = {
  name: 'canceled',
  summary: 'another resource fails while the copy is pending: the pending copy is removed',
  shows:
    'The volume "Scratch" fails while the copy is pending. CloudFormation then stops waiting for the copy, and deletes ' +
    'the resource by an id that it made up, because it has not received the real one. (The scenario adds "Scratch" to ' +
    'the app; the command does not.)',
  lesson:
    'The handler finds the pending copy by its tags and deletes it. Polls that still run do not start a second copy. ' +
    'Fix the other resource, and deploy again.',
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
  summary: 'the response to CopySnapshot is lost: there is still only one copy',
  shows:
    'EC2 makes the copy, but the connection breaks before the response arrives. CopySnapshot has no client token, so a ' +
    'second call would make a second copy, and EC2 would bill it.',
  lesson:
    'The handler finds the copy by the tags that EC2 set when it created the copy, and waits for it. One call, one copy.',
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
  summary: 'a backup outlives its stack: the copy is kept on purpose',
  shows: 'The removal policy of the copy is RETAIN_ON_UPDATE_OR_DELETE, which is recommended for backups.',
  lesson:
    'A finished copy stays when the stack is deleted, and you pay for it until you delete it. If the creation of a copy ' +
    'is rolled back, the copy does not stay.',
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
    'CloudFormation waits an hour for a custom resource. For a "timeout" of four hours, the stack has additional ' +
    'resources, the stages. They wait one after the other, each for at most 50 minutes.',
  lesson:
    'There is still only one copy, which the first resource owns. Once it is finished, an update passes all stages in ' +
    'seconds, and a change of "timeout" does not affect the copy.',
  settings: { ec2: { copyDuration: 180 * MINUTE } },
  steps: [
    {
      title: 'Create the stack',
      context: { timeoutMinutes: '240' },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    {
      title: 'Add a tag, and lower the timeout: an update in place',
      context: { timeoutMinutes: '60', tags: '{"team":"storage"}' },
      expected: { status: 'UPDATE_COMPLETE', output: 'the same copy', copies: 1, tags: { team: 'storage' } },
    },
    destroy,
  ],
  copySnapshotCalls: 1,
};

const many: Scenario = {
  name: 'many',
  summary: '60 copies in one stack, but EC2 makes only 20 at a time',
  shows:
    'EC2 makes at most 20 copies into one Region at a time. The stack declares 60, and the construct makes the later ' +
    'ones depend on the earlier ones, so that no timeout runs while a copy waits. (The scenario adds 59 of them to the ' +
    'app. (copies) stands for all of them.)',
  lesson: 'EC2 refused no request. If the quota of your account is not 20, set maxConcurrentCopies to your quota.',
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

const PARTNER = '555566667777';

const share: Scenario = {
  name: 'share',
  summary: 'the copy is shared with another account, and then no longer shared',
  shows: 'A partner account may create volumes from the copy as long as the stack says so. Nothing is copied.',
  lesson: 'Sharing is part of the declaration. It changes in place, and accounts that somebody else added stay.',
  steps: [
    {
      title: 'Create the stack, and share the copy',
      context: { shareWith: PARTNER },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1, copyIs: `shared with ${PARTNER}` },
    },
    {
      title: 'Stop sharing: an update in place',
      context: {},
      expected: { status: 'UPDATE_COMPLETE', output: 'the same copy', copies: 1, copyIs: 'shared with nobody' },
    },
    destroy,
  ],
  copySnapshotCalls: 1,
};

const LOCKED = 'locked in governance mode';

const lock: Scenario = {
  name: 'lock',
  summary: 'a copy that nobody can delete by mistake, and that outlives its stack',
  shows:
    'The copy is locked in governance mode for 30 days, as the last step. A lock needs a removal policy that retains, ' +
    'because CloudFormation could not delete the copy.',
  lesson:
    'The stack is gone, but the copy is not. EC2 refuses to delete it until the lock expires or somebody unlocks it.',
  steps: [
    {
      title: 'Create the stack, and lock the copy',
      context: { lock: '30', removalPolicy: 'retain-on-update-or-delete' },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1, copyIs: LOCKED },
    },
    { ...destroy, expected: { status: 'DELETE_COMPLETE', copies: 1, copyIs: LOCKED } },
  ],
  copySnapshotCalls: 1,
};

const archive: Scenario = {
  name: 'archive',
  summary: 'the copy is moved to the archive tier; the deployment does not wait for that',
  shows:
    'EC2 takes hours or days to archive a snapshot. The deployment starts this when the copy is complete, and ends.',
  lesson:
    'An archived copy costs less to store, but EC2 bills at least 90 days, even if you delete it earlier. You cannot ' +
    'create volumes from it until it is restored.',
  steps: [
    {
      title: 'Create the stack, and archive the copy',
      context: { storageTier: 'archive' },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1, copyIs: 'being archived' },
    },
    destroy,
  ],
  copySnapshotCalls: 1,
};

const VOLUME = 'vol-0123456789abcdef0';

function addBackup({ clock, ec2 }: LocalAws): void {
  ec2.addSnapshot({ region: SOURCE.sourceRegion, volumeId: VOLUME, volumeSize: 100, startTime: clock.now() });
}

const latest: Scenario = {
  name: 'latest',
  summary: 'the source is the newest backup of a volume; the handler searches again when you ask for it',
  shows:
    'The stack names a volume instead of a snapshot, and copies its newest snapshot. If "refresh" changes, the handler ' +
    'searches again. If "refresh" stays the same, it does not search, no matter how many new backups there are.',
  lesson:
    'A refresh that finds the same backup copies nothing. It takes three minutes, because EC2 might show another copy ' +
    'late. If you set "refresh" to the number of a nightly build, the copy follows the backups. A rollback returns to ' +
    'yesterday’s copy without a search.',
  scene: addBackup,
  steps: [
    {
      title: 'Create the stack',
      context: { latestVolumeId: VOLUME, refresh: 'monday' },
      expected: { status: 'CREATE_COMPLETE', output: 'a new copy', copies: 1 },
    },
    {
      title: 'Refresh, but there is no newer backup: the copy stays',
      context: { latestVolumeId: VOLUME, refresh: 'tuesday' },
      expected: { status: 'UPDATE_COMPLETE', output: 'the same copy', copies: 1 },
    },
    {
      title: 'A new backup exists. Add a tag, which does not search',
      context: { latestVolumeId: VOLUME, refresh: 'tuesday', tags: '{"team":"storage"}' },
      trouble: addBackup,
      expected: { status: 'UPDATE_COMPLETE', output: 'the same copy', copies: 1, tags: { team: 'storage' } },
    },
    {
      title: 'Refresh: the newer backup is copied, and replaces the copy',
      context: { latestVolumeId: VOLUME, refresh: 'wednesday', tags: '{"team":"storage"}' },
      expected: { status: 'UPDATE_COMPLETE', output: 'a new copy', copies: 1, tags: { team: 'storage' } },
    },
    destroy,
  ],
  copySnapshotCalls: 2,
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

/** The first one is the default. */
export const SCENARIOS: readonly Scenario[] = [
  lifecycle,
  kmsKeyDisabled,
  sourceMissing,
  copyError,
  timeout,
  queueFull,
  rollback,
  canceled,
  lostResponse,
  retain,
  longCopy,
  latest,
  share,
  lock,
  archive,
  many,
];
