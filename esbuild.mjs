// Bundles the handler into assets/handler, which ships in the package: the user's synth bundles nothing.
import { build } from 'esbuild';

await build({
  entryPoints: ['lambda/index.ts'],
  outfile: 'assets/handler/index.js',
  absWorkingDir: import.meta.dirname,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  legalComments: 'none',
  logLevel: 'warning',
  logOverride: {},
}).then(({ warnings }) => {
  if (warnings.length > 0) process.exitCode = 1;
});
