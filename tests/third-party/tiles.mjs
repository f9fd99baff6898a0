// Where a log's tiles lie, and what its bundles of entries hold (C2SP tlog-tiles).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const WIDTH = 256;

/** `tile/LEVEL/NUMBER`, with `.p/WIDTH` where the tile is not full. */
export function tilePath(level, number, width = WIDTH) {
  const [last, ...groups] = String(number).padStart(3, '0').split(/(?=(?:\d{3})+$)/).reverse();
  const path = [...groups.map((group) => `x${group.padStart(3, '0')}`).reverse(), last].join('/');
  return `tile/${level}/${path}${width < WIDTH ? `.p/${width}` : ''}`;
}

/** All tiles of a log of this size. */
export function* tilesOf(size) {
  for (const [level, height] of [['entries', 0], [0, 0], [1, 8], [2, 16], [3, 24], [4, 32]]) {
    const count = Math.floor(size / 2 ** height);
    for (let first = 0; first < count; first += WIDTH) yield tilePath(level, first / WIDTH, Math.min(WIDTH, count - first));
  }
}

/** The entry at an index, from the full bundle in FOLDER or the widest there is. */
export function entryAt(folder, index) {
  const path = join(folder, tilePath('entries', Math.floor(index / WIDTH)));
  const widest = () => join(`${path}.p`, String(Math.max(...readdirSync(`${path}.p`).map(Number))));
  const bundle = readFileSync(existsSync(path) ? path : widest());
  let at = 0;
  for (let left = index % WIDTH; left > 0; left--) at += 2 + bundle.readUInt16BE(at);
  return bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at));
}
