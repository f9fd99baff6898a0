// A coordinator prepares a month, an approver approves it, and it is published.
import { check } from '../check.mjs';
import { delivered } from './delivered.mjs';
import { inspect } from './pages.mjs';
import { post } from './security.mjs';

export async function releaseFlow({ coordinator, approver }, { node, how }) {
  await approver.goto(new URL('/releases', node.url).href);
  check(`the approver cannot prepare ${how}`, (await approver.locator('form[action="/releases/prepare"]').count()) === 0);
  await coordinator.goto(new URL('/releases', node.url).href);
  await coordinator.click('form[action="/releases/prepare"] button');
  const path = new URL(coordinator.url()).pathname;
  check(`the month is prepared ${how}`, /^\/releases\/\d{4}-\d{2}$/.test(path), path);
  await inspect(coordinator, `prepared release ${how}`);
  check(`the coordinator sees no approve button ${how}`, (await coordinator.locator('form[action$="/approve"]').count()) === 0);

  await approver.goto(new URL(path, node.url).href);
  await inspect(approver, `release to approve ${how}`);
  const digest = await approver.inputValue('form[action$="/approve"] [name=digest]');
  const forged = await post(coordinator, node.url, `${path}/approve`, { digest, read: 'yes' });
  check(`the coordinator's forged approval is refused ${how}`, forged === 403, forged);
  const foreign = await post(approver, node.url, `${path}/approve`, { digest, read: 'yes' }, 'https://evil.example');
  check(`an approval from another site is refused ${how}`, foreign === 403, foreign);
  const other = await post(approver, node.url, `${path}/approve`, { digest: '0'.repeat(64), read: 'yes' });
  check(`an approval of other bytes is refused ${how}`, other === 409, other);
  const shown = (await approver.innerText('main')).replaceAll(' ', '');
  check(`the page shows the digest that it sends ${how}`, shown.includes(digest));
  await refuse(approver, how);
  await coordinator.goto(new URL(path, node.url).href);
  check(`the coordinator reads the reason ${how}`, (await coordinator.innerText('main')).includes('The college sent an old file.'));
  const again = await approver.inputValue('form[action$="/approve"] [name=digest]');
  check(`a refused release is the same ${how}`, again === digest, again);
  await approver.goto(new URL(`${path}/report`, node.url).href);
  await inspect(approver, `privacy report ${how}`);
  await approver.goto(new URL(path, node.url).href);
  await approver.click('form[action$="/approve"] button');
  check(`an approval without the approver's word is refused ${how}`, (await approver.locator('.govuk-error-summary').count()) === 1);
  await inspect(approver, `release with errors ${how}`);
  await approver.check('[name=read]');
  await approver.click('form[action$="/approve"] button');
  check(`the month is approved ${how}`, /approved/i.test(await approver.innerText('main')));
  check(`the month is delivered ${how}`, await delivered(coordinator, new URL(path, node.url).href, /place \d|received|logged/i));
}

/** The approver says no: first without a reason, then with one. */
async function refuse(approver, how) {
  await approver.click('details:has(form[action$="/refuse"]) summary');
  await approver.click('form[action$="/refuse"] button');
  check(`a refusal without a reason is refused ${how}`, (await approver.locator('.govuk-error-summary').count()) === 1);
  await inspect(approver, `refusal with errors ${how}`);
  await approver.fill('[name=reason]', 'The college sent an old file');
  await approver.click('form[action$="/refuse"] button');
  await inspect(approver, `refused release ${how}`);
}
