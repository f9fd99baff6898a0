// What every page owes its reader.
import AxeBuilder from '@axe-core/playwright';
import { check } from '../check.mjs';
import { NARROW, NARROWEST, WIDE, links } from './browser.mjs';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** The same page of another month or statement, or with other choices, differs in figures only: one of them is looked at. */
function kind(link) {
  const { pathname, searchParams } = new URL(link, 'https://any');
  const of = pathname.replace(/\d{4}-\d{2}/, 'month').replace(/\/(statements|programmes|organisations|cohorts|spend|learners)\/\d+/, '/$1/n');
  return `${of} ${[...searchParams.keys()].sort()}`;
}

/** Visits every page that links lead to from `start`, one of each kind; gives `[path, heading]` for each. */
export async function crawl(page, site, start, label) {
  const found = [start];
  const kinds = new Set([kind(start)]);
  const pages = [];
  for (const path of found) {
    const name = `${label} ${path}`;
    page.complaints.length = 0;
    const answer = await page.request.get(new URL(path, site).href, { failOnStatusCode: false });
    if (!check(`${name} answers`, answer.status() === 200, `status ${answer.status()}`)) continue;
    if (!(answer.headers()['content-type'] ?? '').startsWith('text/html')) continue;
    await page.goto(new URL(path, site).href);
    await inspect(page, name);
    for (const link of await links(page)) {
      if (kinds.has(kind(link))) continue;
      kinds.add(kind(link));
      found.push(link);
    }
    pages.push([path, await page.locator('h1').first().innerText()]);
  }
  check(`${label} has pages`, pages.length > 1, pages.length);
  return pages;
}

/** One page: form, accessibility, narrow screen, keyboard, no complaint of the browser. */
export async function inspect(page, name) {
  const headings = await page.locator('h1').count();
  check(`${name} has one h1`, headings === 1, headings);
  const title = await page.title();
  const h1 = headings > 0 ? await page.locator('h1').first().innerText() : '';
  check(`${name} has a title that says its heading`, h1 !== '' && title.includes(h1), `${title} / ${h1}`);
  if (page.scripted) await accessible(page, name);
  for (const viewport of [NARROW, NARROWEST]) {
    await page.setViewportSize(viewport);
    const overflow = await tooWide(page);
    check(`${name} fits ${viewport.width} px`, overflow <= 0, `${overflow} px too wide`);
  }
  await page.setViewportSize(WIDE);
  await skipLink(page, name);
  check(`${name} makes the browser complain of nothing`, page.complaints.length === 0, page.complaints.join(' | '));
}

const tooWide = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** On A4: no navigation, nothing wider than the sheet, charts and whole tables to be seen, and pages come out. */
export async function paper(page, name) {
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 688, height: 1000 }); // 182 mm between the margins
  const seen = await page.evaluate(() => {
    const shown = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
    return {
      navigation: shown('nav, form, .govuk-skip-link').length,
      cut: shown('.ldsp-table, .ldsp-block__text').filter((e) => e.scrollWidth > e.clientWidth + 1).length,
      charts: document.querySelectorAll('.ldsp-chart').length === shown('.ldsp-chart svg').length,
      tables: document.querySelectorAll('main table:not(.ldsp-exact table)').length === shown('main table').length,
      exact: shown('.ldsp-exact').length,
    };
  });
  check(`${name} prints without navigation`, seen.navigation === 0, seen);
  check(`${name} prints no table or block cut off`, seen.cut === 0, seen);
  check(`${name} prints no exact count`, seen.exact === 0, seen);
  check(`${name} prints its charts and their tables`, seen.charts && seen.tables, seen);
  const overflow = await tooWide(page);
  check(`${name} fits A4`, overflow <= 0, `${overflow} px too wide`);
  const pdf = (await page.pdf({ format: 'A4', preferCSSPageSize: true })).toString('latin1');
  const sheets = pdf.match(/\/Type \/Page\b/g)?.length ?? 0;
  check(`${name} comes out on paper`, sheets > 0 && pdf.length > 10_000, `${sheets} sheets, ${pdf.length} bytes`);
  await page.emulateMedia({ media: null });
  await page.setViewportSize(WIDE);
}

/** In the reader's own colours (Windows' high contrast): the text of charts stands out from the page. */
export async function ownColours(page, name) {
  await page.emulateMedia({ forcedColors: 'active' });
  const hidden = await page.evaluate(() => {
    const ground = getComputedStyle(document.querySelector('.ldsp-main')).backgroundColor;
    const marks = [...document.querySelectorAll('.ldsp-chart__wide :is(text, .axis, .whisker)')];
    const colour = (mark) => getComputedStyle(mark)[mark.tagName === 'text' ? 'fill' : 'stroke'];
    return marks.filter((mark) => !mark.closest('.ldsp-hex') && colour(mark) === ground).length;
  });
  check(`${name} shows its charts in the reader's own colours`, hidden === 0, `${hidden} marks hidden`);
  await page.emulateMedia({ forcedColors: null });
}

