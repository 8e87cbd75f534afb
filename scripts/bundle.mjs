// Bundles the handler into assets/handler, which ships in the package: the user's synth bundles nothing.
// For tests and measurements: node scripts/bundle.mjs [--uncut | --without-sdk] [--entry file] [--quiet] [file]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';
import { attribution } from './attribution.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const MAX_ZIPPED_BYTES = 90_000;

const { values: flags, positionals } = parseArgs({
  options: {
    uncut: { type: 'boolean' },
    'without-sdk': { type: 'boolean' },
    entry: { type: 'string', default: 'lambda/index.ts' },
    quiet: { type: 'boolean' },
  },
  allowPositionals: true,
});
const isCut = !flags.uncut && !flags['without-sdk'];
const outfile = resolve(ROOT, positionals[0] ?? 'assets/handler/index.js');

const { outputFiles, metafile, warnings } = await build({
  entryPoints: [flags.entry],
  outfile,
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  metafile: true,
  minify: true,
  platform: 'node',
  // No newer than what runs the tests. What runs the handler, the CDK chooses: Lambda's latest, which is newer.
  target: 'node20',
  // Not `conditions`: setting any would switch off esbuild's own `module`, by which it finds what it can shake.
  mainFields: ['module', 'main'],
  packages: flags['without-sdk'] ? 'external' : 'bundle',
  legalComments: 'none',
  logLevel: 'warning',
  plugins: isCut ? [pureSchemas(), unreachableModules()] : [],
});
const [{ contents }] = outputFiles;
if (warnings.length > 0) throw new Error('the bundler warns');
if (isCut) checkCut(metafile, contents);
await mkdir(dirname(outfile), { recursive: true });
await writeFile(outfile, contents);
if (isCut && positionals.length === 0)
  await writeFile(resolve(ROOT, 'THIRD-PARTY-LICENSES'), attribution(ROOT, metafile));

/**
 * The shapes of all operations of a service stand in one file, as arrays with computed keys. For esbuild, evaluating
 * one could have effects, so that it would keep all; a call that is marked as pure it leaves out where it is not used.
 */
function pureSchemas() {
  return {
    name: 'pure-schemas',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]client-[\w-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const pure = source.replace(
          /^((?:export )?(?:var|const) [\w$]+ = )(\[[^]*?\]);$/gm,
          (_, declaration, shape) => `${declaration}/* @__PURE__ */ (() => ${shape})();`,
        );
        return { contents: pure };
      });
    },
  };
}

/** Modules that the SDK imports and the handler cannot reach; using one all the same throws. */
function unreachableModules() {
  const unreachable = [
    // The clients are given their credentials.
    { package: '@aws-sdk/credential-provider-node', exports: ['defaultProvider'] },
    // None of the operations in use has an event stream.
    { package: '@smithy/core/event-streams', exports: ['EventStreamSerde', 'eventStreamSerdeProvider'] },
  ];
  return {
    name: 'unreachable-modules',
    setup({ onResolve, onLoad, onEnd }) {
      const met = new Set();
      for (const { package: name, exports } of unreachable) {
        onResolve({ filter: new RegExp(`^${name}$`) }, () => {
          met.add(name);
          return { path: name, namespace: 'unreachable', pluginData: exports, sideEffects: false };
        });
      }
      onLoad({ filter: /./, namespace: 'unreachable' }, ({ path, pluginData }) => ({
        contents: pluginData.map((name) => throwing(name, path)).join('\n'),
      }));
      onEnd(() => ({
        errors: unreachable
          .filter(({ package: name }) => !met.has(name))
          .map(({ package: name }) => ({
            text: `the SDK does not import ${name} any more: look at what it does instead`,
          })),
      }));
    },
  };
}

function throwing(name, path) {
  return `export function ${name}() { throw new Error('${path} is not in the bundle'); }`;
}

/** Fails as soon as the SDK has changed so that the cut does nothing, or the handler has grown otherwise. */
function checkCut({ inputs, outputs }, contents) {
  const [output] = Object.values(outputs);
  const schemas = Object.entries(output.inputs).filter(([path]) => /\/schemas_\d+\.js$/.test(path));
  const shares = schemas.map(([path, { bytesInOutput }]) => [path, bytesInOutput / inputs[path].bytes]);
  const whole = shares.filter(([, share]) => share > 0.2).map(([path]) => path);
  if (whole.length > 0 || schemas.length < 3) throw new Error(`the schemas are not cut: ${whole.join(', ')}`);
  const zipped = deflateRawSync(contents).length;
  if (zipped > MAX_ZIPPED_BYTES)
    throw new Error(`the handler has ${zipped} bytes zipped; ${MAX_ZIPPED_BYTES} are allowed`);
  if (!flags.quiet) console.log(`handler: ${contents.length} bytes, ${zipped} zipped`);
}
