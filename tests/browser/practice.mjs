// A coordinator writes an entry, an approver releases it, and it shows on the aggregator.
import { check } from '../check.mjs';
import { delivered } from './delivered.mjs';
import { inspect, keyboardForm } from './pages.mjs';
import { post } from './security.mjs';

const ADDRESS = 'volunteer@example.org';

/** Fills the form by the fields' names; `text` is what was done. */
async function fill(page, title, text) {
  for (const [name, value] of Object.entries({ title, what: text, repeat: 'Book the room for a term.', 'causes-0-because': 'The room was warm.', contact_role: 'Digital skills coordinator' })) {
    await page.fill(`[name="${name}"]`, value);
  }
  for (const name of ['tier', 'mode', 'verdict', 'causes-0-direction', 'again']) await page.check(`[name="${name}"] >> nth=0`);
  for (const [name, value] of [['area', 'own'], ['sharing', 'public']]) await page.check(`[name="${name}"][value="${value}"]`);
  for (const name of ['skills', 'audience']) await page.check(`[name="${name}"] >> nth=0`);
  for (const name of ['cost', 'causes-0-factor', 'design', 'participants', 'attrition', 'follow_up']) {
    await page.selectOption(`[name="${name}"]`, { index: 1 });
  }
  for (const [part, value] of [['day', '1'], ['month', '3'], ['year', '2099']]) await page.fill(`[name="review-${part}"]`, value);
}

const save = (page) => page.click('main button[value=save]:not([tabindex="-1"])');

export async function practiceFlow({ coordinator, approver, reader }, { aggregator, node, how }) {
  const title = `Library sessions, ${how}`;
  await coordinator.goto(new URL('/practice/new', node.url).href);
  await inspect(coordinator, `practice editor ${how}`);
  await keyboardForm(coordinator, `practice editor ${how}`);

  await coordinator.reload();
  await fill(coordinator, title, `Weekly sessions. Ask ${ADDRESS} about them.`);
  await save(coordinator);
  const summary = await coordinator.locator('.govuk-error-summary').allInnerTexts();
  check(`an e-mail address is refused ${how}`, /e-mail/i.test(summary.join()), summary.join());
  const place = await coordinator.locator('#what-error, .govuk-form-group--error').first().innerText();
  check(`the place of the address is shown ${how}`, /e-mail/i.test(place) && /\d/.test(place), place);
  const kept = await coordinator.inputValue('[name=what]');
  check(`the text is kept ${how}`, kept.includes(ADDRESS) && (await coordinator.inputValue('[name=title]')) === title, kept);
  await inspect(coordinator, `practice editor with errors ${how}`);

  await coordinator.fill('[name=what]', 'Weekly sessions with volunteers.');
  await save(coordinator);
  const path = new URL(coordinator.url()).pathname;
  check(`the entry is saved ${how}`, /^\/practice\/\d+$/.test(path), path);
  await inspect(coordinator, `practice entry ${how}`);
  check(`the coordinator sees no release button ${how}`, (await coordinator.locator('form[action$="/release"]').count()) === 0);

  await approver.goto(new URL(path, node.url).href);
  const digest = await approver.inputValue('form[action$="/release"] [name=digest]');
  const forged = await post(coordinator, node.url, `${path}/release`, { digest, read: 'yes' });
  check(`the coordinator's forged release is refused ${how}`, forged === 403, forged);
  const foreign = await post(approver, node.url, `${path}/release`, { digest, read: 'yes' }, 'https://evil.example');
  check(`a release from another site is refused ${how}`, foreign === 403, foreign);
  await approver.click('form[action$="/release"] button');
  check(`a release without the approver's word is refused ${how}`, (await approver.locator('.govuk-error-summary').count()) === 1);
  await approver.check('[name=read]');
  await approver.click('form[action$="/release"] button');
  check(`the entry is released ${how}`, /released/i.test(await approver.innerText('main')));

  const shown = await delivered(reader, new URL('/practice', aggregator.url).href, title);
  check(`the entry shows on the national site ${how}`, shown);
  await reader.click(`a:has-text("${title}")`);
  check(`the entry has its page there ${how}`, (await reader.innerText('h1')) === title);
  await inspect(reader, `practice entry on the national site ${how}`);
}
