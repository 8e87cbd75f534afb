import { Stack } from 'aws-cdk-lib';
import { CfnVPCEndpoint, type ISecurityGroup, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { Dependable, type IConstruct } from 'constructs';

/**
 * What functions in a VPC need to reach AWS, as far as the stack has it: all that belongs to the VPC, such as routes, NAT
 * gateways and endpoints; the rules of the security groups; and endpoints that are declared outside of the VPC, even after
 * this. CloudFormation deletes it after what depends on it.
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
    return [this.vpc, ...this.securityGroups, ...endpoints].filter((each) => Stack.of(each) === stack);
  }

  private isEndpoint(construct: IConstruct): boolean {
    if (!(construct instanceof CfnVPCEndpoint)) return false;
    const asText = (id: string) => JSON.stringify(construct.stack.resolve(id));
    return asText(construct.vpcId) === asText(this.vpc.vpcId);
  }
}
