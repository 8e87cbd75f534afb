// The text of THIRD-PARTY-LICENSES: whose code is in the bundled handler, and under which terms.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const RULE = '='.repeat(80);
const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** @param metafile what esbuild says of its output */
export function attribution(root, metafile) {
  const packages = packagesIn(metafile).map((folder) => describe(root, folder));
  packages.sort((a, b) => (a.title < b.title ? -1 : 1));
  const header =
    'The handler of this package (assets/handler/index.js) contains code of the following packages, bundled and minified.';
  return `${[header, ...termsOf(packages)].join(`\n\n${RULE}\n`)}\n`;
}

/** The folders of the packages of which something is left in the output. */
export function packagesIn({ outputs }) {
  const [{ inputs }] = Object.values(outputs);
  const left = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return [...new Set(left.flatMap(([file]) => PACKAGE.exec(file)?.[1] ?? []))];
}

function describe(root, folder) {
  const { name, version, license, repository } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const address = typeof repository === 'string' ? repository : repository?.url;
  const terms = read(root, folder, /^licen[cs]e(\.\w+)?$/i);
  if (license === undefined || terms === undefined) throw new Error(`${name} says nothing about its license`);
  const title = `${name} ${version} (${license})${address === undefined ? '' : `\n  ${address}`}`;
  return { title, terms, notice: read(root, folder, /^notice(\.\w+)?$/i) };
}

/** Packages under the same terms stand together, so that the terms stand there once. */
function termsOf(packages) {
  const byTerms = groupBy(packages, termsAndNotice);
  return [...byTerms].map(([terms, group]) => `${group.map(({ title }) => title).join('\n')}\n${RULE}\n\n${terms}`);
}

function termsAndNotice({ terms, notice }) {
  return notice === undefined ? terms : `${terms}\n\nNOTICE\n\n${notice}`;
}

function groupBy(all, keyOf) {
  const groups = new Map();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

function read(root, folder, name) {
  const file = readdirSync(join(root, folder)).find((each) => name.test(each));
  return file
    ? readFileSync(join(root, folder, file), 'utf8')
        .replaceAll('\r\n', '\n')
        .trim()
    : undefined;
}
