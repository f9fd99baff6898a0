// Raw Ed25519 keys as Node's crypto takes them.
import { createPublicKey } from 'node:crypto';

/** A key of 32 bytes becomes SubjectPublicKeyInfo by a fixed prefix (RFC 8410 section 4). */
export const publicKey = (raw) =>
  createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' });
