import type { LocalAwsOptions } from '../../local-aws';
import { Deployment } from './deployment';

const deployments: Deployment[] = [];

/** A deployment that ends with its test. */
export async function start(options?: LocalAwsOptions): Promise<Deployment> {
  const deployment = await Deployment.start(options);
  deployments.push(deployment);
  return deployment;
}

afterEach(async () => {
  await Promise.all(deployments.splice(0).map(({ aws }) => aws.stop()));
});
