import { copyInto, Deployment, MINUTE } from './deployment';

let deployment: Deployment;

beforeEach(async () => {
  deployment = await Deployment.start({ ec2: { maxConcurrentCopies: 20, copyDuration: 6 * MINUTE } });
});
afterEach(() => deployment.aws.stop());

test('45 copies are made 20 at a time, and EC2 refuses none', async () => {
  const sourceSnapshotId = deployment.source();
  const result = await deployment.deploy((stack) => {
    for (let n = 0; n < 45; n++) copyInto(stack, { sourceSnapshotId, destinationRegion: 'eu-west-1' }, `Copy${n}`);
  });
  expect(result.status).toBe('CREATE_COMPLETE');
  expect(deployment.copies()).toHaveLength(45);
  // A refused copy would have been requested again.
  expect(deployment.started()).toBe(45);
  expect(deployment.minutes(result)).toBeGreaterThan(18);
});
