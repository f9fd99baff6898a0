// All browser checks: `run.mjs DEMO.json STAGE.json SHOTS PROGRAMS`. DEMO.json is what `ldsp-demo --json` prints when it serves: many pages
// to look at. STAGE.json is what `ldsp-stage` prints: real processes with months still to be released. PROGRAMS is where ldsp-node is, for
// the journeys from an empty folder.
import { mkdirSync, readFileSync } from 'node:fs';
import { check, flow } from '../check.mjs';
import { accountsFlow } from './accounts.mjs';
import { launch, signIn, visitor } from './browser.mjs';
import { journey } from './journey/journey.mjs';
import { operatorPages } from './operator.mjs';
import { questionnairesFlow } from './questionnaires.mjs';
import { practiceFlow } from './practice.mjs';
import { crawl, inspect, keyboardForm, ownColours, paper, withoutJavaScript } from './pages.mjs';
import { releaseFlow } from './release.mjs';
import { rightsFlow } from './rights.mjs';
import { cookies, crossOrigin, headers } from './security.mjs';
import { photograph } from './shots.mjs';

const [demo, stage, shots, programs] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });
const { aggregator, nodes: [node] } = JSON.parse(readFileSync(demo, 'utf8'));
const scene = JSON.parse(readFileSync(stage, 'utf8'));
const who = (site, role) => site.people.find((p) => p.role === role);
const person = (role) => who(node, role);
const browser = await launch();


// Each line of work goes on by itself; what changes a server's state is within one of them.
const lines = [];
const line = (...flows) => lines.push(async () => {
  for (const [name, run] of flows) await flow(name, run);
});

line(['public pages', async () => {
  const page = await visitor(browser);
  const pages = await crawl(page, aggregator.url, '/', 'public');
  await withoutJavaScript(await visitor(browser, { javaScript: false }), aggregator.url, pages, 'public');
  await headers(page, aggregator.url, ['/', '/sign-in', '/no-such-page'], 'public');
  await page.goto(new URL('/no-such-page', aggregator.url).href);
  await inspect(page, 'public page not found');
}]);

line(['paper and own colours', async () => {
  const page = await visitor(browser);
  for (const path of ['/', '/benchmarks', '/benchmarks/achievement', '/measures', '/nodes', `/nodes/${node.node}`, '/keys', '/runs', '/statements', '/statements/0', '/practice', '/leps', '/about']) {
    await page.goto(new URL(path, aggregator.url).href);
    await paper(page, `public ${path}`);
    await ownColours(page, `public ${path}`);
  }
  await signIn(page, node.url, person('approver'));
  await page.goto(new URL('/releases', node.url).href);
  const month = await page.locator('main table a[href^="/releases/"]').first().getAttribute('href');
  const table = `${month}/tables/starts.area-by-tier`;
  for (const path of ['/', '/releases', month, table, `${month}/report`, '/privacy', '/quality', '/quality/rules', '/practice']) {
    await page.goto(new URL(path, node.url).href);
    const marked = await page.locator('.ldsp-exact').count();
    check(`node ${path} marks its exact counts`, marked > 0 === ['/', month, table, '/privacy', '/quality'].includes(path), marked);
    await paper(page, `node ${path}`);
  }
}]);

line(['a benchmark run and its findings', async () => {
  const page = await visitor(browser);
  await page.goto(new URL('/runs', aggregator.url).href);
  const run = await page.locator('main table a[href^="/runs/"]').first().getAttribute('href');
  await page.goto(new URL(run, aggregator.url).href);
  await inspect(page, 'benchmark run');
  const words = await page.innerText('main');
  check('a run says what it stands on and how it is made again', /Root of the log then[^]*--recompute/.test(words), words.slice(0, 200));
  await page.goto(new URL(`/statements/${Number(run.split('/').at(-1)) - 1}`, aggregator.url).href);
  await inspect(page, 'statement of a finding');
}]);

