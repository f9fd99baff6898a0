// A coordinator: what is taught, files in every form, quality, and the month that is to be released.
import { readFileSync } from 'node:fs';
import { check } from '../../check.mjs';
import { COLLEGE } from './admin.mjs';
import { ago, csv, iso, learners, workbook } from './files.mjs';

export const QUESTION = 'Is the file of this month complete?';
const ILR = new URL('../../../node/tests/ilr/2018-19.xml', import.meta.url);

async function addsProgramme(hand) {
  await hand.go('Delivery', 'Programmes');
  await hand.sees('Programmes', 'no programme yet');
  await hand.link('Add a programme');
  await hand.sees('What is the programme called?', 'a programme 1 of 4');
  await hand.button('Continue');
  await hand.sees('What is the programme called?', 'a programme with errors');
  await hand.fill('Code', 'DIG1');
  await hand.fill('Name', 'Digital basics');
  await hand.button('Continue');
  await hand.sees('Who delivers it, and who pays?', 'a programme 2 of 4');
  await hand.fill('Provider', COLLEGE);
  await hand.button('Continue');
  await hand.sees('Whom is it for, and what does it teach?', 'a programme 3 of 4');
  await hand.choose('Tier (optional)', { label: 'Basic' });
  await hand.button('Continue');
  await hand.sees('When, how and for how many?', 'a programme 4 of 4');
  await hand.fill('Places (optional)', '20');
  await hand.page.getByRole('link', { name: 'Back', exact: true }).click();
  await hand.sees('Whom is it for, and what does it teach?');
  const kept = await hand.page.getByLabel('Tier (optional)').inputValue();
  check(`${hand.how}: the way back keeps what was answered`, kept === 'basic', kept);
  await hand.button('Continue');
  await hand.fill('Places (optional)', '20');
  await hand.button('Continue');
  await hand.sees('Check the answers', 'a programme to check');
  await hand.page.getByRole('link', { name: 'Change name' }).click();
  await hand.fill('Name', 'Digital basics for all');
  await hand.button('Continue');
  await hand.sees('Check the answers');
  await hand.reads('Digital basics for all');
  await hand.button('Add the programme');
  await hand.sees('DIG1: Digital basics for all', 'a programme');
  await hand.page.getByRole('link', { name: 'Change places' }).click();
  await hand.sees('When, how and for how many?', 'a change of a programme');
  await hand.fill('Places (optional)', '24');
  await hand.button('Save');
  await hand.link('Who changed what');
  await hand.sees('Who changed what', 'history');
  await hand.reads('24');
}

async function addsCohort(hand) {
  await hand.go('Delivery', 'Cohorts');
  await hand.sees('Cohorts', 'no cohort yet');
  await hand.link('Add a cohort');
  await hand.sees('What is the cohort called?', 'a cohort 1 of 3');
  await hand.fill('Code', 'TUE');
  await hand.fill('Title', 'Tuesdays at the library');
  await hand.button('Continue');
  await hand.sees('What is taught, by whom and to whom?', 'a cohort 2 of 3');
  await hand.choose('Programme', { index: 1 });
  await hand.choose('Provider who delivers it', { label: COLLEGE });
  await hand.button('Continue');
  await hand.sees('When and where, and for how many?', 'a cohort 3 of 3');
  await hand.date(/First day/, ago(4));
  await hand.button('Continue');
  await hand.sees('Check the answers', 'a cohort to check');
  await hand.button('Add the cohort');
  await hand.sees('TUE: Tuesdays at the library', 'a cohort');
}

async function addsSpend(hand) {
  await hand.go('Delivery', 'Spend');
  await hand.sees('Spend', 'no spend yet');
  await hand.link('Add an amount');
  await hand.sees('Add an amount', 'an amount');
  await hand.fill('Month', iso(ago(2)).slice(0, 7));
  await hand.choose('Cohort (optional)', { index: 1 });
  await hand.choose('On what', { index: 1 });
  await hand.fill('Amount in pounds', '1250.50');
  await hand.fill('Who said so', 'Finance return');
  await hand.button('Save');
  await hand.go('Spend');
  await hand.reads('Together: £1,250.50.');
}

async function send(hand, what, way, name, bytes) {
  await hand.go('Delivery', 'Import files');
  await hand.tick(what);
  await hand.tick(way);
  await hand.file(name, bytes);
  await hand.button('Send the file');
}

const IF_SOUND = 'Import it if every row is sound';

