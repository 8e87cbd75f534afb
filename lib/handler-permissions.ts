// The permissions of the handler's role. They are granted copy by copy, each permission once. Up to a limit, statements
// list single values; beyond it, they use a wildcard. So all policies of the role together stay below 10,000 characters
// for any number of copies. Above that, the CDK would move statements into managed policies.
import { Annotations, type Stack, Token } from 'aws-cdk-lib';
import { Policy, type PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct, IDependable } from 'constructs';
import { snapshotArn } from './arns';
import type { CopyNeeds, HandoverNeeds } from './copy-needs';
import {
  archiveOwnCopies,
  changeOwnCopies,
  copyFrom,
  copyTo,
  describeSnapshots,
  lockOwnCopies,
  readStack,
  restoreFast,
  shareOwnCopies,
  shareWith,
  tagAtCopy,
  useNetwork,
  writeLogs,
} from './handler-statements';
import { KeyPermissions } from './key-permissions';
import { acknowledgeStatement } from './nag-acknowledgement';
import { RolePolicy } from './role-policy';
import { ShortList } from './short-list';
import type { ISnapshotRef } from './snapshot-ref';
import { isFixed, isKnown } from './tokens';

const MAX_SOURCES = 6;
const MAX_OWNERS = 2;
const MAX_REGIONS = 3;
/** The inline policies of a role can have 10,240 characters in total. */
const MAX_FAST_RESTORES = 3;
/** Accounts to share with. */
const MAX_ACCOUNTS = 20;

const NO_ID_YET =
  'A copy has no ID before it is made. The tag of its stack limits what the handler may do with copies.';

const ANY_BEFORE = 'The handler must also disable fast restore of a snapshot that was declared earlier.';
const NO_REGION = 'EC2 may name either Region in the ARN of the source.';
const ANY_OF_OWNER = 'The ID of the source is known only at deployment. The handler copies what the account owns.';

export interface HandlerPermissionsProps {
  readonly role: Role;
  readonly logGroupArn: string;
  readonly isInVpc: boolean;
}

export class HandlerPermissions {
  private readonly role: Role;
  private readonly policy: RolePolicy;
  private readonly keys: KeyPermissions;
  private readonly sources = new ShortList(MAX_SOURCES);
  private readonly regions = new ShortList(MAX_REGIONS);
  /** Accounts that copies are shared with. */
  private readonly accounts = new Set<string>();
  private readonly sharing: PolicyStatement;
  private warnedOfAccounts = false;
  private readonly fastRestores = new ShortList(MAX_FAST_RESTORES);
  private readonly owners = new ShortList(MAX_OWNERS);

  public constructor(
    scope: Construct,
    private readonly stack: Stack,
    { role, logGroupArn, isInVpc }: HandlerPermissionsProps,
  ) {
    const { stackId } = stack;
    this.role = role;
    this.policy = new RolePolicy(role);
    this.keys = new KeyPermissions(scope, stack, role, this.policy);
    this.sharing = shareOwnCopies(stackId);
    shareWith(this.sharing, this.accountsToAdd());
    this.policy.grant('write logs', 'The ARN of a log group covers its streams.', () => [writeLogs(logGroupArn)]);
    this.policy.grant('describe', 'EC2 has no resource-level permissions for these calls.', () => [
      describeSnapshots(),
    ]);
    this.policy.grant('own copies', NO_ID_YET, () => [
      readStack(stackId),
      tagAtCopy(stackId),
      ...changeOwnCopies(stackId),
      this.sharing,
    ]);
    if (isInVpc) this.policy.grant('network', 'Lambda creates the network interfaces.', () => [useNetwork()]);
  }

  /** Permits what a copy needs. Returns what must be created before its custom resource. */
  public permit(needs: CopyNeeds): IDependable[] {
    this.permitSource(needs);
    this.permitRegions(needs);
    return [this.policy.dependable, ...this.keys.permit(needs)];
  }

