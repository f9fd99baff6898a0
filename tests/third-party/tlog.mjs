// Verifies the proofs that a log gave out with @sigstore/verify: `tlog.mjs FOLDER` (see README.md). The package checks such proofs
// for entries of Rekor; its two steps, the checkpoint's signature and the path to its root, are what is called here.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js';
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js';
import { check } from '../check.mjs';
import { publicKey } from './key.mjs';
import { entryAt } from './tiles.mjs';

const [folder] = process.argv.slice(2);
const HEADER = 'c2sp.org/tlog-proof@v1';

const [name, hint, key] = readFileSync(join(folder, 'verifier'), 'utf8').trim().split(/\+(.{8})\+/);
const log = { logID: Buffer.from(hint, 'hex'), baseURL: name, publicKey: publicKey(Buffer.from(key, 'base64').subarray(1)) };

function parse(text) {
  const end = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, end).split('\n').filter((line) => !line.startsWith('extra '));
  if (header !== HEADER) throw new Error(`another header: ${header}`);
  const hashes = lines.slice(1).map((line) => Buffer.from(line, 'base64'));
  return { logIndex: lines[0].slice('index '.length), hashes, checkpoint: { envelope: text.slice(end + 2) } };
}

function holds(inclusionProof, canonicalizedBody) {
  try {
    const entry = { inclusionProof, canonicalizedBody };
    verifyMerkleInclusion(entry, verifyCheckpoint(entry, [log]));
    return true;
  } catch (error) {
    if (error.code === 'TLOG_INCLUSION_PROOF_ERROR') return false;
    throw error;
  }
}

function flipped(bytes, at) {
  const other = Buffer.from(bytes);
  other[at % other.length] ^= 1;
  return other;
}

/** The proof with its index, each of its hashes and its checkpoint changed, one at a time. */
function* altered(proof) {
  yield { ...proof, logIndex: String(Number(proof.logIndex) + 1) };
  for (const i of proof.hashes.keys()) yield { ...proof, hashes: proof.hashes.with(i, flipped(proof.hashes[i], Number(proof.logIndex))) };
  yield { ...proof, checkpoint: { envelope: proof.checkpoint.envelope.replace('\n', '\n1') } };
}

const files = readdirSync(join(folder, 'proofs'));
let good = 0;
let tried = 0;
let caught = 0;
for (const file of files) {
  const proof = parse(readFileSync(join(folder, 'proofs', file), 'utf8'));
  const entry = entryAt(folder, Number(proof.logIndex));
  if (holds(proof, entry)) good += 1;
  const outcomes = [holds(proof, flipped(entry, Number(proof.logIndex))), ...[...altered(proof)].map((other) => holds(other, entry))];
  tried += outcomes.length;
  caught += outcomes.filter((outcome) => !outcome).length;
}
check(`@sigstore/verify: ${good} of ${files.length} tlog-proofs verify`, files.length > 0 && good === files.length);
check(`@sigstore/verify: ${caught} of ${tried} altered tlog-proofs are refused`, tried > 0 && caught === tried);
