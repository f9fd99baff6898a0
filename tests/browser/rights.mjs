// A learner's rights, retention and the audit log, each page looked at on its way.
import { check } from '../check.mjs';
import { inspect } from './pages.mjs';

export async function rightsFlow({ coordinator, approver }, { node, how }) {
  await coordinator.goto(new URL('/rights', node.url).href);
  await inspect(coordinator, `rights ${how}`);
  await coordinator.fill('[name=uln]', '1234567890');
  await coordinator.click('form:has([name=uln]) button');
  check(`a number that is none is refused ${how}`, (await coordinator.locator('.govuk-error-summary').count()) === 1);
  check(`it is not shown again ${how}`, !(await coordinator.content()).includes('1234567890'));
  await inspect(coordinator, `rights with errors ${how}`);
  const provider = await coordinator.locator('[name=provider] option').nth(1).getAttribute('value');
  await coordinator.selectOption('[name=provider]', provider);
  await coordinator.fill('[name=reference]', 'nobody-has-this');
  await coordinator.click('form:has([name=reference]) button');
  check(`nobody is found ${how}`, /holds nothing/.test(await coordinator.innerText('main')));
  check(`the address tells nothing ${how}`, new URL(coordinator.url()).search === '', coordinator.url());
  await inspect(coordinator, `which right ${how}`);
  await coordinator.click('form[action="/rights/access"] button');
  await inspect(coordinator, `what is held ${how}`);

  for (const path of ['/audit', '/audit/check', '/retention']) {
    await approver.goto(new URL(path, node.url).href);
    await inspect(approver, `${path} ${how}`);
  }
  check(`the audit log is whole ${how}`, await whole(approver, node));
  await approver.goto(new URL('/audit', node.url).href);
  await approver.selectOption('[name=action]', 'subject access');
  await approver.click('form[action="/audit"] button');
  check(`the log says that it was asked ${how}`, /one learner: 0 enrolment/.test(await approver.innerText('main')));
  check(`the filter is in the address ${how}`, new URL(approver.url()).searchParams.get('action') === 'subject access');
}

async function whole(page, node) {
  await page.goto(new URL('/audit/check', node.url).href);
  return /The log is whole/.test(await page.innerText('main'));
}
