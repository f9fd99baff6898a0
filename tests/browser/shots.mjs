// Pictures of the main pages, wide and narrow, for people to look at. The journeys take those of forms and of what comes of them.
import { join } from 'node:path';
import { NARROW, WIDE, links, signIn, visitor } from './browser.mjs';

const ROLES = ['coordinator', 'provider', 'admin'];

/** What the navigation leads to, sections with all their pages. */
async function main(page, site) {
  const navigation = () => page.$$eval('header nav a', (anchors) => anchors.map((a) => a.pathname));
  const found = new Set(await navigation());
  for (const path of [...found]) {
    await page.goto(new URL(path, site).href);
    for (const other of await navigation()) found.add(other);
  }
  return [...found];
}

async function take(page, site, name, paths, shots) {
  for (const [viewport, width] of [[WIDE, 'wide'], [NARROW, 'narrow']]) {
    await page.setViewportSize(viewport);
    for (const path of paths) {
      const answer = await page.goto(new URL(path, site).href).catch(() => null);
      if (!answer?.headers()['content-type']?.startsWith('text/html')) continue;
      const file = `${name}-${path.replace(/[^a-z0-9]+/gi, '_')}-${width}.png`;
      await page.screenshot({ path: join(shots, file), fullPage: true });
    }
  }
}

export async function photograph(browser, { aggregator, node, person, shots }) {
  const guest = await visitor(browser);
  await guest.goto(aggregator.url);
  const some = (await links(guest)).filter((path) => path.startsWith('/leps/')).slice(0, 1);
  await take(guest, aggregator.url, 'public', [...(await main(guest, aggregator.url)), ...some], shots);
  const taken = new Set();
  for (const role of ROLES) {
    const page = await visitor(browser);
    await signIn(page, node.url, person(role));
    const paths = (await main(page, node.url)).filter((path) => !taken.has(path) && taken.add(path));
    await take(page, node.url, 'node', paths, shots);
  }
}
