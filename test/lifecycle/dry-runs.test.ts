import { declare, declareDryRun } from './declarations';
import { reasonOf } from './deployment';
import { start } from './start';

describe('a dry run', () => {
  test('copies nothing on create, update, or delete', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    expect((await deployment.deploy(declareDryRun(props))).status).toBe('CREATE_COMPLETE');
    expect((await deployment.deploy(declareDryRun({ ...props, description: 'new' }))).status).toBe('UPDATE_COMPLETE');
    expect((await deployment.destroy()).status).toBe('DELETE_COMPLETE');
    expect(deployment.aws.ec2.all().filter(({ source }) => source)).toEqual([]);
  });

  test('next to a copy leaves the copy alone', async () => {
    const deployment = await start();
    const props = { sourceSnapshotId: deployment.source() };
    await deployment.deploy(declare(props));
    const before = deployment.copies();
    await deployment.deploy((stack) => {
      declare(props)(stack);
      declareDryRun({ ...props, destinationRegion: 'eu-west-1' })(stack);
    });
    await deployment.deploy(declare(props));
    expect(deployment.copies()).toEqual(before);
  });

  test('fails for the reason that the copy would', async () => {
    const deployment = await start();
    const key = deployment.aws.kms.addKey({ region: 'us-east-1', state: 'Disabled' });
    const props = { sourceSnapshotId: deployment.source(), kmsKeyId: key.arn };
    const result = await deployment.deploy(declareDryRun(props));
    expect(result.status).toBe('ROLLBACK_COMPLETE');
    expect(reasonOf(result)).toContain(`KMS key ${key.arn} is in state Disabled in us-east-1`);
  });
});
