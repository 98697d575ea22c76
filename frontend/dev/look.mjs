// Opens a served page in Chromium for a walk-through script that keeps pictures of it.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

function onPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find(existsSync);
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? onPath('chromium'),
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export async function open(browser, base, out) {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      console.log(message.type(), message.text().slice(0, 300));
  });
  page.on('pageerror', (error) =>
    console.log(
      'PAGEERROR',
      error.message,
      error.stack?.split('\n').slice(0, 4).join('\n'),
    ),
  );
  page.on('requestfailed', (request) =>
    console.log('FAILED', request.url(), request.failure()?.errorText),
  );
  await page.goto(base);
  const shot = (name) => page.screenshot({ path: `${out}/${name}.png` });
  return { page, shot };
}
