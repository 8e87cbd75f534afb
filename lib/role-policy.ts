import type { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { DependencyGroup, type IDependable } from 'constructs';
import { acknowledgeStatement } from './nag-acknowledgement';

/** The policy of the handler's role for all copies of a stack. Copies add to it; each permission is granted once. */
export class RolePolicy {
  private readonly statements = new DependencyGroup();
  private readonly granted = new Set<string>();

  public constructor(private readonly role: Role) {}

  /** Whatever needs one permission depends on all of them. They themselves depend on no copy. */
  public get dependable(): IDependable {
    return this.statements;
  }

  /**
   * Grants a permission unless it has already been granted.
   *
   * @param name the name of the permission
   * @param reason why it needs wildcards
   * @param statements creates its statements
   * @returns whether the permission is new
   */
  public grant(name: string, reason: string, statements: () => readonly PolicyStatement[]): boolean {
    if (this.granted.has(name)) return false;
    this.granted.add(name);
    for (const statement of statements()) {
      const { policyDependable } = this.role.addToPrincipalPolicy(statement);
      if (policyDependable !== undefined) this.statements.add(policyDependable);
      const policy = this.role.node.tryFindChild('DefaultPolicy');
      if (policy !== undefined) acknowledgeStatement(policy, statement.toStatementJson() as object, reason);
    }
    return true;
  }
}
