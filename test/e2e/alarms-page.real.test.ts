import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { page as listOf, switchAlarmView } from '@tsunagu/protocols/fleet';
import { chromium } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { newFolder, removeFolder, testHouse } from '../unit/core/support.ts';
import { browserFlags, browserPath } from './browser.ts';
import { pageOf } from './page-of.ts';

const webDir = join(import.meta.dirname, '../../fleet-server/dist-web');

it.skipIf(!existsSync(browserPath))(
  'all alarms that a filter finds leave the page at once, and what was raised since stays',
  {
    timeout: 120_000,
  },
  async () => {
    const folder = newFolder();
    onTestFinished(() => removeFolder(folder));
    const house = await testHouse(folder, { webDir });
    onTestFinished(() => house.house.close());
    const browser = await chromium.launch({ executablePath: browserPath, args: browserFlags });
    onTestFinished(() => browser.close());
    const raise = async (serial: string, code: string) =>
      expect((await house.call('POST', `/terminals/${serial}/trouble`, { code, record: 'identity' })).status).toBe(200);
    const left = async () =>
      listOf(switchAlarmView)
        .parse((await house.call('GET', '/alarms')).body)
        .items.map(({ code, from }) => `${from} ${code}`);
    for (const serial of ['ALRM-0001', 'ALRM-0002']) {
      await house.register(serial);
      await raise(serial, 'STORE_RECORD_DAMAGED');
    }
    await raise('ALRM-0002', 'STORE_READ_FAILED');

    const complaints: string[] = [];
    const page = await pageOf(browser, house, { name: 'mori', role: 'operator', locale: 'en-GB' }, complaints);
    const rows = page.locator('[data-testid=alarms] tbody tr');
    await expect.poll(() => rows.count()).toBe(3);
    const found = (await new AxeBuilder({ page }).include('section[aria-labelledby=alarms-title]').analyze())
      .violations;
    expect(found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    await page.fill('section[aria-labelledby=alarms-title] input[type=search]', 'STORE_RECORD_DAMAGED');
    await page.press('section[aria-labelledby=alarms-title] input[type=search]', 'Enter');
    await expect.poll(() => rows.count()).toBe(2);
    // Raised again between the drawing and the order.
    await page.route('**/alarms/seen', async (route) => {
      await raise('ALRM-0001', 'STORE_RECORD_DAMAGED');
      await route.continue();
    });
    await page.click('[data-testid=see-all]');
    await page.getByText('Marked as seen: 1.').waitFor();
    expect(await left()).toEqual(['ALRM-0002 STORE_READ_FAILED', 'ALRM-0001 STORE_RECORD_DAMAGED']);

    const viewer = await pageOf(browser, house, { name: 'look', role: 'viewer', locale: 'ja-JP' }, complaints);
    await expect.poll(() => viewer.locator('[data-testid=alarms] tbody tr').count()).toBe(2);
    expect(await viewer.locator('[data-testid=see-all]').count()).toBe(0);
    expect(complaints).toEqual([]);
  },
);
