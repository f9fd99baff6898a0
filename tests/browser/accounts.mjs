// An admin adds a person, who chooses a secret by the link, begins a second step, signs in with it, and makes and ends a token.
import { createHmac } from 'node:crypto';
import { check } from '../check.mjs';
import { inspect, keyboardForm } from './pages.mjs';

const OWN = 'copper lantern seven violins';

/** What an authenticator app shows (RFC 6238) `steps` of 30 seconds from now. */
function code(base32, steps = 0) {
  const bits = [...base32].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  const at = digest.at(-1) & 0xf;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

const send = (page, form) => page.click(`main form[action="${form}"] button:not([type=button])`);

export async function accountsFlow({ admin, guest }, { node, how }) {
  const at = (path) => new URL(path, node.url).href;
  const name = `Eve ${how === 'with JavaScript' ? 'One' : 'Two'}`;
  await admin.goto(at('/people/new'));
  await keyboardForm(admin, `add a person ${how}`);
  await send(admin, '/people/new');
  await inspect(admin, `add a person with errors ${how}`);
  await admin.fill('[name=name]', name);
  await admin.check('[name=role][value=viewer]');
  await send(admin, '/people/new');
  await inspect(admin, `a link for a person ${how}`);
  const link = await admin.locator('.ldsp-secret').innerText();

  await guest.goto(link);
  await inspect(guest, `welcome ${how}`);
  await guest.fill('[name=secret]', 'short');
  await guest.click('main form button');
  await inspect(guest, `welcome with errors ${how}`);
  await guest.fill('[name=secret]', OWN);
  await guest.fill('[name=again]', OWN);
  await guest.click('main form button');
  check(`the link lets its person in ${how}`, (await guest.locator('form[action="/sign-out"]').count()) === 1);
  const again = await guest.request.get(link, { failOnStatusCode: false });
  check(`the link works once ${how}`, again.status() === 410, again.status());

  await guest.goto(at('/account/second-step'));
  await inspect(guest, `second step ${how}`);
  await guest.locator('details summary').first().click();
  const key = (await guest.locator('.ldsp-secret').innerText()).replaceAll(' ', '');
  await guest.fill('[name=code]', code(key));
  await guest.fill('[name=secret]', OWN);
  await send(guest, '/account/second-step');
  await inspect(guest, `recovery codes ${how}`);
  const codes = await guest.locator('.ldsp-secret').allInnerTexts();
  check(`there are recovery codes ${how}`, codes.length === 8, codes.length);
  await guest.goto(at('/account'));
  await inspect(guest, `account ${how}`);
  await guest.click('form[action="/sign-out"] button');
  await guest.goto(at('/sign-in'));
  await guest.fill('[name=name]', name);
  await guest.fill('[name=secret]', OWN);
  await guest.click('main form button');
  await inspect(guest, `code of the phone ${how}`);
  await guest.fill('[name=code]', '000000');
  await guest.click('main form button >> nth=0');
  await inspect(guest, `code of the phone refused ${how}`);
  await guest.fill('[name=code]', code(key, 1));
  await guest.click('main form button >> nth=0');
  check(`secret and code let in ${how}`, (await guest.locator('form[action="/sign-out"]').count()) === 1);

  await guest.goto(at('/account/tokens/new'));
  await guest.fill('[name=label]', 'Nightly upload');
  await guest.fill('[name=secret]', OWN);
  await send(guest, '/account/tokens/new');
  await inspect(guest, `a token ${how}`);
  const token = await guest.locator('.ldsp-secret').innerText();
  const status = async () => {
    const headers = { authorization: `Bearer ${token}` };
    return (await admin.request.get(at('/api/v1/status'), { headers, failOnStatusCode: false })).status();
  };
  check(`the token lets a program in ${how}`, (await status()) === 200);
  await guest.goto(at('/account'));
  await guest.click('form[action^="/account/tokens/"] button');
  check(`an ended token lets nobody in ${how}`, (await status()) === 401);

  await admin.goto(at(`/people/${encodeURIComponent(name)}`));
  await inspect(admin, `a person's page ${how}`);
  await admin.click('form[action$="/lock"] button');
  await guest.goto(at('/account'));
  check(`who is locked out is out at once ${how}`, new URL(guest.url()).pathname === '/sign-in');
  await admin.click('a[href$="/remove"]');
  await inspect(admin, `remove a person ${how}`);
  await admin.click('form[action$="/remove"] button');
  check(`a removed person is gone ${how}`, !(await admin.innerText('main table')).includes(name));
}
