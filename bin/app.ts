// The deployable app: one snapshot copy, declared by context values. The usage text lists their names.
import { App } from 'aws-cdk-lib';
import { propsFromContext, USAGE } from './context';
import { SnapshotCopyStack } from './snapshot-copy-stack';

const app = new App();
try {
  new SnapshotCopyStack(app, 'SnapshotCopy', propsFromContext(app.node.getAllContext() as Record<string, unknown>));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(1);
}
