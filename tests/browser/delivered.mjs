// A statement is delivered in the background, and no page announces it: look until it is there.

const PATIENCE_MS = 20_000;

/** True as soon as the page's main part holds `text`; false when it never does. */
export async function delivered(page, address, text) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    await page.goto(address);
    const words = await page.innerText('main');
    if (typeof text === 'string' ? words.includes(text) : text.test(words)) return true;
  }
  return false;
}