  /** Permits what a finished copy needs. The permissions to undo it are granted for every copy. */
  public permitHandover({ isArchived, isLocked, scope, shareWith: accounts }: HandoverNeeds): void {
    const { stackId } = this.stack;
    if (isArchived) this.policy.grant('archive', NO_ID_YET, () => [archiveOwnCopies(stackId)]);
    if (isLocked) this.policy.grant('lock', NO_ID_YET, () => [lockOwnCopies(stackId)]);
    const isKnownList = !Token.isUnresolved(accounts) && accounts.every((one) => isFixed(one, this.stack));
    const further = (isKnownList ? accounts : ['*']).filter((account) => !this.accounts.has(account));
    if (further.length === 0) return;
    for (const account of further) this.accounts.add(account);
    shareWith(this.sharing, this.accountsToAdd());
    if (this.accountsToAdd()[0] !== '*' || this.warnedOfAccounts) return;
    this.warnedOfAccounts = true;
    const cause = isKnownList ? `the stack shares with more than ${MAX_ACCOUNTS} accounts` : 'shareWith is a token';
    const warning = `The handler of the snapshot copies may share copies with any account, because ${cause}.`;
    Annotations.of(scope).addWarningV2('cdk-ebs-snapshot-copy:anyAccount', warning);
  }

  private accountsToAdd(): string[] {
    if (this.accounts.has('*') || this.accounts.size > MAX_ACCOUNTS) return ['*'];
    return this.accounts.size === 0 ? ['none'] : [...this.accounts].sort();
  }

  /**
   * Each fast restore gets its own policy. In the shared policy, a snapshot that is a copy would wait for itself.
   * CloudFormation deletes the policy after the fast restore, which costs money until it is disabled. Beyond a limit,
   * one permission covers all fast restores.
   */
  public permitFastRestore(scope: Construct, { snapshotRef }: ISnapshotRef): IDependable[] {
    if (!this.fastRestores.admits(scope.node.path)) {
      const reason = `The stack has more than ${MAX_FAST_RESTORES} fast restores.`;
      this.policy.grant('any fast restore', reason, () => restoreFast(snapshotArn('*', '*')));
      return [this.policy.dependable];
    }
    const statements = restoreFast(snapshotRef.snapshotArn);
    const policy = new Policy(scope, 'Policy', { statements });
    this.role.attachInlinePolicy(policy);
    for (const statement of statements) acknowledgeStatement(policy, statement.toStatementJson() as object, ANY_BEFORE);
    return [policy, this.policy.dependable];
  }

  /**
   * A token may refer to a copy in this stack. If the policy named it, the policy and the copy would wait for each
   * other.
   */
  private permitSource(needs: CopyNeeds): void {
    const { sourceSnapshotId: id, sourceOwner } = needs;
    const isFixedOwner = sourceOwner !== undefined && isFixed(sourceOwner, this.stack);
    const owner = isFixedOwner && this.owners.admits(sourceOwner) ? sourceOwner : undefined;
    if (isKnown(id) && this.sources.admits(`${id} ${owner ?? ''}`)) {
      this.policy.grant(`${id} of ${owner ?? 'anybody'}`, NO_REGION, () => [copyFrom(id, owner)]);
    } else if (owner !== undefined) {
      this.policy.grant(`any of ${owner}`, ANY_OF_OWNER, () => [copyFrom('snap-*', owner)]);
    } else if (isKnown(id)) {
      this.permitAnySource(needs, `the stack has more than ${MAX_SOURCES} sources`);
    } else {
      const cause = isFixedOwner ? `the stack has more than ${MAX_OWNERS} sourceOwners` : 'sourceOwner is a token';
      this.permitAnySource(needs, cause);
    }
  }

  private permitAnySource({ scope }: CopyNeeds, cause: string): void {
    const warning = `The handler of the snapshot copies may copy any snapshot, because ${cause}.`;
    const isNew = this.policy.grant('any source', warning, () => [copyFrom('snap-*')]);
    if (isNew) Annotations.of(scope).addWarningV2('cdk-ebs-snapshot-copy:anySource', warning);
  }

  /** EC2 authorizes a copy in both Regions: when the handler calls CopySnapshot, and when EC2 reads the source. */
  private permitRegions({ sourceRegion, destinationRegion }: CopyNeeds): void {
    for (const each of [destinationRegion, sourceRegion]) {
      const region = this.regions.valueOrWildcard(isFixed(each, this.stack) ? each : '*');
      this.policy.grant(`to ${region}`, NO_ID_YET, () => [copyTo(region, this.stack.stackId)]);
    }
  }
}
