// The IT team: from the printed link to a node that everybody can sign in to.
import { check } from '../../check.mjs';
import { code } from '../accounts.mjs';
import { SECRET } from './hand.mjs';

export const COLLEGE = 'City College';
const PEOPLE = [['Ama', 'Coordinator'], ['Ben', 'Approver'], ['Vik', 'Viewer'], ['Pat', 'Provider']];

/** Gives a link for each of the others. */
export async function begin(hand, node) {
  await hand.enter(node.link, 'Ida');
  await hand.sees(/at a glance$/, 'home of the admin');
  await hand.link('Choose the LEP');
  await hand.sees('Choose the LEP', 'which LEP');
  await hand.button('Save');
  await hand.sees('Choose the LEP', 'which LEP with errors');
  await hand.choose('Which Local Enterprise Partnership is this node of?', 'E37000001');
  await hand.button('Save');
  await hand.reads('This is the node of Black Country from now on');
  await hand.go('Home');
  await hand.reads('Add a coordinator and an approver');
  await hand.reads('Enrol this node with the national log');
  await hand.go('Organisations');
  await hand.sees('Organisations', 'no organisation yet');
  await hand.link('Add an organisation');
  await hand.sees('Add an organisation');
  await hand.button('Save');
  await hand.sees('Add an organisation', 'an organisation with errors');
  await hand.fill('Name', COLLEGE);
  await hand.choose('What it is', { label: 'Training provider' });
  await hand.button('Save');
  await hand.sees(COLLEGE, 'an organisation');
  await hand.go('Home');
  await hand.link('Add a coordinator and an approver');
  const links = {};
  for (const [name, role] of PEOPLE) {
    await hand.sees('Add a person');
    await hand.fill('Their name', name);
    await hand.tick(role);
    if (role === 'Provider') await hand.fill('Their organisation', COLLEGE);
    await hand.button('Add them and make a link');
    await hand.sees(`A link for ${name}`, 'a link for somebody');
    links[name] = await hand.page.locator('.ldsp-secret').innerText();
    await hand.link('Back to people');
    await hand.sees('People', 'people');
    if (name !== PEOPLE.at(-1)[0]) await hand.link('Add a person');
  }
  await sorted(hand);
  await secondStep(hand);
  return links;
}

/** The list of people is sorted and filtered by its headings and fields, and the address says so. */
async function sorted(hand) {
  const names = () => hand.page.locator('main tbody th').allInnerTexts();
  await hand.link('Name');
  const down = await names();
  check(`${hand.how}: a heading turns the order round`, down[0].startsWith('Vik'), down);
  const way = await hand.page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort');
  check(`${hand.how}: the column says how it is sorted`, way === 'descending', way);
  await hand.choose('Role', { label: 'Viewer (1)' });
  await hand.button('Show');
  const shown = await names();
  check(`${hand.how}: the list is filtered`, shown.length === 1 && shown[0] === 'Vik', shown);
  const asked = new URL(hand.page.url()).searchParams;
  check(`${hand.how}: the address keeps order and filter`, asked.get('order') === 'down' && asked.get('role') === 'viewer', hand.page.url());
  await hand.link('Show all');
  check(`${hand.how}: and lets go of the filter`, (await names()).length === 5);
}

async function secondStep(hand) {
  await hand.page.locator('header').getByRole('link', { name: 'Ida', exact: true }).click();
  await hand.sees('Your account', 'account');
  await hand.page.getByRole('link', { name: 'Change second step' }).click();
  await hand.sees('A second step for signing in', 'second step');
  await hand.page.getByText('I cannot scan it').click();
  const key = (await hand.page.locator('.ldsp-secret').innerText()).replaceAll(' ', '');
  await hand.fill('The six digits that the app shows now', code(key));
  await hand.fill('Your secret', SECRET);
  await hand.button('Ask for a code from now on');
  await hand.sees('Your recovery codes', 'recovery codes');
  await hand.link('I have kept them');
  await hand.page.locator('header').getByRole('button', { name: 'Sign out' }).click();
  await hand.sees('Sign in', 'sign-in');
  await hand.fill('Name', 'Ida');
  await hand.fill('Secret', SECRET);
  await hand.button('Sign in');
  await hand.sees('Enter the code of your phone');
  await hand.fill('Code of your phone', code(key, 1));
  await hand.button('Continue');
  await hand.sees(/at a glance$/, 'home of the admin after the second step');
}

/** What the admin looks at later. */
export async function watch(hand) {
  await hand.go('Administration', 'Audit log');
  await hand.sees('Audit log', 'audit log');
  await hand.choose('What', { label: 'organisation added' });
  await hand.button('Show');
  await hand.reads(COLLEGE);
  await hand.go('Retention');
  await hand.sees('How long records are kept');
}
