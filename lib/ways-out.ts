import { CfnResource, Stack } from 'aws-cdk-lib';
import { CfnVPCEndpoint, InterfaceVpcEndpoint, type ISecurityGroup, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { Dependable, type IConstruct } from 'constructs';

/**
 * The resources of the stack that functions in a VPC need to reach AWS. Whatever depends on them is deleted first.
 *
 * - The network that belongs to the VPC, such as routes, NAT gateways and endpoints.
 * - Endpoints that are declared outside of the VPC construct, even later than this.
 * - The rules of the security groups.
 */
export class WaysOut extends Dependable {
  public constructor(
    private readonly scope: IConstruct,
    private readonly vpc: IVpc,
    private readonly securityGroups: readonly ISecurityGroup[] = [],
  ) {
    super();
    Dependable.implement(this, this);
  }

  public get dependencyRoots(): IConstruct[] {
    const stack = Stack.of(this.scope);
    const endpoints = stack.node.findAll().filter((each) => this.isEndpoint(each));
    return [this.vpc, ...this.securityGroups, ...endpoints.flatMap(withRules)]
      .flatMap((each) => each.node.findAll())
      .filter((each) => Stack.of(each) === stack && isNetwork(each));
  }

  private isEndpoint(construct: IConstruct): boolean {
    if (!(construct instanceof CfnVPCEndpoint)) return false;
    const asText = (id: string) => JSON.stringify(construct.stack.resolve(id));
    return asText(construct.vpcId) === asText(this.vpc.vpcId);
  }
}

function withRules(endpoint: IConstruct): IConstruct[] {
  const { scope } = endpoint.node;
  return scope instanceof InterfaceVpcEndpoint ? [endpoint, ...scope.connections.securityGroups] : [endpoint];
}

/** Leaves out anything else that an app declares below a VPC, such as copies: it may itself depend on the functions. */
function isNetwork(construct: IConstruct): boolean {
  return CfnResource.isCfnResource(construct) && construct.cfnResourceType.startsWith('AWS::EC2::');
}