/** axe needs the page's own scripting; the page without it says the same (`withoutJavaScript`). */
async function accessible(page, name) {
  const { violations, passes } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const found = violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].target} ${v.nodes[0].failureSummary}`);
  check(`${name} has no accessibility violation`, violations.length === 0 && passes.length > 0, found.join(' | '));
}

/** The first Tab reaches a visible skip link, and Enter on it leads to the main part. */
async function skipLink(page, name) {
  // A page that comes back with errors or with news puts its reader there instead, by a script.
  const errors = await page.locator('.govuk-error-summary').count();
  const title = await page.title();
  check(`${name} says in its title whether there are errors`, title.startsWith('Error: ') === errors > 0, title);
  const message = page.locator('.govuk-error-summary, .govuk-notification-banner[role=alert]').first();
  if (page.scripted && (await message.count()) > 0) {
    const starts = await message.evaluate((summary) => summary.contains(document.activeElement));
    check(`${name} starts at its message`, starts);
    return;
  }
  await page.keyboard.press('Tab');
  const link = page.locator(':focus');
  const href = (await link.count()) === 1 ? await link.getAttribute('href') : null;
  const box = href === null ? null : await link.boundingBox();
  check(`${name} has a skip link first`, href === '#main-content' && box !== null && box.height > 10, href ?? 'no link');
  if (href !== '#main-content') return;
  await page.keyboard.press('Enter');
  const target = await page.evaluate(() => location.hash);
  check(`${name} skips to its main part`, target === '#main-content', target);
}

/** Tab visits every field of the main form in the order of the page, each with a visible focus, and ends at its button. */
export async function keyboardForm(page, name) {
  const wanted = await page.$$eval(
    'main form :is(input, select, textarea, button):not([type=hidden], [disabled], [tabindex="-1"])',
    (fields) => {
      const seen = new Set();
      return fields
        .filter((f) => f.checkVisibility()) // not those within closed details
        .filter((f) => f.type !== 'radio' || (f.checked || ![...document.getElementsByName(f.name)].some((r) => r.checked)) && !seen.has(f.name) && seen.add(f.name))
        .map((f) => `${f.tagName} ${f.name || f.textContent.trim()}`);
    },
  );
  await page.evaluate(() => document.activeElement?.blur?.());
  const visited = [];
  let unseen = '';
  for (let step = 0; step < 300 && visited.length < wanted.length; step++) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const f = document.activeElement;
      if (!f?.matches('main form :is(input, select, textarea, button)')) return null;
      const shows = (e, pseudo) => {
        const style = e && getComputedStyle(e, pseudo);
        return style && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none');
      };
      const label = f.labels?.[0];
      return { name: `${f.tagName} ${f.name || f.textContent.trim()}`, visible: shows(f) || shows(label, '::before') };
    });
    if (!focus) continue;
    visited.push(focus.name);
    if (!focus.visible) unseen ||= focus.name;
  }
  check(`${name}: Tab visits the form in order`, wanted.length > 0 && visited.join() === wanted.join(), { wanted, visited });
  check(`${name}: focus is visible`, visited.length > 0 && unseen === '', unseen);
}

// They tell of the session that asks, or draw a key at each visit: their words differ between two visitors.
const OF_THE_VISIT = ['/account', '/account/second-step'];

/** The same pages without JavaScript: same heading, same words, same fields (a script may count characters beside a field). */
export async function withoutJavaScript(plain, scripted, site, pages, label) {
  const words = (page, path) =>
    page.$eval('main', (main, ofTheVisit) => {
      const copy = main.cloneNode(true);
      const fields = [...copy.querySelectorAll('input, select, textarea, button[name]')].map((f) => f.name);
      for (const form of copy.querySelectorAll('form')) form.remove();
      if (ofTheVisit) return `${[...new Set(fields)]}`;
      return `${copy.textContent.replace(/\s+/g, ' ').trim()} ${fields}`;
    }, OF_THE_VISIT.includes(path));
  for (const [path, heading] of pages) {
    await plain.goto(new URL(path, site).href);
    const same = (await plain.locator('h1').first().innerText()) === heading;
    await scripted.goto(new URL(path, site).href);
    check(`${label} ${path} says the same without JavaScript`, same && (await words(plain, path)) === (await words(scripted, path)));
  }
}
