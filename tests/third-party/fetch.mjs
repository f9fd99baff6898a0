// Fetches all that a running aggregator published, over TLS, and lays it out for the verifiers (see README.md):
// `NODE_EXTRA_CA_CERTS=CA.pem fetch.mjs ADDRESSES.json OUT LOG`: statements into OUT, the whole log into LOG. ADDRESSES.json is what
// `ldsp-demo --json` prints when it serves.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { check } from '../check.mjs';
import { entryAt, tilesOf } from './tiles.mjs';

const [addresses, out, log] = process.argv.slice(2);
const { aggregator, nodes, ca } = JSON.parse(readFileSync(addresses, 'utf8'));

async function fetched(path) {
  const answer = await fetch(new URL(path, aggregator.url));
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return Buffer.from(await answer.arrayBuffer());
}

// What only enrolled nodes may read yet: the exact bytes are in the outbox of the node that signed them.
function held(node, seq) {
  const database = join(dirname(dirname(ca)), 'nodes', node, 'node.db');
  const read = 'import sqlite3, sys; db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True); '
    + 'print(db.execute("SELECT hex(envelope) FROM outbox WHERE seq = ?", sys.argv[2:]).fetchone()[0])';
  return Buffer.from(execFileSync('python3', ['-c', read, database, String(seq)], { encoding: 'utf8' }).trim(), 'hex');
}

async function envelope(node, seq) {
  const path = `/v1/nodes/${node}/statements/${seq}`;
  const answer = await fetch(new URL(path, aggregator.url));
  if (answer.status === 410) {
    check(`${node} statement ${seq} is withdrawn`, (await answer.json()).code === 'withdrawn');
    return null;
  }
  if (answer.status !== 401) return fetched(path);
  check(`${node} statement ${seq} is withheld from all but enrolled nodes`, (await answer.json()).code === 'read');
  return held(node, seq);
}

function write(path, bytes) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** The log's present checkpoint with the size that it says. */
async function checkpoint() {
  const text = await fetched('/checkpoint');
  return { text, size: Number(text.toString().split('\n')[1]) };
}

/** The log's own statements, in the order of their numbers: they stand beside the nodes', and nobody says beforehand how many. */
async function* own() {
  for (let seq = 1; ; seq++) {
    const answer = await fetch(new URL(`/v1/nodes/aggregator/statements/${seq}`, aggregator.url));
    if (answer.status === 404) return;
    if (!answer.ok) throw new Error(`statement ${seq} of the log: ${answer.status}`);
    yield [seq, Buffer.from(await answer.arrayBuffer())];
  }
}

const verifier = await fetched('/v1/verifier');
const before = await checkpoint();
const places = new Map();

async function lay(node, seq, bytes, publicKey) {
  const name = `${node}-${String(seq).padStart(4, '0')}`;
  const receipt = await fetched(`/v1/nodes/${node}/statements/${seq}/receipt`);
  // The log still proves that it once held what was withdrawn; nothing else of it can be checked.
  if (bytes) {
    write(join(out, name, 'envelope.json'), bytes);
    write(join(out, name, 'receipt'), receipt);
    write(join(out, name, 'verifier'), verifier);
    write(join(out, name, 'public_key'), publicKey);
  }
  write(join(log, 'proofs', name), receipt);
  places.set(name, Number(receipt.toString().match(/^index (\d+)$/m)[1]));
}

for (const { node } of nodes) {
  const record = JSON.parse(await fetched(`/v1/nodes/${node}`));
  check(`${node} published statements`, record.seq > 0, record);
  for (let seq = 1; seq <= record.seq; seq++) await lay(node, seq, await envelope(node, seq), record.public_key);
}
const [, , key] = verifier.toString().trim().split(/\+(.{8})\+/);
const ofLog = Buffer.from(key, 'base64').subarray(1).toString('hex');
let stated = 0;
for await (const [seq, bytes] of own()) {
  await lay('aggregator', seq, bytes, ofLog);
  stated = seq;
}
check('the log states its standard and the key of every node', stated > nodes.length, stated);
// What was withdrawn has no envelope any more.
const laid = [...places.keys()].filter((name) => existsSync(join(out, name, 'envelope.json')));
const kinds = new Set(laid.map((name) => JSON.parse(readFileSync(join(out, name, 'envelope.json'), 'utf8')).payloadType));
check(`statements of ${kinds.size} kinds`, kinds.size > 1, [...kinds]);

// The log last: it then holds whatever a receipt speaks of.
const { text, size } = await checkpoint();
write(join(log, 'verifier'), verifier);
write(join(log, 'checkpoint'), text);
write(join(log, 'checkpoints', String(before.size)), before.text);
for (const path of tilesOf(size)) write(join(log, path), await fetched(`/${path}`));
for (const name of laid) write(join(out, name, 'entry'), entryAt(log, places.get(name)));
const indices = new Set(places.values());
check(`each of the log's ${size} entries is a statement that is published`, indices.size === size && places.size === size, { statements: places.size, size });
console.log(`${places.size} statements of ${nodes.length} nodes and of the log`);
