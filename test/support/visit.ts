/** A page as it must be for everybody: without a policy violation, a script fault or a sideways scroll. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Browser, NewPage } from './chromium.ts';

/** Where a picture of each page is kept; undefined: nowhere. */
const SHOTS = process.env['SCREENSHOTS'];

export const PHONE = { width: 390, height: 844 } as const;

export interface Visit {
  readonly browser: Browser;
  readonly url: string;
  /** Name of its picture. */
  readonly shot: string;
  readonly options?: NewPage;
  /** What the browser may complain of all the same. */
  readonly isExpected?: (complaint: string) => boolean;
}

/** Opens it. @throws AssertionError. */
export async function visit({ browser, url, shot, options = {}, isExpected = () => false }: Visit): Promise<Page> {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isExpected(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url, { waitUntil: 'load' });
  assert.deepEqual(complaints, [], url);
  const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  assert.equal(overflow, 0, `${url} scrolls sideways at ${options.width ?? 1280} pixels`);
  await takeShot(page, shot);
  return page;
}

/** Keeps a picture of it as it stands, where pictures are kept. */
export async function takeShot(page: Page, shot: string): Promise<void> {
  if (SHOTS === undefined) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${shot}.png`), fullPage: true });
}