async function bringsFiles(hand) {
  await hand.go('Delivery', 'Import files');
  await hand.sees('Import a file', 'import');
  await hand.button('Send the file');
  await hand.sees('Import a file', 'import with errors');
  const table = learners(COLLEGE, 'DIG1', 30);
  const faulty = table.map((row, at) => (at === 3 ? row.map((cell) => (cell === 'E08000028' ? 'Walsall' : cell)) : row));
  await send(hand, 'Learners', 'Check the file only', 'learners.csv', csv(faulty));
  await hand.sees(/^Check of/, 'a check with a fault');
  await hand.reads('Line');
  const [report] = await Promise.all([
    hand.page.waitForEvent('download'),
    hand.page.getByRole('link', { name: 'Download the whole report, line by line (CSV)' }).click(),
  ]);
  check(`${hand.how}: the report is a file`, report.suggestedFilename().endsWith('.csv'), report.suggestedFilename());
  await send(hand, 'Learners', 'Check the file only', 'learners.pdf', Buffer.from('%PDF-1.7\n1 0 obj'));
  await hand.sees(/^Check of/, 'a file that is none');
  await hand.reads('This is a PDF');
  await send(hand, 'Learners', IF_SOUND, 'learners.csv', csv(table));
  if (!/^Import of/.test(await hand.page.locator('h1').innerText())) {
    await hand.sees(/^Check of/, 'a provider that no file named');
    await hand.tick('They are new providers');
    await hand.tick(IF_SOUND);
    await hand.file('learners.csv', csv(table));
    await hand.button('Send the file');
  }
  await hand.sees(/^Import of/, 'an import');
  await hand.reads('learner references are now known to their provider');
  await hand.link('Look at the quality of the records');
  await hand.sees('Quality of the records', 'quality after an import');
}

/** An import that has to wait says how far it is, and is cancelled. */
async function cancels(hand, node) {
  const letGo = await node.held();
  try {
    await send(hand, 'Learners', IF_SOUND, 'more.csv', csv(learners(COLLEGE, 'DIG1', 5, { aim: 'A9' }, 900)));
    await hand.sees('Importing a file of learners', 'work under way');
    await hand.reads('You can close this page: it goes on.');
    await hand.go('Delivery', 'Import files');
    await hand.reads('Importing a file of learners');
    await hand.link('Importing a file of learners');
    await hand.button('Cancel');
    await hand.sees('Cancelled. Nothing was stored', 'work that was cancelled');
  } finally {
    await letGo();
  }
  await hand.link('Back to Import');
  await hand.sees('Import a file');
}

/** A file with columns of its own, from the question about them to the import. */
async function explains(hand, picture) {
  const { page } = hand;
  for (let pages = 0; pages < 8; pages++) {
    const heading = await page.locator('h1').innerText();
    await hand.sees(heading, `${picture}, ${heading}`);
    if (/^Import of/.test(heading)) return;
    if (/^Check of/.test(heading)) {
      const isNew = page.getByLabel('New enrolments', { exact: true });
      if (await isNew.count()) await isNew.check();
      await hand.tick('Import the file if every row is sound');
      await hand.button('Import');
      continue;
    }
    if (heading === 'Which column is which?' && (await page.locator('main option[value="=Our no"]').count()) > 0) {
      const names = { Provider: '=Teaching body', 'Learner’s reference': '=Our no', Programme: '=Project', 'First day': '=Began', Stage: '=How it stands' };
      for (const [label, value] of Object.entries(names)) await page.getByLabel(label, { exact: true }).selectOption(value);
      await page.getByLabel('Age', { exact: true }).selectOption('=Years');
      await page.getByLabel('District', { exact: true }).selectOption('=Home');
    }
    if (heading === 'Which column is which?') {
      // Nothing else has to be said: what a file need not have is taken for not there.
      for (const select of await page.locator('main select:has(option[value="none"])').all()) {
        if ((await select.inputValue()) === '') await select.selectOption('none');
      }
    }
    if (heading === 'How are the dates written?') await page.getByLabel('The day comes first: 04/10/2021 is 4 October 2021').check();
    if (heading === 'What do the values stand for?') await page.locator('main select').first().selectOption({ label: 'In progress' });
    if (heading === 'Shall this be remembered?') await hand.fill('Name of the source', `College ${picture}`);
    await hand.button('Continue');
  }
  check(`${hand.how}: ${picture} comes to its import`, false, await page.locator('h1').innerText());
}

