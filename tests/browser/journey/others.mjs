// The approver, the viewer, and the sign-in with accounts of the council.
import { spawn, execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { check } from '../../check.mjs';
import { paper } from '../pages.mjs';
import { COLLEGE } from './admin.mjs';
import { SECRET } from './hand.mjs';
import { ANSWER } from './provider.mjs';

export async function approve(hand, link) {
  const { page } = hand;
  await hand.enter(link);
  await hand.sees(/at a glance$/, 'home of the approver');
  await hand.go('Quality');
  await hand.link(COLLEGE);
  await hand.sees(COLLEGE, 'a question with its answer');
  await hand.reads(ANSWER);
  await hand.go('Home');
  await page.getByRole('main').getByRole('link', { name: /^Read and approve/ }).click();
  await hand.sees(/^Release of/, 'a release to approve');
  if (page.scripted) await paper(page, `${hand.how}: a release`);
  await page.locator('summary').filter({ hasText: /[Rr]efuse/ }).click();
  await hand.fill('What is wrong', 'The college sends the file again');
  await page.getByRole('button', { name: /^Refuse / }).click();
  await hand.sees(/^Release of/, 'a refused release');
  // Nobody has enrolled this node yet: nothing can leave, and the page says so before anybody tries.
  await hand.reads('This node is not enrolled with the national log yet');
  check(`${hand.how}: nothing is approved before enrolment`, (await page.getByRole('button', { name: /^Approve/ }).count()) === 0);
  await page.getByRole('main').getByRole('link', { name: 'Place in the federation' }).click();
  await hand.sees('Place in the federation', 'place in the federation of the approver');
  await hand.go('Publish', 'Statements');
  await hand.sees('Statements', 'statements');
}

export async function view(hand, link, node) {
  const { page } = hand;
  await hand.enter(link);
  await hand.sees(/at a glance$/, 'home of the viewer');
  for (const [section, item, heading] of [['Delivery', 'Programmes', 'Programmes'], ['Publish', 'Releases', 'Releases'], ['Publish', 'Privacy budget', 'Privacy budget'], ['Practice', 'Library', /./]]) {
    await hand.go(section, item);
    await hand.sees(heading, `${item} of a viewer`);
    check(`${hand.how}: no exact count on ${item}`, (await page.locator('.ldsp-exact').count()) === 0);
  }
  const hidden = ['Import files', 'Quality', 'Rights of learners', 'Audit log', 'Retention'];
  const shown = await page.locator('header nav a').allInnerTexts();
  check(`${hand.how}: what is not theirs is not offered`, !shown.some((text) => hidden.includes(text)), shown);
  for (const path of ['/import', '/quality', '/rights', '/audit', '/provider', '/people/new', '/cohorts/new']) {
    page.complaints.length = 0;
    const answer = await page.goto(new URL(path, node.url).href);
    check(`${hand.how}: ${path} is refused`, answer.status() === 403, answer.status());
    page.complaints.length = 0;
  }
  await hand.sees(/./, 'a page for another role');
}

/** Accounts of the council: a service of npm oidc-provider, and the pages on the way from a stranger to somebody connected. */
export async function council(hands, node) {
  const [certificate, key] = ['oidc.pem', 'oidc.key'].map((name) => join(node.folder, name));
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', ...subject, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const service = spawn(process.execPath, [new URL('../../third-party/oidc.mjs', import.meta.url).pathname, certificate, key], { stdio: ['pipe', 'pipe', 'ignore'] });
  const answers = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
  const issuer = (await answers.next()).value;
  const secret = join(node.folder, 'client-secret');
  writeFileSync(secret, SECRET, { mode: 0o600 });
  const client = { client_id: 'ldsp', client_secret: SECRET, redirect_uris: [`${node.url}/sign-in/back`], response_types: ['code'], grant_types: ['authorization_code'], token_endpoint_auth_method: 'client_secret_basic' };
  service.stdin.write(`${JSON.stringify({ clients: [client], login: 'vik' })}\n`);
  await answers.next();
  const table = { issuer, client_id: 'ldsp', client_secret_file: secret, name: 'your council account', ca_file: certificate };
  appendFileSync(join(node.folder, 'ldsp-node.toml'), `[oidc]\n${Object.entries(table).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`).join('')}`);
  await node.restart();
  try {
    await signsInElsewhere(hands, node);
  } finally {
    service.stdin.end();
  }
}

async function signsInElsewhere({ guest, viewer }, node) {
  await guest.page.goto(new URL('/sign-in', node.url).href);
  await guest.sees('Sign in', 'sign-in with accounts of the council');
  await guest.page.getByRole('main').getByText('Sign in with your council account', { exact: true }).click();
  await guest.sees(/./, 'an account that is not connected');
  check(`${guest.how}: a stranger is not let in`, (await guest.page.locator('form[action="/sign-out"]').count()) === 0);
  await viewer.page.goto(new URL('/sign-in', node.url).href);
  await viewer.fill('Name', 'Vik');
  await viewer.fill('Secret', SECRET);
  await viewer.button('Sign in');
  await viewer.page.goto(new URL('/sign-in/mine', node.url).href);
  await viewer.sees('How you sign in', 'how you sign in');
}
