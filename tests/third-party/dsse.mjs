// Verifies envelopes with @sigstore/core: `dsse.mjs accept|refuse FOLDER` (see README.md).
import { createHash, verify } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dsse } from '@sigstore/core';
import { check } from '../check.mjs';
import { publicKey } from './key.mjs';

const [mode, folder] = process.argv.slice(2);
const wanted = mode === 'accept';

const read = (...path) => readFileSync(join(folder, ...path), 'utf8').trim();
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** What other files of the statement say that the SHA-256 of its signed bytes is. */
function statedHashes(name) {
  const hashes = [];
  if (existsSync(join(folder, name, 'pae'))) hashes.push(read(name, 'pae'));
  // The last 32 bytes of an entry of the log; a receipt of before there was a tree says it itself.
  if (existsSync(join(folder, name, 'entry'))) hashes.push(readFileSync(join(folder, name, 'entry')).subarray(73).toString('hex'));
  else if (existsSync(join(folder, name, 'receipt'))) hashes.push(read(name, 'receipt').match(/^pae ([0-9a-f]{64})$/m)?.[1]);
  return hashes;
}

const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'envelope.json'))).sort();
check(`@sigstore/core: ${basename(folder)} holds envelopes`, names.length > 0);
for (const name of names) {
  const label = `@sigstore/core: ${basename(folder)}/${name}`;
  const envelope = JSON.parse(read(name, 'envelope.json'));
  const body = Buffer.from(envelope.payload, 'base64');
  const signed = dsse.preAuthEncoding(envelope.payloadType, body);
  const key = Buffer.from(read(name, 'public_key'), 'hex');
  const [{ keyid, sig }] = envelope.signatures;
  const signature = Buffer.from(sig, 'base64');
  const good = keyid === sha256(key) && verify(null, signed, publicKey(key), signature);
  check(`${label} ${wanted ? 'verifies' : 'is refused'}`, good === wanted);
  if (!wanted) continue;
  const stated = statedHashes(name);
  check(`${label} has the stated hash`, stated.length > 0 && stated.every((hash) => hash === sha256(signed)));
  body[body.length - 1] ^= 1;
  const other = dsse.preAuthEncoding(envelope.payloadType, body);
  check(`${label} with another body is refused`, !verify(null, other, publicKey(key), signature));
}
