// Fetches all that a running aggregator published, over TLS, and lays it out for the verifiers (see README.md):
// `NODE_EXTRA_CA_CERTS=CA.pem fetch.mjs ADDRESSES.json OUT`. ADDRESSES.json is what `ldsp-demo --json` prints when it serves.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../check.mjs';

const [addresses, out] = process.argv.slice(2);
const { aggregator, nodes } = JSON.parse(readFileSync(addresses, 'utf8'));

async function fetched(path) {
  const answer = await fetch(new URL(path, aggregator.url));
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return Buffer.from(await answer.arrayBuffer());
}

const verifier = await fetched('/v1/verifier');
let statements = 0;
for (const { node } of nodes) {
  const record = JSON.parse(await fetched(`/v1/nodes/${node}`));
  check(`${node} published statements`, record.seq > 0, record);
  for (let seq = 1; seq <= record.seq; seq++) {
    const folder = join(out, `${node}-${String(seq).padStart(4, '0')}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'envelope.json'), await fetched(`/v1/nodes/${node}/statements/${seq}`));
    writeFileSync(join(folder, 'receipt'), await fetched(`/v1/nodes/${node}/statements/${seq}/receipt`));
    writeFileSync(join(folder, 'verifier'), verifier);
    writeFileSync(join(folder, 'public_key'), record.public_key);
    statements += 1;
  }
}
console.log(`${statements} statements of ${nodes.length} nodes`);