async function bringsStrangeOnes(hand) {
  const [year, month, day] = iso(ago(5)).split('-');
  const header = ['Teaching body', 'Our no', 'Years', 'Home', 'Course', 'Project', 'Began', 'How it stands'];
  const rows = Array.from({ length: 5 }, (_, n) => [COLLEGE, `X-${n}`, '44', 'E08000028', 'A1', 'DIG1', `${day}/${month}/${year}`, 'still here']);
  await send(hand, 'Learners', IF_SOUND, 'strange.csv', csv([header, ...rows], ';'));
  await explains(hand, 'strange columns');
  const book = learners(COLLEGE, 'DIG1', 4, { aim: 'A2' }, 100);
  await send(hand, 'Learners', IF_SOUND, 'learners.xlsx', workbook(book));
  await hand.sees(/^(Import|Check) of/, 'a workbook');
  await hand.reads('4');
  await hand.go('Delivery', 'Import files');
  await hand.page.getByRole('main').getByRole('link', { name: /[Pp]aste/ }).click();
  await hand.sees('Paste rows', 'paste');
  await hand.button('Continue');
  await hand.sees('Paste rows', 'paste with errors');
  await hand.tick('Learners');
  await hand.fill('Rows', csv(learners(COLLEGE, 'DIG1', 2, { aim: 'A3' }, 200), '\t'));
  await hand.button('Continue');
  await explains(hand, 'pasted rows');
}

async function bringsIlr(hand) {
  await send(hand, 'An Individualised Learner Record (ILR)', IF_SOUND, 'ilr.xml', readFileSync(ILR));
  await hand.sees('Check of an ILR', 'an ILR that asks');
  await hand.link('Answer the questions');
  await hand.sees('ILR mappings', 'questions of an ILR');
  await hand.link('Say whose it is');
  await hand.sees(/./, 'whose ILR it is');
}

async function asks(hand) {
  await hand.go('Quality', 'Rules');
  await hand.sees('Rules of quality', 'rules of quality');
  await hand.page.getByRole('main').getByRole('link').filter({ hasText: /\w/ }).nth(1).click();
  await hand.sees(/./, 'a rule of quality');
  await hand.go('Quality');
  await hand.sees('Quality of the records', 'quality board');
  await hand.link(COLLEGE);
  await hand.sees(COLLEGE, 'quality of a provider');
  await hand.page.getByText('Ask the provider about this').first().click();
  await hand.page.getByLabel('Question', { exact: true }).first().fill(QUESTION);
  await hand.button('Write it down');
  await hand.sees(COLLEGE, 'a question to a provider');
  await hand.reads(QUESTION);
}

/** What a month would be, before one is prepared. */
async function previews(hand) {
  await hand.go('Publish', 'Preview');
  await hand.sees('Preview the next release', 'a preview to ask for');
  await hand.choose('As if the published figures began in', { index: 0 });
  await hand.button('Show the preview');
  await hand.sees(/^Preview of/, 'a preview');
  await hand.reads('nothing was spent, nothing was stored');
}

async function prepares(hand) {
  await hand.go('Publish', 'Releases');
  await hand.sees('Releases', 'no release yet');
  await hand.choose('First month', { index: 0 });
  await hand.button('Prepare the first release');
  await hand.sees(/^Release of/, 'a release that was prepared');
}

/** An organisation whose name was mistyped goes again; a cohort that stands for something does not. */
async function deletes(hand) {
  await hand.go('Delivery', 'Organisations');
  await hand.link('Add an organisation');
  await hand.fill('Name', 'City Colege');
  await hand.choose('What it is', { label: 'Training provider' });
  await hand.button('Save');
  await hand.link('Delete the organisation');
  await hand.sees('Delete the organisation?', 'a mistake to delete');
  await hand.button('Delete the organisation');
  await hand.sees('Organisations', 'a mistake that is deleted');
  await hand.link('What it said, and who deleted it');
  await hand.sees('Who changed what', 'history of what was deleted');
  await hand.reads('City Colege');
  await hand.go('Delivery', 'Programmes');
  await hand.link('DIG1');
  await hand.link('Delete the programme');
  await hand.sees('The programme cannot be deleted', 'a programme that is in use');
  await hand.reads('1 cohort runs it.');
}

export async function coordinate(hand, link, node) {
  await hand.enter(link);
  await hand.sees(/at a glance$/, 'home of the coordinator');
  await addsProgramme(hand);
  await addsCohort(hand);
  await deletes(hand);
  await addsSpend(hand);
  await bringsFiles(hand);
  await cancels(hand, node);
  await bringsStrangeOnes(hand);
  await bringsIlr(hand);
  await asks(hand);
  await previews(hand);
  await prepares(hand);
}
