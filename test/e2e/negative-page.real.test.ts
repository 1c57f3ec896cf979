import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { negativeState } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withCheckDigit } from '../negative/lists.ts';
import { MemoryFiles } from '../unit/agent/memory-files.ts';
import { newFolder, removeFolder, secondOf, type TestHouse, testHouse, until } from '../unit/core/support.ts';

const executablePath = process.env['TSUNAGU_CHROMIUM'] ?? '/usr/bin/chromium';
const webDir = join(import.meta.dirname, '../../fleet-server/dist-web');
const [online, away] = ['CT5100-0001', 'CT5100-0002'] as const;

// The page of the negative file over a real server with a terminal on its line and one that never called.
describe.skipIf(!existsSync(executablePath))('the page of the negative file', () => {
  const folder = newFolder();
  let house: TestHouse;
  let browser: Browser;
  let page: Page;
  let terminal: Terminal;
  let files: MemoryFiles;
  const complaints: string[] = [];

  const state = async () => negativeState.parse((await house.call('GET', '/negative/state')).body);
  const reached = (count: number) =>
    until(`${count} terminals with the newest head`, async () => (await state()).spread.reached === count, 60_000);
  const start = async (on: MemoryFiles) => {
    files = on;
    terminal = unwrap(await startTerminal({ world: house.world, files, openCardSide }));
    unwrap(await terminal.connected);
  };
  const fact = (name: string) => page.locator('dl.strip div', { hasText: name }).locator('dd');
  const spread = () => page.locator('section[aria-labelledby=spread]');
  const sees = (text: string, within = 'main') => page.locator(within, { hasText: text }).first().waitFor();
  const speak = async (lang: 'ja' | 'en') => {
    if ((await page.locator('html').getAttribute('lang')) !== lang) await page.click('[data-testid=language]');
    await page.waitForSelector(`html[lang=${lang}]`);
  };

  beforeAll(async () => {
    expect(existsSync(join(webDir, 'index.html')), 'the dashboard is built (npm run build)').toBe(true);
    house = await testHouse(folder, { webDir });
    await house.call(
      'PATCH',
      '/configuration?layer=defaults&reason=test',
      { floorLimitMinor: 8_000 },
      { 'if-match': '"1"' },
    );
    const given = await house.register(online);
    await house.register(away);
    const claim = { ...given, endpoints: { ...given.endpoints, ...house.house.ports } };
    await start(new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(claim))]])));
    await reached(1);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
    page = await (await browser.newContext({ locale: 'ja-JP', viewport: { width: 1440, height: 900 } })).newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(house.house.signInUrl());
    await page.waitForSelector(`tr[data-serial="${online}"]`);
    await page.goto(`${house.house.managementUrl}/negative`);
    await page.evaluate(() => {
      document.body.dataset['loaded'] = 'once';
    });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await terminal?.stop();
    await house?.house.close();
    removeFolder(folder);
  });

  it('says which version is in force where, who is behind and since when, and what that may cost', async () => {
    await speak('en');
    const { version, behind, exposureMinor } = await state();
    expect(behind).toMatchObject([{ serial: away, version: 0, freshAt: null, exposureMinor: 400_000 }]);
    await sees('1 of 2 terminals have it', 'section[aria-labelledby=spread]');
    expect(await fact('Version').innerText()).toBe(`v${version}`);
    expect(await fact('Terminals current').innerText()).toBe('1');
    expect(await fact('Terminals behind').innerText()).toBe('1');
    expect(await spread().locator('tbody tr').innerText()).toMatch(/CT5100-0002\s+v0 \+0\s+never\s+400,000/);
    expect(await spread().getByRole('status').innerText()).toContain(`¥${exposureMinor.toLocaleString('en-US')}`);
    expect(await page.locator('section[aria-labelledby=versions] tbody tr').count()).toBe(version);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await speak('ja');
    await sees('2 台中 1 台に適用済み', 'section[aria-labelledby=spread]');
    expect(await spread().locator('tbody tr').innerText()).toMatch(/CT5100-0002\s+v0 \+0\s+なし\s+400,000/);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });

  it('follows an emergency entry over the fleet as it goes, without a reload: who is off, is exposed until it is back', async () => {
    await speak('ja');
    await terminal.stop();
    const { overlaySeq } = await state();
    expect((await house.call('POST', '/negative/entries', { pan: '4761739001010010', reason: 'stolen' })).status).toBe(
      201,
    );
    await sees('2 台中 0 台に適用済み', 'section[aria-labelledby=spread]');
    expect(await fact('緊急差分').innerText()).toBe(`+${overlaySeq + 1}`);
    await sees('•••• 0010', 'section[aria-labelledby=entries] tbody');
    expect(await spread().locator('tbody tr').count()).toBe(2);
    expect(await spread().getByRole('status').innerText()).toContain('¥800,000');
    // The one that was current tells since when it is not.
    expect(await spread().locator('tbody tr', { hasText: online }).innerText()).toMatch(/v\d+ \+\d+\s.*\d\d:\d\d/);
    await start(files.afterPowerLoss(false));
    await sees('2 台中 1 台に適用済み', 'section[aria-labelledby=spread]');
    expect(await spread().getByRole('status').innerText()).toMatch(/[\d,]+ ms/);
    expect(await spread().locator('tbody tr').count()).toBe(1);
    expect(await page.evaluate(() => document.body.dataset['loaded'])).toBe('once');
    expect(await page.content()).not.toContain('476173');
  });

  it('says how many cards wait for a second signature, and has a new version in its table', async () => {
    await speak('ja');
    const pans = (prefix: number) =>
      Array.from({ length: 60 }, (_, at) => withCheckDigit(`${prefix}${String(at).padStart(9, '0')}`)).join('\n');
    const put = async (prefix: number, more: object = {}) =>
      house.call('POST', '/negative/imports', { source: 'issuer-a', mode: 'replace', text: pans(prefix), ...more });
    await put(476_173);
    await put(541_333);
    await sees('解除待ち 60 件', 'section[aria-labelledby=spread]');
    const { version } = await state();
    const newest = page.locator('section[aria-labelledby=versions] tbody tr').first();
    await until('the version in its table', async () =>
      new RegExp(`^v${version}\\s+121\\s`).test(await newest.innerText()),
    );
    await speak('en');
    await sees('60 cards that were taken off are still listed', 'section[aria-labelledby=spread]');
    await secondOf(house);
    await sees(`v${version + 1}`, 'section[aria-labelledby=versions] tbody');
    await until('the notice to go', async () => (await spread().locator('.failure').count()) === 0);
    await reached(1);
  });

  it('shows the lists of issuers beside the regular one, each with its own spread', async () => {
    await speak('en');
    await house.call('POST', '/negative/lists', { list: 'visa-jp', codec: 'KP' });
    await page.reload();
    const lists = page.locator('section[aria-labelledby=lists]');
    await lists.getByRole('button', { name: 'visa-jp' }).click();
    await sees('exact', 'section[aria-labelledby=lists]');
    await until(
      'the list at the terminal',
      async () => {
        const own = negativeState.parse((await house.call('GET', '/negative/state?list=visa-jp')).body);
        return own.spread.reached === 1;
      },
      120_000,
    );
    await until('the page of the list', async () => (await fact('Version').innerText()) === 'v1');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
