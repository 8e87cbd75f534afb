import { type CfnCondition, CfnDeletionPolicy, CfnResource, Tokenization } from 'aws-cdk-lib';
import type { Construct, IDependable } from 'constructs';
import type { RetainingPolicy } from './contract';

export interface CopyResourceProps {
  readonly type: string;
  readonly serviceToken: string;
  /** How long CloudFormation waits for an answer, in seconds. */
  readonly serviceTimeout: number;
  /** What must be created before this resource. */
  readonly prerequisites: readonly IDependable[];
  /** Called at the end of synthesis, because Aspects and applyRemovalPolicy can change tags and policies until then. */
  readonly properties: () => object;
}

/**
 * One custom resource of a copy or of a fast restore: the owner, or a further stage. The CustomResource of the CDK is
 * not used, because it writes the default deletion policies into the template for every copy.
 */
export class CopyResource extends CfnResource {
  /** The further stages, if this resource owns the copy. */
  private readonly stages: CopyResource[] = [];

  /** The CDK resolves a bare reference faster than a string that contains one. */
  private readonly serviceToken: unknown;

  public constructor(
    scope: Construct,
    id: string,
    private readonly props: CopyResourceProps,
  ) {
    super(scope, id, { type: props.type });
    this.serviceToken = Tokenization.reverseCompleteString(props.serviceToken) ?? props.serviceToken;
    this.node.addDependency(...props.prerequisites);
  }

  /** Makes a further stage follow this resource: it gets the same condition and the same property overrides. */
  public addStage(stage: CopyResource): void {
    this.stages.push(stage);
    Object.defineProperty(stage.cfnOptions, 'condition', {
      get: () => this.cfnOptions.condition,
      set: (condition: CfnCondition) => (this.cfnOptions.condition = condition),
    });
  }

  /** The deletion policy if it retains the copy. The handler needs to know only that. */
  public get retainingPolicy(): RetainingPolicy | undefined {
    const policy: `${CfnDeletionPolicy}` | undefined = this.cfnOptions.deletionPolicy;
    return policy === 'Retain' || policy === 'RetainExceptOnCreate' ? policy : undefined;
  }

  /** Throws for a deletion policy: the handler would not see it, and would delete a copy that should be retained. */
  public override addOverride(path: string, value: unknown): void {
    if (path === 'DeletionPolicy' || path === 'UpdateReplacePolicy') {
      throw new Error(
        `${this.node.path}: an override of ${path} is not allowed: use removalPolicy or applyRemovalPolicy`,
      );
    }
    super.addOverride(path, value);
    if (/^(Properties|Condition)\b/.test(path)) for (const stage of this.stages) stage.addOverride(path, value);
  }

  protected override get cfnProperties(): Record<string, unknown> {
    const { serviceTimeout, properties } = this.props;
    return { ServiceToken: this.serviceToken, ServiceTimeout: `${serviceTimeout}`, ...properties() };
  }
}
