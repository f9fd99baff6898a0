// Headless Chromium from Debian, and pages that remember every complaint of the browser.
import { chromium } from 'playwright-core';

/** The private authority's certificate is checked by fetch.mjs and the tests in Rust; here the browser takes any. */
const ANY_CERTIFICATE = { ignoreHTTPSErrors: true };
export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 390, height: 844 };
/** 1280 px at 400 % (WCAG 1.4.10, reflow). */
export const NARROWEST = { width: 320, height: 640 };

export const launch = () =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A fresh visitor. `page.complaints` gathers console errors, exceptions, CSP violations and requests to other sites. */
export async function visitor(browser, { javaScript = true, viewport = WIDE } = {}) {
  const context = await browser.newContext({ ...ANY_CERTIFICATE, javaScriptEnabled: javaScript, viewport });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.scripted = javaScript;
  page.complaints = [];
  page.on('console', (message) => {
    // A refused form comes back as a page with its status, which the browser reports as a failed load of that page.
    const itself = message.location().url === page.url() && message.text().startsWith('Failed to load resource');
    // Beside a file that it shows as it is, the browser asks for an icon that nobody promised.
    const icon = new URL(message.location().url || 'about:blank').pathname === '/favicon.ico';
    if (['error', 'warning'].includes(message.type()) && !itself && !icon) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('request', (request) => {
    const from = page.url();
    const outside = from.startsWith('https:') && new URL(request.url()).origin !== new URL(from).origin;
    if (outside && !request.isNavigationRequest() && !request.url().startsWith('data:')) {
      page.complaints.push(`asks another site: ${request.url()}`);
    }
  });
  return page;
}

/** Signs in; true when the site then knows the person. */
export async function signIn(page, site, { name, secret }) {
  await page.goto(new URL('/sign-in', site).href);
  await page.fill('[name=name]', name);
  await page.fill('[name=secret]', secret);
  await page.click('main form button[type=submit], main form button:not([type])');
  return (await page.locator('form[action="/sign-out"]').count()) === 1;
}

/** Addresses of this site that the page links to, without fragments. */
export function links(page) {
  return page.$$eval('a[href]', (anchors) =>
    anchors
      .filter((a) => a.origin === location.origin && !a.hasAttribute('download'))
      .map((a) => a.pathname + a.search),
  );
}
