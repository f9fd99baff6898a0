// What the people of the national site see besides its public pages: the main ones of their role, and their own account.
import { check } from '../check.mjs';
import { links, signIn, visitor } from './browser.mjs';
import { inspect } from './pages.mjs';

const OWN = /^\/(operator|questionnaires|curator|shared|people|account|sign-in\/(mine|people))(\/|$)/;

export async function operatorPages(browser, site, person) {
  for (const javaScript of [true, false]) {
    const how = `${person.role} ${javaScript ? 'with' : 'without'} JavaScript`;
    const page = await visitor(browser, { javaScript });
    check(`${how} signs in to the national site`, await signIn(page, site.url, person));
    const found = (await links(page)).filter((path) => OWN.test(path));
    const seen = new Set(found);
    for (const path of found) {
      const answer = await page.goto(new URL(path, site.url).href);
      check(`${how} ${path} answers`, answer.status() === 200, answer.status());
      await inspect(page, `${how} ${path}`);
      for (const link of (await links(page)).filter((link) => OWN.test(link) && !seen.has(link))) {
        seen.add(link);
        if (found.length < 20) found.push(link);
      }
    }
    const main = { operator: '/operator/nodes', analyst: '/operator/nodes', partner: '/shared', curator: '/curator' }[person.role];
    check(`${how} has pages of their own`, found.includes(main), found);
    await page.close();
  }
}
