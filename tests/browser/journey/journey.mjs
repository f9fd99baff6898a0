// From an empty folder to a month that waits for the node's enrolment, as the people of a LEP and of a college do it: by the links and buttons that pages offer,
// found by what they are called, once with JavaScript and once without.
import { visitor } from '../browser.mjs';
import { begin, watch } from './admin.mjs';
import { coordinate } from './coordinator.mjs';
import { Hand } from './hand.mjs';
import { freshNode } from './node.mjs';
import { approve, council, view } from './others.mjs';
import { deliver } from './provider.mjs';

export async function journey(browser, { programs, javaScript, shots, accountsFlow }) {
  const how = javaScript ? 'with JavaScript' : 'without JavaScript';
  const node = await freshNode(programs);
  try {
    const hand = async (who) => new Hand(await visitor(browser, { javaScript }), `${who} ${how}`, shots);
    const admin = await hand('admin');
    const links = await begin(admin, node);
    await coordinate(await hand('coordinator'), links.Ama, node);
    await deliver(await hand('provider'), links.Pat, node);
    await approve(await hand('approver'), links.Ben);
    await view(await hand('viewer'), links.Vik, node);
    await watch(admin);
    await accountsFlow({ admin: admin.page, guest: (await hand('guest')).page }, { node, how });
    await council({ guest: await hand('guest'), viewer: await hand('viewer') }, node);
  } finally {
    await node.end();
  }
}
