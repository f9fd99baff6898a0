// Runs the commands that the aggregator's pages print under "Verify it yourself", as they stand there, and sees them
// accept what was published and refuse what was altered (see README.md):
// `CURL_CA_BUNDLE=CA.pem NODE_EXTRA_CA_CERTS=CA.pem page.mjs ADDRESSES.json DIRECTORY`. The libraries that the commands
// use are found from DIRECTORY, as a reader's own would be.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../check.mjs';

const [addresses, directory] = process.argv.slice(2);
const { aggregator } = JSON.parse(readFileSync(addresses, 'utf8'));

const page = async (path) => (await fetch(new URL(path, aggregator.url), { headers: { accept: 'text/html' } })).text();

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' };
const decode = (html) => html.replace(/&(?:#(\d+)|(\w+));/g, (_, code, name) => (code ? String.fromCodePoint(Number(code)) : ENTITIES[name]));

/** The page's blocks of commands, by id. */
function blocks(html) {
  const found = [...html.matchAll(/<pre class="ldsp-block__text" id="((?:fetch|check)[a-z-]*)"[^>]*>([^]*?)<\/pre>/g)];
  return Object.fromEntries(found.map(([, id, text]) => [id, decode(text)]));
}

/** Runs commands as a shell runs a pasted script whose failures count. */
function run(commands, cwd) {
  const done = spawnSync('bash', ['-euo', 'pipefail', '-c', commands], { cwd, encoding: 'utf8', timeout: 120_000 });
  return { good: done.status === 0, said: `${done.stdout}${done.stderr}`.trim() };
}

/** The addresses of statements in the public list that are of this kind and open. */
async function listed(query, wanted) {
  const html = await page(`/statements?${query}`);
  const rows = html.split('<tr').filter((row) => /href="\/statements\/\d+"/.test(row) && wanted(row));
  return rows.map((row) => row.match(/href="(\/statements\/\d+)"/)[1]);
}

function altered(base64) {
  const bytes = Buffer.from(base64, 'base64');
  bytes[bytes.length - 1] ^= 1;
  return bytes.toString('base64');
}

const ALTERATIONS = {
  'another body': (e) => ({ ...e, payload: altered(e.payload) }),
  'another type': (e) => ({ ...e, payloadType: `${e.payloadType}x` }),
  'another signature': (e) => ({ ...e, signatures: [{ ...e.signatures[0], sig: altered(e.signatures[0].sig) }] }),
};
const CHECKS_OF_THE_ENVELOPE = ['check-signature', 'check-python', 'check-node'];
const CHECKS_OF_THE_RECEIPT = ['check-receipt', 'check-go'];

async function verify(path, label) {
  const commands = blocks(await page(path));
  const cwd = join(directory, path.replaceAll('/', '_'));
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  const ids = ['check-signature', 'check-receipt', 'check-python', 'check-node', 'check-go']; // as they stand on the page
  if (!check(`${label} ${path} prints its commands`, ['fetch', ...ids].every((id) => id in commands), Object.keys(commands))) return;
  const fetched = run(commands.fetch, cwd);
  if (!check(`${label} ${path}: fetch`, fetched.good, fetched.said)) return;
  for (const id of ids) {
    const { good, said } = run(commands[id], cwd);
    check(`${label} ${path}: ${id} accepts`, good, said);
  }
  const sound = readFileSync(join(cwd, 'envelope.json'), 'utf8');
  for (const [name, alter] of Object.entries(ALTERATIONS)) {
    writeFileSync(join(cwd, 'envelope.json'), JSON.stringify(alter(JSON.parse(sound))));
    for (const id of CHECKS_OF_THE_ENVELOPE) {
      check(`${label} ${path}: ${id} refuses ${name}`, !run(commands[id], cwd).good);
    }
    if (name !== 'another signature') check(`${label} ${path}: check-receipt refuses ${name}`, !run(commands['check-receipt'], cwd).good);
  }
  writeFileSync(join(cwd, 'envelope.json'), sound);
  run(commands['check-signature'], cwd);
  const receipt = readFileSync(join(cwd, 'receipt.txt'), 'utf8');
  writeFileSync(join(cwd, 'receipt.txt'), receipt.replace(/^index (\d+)$/m, (_, index) => `index ${Number(index) + 1}`));
  for (const id of CHECKS_OF_THE_RECEIPT) {
    check(`${label} ${path}: ${id} refuses another place in the log`, !run(commands[id], cwd).good);
  }
}

const [release] = await listed('kind=learning-summary', () => true);
const [entry] = await listed('kind=practice-entry', (row) => !row.includes('open from'));
const [withheld] = await listed('kind=practice-entry', (row) => row.includes('open from'));
check('the list has an open statement of each kind', Boolean(release && entry), { release, entry });
if (release) await verify(release, 'a release');
if (entry) await verify(entry, 'an entry');

check('the list has an entry that is not open yet', Boolean(withheld));
if (withheld) {
  const html = await page(withheld);
  const commands = blocks(html);
  const cwd = join(directory, 'withheld');
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  check('a withheld entry says from when it is open', /withheld here until \d+ [A-Z][a-z]+ \d{4}/.test(html));
  check('a withheld entry prints commands for its receipt only', Object.keys(commands).join() === 'fetch,check-receipt', Object.keys(commands));
  const both = ['fetch', 'check-receipt'].map((id) => run(commands[id] ?? 'false', cwd));
  check('a withheld entry’s receipt is accepted', both.every(({ good }) => good), both.map(({ said }) => said).join(' '));
  const digest = html.match(/<dt[^>]*>Digest<\/dt><dd[^>]*>(?:<[^>]+>)*([0-9a-f]{64})/)?.[1];
  check('a withheld entry’s leaf is made of the digest on the page', commands['check-receipt'].includes(`bytes ${digest};`), digest);
}
