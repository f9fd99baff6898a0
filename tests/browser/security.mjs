// What a browser is told to refuse, and what the servers refuse themselves.
import { check } from '../check.mjs';

const HEADERS = {
  'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
  'x-content-type-options': /^nosniff$/,
  'referrer-policy': /^same-origin$/,
  'permissions-policy': /camera=\(\)/,
  'cross-origin-opener-policy': /^same-origin$/,
  'cross-origin-resource-policy': /^same-origin$/,
};

export async function headers(page, site, paths, label) {
  for (const path of paths) {
    const answer = await page.request.get(new URL(path, site).href, { maxRedirects: 0, failOnStatusCode: false });
    for (const [name, wanted] of Object.entries(HEADERS)) {
      const value = answer.headers()[name] ?? '';
      check(`${label} ${path} sends ${name}`, wanted.test(value), value);
    }
    const policy = answer.headers()['content-security-policy'] ?? '';
    check(`${label} ${path} allows nothing inline`, !/unsafe|\*/.test(policy), policy);
  }
}

/** After sign-in the cookies (the session's, and at a node that of the browser) are bound to this host and kept from scripts. */
export async function cookies(page, label) {
  const held = await page.context().cookies();
  const sessions = held.filter((cookie) => !cookie.name.endsWith('-browser'));
  const guarded = held.every((cookie) => cookie.name.startsWith('__Host-') && cookie.secure && cookie.httpOnly && cookie.sameSite === 'Lax');
  const good = sessions.length === 1 && held.length <= 2 && guarded;
  check(`${label} sets guarded cookies only`, good, held.map(({ value, ...rest }) => rest));
}

/** POST with this person's cookie; gives the status. */
export async function post(page, site, path, form, origin = new URL(site).origin) {
  const cross = origin !== new URL(site).origin;
  const answer = await page.request.post(new URL(path, site).href, {
    form,
    headers: { origin, 'sec-fetch-site': cross ? 'cross-site' : 'same-origin' },
    maxRedirects: 0,
    failOnStatusCode: false,
  });
  return answer.status();
}

/** A form that another site makes the signed-in browser send is refused, and the session lives on. */
export async function crossOrigin(page, site, label) {
  const before = await post(page, site, '/sign-out', {}, 'https://evil.example');
  check(`${label} refuses a form from another site`, before === 403, before);
  await page.goto(site);
  check(`${label} keeps the session after it`, (await page.locator('form[action="/sign-out"]').count()) === 1);
}
