import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { portOf, switchAdvice, page as pageOf, switchPaths, switchTransaction } from '@tsunagu/protocols/fleet';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserFlags, browserPath } from './browser.ts';
import { SmallCentre } from '../unit/switch/small-centre.ts';
import { type House, startHouse, until } from './house.ts';

const serial = 'CATS220-0001';

describe.skipIf(!existsSync(browserPath))('the page of the switch in a browser, over a whole house', () => {
  let house: House;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    house = await startHouse({ args: ['--terminals', '2', '--sale-every-seconds', '3600'] });
    browser = await chromium.launch({ executablePath: browserPath, args: browserFlags });
    page = await (await browser.newContext({ locale: 'en-GB', viewport: { width: 1440, height: 1000 } })).newPage();
    await page.goto(house.signInUrl);
    await page.waitForSelector('nav a[href="/switch"]');
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await house?.stop();
  });

  const sell = (amount: number) =>
    house.cli('sale', serial, '--amount', String(amount), '--card', 'visa-contact', '--json');
  // The house sells by itself too: a sale is known by its amount.
  const soldFor = async (amount: number) => {
    const { body } = await house.api(`${switchPaths.transactions}?amount=${String(amount)}&terminal=${serial}&limit=1`);
    const [first] = pageOf(switchTransaction).parse(body).items;
    if (!first) throw new Error(`the journal has no sale of ${String(amount)}`);
    return first;
  };
  const credit = 'tr[data-link="card-company-1"]';

  it('finds a sale by amount, last four, RRN and terminal, and shows all that the journal says of it', async () => {
    expect(await sell(4_321)).toMatchObject({ code: 0 });
    const sold = await soldFor(4_321);
    await page.click('nav a[href="/switch"]');
    for (const [field, value] of [
      ['amount', '4321'],
      ['lastFour', sold.lastFour],
      ['rrn', sold.rrn ?? ''],
      ['terminal', serial],
      ['token', sold.token],
    ] as const) {
      await page.fill(`form[role=search] input[name=${field}]`, value);
      await page.click('form[role=search] button[type=submit]');
      await page.waitForURL(`**/switch?*${field}=*`);
      await page.waitForSelector(`tr[data-transaction="${sold.id}"]`);
    }
    await page.selectOption('form[role=search] select[name=state]', 'approved');
    // The links above are drawn anew every few seconds; what is being typed stays.
    await page.fill('form[role=search] input[name=rrn]', '12345');
    await page.waitForTimeout(6_000);
    expect(await page.inputValue('form[role=search] input[name=rrn]')).toBe('12345');
    await page.fill('form[role=search] input[name=rrn]', sold.rrn ?? '');
    await page.press('form[role=search] input[name=rrn]', 'Enter');
    await page.waitForURL('**/switch?*state=approved*');
    expect(await page.inputValue('form[role=search] select[name=state]')).toBe('approved');
    await page.click(`tr[data-transaction="${sold.id}"] a`);
    const detail = page.locator('[data-testid=transaction]');
    await detail.waitFor();
    const text = await detail.innerText();
    expect(text).toContain('¥4,321');
    for (const entry of ['received', 'send-intended', 'answered']) expect(text).toContain(entry);
    expect(text).not.toMatch(/\b\d{13,19}\b/);
    await page.fill('form[role=search] input[name=amount]', '999999999');
    await page.click('form[role=search] button[type=submit]');
    await page.getByText('Nothing in the journal is like that.').waitFor();
  });

  it('says that there is no such transaction, and says so no more beside another one', async () => {
    await page.goto(new URL('/switch?transaction=nosuch', house.url).href);
    const alert = page.locator('section[aria-labelledby=journal-title] [role=alert]');
    await alert.filter({ hasText: 'no such transaction' }).waitFor();
    await page.locator('tr[data-transaction] a').first().click();
    await page.locator('[data-testid=transaction]').waitFor();
    expect(await alert.count()).toBe(0);
  });

  it('signs a link off and on, and shows what waits meanwhile until the issuer took it', async () => {
    await page.goto(`${house.url}/switch`);
    await page.locator(`${credit} .mark.ok`).waitFor();
    await page.click(`${credit} button:has-text("Sign off")`);
    await page.locator(`${credit} .mark.warn`).first().waitFor();
    // What takes a sale back stands without the issuer, and waits for it.
    const { stan } = await soldFor(4_321);
    expect(await house.cli('void', serial, '--of', stan)).toMatchObject({ code: 0 });
    await until(
      async () => pageOf(switchAdvice).parse((await house.api(switchPaths.advices)).body).items.length > 0,
      120_000,
    );
    await page.waitForSelector('[data-testid=advices] tbody tr');
    await page.click(`${credit} button:has-text("Sign on")`);
    await page.locator(`${credit} .mark.ok`).waitFor();
    await page.getByText('Issuers have taken everything.').waitFor({ timeout: 60_000 });
  });

  it('waits for the answer to a test of a link, and says on how many connections it came', async () => {
    await page.goto(`${house.url}/switch`);
    await page.locator(`${credit} .mark.ok`).waitFor();
    await page.click(`${credit} button:has-text("Test")`);
    const said = page.locator('section[aria-labelledby=links-title] [role=status]');
    await said.filter({ hasText: /answered on (\d+) of \1 connections/ }).waitFor();
    expect(await said.getAttribute('class')).toContain('success');
  });

  it('shows an alarm about a centre until somebody has seen it, and so does the CLI', async () => {
    const centre = await SmallCentre.open(house.data, portOf(house.portBase, 'centres'), 'ec-centre-1');
    const sale = centre.sale('jcb-contact', 800);
    await centre.ask(sale);
    const other = centre.sale('jcb-contact', 900);
    const reused = { ...other, fields: { ...other.fields, 11: sale.fields[11] ?? '', 12: sale.fields[12] ?? '' } };
    expect((await centre.ask(reused)).text(39)).toBe('913');
    await centre.close();
    await page.goto(new URL('/switch', house.url).href);
    const row = page.locator('tr[data-alarm=SWITCH_DUPLICATE_DIFFERS]');
    await row.waitFor();
    expect(await row.innerText()).toMatch(/another content[\s\S]*refused with 913[\s\S]*ec-centre-1/);
    const told = await house.cli('switch', 'alarms');
    expect(told).toMatchObject({ code: 5 });
    expect(told.stdout).toContain('SWITCH_DUPLICATE_DIFFERS');
    await row.getByRole('button').click();
    await page.getByText('No alarm that nobody has seen.').waitFor();
    expect(await house.cli('switch', 'alarms')).toMatchObject({ code: 0 });
  });

  it('compares a business day with an issuer, item by item', async () => {
    await page.selectOption('select[name=link]', 'card-company-1');
    await page.click('button:has-text("Compare now")');
    await page.waitForSelector('tr[data-day^="card-company-1 "]');
    expect(await page.locator('tr[data-day^="card-company-1 "]').first().innerText()).toContain('balanced');
  });

  it('says on the page of a terminal what can be done about a refused sale, in both languages', async () => {
    await page.goto(new URL(`/terminals/${serial}`, house.url).href);
    await page.selectOption('.test-sale select[name=card]', 'visa-declined');
    const result = page.locator('[data-testid=steps] .result');
    // On a machine that has much else to do the issuer may be late, which is another "no".
    for (let again = 0; again < 5; again += 1) {
      await page.click('.test-sale button[type=submit]:enabled');
      await result.waitFor({ timeout: 60_000 });
      if (!(await result.innerText()).includes('timed out')) break;
    }
    expect(await result.innerText()).toMatch(/Not sufficient funds[\s\S]*Try a lower amount, another card/);
    expect(await page.locator('[data-testid=steps] ol').innerText()).toContain('clear');
    await page.click('[data-testid=language]');
    await page.waitForSelector('html[lang=ja]');
    expect(await result.innerText()).toContain('金額を下げるか、別のカード');
    expect(await page.locator('[data-testid=steps] ol').innerText()).toContain('該当なし');
    await page.click('[data-testid=language]');
    await page.goto(new URL('/switch', house.url).href);
  });

  it('speaks both languages, breaks no rule of accessibility, and fits a telephone', async () => {
    const { id } = await soldFor(4_321);
    await page.goto(new URL(`/switch?transaction=${id}`, house.url).href);
    const events = page.locator('[data-testid=transaction] .events');
    for (const language of ['en', 'ja']) {
      expect(await events.innerText()).toMatch(
        language === 'ja' ? /受信[\s\S]*送信準備/ : /received[\s\S]*send-intended/,
      );
      if (language === 'ja') expect(await events.innerText()).not.toMatch(/amountMinor|outStan|send-intended/);
      await page.waitForSelector(`html[lang=${language}]`);
      const text = await page.locator('main').innerText();
      expect(text).not.toMatch(/\bswitch\.[a-z]\w+|[{}]|undefined|NaN/);
      expect(/[\u3040-\u30ff]/.test(await page.locator('main h1').innerText())).toBe(language === 'ja');
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`)).toEqual([]);
      await page.click('[data-testid=language]');
    }
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });
});
