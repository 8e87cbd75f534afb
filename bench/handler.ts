// What a cold start costs: the bundled handler against Node.js alone, and against the same handler without its bundle.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { COPY_RESOURCE_TYPE } from '../lib/contract';
import type { PollEvent } from '../lambda/request';
import type { Figure } from './figure';
import { Loopback } from './loopback';
import { medianOf, rounds, type Command, type Round } from './processes';

const root = join(__dirname, '..');
const HANDLER = join(root, 'assets/handler/index.js');
const NODE = 'node -e 0';

export function handlerSize(): Figure[] {
  const zipped = deflateRawSync(readFileSync(HANDLER)).length;
  return [{ what: 'zipped handler', value: zipped / 1000, unit: 'KB', goal: 105 }];
}

export async function handlerStart(count: number): Promise<Figure[]> {
  const server = await Loopback.start();
  try {
    const env = {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_ENDPOINT_URL: server.url,
      // Lambda's Node.js is new enough for the SDK not to warn.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
    const node = (code: string, more = {}): Command => ({
      args: ['--no-warnings', '-e', code],
      env: { ...env, ...more },
    });
    const measured = await rounds(count, {
      node: node('0'),
      bundled: node(`require('${HANDLER}')`),
      // As in Lambda's runtime, which has the SDK in NODE_PATH.
      unbundled: node(`require('${withoutSdk()}')`, { NODE_PATH: join(root, 'node_modules') }),
      // Trusts the loopback server's certificate and no other: reading in all its others is Node.js’ own cost, shown apart.
      firstCall: {
        args: ['--no-warnings', '--use-openssl-ca', '-e', FIRST_CALL],
        env: { ...env, SSL_CERT_FILE: server.certificate },
      },
      withRoots: node(FIRST_CALL, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    });
    if (server.requests !== 2 * (count + 1)) throw new Error(`${server.requests} requests in ${count} rounds`);
    return figuresOf(measured);
  } finally {
    server.stop();
  }
}

function figuresOf(measured: Round<'node' | 'bundled' | 'unbundled' | 'firstCall' | 'withRoots'>[]): Figure[] {
  return [
    {
      what: 'loading the bundled handler',
      baseline: NODE,
      value: medianOf(measured, ({ bundled, node }) => bundled.ms / node.ms),
      unit: '×',
      goal: 2.7,
    },
    {
      what: 'loading the bundled handler',
      baseline: 'the handler with the SDK in node_modules',
      value: medianOf(measured, ({ bundled, unbundled }) => bundled.ms / unbundled.ms),
      unit: '×',
      goal: 0.3,
    },
    {
      what: 'load and first DescribeSnapshots over loopback TLS',
      baseline: NODE,
      value: medianOf(measured, ({ firstCall, node }) => firstCall.ms / node.ms),
      unit: '×',
      goal: 3.7,
    },
    {
      what: 'the same, with Node.js reading in its root certificates',
      baseline: NODE,
      value: medianOf(measured, ({ withRoots, node }) => withRoots.ms / node.ms),
      unit: '×',
    },
    {
      what: 'peak memory after the first call',
      value: medianOf(measured, ({ withRoots }) => Number(withRoots.output.split('\n').at(-1)) / 1024),
      unit: 'MiB',
      goal: 62,
    },
  ];
}

function withoutSdk(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'bench-handler-')), 'index.js');
  execFileSync(process.execPath, ['scripts/bundle.mjs', '--without-sdk', file], { cwd: root });
  return file;
}

/** A dry run looks at the source first, and waits when it is not completed: one call. */
const EVENT: PollEvent = {
  RequestType: 'Create',
  RequestId: '1',
  StackId: 'arn:aws:cloudformation:eu-west-1:111122223333:stack/app/1',
  ResourceType: COPY_RESOURCE_TYPE,
  LogicalResourceId: 'Copy',
  PhysicalResourceId: 'copy-0123456789abcdef0123456789abcdef',
  ResourceProperties: { SourceSnapshotId: 'snap-0123456789abcdef0', DryRun: 'true' },
  Begun: { At: new Date().toISOString() },
};

const FIRST_CALL = `
  require('${HANDLER}').isComplete(${JSON.stringify(EVENT)}).then(({ IsComplete }) => {
    process.stdout.write('\\n' + process.resourceUsage().maxRSS);
    process.exit(IsComplete ? 1 : 0);
  });`;
