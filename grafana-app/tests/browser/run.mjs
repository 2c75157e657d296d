// The built plugin in Chromium: what each page says, to whom, and in which state. `node run.mjs URL PICTURES`
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, pictures] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
const page = await context.newPage();
const faults = [];
page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));

async function as(role) {
  await page.goto(`${url}/as/${role}`);
}
async function open(path) {
  await page.goto(`${url}/a/dnstower-dns-app/${path}`);
}
/** Waits for a text, and says what the page has instead. */
async function says(...texts) {
  for (const text of texts) {
    await page.getByText(text).first().waitFor({ timeout: 10_000 }).catch(async () => {
      throw new Error(`${page.url()} does not say ${text}, but:\n${await page.locator('body').innerText()}\n${faults.join('\n')}`);
    });
  }
}
async function silent(...selectors) {
  for (const selector of selectors) {
    if (await page.locator(selector).count()) throw new Error(`${page.url()} has ${selector}`);
  }
}
async function choose(name) {
  await page.getByRole('combobox').first().click();
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
}
async function picture(name) {
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

try {
  await as('Viewer');
  await open('overview');
  await says('No data source is chosen yet');
  await open('configuration');
  await says('An administrator configures this app');

  await as('Admin');
  await open('configuration');
  await says('Without a data source no page has anything to show');
  await choose('another database');
  await says('The views are not in this database', 'kafka-bridge store reader');
  await picture('configuration-missing');
  await choose('dnstower');
  await says(/All \d+ views that the pages read are there/, '4 zones are watched', /The judgement is \d+ s behind/);
  await page.getByRole('textbox', { name: 'Board' }).fill('javascript:alert(1)');
  await says('Write a web address');
  await page.getByRole('textbox', { name: 'Board' }).fill('https://board.example');
  await picture('configuration');
  await page.getByRole('button', { name: 'Save' }).click();
  await says('Saved.');
  await page.waitForTimeout(800);

  await as('Viewer');
  await open('overview');
  await says('2 unhealthy, 1 without data, of 4 zones.', 'Web platform', 'Open incidents');
  await silent('a[href*="/zones/"]', 'a[href*="/incidents/"]');
  await open('zones/shop.example');
  await says('This page is for editors');

  await as('Editor');
  await open('overview');
  await says('shop.example is down');
  await picture('overview');
  await page.getByRole('link', { name: 'bank.example', exact: true }).click();
  await says('owned by Security', 'What happened', 'ds: ["12345 13 2 ab"] → ["54321 13 2 cd"]', 'Propagation by region');
  await page.getByTestId('trend').first().waitFor();
  await page.getByRole('table', { name: 'Answers by region' }).waitFor();
  await picture('zone');
  await page.getByRole('link', { name: /DS of bank.example changed/ }).first().click();
  await says('Check first', 'Nobody has taken it on yet', 'Where:', 'firing');
  const runbook = await page.getByRole('link', { name: /Runbook/ }).getAttribute('href');
  if (!/^https:\/\/board\.example\/runbooks\/[a-z-]+$/.test(runbook ?? '')) throw new Error(`the runbook leads to ${runbook}`);
  await picture('incident');
  await open('incidents');
  await says('DS of bank.example changed', 'shop.example is down');
  await open('incidents/nope');
  await says('There is no such incident');
  // A name with a quote is a name; a hostile one is asked for as it stands, and found nowhere.
  await open(`zones/${encodeURIComponent("o'brien.example")}`);
  await says('never judged', 'No answer is known');
  await open(`zones/${encodeURIComponent("x' or 'a'='a")}`);
  await says("No zone x' or 'a'='a is watched");
  await open(`zones/${encodeURIComponent('$__timeFilter(now())')}`);
  await says('No zone $__timeFilter(now()) is watched');

  // One that is slow, and has nothing.
  const nothing = { results: Object.fromEntries(['A', 'B', 'C'].map((ref) => [ref, { status: 200, frames: [] }])) };
  let answer;
  const asked = new Promise((resolve) => { answer = resolve; });
  await page.route('**/api/ds/query**', (route) => asked.then(() => route.fulfill({ json: nothing })));
  await open('overview');
  await says('Asking the store…');
  answer();
  await says('No zone is watched yet');
  await open('incidents');
  await says('No incident is open, and none was resolved in the time shown.');
  await page.unroute('**/api/ds/query**');

  // A store that is gone is said in words, and what to do. (The browser itself notes each refused request.)
  const before = faults.length;
  await page.route('**/api/ds/query**', (route) => route.fulfill({
    status: 400, contentType: 'application/json',
    body: JSON.stringify({ results: { A: { status: 400, error: 'db query error: connection refused' } } }),
  }));
  await open('overview');
  await says('The store does not answer', 'Is PostgreSQL up');
  await picture('away');
  faults.splice(before);
} finally {
  await browser.close();
}
if (faults.length) {
  console.error(`errors in the browser's console:\n${faults.join('\n')}`);
  process.exitCode = 1;
}
