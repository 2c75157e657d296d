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
async function picture(name) {
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

try {
  await as('Editor');
  await open('overview');
  await says('shop.example', 'Web platform', 'Open incidents');
  await picture('overview');
} finally {
  await browser.close();
}
if (faults.length) {
  console.error(`errors in the browser's console:\n${faults.join('\n')}`);
  process.exitCode = 1;
}
