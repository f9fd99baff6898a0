// What every page owes its reader.
import AxeBuilder from '@axe-core/playwright';
import { check } from '../check.mjs';
import { NARROW, NARROWEST, links } from './browser.mjs';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** The same page of another month or statement, or with other choices, differs in figures only: one of them is looked at. */
function kind(link) {
  const { pathname, searchParams } = new URL(link, 'https://any');
  const of = pathname.replace(/\d{4}-\d{2}/, 'month').replace(/^\/gathering\/[^/]+/, '/gathering/skill').replace(/^(\/gathering\/skill\/).+/, '$1area').replace(/\/(\d+|[0-9a-f]{32})(?=\/|$)/, '/n');
  return `${of} ${[...searchParams.keys()].sort()}`;
}

// What axe judges is markup and style: a page of the same shape as one that it saw has nothing new for it, whoever opened it. Its width
// and its words are looked at all the same.
const looked = new Set();

/** What a page is built of: every element with those around it, and names that are given twice. */
const shape = (page) =>
  page.evaluate(() => {
    const ATTRIBUTES = ['role', 'type', 'scope', 'href', 'for', 'hidden', 'tabindex', 'disabled', 'aria-current', 'aria-sort', 'aria-label', 'aria-hidden', 'aria-describedby'];
    const own = (e) => `${e.localName}.${[...e.classList].sort().join('.')}[${ATTRIBUTES.filter((a) => e.hasAttribute(a))}]`;
    const paths = new Map([[document.documentElement, 'html']]);
    for (const e of document.body.querySelectorAll('*')) paths.set(e, `${paths.get(e.parentElement) ?? ''}>${own(e)}`);
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    return { is: [...new Set(paths.values())].sort().join('\n'), twice: ids.filter((id, at) => ids.indexOf(id) !== at) };
  });

/** Visits every page that links lead to from `start`, one of each kind; gives `[path, heading, words]` of those that were new in shape. */
export async function crawl(page, site, start, label) {
  const found = [start];
  const kinds = new Set([kind(start)]);
  const pages = [];
  for (const path of found) {
    const name = `${label} ${path}`;
    const address = new URL(path, site).href;
    page.complaints.length = 0;
    // What the browser keeps as a file is no page.
    const answer = await page.goto(address).catch(() => page.request.get(address, { failOnStatusCode: false }));
    if (!check(`${name} answers`, answer.status() === 200, `status ${answer.status()}`)) continue;
    if (!(answer.headers()['content-type'] ?? '').startsWith('text/html')) continue;
    const links_ = await links(page);
    const said = await words(page, path);
    if (await inspect(page, name)) pages.push([path, await page.locator('h1').first().innerText(), said]);
    for (const link of links_) {
      if (kinds.has(kind(link))) continue;
      kinds.add(kind(link));
      found.push(link);
    }
  }
  check(`${label} has pages`, found.length > 1, found.length);
  return pages;
}

/** One page: form, accessibility, narrow screen, keyboard, no complaint of the browser. True when its shape is a new one. */
export async function inspect(page, name) {
  const headings = await page.locator('h1').count();
  check(`${name} has one h1`, headings === 1, headings);
  const title = await page.title();
  const h1 = headings > 0 ? await page.locator('h1').first().innerText() : '';
  check(`${name} has a title that says its heading`, h1 !== '' && title.includes(h1), `${title} / ${h1}`);
  const { is, twice } = await shape(page);
  check(`${name} gives each name once`, twice.length === 0, twice);
  const seen = `${page.scripted} ${is}`;
  const isNew = !looked.has(seen);
  looked.add(seen);
  if (page.scripted && isNew) await accessible(page, name);
  const viewport = page.viewportSize();
  for (const narrow of [NARROW, NARROWEST]) {
    await resize(page, narrow);
    const overflow = await tooWide(page);
    check(`${name} fits ${narrow.width} px`, overflow <= 0, `${overflow} px too wide`);
  }
  await resize(page, viewport);
  await skipLink(page, name, isNew);
  check(`${name} makes the browser complain of nothing`, page.complaints.length === 0, page.complaints.join(' | '));
  return isNew;
}

/** Until the page has drawn itself in the new size: its scripts hear of a media query that changed just before a frame. */
export async function resize(page, size) {
  await page.setViewportSize(size);
  if (page.scripted) await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
}

const tooWide = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** On A4: no navigation, nothing wider than the sheet, charts and whole tables to be seen, and pages come out. */
export async function paper(page, name) {
  const viewport = page.viewportSize();
  await page.emulateMedia({ media: 'print' });
  await resize(page, { width: 688, height: 1000 }); // 182 mm between the margins
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
  await resize(page, viewport);
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
async function skipLink(page, name, isNew) {
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
  // An address with a place in the page leads its reader there.
  if (!isNew || new URL(page.url()).hash !== '') return;
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

/** What the main part of a page says, and its fields (a script may count characters beside a field). */
const words = (page, path) =>
  page.$eval('main', (main, ofTheVisit) => {
    const copy = main.cloneNode(true);
    const fields = [...copy.querySelectorAll('input, select, textarea, button[name]')].map((f) => f.name);
    for (const form of copy.querySelectorAll('form')) form.remove();
    if (ofTheVisit) return `${[...new Set(fields)]}`;
    // Some say when they were asked for.
    const said = copy.textContent.replace(/\d\d:\d\d(:\d\d)?/g, '').replace(/\s+/g, ' ').trim();
    return `${said} ${fields}`;
  }, OF_THE_VISIT.includes(path));

/** The pages of a crawl without JavaScript: same heading, same words, same fields. */
export async function withoutJavaScript(plain, site, pages, label) {
  for (const [path, heading, said] of pages) {
    await plain.goto(new URL(path, site).href);
    const same = (await plain.locator('h1').first().innerText()) === heading;
    check(`${label} ${path} says the same without JavaScript`, same && (await words(plain, path)) === said);
  }
}
