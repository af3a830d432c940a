/** A real browser with a profile of its own. A page is as wide, as tall and as dark as the test asks. */
import { chromium, type Page } from 'playwright-core';
import { endAfterTests } from './left-over.ts';
import { programs, required } from './requirements.ts';
import { makeTempDir } from './temp-dir.ts';

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;

export interface NewPage {
  /** CSS pixels. */
  readonly width?: number;
  readonly height?: number;
  /** What `prefers-color-scheme` answers. */
  readonly dark?: boolean;
}

export interface Browser {
  newPage(options?: NewPage): Promise<Page>;
  stop(): Promise<void>;
}

export async function openBrowser(): Promise<Browser> {
  const dir = makeTempDir('chromium');
  const context = await chromium.launchPersistentContext(dir.path, {
    executablePath: required(programs.chromium, 'chromium'),
    chromiumSandbox: false,
    args: [...ARGS],
    // The test process ends by its own rules; playwright must not answer its signals.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  async function newPage({ width = 1280, height = 800, dark = false }: NewPage = {}): Promise<Page> {
    const page = await context.newPage();
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    return page;
  }
  const forget = endAfterTests(stop);
  async function stop(): Promise<void> {
    forget();
    await context.close();
    dir.remove();
  }
  return { newPage, stop };
}
