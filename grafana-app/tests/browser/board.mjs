// The bridge's board in Chromium: each page in light and dark, on a phone and on a wall, through axe and without a
// fault. `node board.mjs URL PICTURES PAGE…`, where a PAGE is `name=/path`;
// with `--only-look` nothing is done but that.
/* global document, getComputedStyle, innerWidth, scrollY, window */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, pictures, ...given] = process.argv.slice(2);
const pages = given.filter((word) => word !== '--only-look');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = { phone: [390, 844], desk: [1440, 900], wall: [2560, 1440] };
const SHOTS = [['phone', 'light'], ['phone', 'dark'], ['desk', 'light'], ['desk', 'dark'], ['wall', 'dark']];
const faults = [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

/** What axe finds, and what does not fit. */
async function look(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  for (const { id, help, nodes } of found.violations) {
    faults.push(`${name}: axe ${id}: ${help}\n  ${nodes.slice(0, 4).map((node) => `${node.target} ${node.failureSummary?.split('\n')[1] ?? ''}`).join('\n  ')}`);
  }
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) {
    const widest = await page.evaluate(() => [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')).slice(-3).map((e) => `${e.tagName}.${e.getAttribute('class')}`).join(' '));
    faults.push(`${name}: ${wide} px wider than the window: ${widest}`);
  }
}

function watch(page, name) {
  page.on('pageerror', (error) => faults.push(`${name}: ${error}`));
  page.on('console', (message) => message.type() === 'error' && !/status of (400|404|503)|ERR_FAILED/.test(message.text()) && faults.push(`${name}: ${message.text()}`));
  page.on('request', (request) => request.url().startsWith(url) || faults.push(`${name}: asks ${request.url()}`));
}

function check(holds, sentence) {
  if (!holds) faults.push(sentence);
}

async function use() {
  // By keyboard: the first stop leads past the head; every link and field can be seen to have the focus.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  watch(page, 'keyboard');
  await page.goto(`${url}/`);
  await page.keyboard.press('Tab');
  check(await page.evaluate(() => document.activeElement.className) === 'skip', 'the first stop is not the skip link');
  await page.keyboard.press('Enter');
  check(await page.evaluate(() => document.activeElement.id) === 'main', 'the skip link does not lead to the content');
  for (let n = 0; n < 12; n++) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    check(outline !== 'none', `stop ${n} after the skip link cannot be seen`);
  }

  // A choice goes along from view to view.
  await page.goto(`${url}/?back=6h`);
  await page.getByRole('combobox', { name: 'zone' }).fill('bank.example');
  await page.getByRole('button', { name: 'show' }).click();
  await page.waitForURL(/zone=bank\.example/);
  await page.getByRole('link', { name: 'Operator' }).click();
  await page.getByRole('link', { name: 'Forensic' }).click();
  check(/\/forensic\?back=6h&zone=bank\.example$/.test(page.url()), `the choice is lost: ${page.url()}`);

  // Current without a reload, while focus, scrolling and what is typed stay.
  const incident = pages.find((one) => one.startsWith('incident=')).slice('incident='.length);
  await page.goto(url + incident);
  const note = page.getByLabel('what you do');
  await note.fill('rolling back');
  await page.evaluate(() => { document.getElementById('h-title').kept = true; window.scrollTo(0, 300); });
  await page.evaluate(() => { document.querySelector('.facts dd').textContent = 'an old owner'; });
  await page.waitForFunction(() => document.querySelector('.facts dd').textContent !== 'an old owner', null, { timeout: 15_000 });
  check(await note.inputValue() === 'rolling back', 'what was typed is gone after a refresh');
  check(await page.evaluate(() => document.activeElement.name) === 'note', 'the focus is gone after a refresh');
  check(await page.evaluate(() => document.getElementById('h-title').kept) === true, 'what had not changed was made anew');
  check(await page.evaluate(() => scrollY) === 300, 'it has scrolled by itself');
  await page.route('**/incidents/**', (route) => route.abort());
  await page.getByText('not current').waitFor({ timeout: 15_000 });
  check(await page.locator('#h-title').count() === 1, 'the page is gone with the bridge');
}

try {
  for (const [size, scheme] of SHOTS) {
    const [width, height] = SIZES[size];
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [name, path] of pages.map((page) => [page.slice(0, page.indexOf('=')), page.slice(page.indexOf('=') + 1)])) {
      const page = await context.newPage();
      watch(page, `${name} ${size} ${scheme}`);
      await page.goto(url + path);
      await look(page, `${name} ${size} ${scheme}`);
      await page.screenshot({ path: join(pictures, `${name}-${size}-${scheme}.png`), fullPage: true });
      await page.close();
    }
    await context.close();
  }

  if (pages.length === given.length) await use();
} finally {
  await browser.close();
}
if (faults.length) {
  console.error([...new Set(faults)].join('\n'));
  process.exitCode = 1;
}
