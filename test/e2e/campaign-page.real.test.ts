import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { campaignDetail, campaignSummary, page as listOf } from '@tsunagu/protocols/fleet';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolder, signedIn as callerOf, type TestHouse, testHouse } from '../unit/core/support.ts';
import { browserFlags, browserPath } from './browser.ts';
import { pageOf } from './page-of.ts';

const webDir = join(import.meta.dirname, '../../fleet-server/dist-web');
const shops = ['本店', '駅前店', '駅前店'];

describe.skipIf(!existsSync(browserPath))('campaigns in a browser, over a whole server', () => {
  let house: TestHouse;
  let browser: Browser;
  const folder = newFolder();
  const complaints: string[] = [];

  beforeAll(async () => {
    expect(existsSync(join(webDir, 'index.html')), 'the dashboard is built (npm run build)').toBe(true);
    house = await testHouse(folder, { webDir });
    for (const [index, shop] of shops.entries())
      await house.call('POST', '/terminals', {
        serial: `CAMP-000${index + 1}`,
        model: 'CT-5100',
        place: { merchant: '喫茶つなぐ', shop, lane: '1' },
      });
    browser = await chromium.launch({ executablePath: browserPath, args: browserFlags });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await house?.house.close();
    removeFolder(folder);
  });

  const signedIn = (name: string, role: 'operator' | 'admin' | 'viewer', locale: 'en-GB' | 'ja-JP') =>
    pageOf(browser, house, { name, role, locale }, complaints);
  const at = (path: string): string => new URL(path, house.house.managementUrl).href;
  const campaigns = async () =>
    listOf(campaignSummary).parse((await house.call('GET', '/campaigns?limit=200')).body).items;
  const violations = async (page: Page): Promise<string[]> =>
    (await new AxeBuilder({ page }).analyze()).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    );

  it('proposes one whose reach it said before, tells what is refused next to its field, and a second person lets it begin', async () => {
    const page = await signedIn('mori', 'operator', 'en-GB');
    await page.click('nav a[href="/campaigns"]');
    await page.getByText('No campaign yet.').waitFor();
    await page.click('a[href="/campaigns/new"]');
    const form = page.locator('[data-testid=propose]');
    await form.waitFor();
    expect(await violations(page)).toEqual([]);
    const place = (name: string) => form.locator(`[data-at="${name}"]`).first();

    // A query that nobody can read, and one that finds two.
    await form.locator('input[name=name]').fill('opening hours');
    await form.locator('input[name=target]').fill('shop == 駅前店');
    await form.locator('input[name=target]').blur();
    await place('target').getByRole('alert').waitFor();
    expect(await place('target').getByRole('alert').innerText()).toContain('(target:');
    await form.locator('input[name=target]').fill('shop = "駅前店"');
    await form.locator('input[name=target]').blur();
    await page.waitForSelector('[data-testid=reach]:has-text("2 terminals match")');
    expect(await place('target').getByRole('alert').count()).toBe(0);

    // What it does: a setting, in two rings, slowly, at night.
    await form.locator('select[name="action.kind"]').selectOption('configuration');
    await form.locator('[data-testid=add-setting]').selectOption('floorLimitMinor');
    await form.locator('input[name="action.values.floorLimitMinor"]').fill('3000');
    await form.locator('[data-testid=add-rings]').click();
    await form.locator('input[name="rings.0.percent"]').fill('100');
    await form.locator('input[name="rings.0.soakMs"]').fill('30');
    await form.locator('select[name="rings.0.promotion"]').selectOption('person');
    await form.locator('input[name="rings.0.failures.count"]').fill('1');
    await form.locator('input[name="pace.perMinute"]').fill('5');
    await form.locator('[data-testid=add-windows]').click();
    await form.locator('input[name="windows.0.from"]').fill('22:00');
    await form.locator('input[name="windows.0.until"]').fill('05:00');
    await form.locator('input[name="windows.0.days"][value=sun]').uncheck();
    await form.locator('input[name=timeZone]').fill('Mars/Olympus');
    const propose = form.locator('button[value=propose]');
    await propose.click();
    // The rings do not grow; once they do, nobody knows the zone. What was written stays.
    await place('rings').locator('> [role=alert]').waitFor();
    await form.locator('input[name="rings.0.percent"]').fill('50');
    await propose.click();
    await place('timeZone').getByRole('alert').waitFor();
    expect(await form.getByRole('alert').count()).toBe(1);
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('timeZone');
    await form.locator('input[name=timeZone]').fill('Asia/Tokyo');
    await form.locator('button[value=try]').click();
    await page.waitForSelector('[data-testid=reach]:has-text("1 / 1")');
    expect(await campaigns()).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await propose.click();
    await page.waitForURL(/\/campaigns\/[0-9a-f-]{36}$/);
    await page.waitForSelector('h1:has-text("opening hours")');

    const [made] = await campaigns();
    const { spec } = campaignDetail.parse((await house.call('GET', `/campaigns/${made?.id}`)).body);
    expect(spec).toMatchObject({
      name: 'opening hours',
      target: 'shop = "駅前店"',
      isDynamic: false,
      action: { kind: 'configuration', values: { floorLimitMinor: 3_000 } },
      rings: [
        { percent: 50, soakMs: 1_800_000, promotion: 'person', failures: { count: 1, percent: 10, minimum: 10 } },
        { percent: 100, soakMs: 0, promotion: 'automatic' },
      ],
      pace: { perMinute: 5, openMax: 1_000 },
      windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat'], from: '22:00', until: '05:00' }],
      gate: { alpha: 0.01, metrics: ['notApproved', 'technical', 'reversed', 'fallback', 'refused'] },
    });
    expect(spec.endAt).toBeUndefined();

    const second = await signedIn('hayashi', 'admin', 'ja-JP');
    await second.goto(at(`/campaigns/${made?.id}`));
    await second.click('[data-testid=acts] button[value=approve]');
    await second.waitForSelector('[data-testid=acts] button[value=pause]');
    expect((await campaigns())[0]?.phase).toBe('running');
    for (const one of [page, second]) await one.context().close();
  }, 120_000);

  it('proposes a job in the other language, not a key for a slot that there is not, without a gate; who may not is not asked', async () => {
    const page = await signedIn('nomura', 'operator', 'ja-JP');
    await page.goto(at('/campaigns/new'));
    const form = page.locator('[data-testid=propose]');
    await form.waitFor();
    expect(await form.innerText()).not.toMatch(/\bcampaign\.[a-z]\w+|[{}]{2}|undefined|NaN/);
    await form.locator('input[name=name]').fill('ログ');
    await form.locator('select[name="action.kind"]').selectOption('keys');
    await form.locator('input[name="action.slot"]').fill('nowhere');
    await form.locator('button[value=propose]').click();
    await form.locator('[data-at="action.slot"] [role=alert]').waitFor();
    await form.locator('select[name="action.kind"]').selectOption('job');
    await form.locator('select[name="action.body.type"]').selectOption('log.pull');
    const params = form.locator('textarea[name="action.body.params"]');
    await params.fill('{ linesMax }');
    await form.locator('[data-testid=watched]').uncheck();
    await form.locator('button[value=propose]').click();
    const wrong = form.locator('[data-at="action.body.params"] [role=alert]');
    await wrong.waitFor();
    // The server reads it too.
    await params.fill('{ "linesMax": 0 }');
    await form.locator('button[value=propose]').click();
    await expect.poll(() => form.getByRole('alert').innerText()).toContain('linesMax');
    await params.fill('{ "linesMax": 50 }');
    await form.locator('button[value=propose]').click();
    await page.waitForURL(/\/campaigns\/[0-9a-f-]{36}$/);
    const [made] = await campaigns();
    const { spec } = campaignDetail.parse((await house.call('GET', `/campaigns/${made?.id}`)).body);
    expect(spec).toMatchObject({
      target: '',
      action: { kind: 'job', body: { type: 'log.pull', params: { linesMax: 50 } } },
      gate: null,
      windows: [],
      rings: [{ percent: 100 }],
    });
    await page.context().close();

    const viewer = await signedIn('look', 'viewer', 'en-GB');
    await viewer.goto(at('/campaigns'));
    await viewer.waitForSelector('[data-testid=campaigns]');
    expect(await viewer.locator('a[href="/campaigns/new"]').count()).toBe(0);
    await viewer.context().close();
  }, 120_000);

  it('lists them to the first one, page by page', async () => {
    const before = (await campaigns()).length;
    const operator = await callerOf(house, 'abe', 'operator');
    for (let number = before; number < 53; number += 1) {
      const action = { kind: 'job', body: { type: 'terminal.diagnose', params: {} } };
      expect(await operator('/campaigns', { name: `number ${number}`, action, gate: null })).toHaveProperty('id');
    }
    const page = await signedIn('kato', 'viewer', 'en-GB');
    await page.goto(at('/campaigns'));
    const rows = page.locator('[data-testid=campaigns] tbody tr');
    await page.waitForSelector('[data-testid=campaigns] tbody tr');
    expect(await rows.count()).toBe(50);
    await page.click('nav.pager button');
    await expect.poll(() => rows.count()).toBe(53);
    expect(await rows.last().innerText()).toContain('opening hours');
    expect(await page.locator('nav.pager button').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 120_000);

  it('fits a telephone of 360 pixels, and broke no rule of the content security policy', async () => {
    const page = await signedIn('ito', 'operator', 'ja-JP');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(at('/campaigns/new'));
    await page.waitForSelector('[data-testid=propose]');
    await page.click('[data-testid=add-windows]');
    await page.selectOption('select[name="action.kind"]', 'configuration');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.context().close();
    expect(complaints).toEqual([]);
  });
});
