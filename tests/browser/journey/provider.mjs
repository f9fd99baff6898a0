// A tutor with a phone of 360 pixels.
import { check } from '../../check.mjs';
import { COLLEGE } from './admin.mjs';
import { QUESTION } from './coordinator.mjs';
import { ago, csv, iso, learners } from './files.mjs';
import { paper, resize } from '../pages.mjs';

export const ANSWER = 'It is. Six of them have left and stand in the next file.';
export const PHONE = { width: 360, height: 740 };

async function registers(hand) {
  const { page } = hand;
  await hand.link('TUE: Tuesdays at the library');
  await hand.sees('TUE: Tuesdays at the library', 'a register without anybody');
  await hand.link('Add a learner');
  await hand.sees('Add a learner', 'a learner to add');
  await hand.fill('Your reference', 'Jo Smith');
  await hand.button('Add the learner');
  await hand.sees('Add a learner', 'a learner with errors');
  await hand.fill('Your reference', '2026-017');
  await hand.fill('Age on the first day (optional)', '67');
  await hand.choose(/district|District/.test(await hand.words()) ? 'Home district (optional)' : 'Home postcode (optional)', { index: 1 }).catch(() => {});
  await hand.button('Add the learner');
  await hand.sees('TUE: Tuesdays at the library', 'a register');
  await hand.reads('2026-017');
  await mistakes(hand);
  await hand.link('Answers at the start');
  await hand.sees('Answers at the start', 'answers at the start');
  await hand.choose('Confidence at the start', '4');
  await hand.choose('Everyday tasks at the start', '2');
  await hand.button('Save the answers');
  await hand.reads('The answers are recorded');
  await hand.link('Answers now');
  await hand.sees('Answers now', 'answers now');
  await hand.choose('Confidence now', '7');
  await hand.button('Save the answers');
  await hand.sees('TUE: Tuesdays at the library', 'answers that are recorded');
  await hand.link('Form on paper');
  await hand.sees('Form on paper', 'form on paper');
  if (page.scripted) await paper(page, `${hand.how}: form on paper`);
}

/** Somebody added twice is taken back; a reference that was mistyped is corrected. */
async function mistakes(hand) {
  await hand.link('Add a learner');
  await hand.fill('Your reference', '2026-0117');
  await hand.button('Add the learner');
  await hand.link('2026-0117');
  await hand.sees('2026-0117', 'a learner who was mistyped');
  await hand.page.getByRole('main').locator('summary', { hasText: 'What is recorded of the start' }).click();
  await hand.link('Correct your reference');
  await hand.sees('Who is the learner?', 'a reference to correct');
  await hand.fill('Your reference', 'Jo Smith');
  await hand.button('Save');
  await hand.sees('Who is the learner?', 'a correction with errors');
  await hand.fill('Your reference', '2026-018');
  await hand.button('Save');
  await hand.sees('2026-018', 'a learner who was corrected');
  await hand.reads('It is corrected');
  await hand.link('Added by mistake? Take this learner back');
  await hand.sees('Take back 2026-018?', 'a learner to take back');
  await hand.button('Take the learner back');
  await hand.reads('The learner is taken back');
}

async function uploads(hand) {
  await hand.go('Upload');
  await hand.sees(/./, 'upload');
  const ended = { end: iso(ago(3)), start: iso(ago(6)), stage: 'achieved', aim: 'UP' };
  const table = learners(COLLEGE, 'DIG1', 9, ended, 700);
  for (const way of ['Check the file only', 'Store it if every row is sound']) {
    await hand.choose('Cohort of all learners in the file', { index: 1 });
    await hand.tick(way);
    await hand.file('ours.csv', csv(table));
    await hand.page.getByRole('main').getByRole('button').last().click();
    await hand.sees(/./, `upload, ${way}`);
  }
}

/** Rows of a spreadsheet with columns of its own. */
async function pastes(hand) {
  await hand.go('Upload');
  await hand.link('Paste rows from a spreadsheet');
  await hand.sees('Paste rows', 'paste of a provider');
  const [header, ...rows] = learners('', 'DIG1', 2, { aim: 'UP2' }, 800);
  const theirs = header.map((name) => (name === 'aim' ? 'What they took' : name));
  await hand.fill('Rows', csv([theirs, ...rows], '\t'));
  await hand.button('Continue');
  await hand.sees('Which column is which?', 'columns of a provider');
  await hand.reads('Still missing: Aim.');
  await hand.choose('Aim', { label: 'What they took' });
  await hand.button('Continue');
  await hand.sees('Shall this be remembered?', 'a mapping of a provider');
  await hand.fill('Name of the source', 'Our spreadsheet');
  await hand.button('Continue');
  await hand.sees('Check of learners', 'a check of pasted rows');
  await hand.tick('Import the file if every row is sound');
  await hand.button('Import');
  await hand.sees('Import of learners', 'pasted rows that are stored');
  await hand.link('Your learners');
  await hand.reads('DIG1-800');
}

async function asks(hand) {
  await hand.go('Whom to ask');
  await hand.sees('Whom to ask', 'whom to ask');
  await hand.reads('DIG1-700');
  await hand.link('DIG1-700');
  await hand.sees('DIG1-700', 'a learner');
  await hand.page.getByRole('main').getByLabel(/3 months/).selectOption({ index: 1 });
  await hand.button('Save');
  await hand.sees('DIG1-700', 'a learner that was asked');
}

async function answers(hand) {
  await hand.go('Questions');
  await hand.sees('Questions to you', 'questions to a provider');
  await hand.page.getByRole('main').getByRole('row').filter({ hasText: QUESTION }).getByRole('link').click();
  await hand.sees(QUESTION, 'a question to answer');
  await hand.fill('Your answer', 'Ring Jo on 0121 496 0000');
  await hand.button('Send the answer');
  await hand.sees(QUESTION, 'an answer with errors');
  await hand.fill('Your answer', ANSWER);
  await hand.button('Send the answer');
  await hand.sees('Questions to you', 'a question that was answered');
  await hand.reads('Your answer is sent');
}

export async function deliver(hand, link, node) {
  const { page } = hand;
  await resize(page, PHONE);
  await hand.enter(link);
  await hand.sees(COLLEGE, 'home of the provider');
  await registers(hand);
  await uploads(hand);
  await pastes(hand);
  await asks(hand);
  await answers(hand);
  await hand.go('Learners');
  await hand.sees('Our learners', 'all learners of a provider');
  await hand.fill('Your reference', '2026-');
  await hand.button('Show');
  await hand.reads(/(^|\D)1 learner(\W|$)/);
  await hand.go('How we do');
  await hand.sees(/./, 'how the provider does');
  for (const path of ['/programmes', '/organisations', '/releases', '/quality', '/people', '/audit']) {
    const answer = await page.request.get(new URL(path, node.url).href, { failOnStatusCode: false });
    check(`${hand.how}: ${path} is refused`, answer.status() === 403, answer.status());
  }
}
