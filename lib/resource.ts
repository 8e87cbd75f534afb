import { CfnResource, Token } from 'aws-cdk-lib';
import type { Construct, IDependable } from 'constructs';
import type { CopyProperties } from './contract';

export interface CopyResourceProps {
  readonly type: string;
  readonly provider: { readonly serviceToken: unknown };
  /** What has to be there before. */
  readonly prerequisites: readonly IDependable[];
  /** Read at the end of synthesis: Aspects and applyRemovalPolicy may change them until then. */
  readonly properties: () => CopyProperties;
}

/**
 * The custom resource of a copy, or of a further stage of waiting for it. Not a CustomResource, which writes the
 * default deletion policies into the template, in every copy.
 */
export class CopyResource extends CfnResource {
  private isOverridden = false;

  public constructor(
    scope: Construct,
    id: string,
    private readonly copy: CopyResourceProps,
  ) {
    super(scope, id, { type: copy.type });
    this.node.addDependency(...copy.prerequisites);
  }

  /** Throws for a deletion policy, which the handler would not hear of: it would delete what is to be retained. */
  public override addOverride(path: string, value: unknown): void {
    if (path === 'DeletionPolicy' || path === 'UpdateReplacePolicy') {
      throw new Error(
        `${this.node.path}: the override of ${path} is not possible: use removalPolicy or applyRemovalPolicy`,
      );
    }
    this.isOverridden = true;
    super.addOverride(path, value);
  }

  /** Whether it waits for nothing but the provider and what is in its DependsOn: so do most copies. */
  public get isPlain(): boolean {
    const { Tags: tags = {}, ...properties } = this.copy.properties();
    const { metadata = {}, ...options } = this.cfnOptions;
    const values = [properties, tags, metadata, options].flatMap((each) => Object.entries<unknown>(each).flat());
    return !this.isOverridden && values.every(isText);
  }

  protected override get cfnProperties(): Record<string, unknown> {
    return { ServiceToken: this.copy.provider.serviceToken, ...this.copy.properties() };
  }
}

function isText(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && !Token.isUnresolved(value));
}