line(['statements and what is not there', async () => {
  const page = await visitor(browser);
  const look = async (path, name, wanted) => {
    await page.goto(new URL(path, aggregator.url).href);
    await inspect(page, name);
    const words = await page.innerText('main');
    check(`${name} says what it should`, wanted.test(words), words.slice(0, 200));
  };
  for (const kind of ['learning-summary', 'practice-entry']) {
    await page.goto(new URL(`/statements?kind=${kind}`, aggregator.url).href);
    const path = await page.locator('main table a[href^="/statements/"]').first().getAttribute('href');
    await look(path, `statement of a ${kind}`, /Verify it yourself/);
  }
  await look('/statements?node=nobody', 'statements without a hit', /Show all statements/);
  await look('/practice?tier=basic&verdict=too-early&cause=staff', 'practice without a hit', /show all entries/);
  await look('/statements/99999', 'statement not found', /What to do next/);
  await look('/nodes/nobody', 'node not found', /What to do next/);
}]);

line(['sign-in', async () => {
  const page = await visitor(browser);
  await page.goto(new URL('/sign-in', node.url).href);
  await inspect(page, 'sign-in');
  await keyboardForm(page, 'sign-in');
  const wrong = { name: person('coordinator').name, secret: 'not-the-secret' };
  check('a wrong secret is refused', !(await signIn(page, node.url, wrong)));
  await inspect(page, 'sign-in refused');
  const kept = await page.inputValue('[name=name]');
  check('sign-in keeps the name and forgets the secret', kept === wrong.name && (await page.inputValue('[name=secret]')) === '');
  const guest = await page.request.get(node.url, { maxRedirects: 0, failOnStatusCode: false });
  check('a guest sees no page of the node', [303, 401, 403].includes(guest.status()), guest.status());
  const plain = await visitor(browser, { javaScript: false });
  check('sign-in works without JavaScript', await signIn(plain, node.url, person('coordinator')));
}]);

for (const role of ['coordinator', 'approver', 'viewer', 'admin', 'provider']) {
  line([`${role}'s pages`, async () => {
    const page = await visitor(browser);
    check(`${role} signs in`, await signIn(page, node.url, person(role)));
    await cookies(page, role);
    const plain = await visitor(browser, { javaScript: false });
    await signIn(plain, node.url, person(role));
    const pages = await crawl(page, node.url, '/', role);
    await withoutJavaScript(plain, node.url, pages, role);
    await headers(page, node.url, ['/'], role);
    await crossOrigin(page, node.url, role);
  }]);
}

for (const of of aggregator.people) {
  line([`${of.role}'s pages`, async () => operatorPages(browser, aggregator, of)]);
}

line(...[true, false].map((javaScript) => {
  const person = aggregator.people.find((of) => of.role === 'operator');
  const name = `a questionnaire ${javaScript ? 'with' : 'without'} JavaScript`;
  return [name, async () => questionnairesFlow(browser, { site: aggregator, person, javaScript, shots })];
}));

// Each flow runs with JavaScript and without; one after the other, because each releases a month.
const [stageNode] = scene.nodes;
line(...[true, false].flatMap((javaScript) => {
  const how = javaScript ? 'with JavaScript' : 'without JavaScript';
  const people = async () => {
    const [coordinator, approver, reader] = await Promise.all([1, 2, 3].map(() => visitor(browser, { javaScript })));
    await signIn(coordinator, stageNode.url, who(stageNode, 'coordinator'));
    await signIn(approver, stageNode.url, who(stageNode, 'approver'));
    return { coordinator, approver, reader };
  };
  const sites = { aggregator: scene.aggregator, node: stageNode, how };
  return [
    [`practice ${how}`, async () => practiceFlow(await people(), sites)],
    [`release ${how}`, async () => releaseFlow(await people(), sites)],
    [`rights ${how}`, async () => rightsFlow(await people(), sites)],
  ];
}));

for (const javaScript of [true, false]) {
  line([`the journey ${javaScript ? 'with' : 'without'} JavaScript`, async () => journey(browser, { programs, javaScript, shots, accountsFlow })]);
}

// The longest first; three at a time keep the browser and the servers busy on two processors.
const LANES = 3;
const waiting = lines.reverse();
await Promise.all(Array.from({ length: LANES }, async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) await next();
}));
await flow('pictures', async () => photograph(browser, { aggregator, node, person: (role) => person(role), shots }));
await browser.close();
