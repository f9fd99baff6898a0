// Fetches all that a running aggregator published, over TLS, and lays it out for the verifiers (see README.md):
// `NODE_EXTRA_CA_CERTS=CA.pem fetch.mjs ADDRESSES.json OUT`. ADDRESSES.json is what `ldsp-demo --json` prints when it serves.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { check } from '../check.mjs';

const [addresses, out] = process.argv.slice(2);
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
  if (answer.status !== 401) return fetched(path);
  check(`${node} statement ${seq} is withheld from all but enrolled nodes`, (await answer.json()).code === 'read');
  return held(node, seq);
}

const verifier = await fetched('/v1/verifier');
let statements = 0;
for (const { node } of nodes) {
  const record = JSON.parse(await fetched(`/v1/nodes/${node}`));
  check(`${node} published statements`, record.seq > 0, record);
  for (let seq = 1; seq <= record.seq; seq++) {
    const folder = join(out, `${node}-${String(seq).padStart(4, '0')}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'envelope.json'), await envelope(node, seq));
    writeFileSync(join(folder, 'receipt'), await fetched(`/v1/nodes/${node}/statements/${seq}/receipt`));
    writeFileSync(join(folder, 'verifier'), verifier);
    writeFileSync(join(folder, 'public_key'), record.public_key);
    statements += 1;
  }
}
// What the log states itself is signed by its own key: the 32 bytes after the type in its vkey.
const logKey = Buffer.from(verifier.toString().trim().split('+').slice(2).join('+'), 'base64').subarray(1).toString('hex');
let own = 0;
for (; ; own++) {
  const path = `/v1/nodes/aggregator/statements/${own + 1}`;
  const answer = await fetch(new URL(path, aggregator.url));
  if (answer.status === 404) break;
  const folder = join(out, `aggregator-${String(own + 1).padStart(4, '0')}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'envelope.json'), await fetched(path));
  writeFileSync(join(folder, 'receipt'), await fetched(`${path}/receipt`));
  writeFileSync(join(folder, 'verifier'), verifier);
  writeFileSync(join(folder, 'public_key'), logKey);
}
check('the log states its standard and the key of every node', own > nodes.length, own);
console.log(`${own} statements of the log itself`);
console.log(`${statements} statements of ${nodes.length} nodes`);
