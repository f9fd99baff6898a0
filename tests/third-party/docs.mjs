// Runs the commands of docs/verify.md as they stand there against a running aggregator, and again on altered copies, which they must
// refuse (see README.md): `CURL_CA_BUNDLE=CA.pem docs.mjs ADDRESSES.json DIRECTORY`. The libraries that the commands use are
// found from DIRECTORY, as a reader's own would be.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../check.mjs';

const [addresses, cwd] = process.argv.slice(2);
const { aggregator, nodes } = JSON.parse(readFileSync(addresses, 'utf8'));
const page = readFileSync(join(import.meta.dirname, '../../docs/verify.md'), 'utf8');
const blocks = Object.fromEntries([...page.matchAll(/^```sh ([a-z-]+)\n([^]*?)^```$/gm)].map(([, name, text]) => [name, text]));

/** Runs a block as a shell runs a pasted script whose failures count. */
function run(name) {
  const env = { ...process.env, SITE: aggregator.url, NODE: nodes.at(-1).node, SEQ: '2' };
  const done = spawnSync('bash', ['-euo', 'pipefail', '-c', `${blocks.setup}\n${blocks[name]}`], { cwd, env, encoding: 'utf8', timeout: 120_000 });
  return { good: done.status === 0, said: `${done.stdout}${done.stderr}`.trim() };
}

rmSync(cwd, { recursive: true, force: true });
mkdirSync(cwd, { recursive: true });
const checks = Object.keys(blocks).filter((name) => name.startsWith('check-'));
check('docs/verify.md has checks of a statement, a receipt and the log', checks.length >= 5, checks);
for (const name of Object.keys(blocks)) {
  const { good, said } = run(name);
  check(`docs/verify.md: ${name}`, good, said);
}

// The checkpoint of today as that of an earlier day.
copyFileSync(join(cwd, 'checkpoint'), join(cwd, 'earlier'));
const again = run('check-log');
check('docs/verify.md: check-log sees the earlier checkpoint', again.good && again.said.includes('earlier checkpoint'), again.said);

/** Alters a file, sees that each of these checks refuses it, and puts it back. */
function refused(file, alter, names) {
  const path = join(cwd, file);
  const sound = readFileSync(path);
  writeFileSync(path, alter(sound));
  for (const name of names) check(`docs/verify.md: ${name} refuses an altered ${file}`, !run(name).good);
  writeFileSync(path, sound);
}

const text = (change) => (bytes) => Buffer.from(change(bytes.toString('utf8')));
const flip = (at) => (bytes) => {
  const other = Buffer.from(bytes);
  other[at] ^= 1;
  return other;
};
const envelope = text((json) => {
  const body = JSON.parse(json);
  body.payload = flip(40)(Buffer.from(body.payload, 'base64')).toString('base64');
  return JSON.stringify(body);
});
refused('envelope.json', envelope, ['check-statement-python', 'check-statement-node', 'check-receipt', 'check-own-program']);
refused('node.key', flip(5), ['check-statement-python', 'check-statement-node', 'check-receipt']);
refused('receipt', text((t) => t.replace(/^index (\d+)$/m, (_, n) => `index ${Number(n) + 1}`)), ['check-receipt', 'check-own-program']);
refused('checkpoint', text((t) => t.replace(/^(\d+)$/m, (_, n) => String(Number(n) - 1))), ['check-log']);
refused('earlier', text((t) => t.replace(/^(\d+)$/m, (_, n) => String(Number(n) - 1))), ['check-log']);
refused('finding/envelope.json', envelope, ['check-finding', 'check-own-program']);
refused('finding/receipt', text((t) => t.replace(/^index (\d+)$/m, (_, n) => `index ${Number(n) + 1}`)), ['check-finding']);
const signed = (change) => text((json) => {
  const body = JSON.parse(json);
  body.payload = Buffer.from(change(Buffer.from(body.payload, 'base64').toString('utf8'))).toString('base64');
  return JSON.stringify(body);
});
refused('finding/envelope.json', signed((t) => t.replace(/"inputs":\[\[\d+,\d+\]/, '"inputs":[[0,0]')), ['check-log']);
refused('finding/envelope.json', signed((t) => t.replace(/"root":"./, (t) => `"root":"${t.endsWith('0') ? 1 : 0}`)), ['check-log']);
const bundle = readdirSync(join(cwd, 'tile/entries'), { recursive: true, withFileTypes: true }).find((entry) => entry.isFile());
refused(join(bundle.parentPath ?? bundle.path, bundle.name).slice(cwd.length + 1), flip(90), ['check-log']);
