// A person at a browser: they find what they use by what it is called.
import { join } from 'node:path';
import { check } from '../../check.mjs';
import { inspect } from '../pages.mjs';

export const SECRET = 'copper lantern seven violins';

export class Hand {
  constructor(page, how, shots) {
    Object.assign(this, { page, how, shots });
  }

  /** A link, also one that looks like a button. */
  link = (name) => {
    const main = this.page.getByRole('main');
    return main.getByRole('link', { name, exact: true }).or(main.getByRole('button', { name, exact: true })).first().click();
  };

  button = (name) => this.page.getByRole('main').getByRole('button', { name, exact: true }).first().click();
  fill = (label, text) => this.page.getByRole('main').getByLabel(label, { exact: true }).fill(text);
  choose = (label, option) => this.page.getByRole('main').getByLabel(label, { exact: true }).selectOption(option);
  tick = (label) => this.page.getByRole('main').getByLabel(label, { exact: true }).check();
  words = () => this.page.innerText('main');

  async date(legend, [year, month, day]) {
    const group = this.page.getByRole('group', { name: legend });
    for (const [part, value] of [['Day', day], ['Month', month], ['Year', year]]) await group.getByLabel(part, { exact: true }).fill(String(value));
  }

  /** By the navigation, which a phone opens first. */
  async go(...items) {
    for (const [at, item] of items.entries()) {
      const toggle = this.page.getByRole('button', { name: 'Menu', exact: true });
      if (at === 0 && (await toggle.isVisible()) && (await toggle.getAttribute('aria-expanded')) !== 'true') await toggle.click();
      await this.page.locator('header').getByRole('link', { name: item, exact: true }).last().click();
    }
  }

  async file(name, text) {
    await this.page.getByLabel(/file/i).and(this.page.locator('[type=file]')).setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) });
  }

  /** The page has this heading and is as every page should be; a picture of it is kept for people to look at. */
  async sees(heading, picture) {
    const is = await this.page.locator('h1').first().innerText();
    const comes = is === heading || (heading instanceof RegExp && heading.test(is));
    check(`${this.how}: comes to “${heading}”`, comes, `${is}: ${(await this.words()).replace(/\s+/g, ' ').slice(0, 300)}`);
    await inspect(this.page, `${this.how}: ${picture ?? heading}`);
    if (this.page.scripted && picture) {
      const file = `journey-${picture.replace(/[^a-z0-9]+/gi, '-')}.png`;
      await this.page.screenshot({ path: join(this.shots, file), fullPage: true });
    }
  }

  async reads(text) {
    const words = await this.words();
    const holds = text instanceof RegExp ? text.test(words) : words.includes(text);
    check(`${this.how}: reads “${text}”`, holds, words.replace(/\s+/g, ' ').slice(0, 400));
  }

  /** Sets the secret by a link and is in. */
  async enter(link, name) {
    await this.page.goto(link);
    await this.sees(/^Welcome/, 'welcome');
    if (name) await this.fill('Your name', name);
    await this.fill('Choose your secret', SECRET);
    await this.fill('The same again', SECRET);
    await this.button('Set my secret and sign in');
  }
}
