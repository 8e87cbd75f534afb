// What the handler's role may do: granted copy by copy, each permission once. Few values are listed. Past a limit, a
// wildcard is granted instead, so that the policy stays below 6,000 characters however many copies there are.
import { Annotations, type Stack, Token } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Construct, IDependable } from 'constructs';
import { snapshotArn } from './arns';
import type { CopyNeeds } from './copy-needs';
import {
  changeOwnCopies,
  copyFrom,
  copyTo,
  describeSnapshots,
  readStack,
  tagAtCopy,
  useNetwork,
  writeLogs,
} from './handler-statements';
import { KeyPermissions } from './key-permissions';
import { RolePolicy } from './role-policy';
import { ShortList } from './short-list';
import { isFixed } from './tokens';

const MAX_SOURCES = 10;
const MAX_REGIONS = 4;

const NO_ID_YET =
  'A copy has no id before it is made. The tag of its stack limits what the handler may do with copies.';

export interface HandlerPermissionsProps {
  readonly role: Role;
  readonly logGroupArn: string;
  readonly isInVpc: boolean;
}

export class HandlerPermissions {
  private readonly policy: RolePolicy;
  private readonly keys: KeyPermissions;
  private readonly sources = new ShortList(MAX_SOURCES);
  private readonly sourceRegions = new ShortList(MAX_REGIONS);
  private readonly destinationRegions = new ShortList(MAX_REGIONS);

  public constructor(
    scope: Construct,
    private readonly stack: Stack,
    { role, logGroupArn, isInVpc }: HandlerPermissionsProps,
  ) {
    const { stackId } = stack;
    this.policy = new RolePolicy(role);
    this.keys = new KeyPermissions(scope, stack, role, this.policy);
    this.policy.grant('write logs', 'The name of a log group stands for its streams.', () => [writeLogs(logGroupArn)]);
    this.policy.grant('describe', 'EC2 has no resource-level permissions for it.', () => [describeSnapshots()]);
    this.policy.grant('own copies', NO_ID_YET, () => [
      readStack(stackId),
      tagAtCopy(stackId),
      ...changeOwnCopies(stackId),
    ]);
    if (isInVpc) this.policy.grant('network', 'Lambda makes the network interfaces.', () => [useNetwork()]);
  }

  /** Permits what a copy needs. Returns what must be there before its custom resource. */
  public permit(needs: CopyNeeds): IDependable[] {
    this.permitSource(needs);
    this.permitDestination(needs.destinationRegion);
    return [this.policy.dependable, ...this.keys.permit(needs)];
  }

  /** A token may be a copy of this stack. To name it would make the policy wait for what waits for the policy. */
  private permitSource({ scope, sourceSnapshotId: id, sourceRegion }: CopyNeeds): void {
    const region = this.fixedRegion(sourceRegion);
    const isToken = Token.isUnresolved(id);
    const arn = snapshotArn(region, id);
    if (!isToken && this.sources.admits(arn)) {
      this.policy.grant(arn, 'The Region of the source is known at deployment only.', () => [copyFrom(arn)]);
      return;
    }
    const where = this.sourceRegions.valueOrWildcard(region);
    const cause = isToken ? 'sourceSnapshotId is a token' : `the stack has more than ${MAX_SOURCES} sources`;
    const warning = `The handler of the snapshot copies may copy any snapshot in ${inWords(where)}, because ${cause}.`;
    const isNew = this.policy.grant(`any of ${where}`, warning, () => [copyFrom(snapshotArn(where, '*'))]);
    if (isNew) Annotations.of(scope).addWarningV2('cdk-ebs-snapshot-copy:anySource', warning);
  }

  private permitDestination(destinationRegion: string): void {
    const region = this.destinationRegions.valueOrWildcard(this.fixedRegion(destinationRegion));
    this.policy.grant(`to ${region}`, NO_ID_YET, () => [copyTo(region, this.stack.stackId)]);
  }

  private fixedRegion(region: string): string {
    return isFixed(region, this.stack) ? region : '*';
  }
}

function inWords(region: string): string {
  if (region === '*') return 'any Region';
  return Token.isUnresolved(region) ? 'the Region of the stack' : region;
}
