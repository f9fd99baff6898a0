// Pictures of the main pages, wide and narrow, for people to look at.
import { join } from 'node:path';
import { NARROW, WIDE, links, signIn, visitor } from './browser.mjs';

export async function photograph(browser, { aggregator, node, person, shots }) {
  for (const [site, name] of [[aggregator.url, 'public'], [node.url, 'node']]) {
    const page = await visitor(browser);
    if (name === 'node') await signIn(page, site, person);
    await page.goto(site);
    const paths = ['/', ...new Set((await links(page)).filter((path) => path !== '/' && !path.includes('?')))].slice(0, 12);
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
}
