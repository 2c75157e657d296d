// Dashboards in Chromium: what each page tells, as JSON. `node draw.mjs PICTURES URL ...`; a picture is named after its dashboard.
import { join } from 'node:path';
import { URL } from 'node:url';
import { chromium } from 'playwright-core';

/* global window, document */
const [pictures, ...urls] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const told = {};
try {
  for (const url of urls) {
    const name = new URL(url).pathname.split('/').pop();
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
    const faults = [];
    page.on('pageerror', (error) => faults.push(String(error.stack ?? error)));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(url);
    await page.waitForFunction(() => window.told, null, { timeout: 30_000 }).catch(async () => {
      throw new Error(`${url} is not drawn:\n${faults.join('\n')}\n${await page.locator('body').innerText()}`);
    });
    told[name] = await page.evaluate(() => window.told);
    told[name].faults.push(...faults);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: 1600, height });
    await page.waitForTimeout(500);
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    await page.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(told));
