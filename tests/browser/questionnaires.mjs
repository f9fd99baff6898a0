// An operator writes a questionnaire by its forms alone, looks at it as an area will, and deletes it; one that was issued is read.
import { join } from 'node:path';
import { check } from '../check.mjs';
import { NARROW, NARROWEST, WIDE, signIn, visitor } from './browser.mjs';
import { inspect } from './pages.mjs';

async function picture(page, shots, name) {
  if (!shots) return;
  for (const [viewport, width] of [[NARROWEST, 'narrowest'], [NARROW, 'narrow'], [WIDE, 'wide']]) {
    await page.setViewportSize(viewport);
    await page.screenshot({ path: join(shots, `questionnaires-${name}-${width}.png`), fullPage: true });
  }
}

export async function questionnairesFlow(browser, { site, person, javaScript, shots }) {
  const how = javaScript ? 'with JavaScript' : 'without JavaScript';
  // Lines run beside one another: each has a draft of its own.
  const TITLE = `Ways to a course ${how}`;
  const page = await visitor(browser, { javaScript });
  const press = async (text) => {
    await Promise.all([page.waitForLoadState(), page.locator('main').getByRole('button', { name: text, exact: true }).first().click()]);
  };
  const look = async (name) => {
    await inspect(page, `${name} ${how}`);
    await picture(page, shots, name.replaceAll(' ', '-') + (javaScript ? '' : '-plain'));
  };
  const at = (path) => new URL(path, site.url).href;
  check(`an operator signs in ${how}`, await signIn(page, site.url, person));
  await page.goto(at('/questionnaires'));
  await look('questionnaires');
  await press('Write a questionnaire');
  await look('new questionnaire');
  await press('Begin the draft');
  await look('new questionnaire refused');
  await page.fill('#title', TITLE);
  await press('Begin the draft');
  const draft = new URL(page.url()).pathname;
  await look('empty draft');
  await page.goto(at(`${draft}/about`));
  await page.fill('#purpose', 'To see how people get to a course.');
  await page.fill('#due-day', '31');
  await page.fill('#due-month', '2');
  await page.fill('#due-year', '2030');
  await press('Save');
  await look('about refused');
  check(`what was typed stays ${how}`, (await page.inputValue('#purpose')).startsWith('To see how'));
  await page.fill('#due-day', '28');
  await press('Save');
  await page.goto(at(`${draft}/areas`));
  await look('areas');
  await page.check('[name=scope][value=some]');
  await page.locator('[name=lep]').first().check();
  await press('Save');
  await press('Add a question');
  await look('kind of answer');
  await page.check('[value=yes-no]');
  await press('Continue');
  await page.fill('#text', 'Are there buses in the evening?');
  await press('Save the question');
  await page.goto(at(`${draft}/add?form=any`));
  await page.fill('#text', 'Which ones?');
  await page.fill('#choices', 'One');
  await press('Save the question');
  await look('question refused');
  await page.fill('#choices', 'Until eight\nUntil ten');
  await press('Save the question');
  await page.goto(at(`${draft}/add?form=number`));
  await look('number');
  await page.fill('#text', 'How many services are there?');
  await page.fill('#unit', 'services');
  await page.selectOption('#prefill', 'services');
  await press('Save the question');
  await page.goto(at(`${draft}/questions/which-ones/when`));
  await look('when');
  await page.check('[value=are-there-buses-in-the-evening]');
  await press('Continue');
  await look('when answered');
  await page.check('[value=yes]');
  await press('Save');
  await press('Move question 3 up');
  const order = await page.locator('#questions h3').allInnerTexts();
  check(`a question moves ${how}`, order[1]?.startsWith('2. How many'), order);
  await look('draft');
  await page.goto(at(`${draft}/questions/which-ones`));
  await look('question');
  await page.goto(at(`${draft}/preview`));
  await look('preview');
  check(`nothing can be answered in a preview ${how}`, (await page.locator('fieldset:disabled input:enabled').count()) === 0);
  await press('Issue the questionnaire');
  await look('unconfirmed');
  await page.goto(at(draft));
  await page.locator('summary', { hasText: 'Delete this draft' }).click();
  await press('Delete the draft');
  check(`a draft is gone when it is deleted ${how}`, !(await page.innerText('main')).includes(TITLE));
  const asked = page.locator('main a[href^="/questionnaires/asked/"]').first();
  if (await asked.count()) {
    await page.goto(at(await asked.getAttribute('href')));
    await look('asked');
    const read = page.locator('main a[href*="/leps/"]').first();
    if (await read.count()) {
      await page.goto(at(await read.getAttribute('href')));
      await look('answers of an area');
    }
  }
  await page.close();
}
