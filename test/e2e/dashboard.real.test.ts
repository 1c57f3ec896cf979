import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import {
  type DeathCertificate,
  type NegativeKeyRotation,
  permissionsOf,
  type Role,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { browserFlags, browserPath } from './browser.ts';
import { type OpenedApi, openedApi } from '../unit/api/opened-api.ts';

const webDir = join(import.meta.dirname, '../../fleet-server/dist-web');
describe.skipIf(!existsSync(browserPath))('the dashboard in a browser', () => {
  let house: OpenedApi;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    expect(existsSync(join(webDir, 'index.html')), 'the dashboard is built (npm run build)').toBe(true);
    house = await openedApi({ webDir });
    browser = await chromium.launch({ executablePath: browserPath, args: browserFlags });
    context = await browser.newContext({ locale: 'ja-JP', viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    await house?.api.close();
  });

  const violations = async (): Promise<string[]> =>
    (await new AxeBuilder({ page }).analyze()).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
    );
  /** The browser tells of each answer that was meant to be a refusal. */
  const forgetRefusals = (): void => {
    const others = complaints.filter((text) => !/status of 4(04|12|22)/.test(text));
    complaints.splice(0, complaints.length, ...others);
  };
  const serialOf = (index: number): string => house.rooms.terminals[index]?.serial ?? '';

  it('sends who is not signed in to the sign-in page', async () => {
    await page.goto(house.api.url);
    await page.waitForURL('**/sign-in');
    expect(await violations()).toEqual([]);
    complaints.length = 0; // the refused stream is told by the browser itself
  });

  it('signs in by the link, which then is spent', async () => {
    const link = house.api.signInUrl();
    await page.goto(link);
    await page.waitForSelector(`tr[data-serial="${serialOf(0)}"]`);
    expect(new URL(page.url()).pathname).toBe('/');
    expect(page.url()).not.toContain('#');
    const other = await (await browser.newContext()).newPage();
    await other.goto(link);
    await other.waitForSelector('[role=alert]');
    await other.context().close();
  });

  it('lists the terminals, and says that it is live', async () => {
    expect(await page.locator('tbody tr[data-serial]').count()).toBe(8);
    await page.waitForSelector('[data-testid=liveness][data-state=live]');
    expect(await violations()).toEqual([]);
  });

  it('shows a sale that arrives, without a reload', async () => {
    await page.evaluate(() => {
      document.body.dataset['loaded'] = 'once';
    });
    const sale = house.rooms.sell(0);
    await page.waitForSelector(`[data-testid=feed] li:has-text("${sale.lastFour}")`, { timeout: 60_000 });
    expect(await page.evaluate(() => document.body.dataset['loaded'])).toBe('once');
    expect(await page.locator(`tr[data-serial="${serialOf(0)}"] .c-lastSale`).innerText()).toContain(
      new Intl.NumberFormat('ja-JP').format(sale.amountMinor),
    );
  });

  it('filters by a tile and keeps that in the address', async () => {
    house.rooms.change(1, { link: { state: 'lost', since: new Date().toISOString(), bootSeq: 3 } });
    await page.click('[data-testid=tile-lost]');
    await page.waitForSelector(`tr[data-serial="${serialOf(1)}"]`);
    expect(page.url()).toContain('show=lost');
    await page.reload();
    await page.waitForSelector(`tr[data-serial="${serialOf(1)}"]`);
    expect(await page.locator(`tr[data-serial="${serialOf(0)}"]`).count()).toBe(0);
  });

  it('speaks the other language, and remembers it', async () => {
    expect(await page.locator('html').getAttribute('lang')).toBe('ja');
    expect(await page.innerText('.bar')).toContain('売上');
    await page.click('[data-testid=language]');
    await page.waitForSelector('html[lang=en]');
    expect(await page.innerText('.bar')).toContain('Sales');
    await page.reload();
    await page.waitForSelector('html[lang=en]');
  });

  it("runs a test sale on a terminal's page and shows its steps", async () => {
    await page.goto(`${house.api.url}/terminals/${serialOf(0)}`);
    await page.click('.test-sale button[type=submit]');
    await page.waitForSelector('[data-testid=steps] .result', { timeout: 60_000 });
    expect(await page.locator('[data-testid=steps] li').count()).toBe(9);
    expect(await violations()).toEqual([]);
  });

  it('lists a card without showing its number afterwards', async () => {
    await page.goto(`${house.api.url}/negative`);
    await page.fill('input[name=pan]', '4000 0000 0000 9995');
    await page.click('.negative button[type=submit]');
    await page.waitForSelector('tbody th:has-text("9995")');
    expect(await page.content()).not.toContain('400000');
    expect(JSON.stringify(house.lines)).not.toMatch(/4000 ?0000 ?0000/);
    expect(await violations()).toEqual([]);
  });

  it('tells how the negative list spread and what may still be lost, in both languages', async () => {
    const first = await page.locator('html').getAttribute('lang');
    const other = first === 'en' ? 'ja' : 'en';
    for (const lang of [first === 'ja' ? 'ja' : 'en', other]) {
      if (lang === other) {
        await page.click('[data-testid=language]');
        await page.waitForSelector(`html[lang=${other}]`);
      }
      const spread = page.locator('section[aria-labelledby=spread]');
      const { behind } = await house.rooms.negative.details();
      expect(behind.length).toBeGreaterThan(0);
      const yen = behind.reduce((sum, { exposureMinor }) => sum + exposureMinor, 0);
      await spread
        .locator('tbody tr')
        .nth(behind.length - 1)
        .waitFor();
      expect(await spread.locator('tbody tr').count()).toBe(behind.length);
      const told = await spread.getByRole('status').innerText();
      expect(told).toContain(`¥${new Intl.NumberFormat(lang).format(yen)}`);
      expect(told).toContain('412 ms');
      const text = await page.locator('main').innerText();
      expect(/[぀-ヿ]/.test(text), lang).toBe(lang === 'ja');
      expect(text).not.toMatch(/negative\.\w+|[{}]/);
      expect(await violations()).toEqual([]);
      const shots = process.env['TSUNAGU_SCREENSHOTS'];
      if (shots) await page.screenshot({ path: join(shots, `negative-${lang}.png`), fullPage: true });
    }
    await page.click('[data-testid=language]');
    await page.waitForSelector(`html[lang=${first}]`);
  });

  it('shows the audit log, and people, tokens and webhooks, in both languages', async () => {
    for (const language of ['en', 'ja']) {
      await page.goto(`${house.api.url}/audit`);
      if ((await page.locator('html').getAttribute('lang')) !== language) await page.click('[data-testid=language]');
      await page.waitForSelector('tbody tr');
      expect(await page.innerText('tbody')).toContain('sessions.sign-in');
      expect(await violations()).toEqual([]);
      await page.goto(`${house.api.url}/access`);
      await page.waitForSelector('[data-testid="access.addWebhook"]');
      expect(await violations()).toEqual([]);
    }
  });

  it('adds a person with a sign-in link, and shows a new token once', async () => {
    await page.fill('[data-testid="access.addPerson"] input[name=name]', 'mori');
    await page.check('[data-testid="access.addPerson"] input[value=viewer]');
    await page.click('[data-testid="access.addPerson"] button[type=submit]');
    await page.waitForSelector('tbody th:has-text("mori")');
    await page.fill('[data-testid="access.addToken"] input[name=name]', 'machine');
    await page.click('[data-testid="access.addToken"] button[type=submit]');
    await page.waitForSelector('[data-testid=said] code');
    expect(await page.innerText('[data-testid=said] code')).toMatch(/^tsu_/);
    await page.click('tr:has-text("mori") button');
    await page.waitForSelector('[data-testid=said] code:has-text("/sign-in#")');
  });

  it('hides from a viewer what a viewer may not do', async () => {
    const link = await page.innerText('[data-testid=said] code');
    const other = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await other.goto(link);
    await other.waitForSelector(`tr[data-serial="${serialOf(0)}"]`);
    expect(await other.innerText('[data-testid=me]')).toContain('mori (viewer)');
    expect(await other.locator('nav a[href="/audit"]').count()).toBe(0);
    await other.goto(`${house.api.url}/terminals/${serialOf(0)}`);
    await other.waitForSelector('h1');
    await other.waitForSelector('[data-testid=me]');
    expect(await other.locator('.test-sale').count()).toBe(0);
    await other.goto(`${house.api.url}/audit`);
    await other.waitForSelector('[role=alert]:has-text("role")');
    await other.context().close();
  });

  describe('what two people do', () => {
    const asked = { subject: `terminal/X-0001`, digest: 'ab'.repeat(32) } as const;
    const actor = (person: string, roles: readonly Role[]) => ({
      subject: person,
      person,
      id: person,
      via: 'session' as const,
      roles,
      permissions: permissionsOf(roles),
    });
    /** Somebody whom the owner of the machine let in, in a browser of their own. */
    const signedIn = async (name: string, role: Role, locale = 'ja-JP'): Promise<{ id: string; at: Page }> => {
      const made = await house.ask('/api/v1/people', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
        body: JSON.stringify({ name, roles: [role] }),
      });
      const { id } = z.object({ id: z.string() }).parse(await made.json());
      const link = await house.ask(`/api/v1/people/${id}/sign-ins`, {
        method: 'POST',
        headers: { 'idempotency-key': crypto.randomUUID() },
      });
      const at = await (await browser.newContext({ locale, viewport: { width: 1440, height: 900 } })).newPage();
      await at.goto(z.object({ url: z.string() }).parse(await link.json()).url);
      await at.waitForSelector('[data-testid=me]');
      return { id, at };
    };

    it('shows whoever may decide what was asked for and by whom, keeps the reason when the server refuses, and hides the buttons from others', async () => {
      const orderer = await signedIn('order', 'operator');
      const decider = await signedIn('second', 'admin', 'en-GB');
      const request = (type: string) =>
        house.store.write((tx) =>
          house.approvals.request(tx, {
            kind: 'wipe',
            ...asked,
            facts: { job: 'j1', type },
            by: actor(orderer.id, ['operator']),
          }),
        );
      const one = unwrap(await request('terminal.wipe'));
      const other = unwrap(await request('terminal.wipe'));
      const row = (at: Page, id: string) => at.locator(`tr[data-approval="${id}"]`);

      await orderer.at.goto(`${house.api.url}/approvals`);
      await row(orderer.at, one.id).waitFor();
      expect(await row(orderer.at, one.id).innerText()).toContain('端末の消去');
      expect(await row(orderer.at, one.id).innerText()).toContain('ご自身の申請です');
      expect(await row(orderer.at, one.id).locator('button').count()).toBe(0);

      await decider.at.goto(`${house.api.url}/approvals`);
      await row(decider.at, one.id).waitFor();
      expect(await row(decider.at, one.id).innerText()).toContain('order');
      expect(await row(decider.at, one.id).innerText()).toContain('X-0001');
      await row(decider.at, one.id).locator('input[name=reason]').fill('returned broken');
      // Somebody else decides in the meantime: the server refuses, and what was written stays.
      await decider.at.route('**/decisions', async (route) => {
        await house.store.write((tx) => house.approvals.lapse(tx, one.id));
        await route.continue();
      });
      await row(decider.at, one.id).locator('button[value=approved]').click();
      await decider.at.waitForSelector('[role=status].failure:has-text("taken back")');
      expect(await row(decider.at, other.id).locator('input[name=reason]').count()).toBe(1);
      await decider.at.unroute('**/decisions');
      await row(decider.at, other.id).locator('input[name=reason]').fill('not this one');
      await row(decider.at, other.id).locator('button[value=refused]').click();
      await row(decider.at, other.id).waitFor({ state: 'detached' });
      expect(unwrap(await house.approvals.get(other.id))).toMatchObject({ state: 'refused', reason: 'not this one' });
      await decider.at.selectOption('[data-testid=approvals-state]', 'all');
      await row(decider.at, other.id).waitFor();
      expect(await row(decider.at, other.id).innerText()).toContain('not this one');
      const found = await new AxeBuilder({ page: decider.at }).analyze();
      expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);

      // Who is neither sees who may.
      const viewer = await signedIn('look', 'viewer', 'en-GB');
      const third = unwrap(await request('terminal.wipe'));
      await viewer.at.goto(`${house.api.url}/approvals`);
      await row(viewer.at, third.id).waitFor();
      expect(await row(viewer.at, third.id).innerText()).toContain('Waits for: administrator');
      expect(await row(viewer.at, third.id).locator('button').count()).toBe(0);
      await viewer.at.goto(`${house.api.url}/terminals/${serialOf(0)}`);
      await viewer.at.waitForSelector('section[aria-labelledby=jobs]');
      expect(await viewer.at.locator('section[aria-labelledby=jobs] button').count()).toBe(0);
      for (const { at } of [orderer, decider, viewer]) await at.context().close();
    });

    it('changes the roles of a person and ends them; a refused change stays in its form', async () => {
      await signedIn('nomura', 'viewer').then(({ at }) => at.context().close());
      await page.goto(`${house.api.url}/access`);
      const row = page.locator('tr:has-text("nomura")');
      await row.locator('button[aria-pressed]').click();
      const form = page.locator('[data-testid="access.changePerson"]');
      await form.locator('input[value=operator]').check();
      await form.locator('input[value=admin]').check();
      await form.locator('button[type=submit]').click();
      await page.waitForSelector('[data-testid=said].failure');
      expect(await form.locator('input[value=operator]').isChecked()).toBe(true);
      await form.locator('input[value=admin]').uncheck();
      await form.locator('input[value=viewer]').uncheck();
      await form.locator('button[type=submit]').click();
      await form.waitFor({ state: 'detached' });
      // The list is asked for anew.
      await expect.poll(() => row.innerText()).toMatch(/運用担当|operator/);
      await row.locator('button[aria-pressed]').click();
      await form.locator('input[name=ended]').check();
      await form.locator('button[type=submit]').click();
      await form.waitFor({ state: 'detached' });
      await expect.poll(() => row.innerText()).toMatch(/停止済み|ended/);
      expect(await violations()).toEqual([]);
      forgetRefusals();
    });
  });

  it('pauses a webhook, renews its secret, sends again, and removes it by its name only', async () => {
    const made = await house.ask('/api/v1/webhooks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify({ name: 'books', url: 'http://127.0.0.1:9/x' }),
    });
    expect(made.status, await made.clone().text()).toBe(201);
    await page.goto(`${house.api.url}/access`);
    await page.click('a:has-text("books")');
    await page.waitForSelector('[data-testid="webhook.change"]');
    expect(await violations()).toEqual([]);
    // Refused: what was entered stays.
    const change = page.locator('[data-testid="webhook.change"]');
    await change.locator('input[name=name]').fill('ledger');
    await change.locator('input[name=url]').fill('http://192.0.2.7/x');
    await change.locator('button[type=submit]').click();
    await page.waitForSelector('[role=status].failure:not([hidden])');
    expect(await change.locator('input[name=name]').inputValue()).toBe('ledger');
    await change.locator('input[name=url]').fill('http://127.0.0.1:9/y');
    await change.locator('button[type=submit]').click();
    await page.waitForSelector('h1:has-text("ledger")');
    const buttons = page.locator('section[aria-labelledby=again] p button');
    await buttons.nth(0).click();
    await page.waitForSelector('.headline .mark.off');
    await buttons.nth(2).click();
    await page.waitForSelector('[data-testid=secret]');
    expect(await page.innerText('[data-testid=secret]')).toMatch(/^whsec_/);
    await page.fill('[data-testid="webhook.remove"] input', 'not it');
    await page.click('[data-testid="webhook.remove"] button');
    await page.waitForSelector('[role=status]:not([hidden])');
    expect(await (await house.ask('/api/v1/webhooks')).text()).toContain('ledger');
    await page.fill('[data-testid="webhook.remove"] input', 'ledger');
    await page.click('[data-testid="webhook.remove"] button');
    await page.waitForSelector('[data-testid="access.addWebhook"]');
    expect(await (await house.ask('/api/v1/webhooks')).text()).not.toContain('ledger');
    forgetRefusals();
  });

  it('changes the rules of the switch over the version that was read, and keeps what was written when somebody was faster', async () => {
    const route = (prefix: string) => ({ prefix, scheme: 'visa', link: 'card-company-1', priority: 50 });
    const told: { version: number; rules: { routes: ReturnType<typeof route>[]; failover: boolean }; by: string }[] = [
      { version: 1, rules: { routes: [route('4')], failover: true }, by: 'house' },
    ];
    const viewOf = (one: (typeof told)[number]) => ({ kind: 'routing' as const, at: null, reason: 'start', ...one });
    const newest = () => told.at(-1) ?? { version: 0, rules: { routes: [], failover: true }, by: '' };
    const write = (rules: (typeof told)[number]['rules'], by: string) =>
      told.push({ version: newest().version + 1, rules, by });
    Object.assign(house.rooms.switchRules.rules, {
      view: async () => ok(viewOf(newest())),
      versions: async () => told.map(viewOf).toReversed(),
      change: async (_kind: string, base: number, rules: (typeof told)[number]['rules'], _why: string, by: string) => {
        if (base !== newest().version) return fail('VERSION_CONFLICT', { facts: { base, newest: newest().version } });
        if (rules.routes.some(({ link }) => link !== 'card-company-1'))
          return fail('SWITCH_RULES_INVALID', { field: 'routes.0.link' });
        write(rules, by);
        return ok(viewOf(newest()));
      },
    });
    await page.goto(`${house.api.url}/switch/rules`);
    await page.waitForSelector('[data-testid=routes] tbody tr');
    expect(await violations()).toEqual([]);
    const text = page.locator('[data-testid=rules] textarea');
    const put = page.locator('[data-testid=rules] button.primary');
    const failed = page.locator('section[aria-labelledby=rules-title] [role=status].failure');
    const before = await text.inputValue();
    expect(before.split('\n')).toContain('    {"prefix":"4","scheme":"visa","link":"card-company-1","priority":50}');
    await page.fill('[data-testid=rules] input[name=reason]', 'new range');
    await text.fill(before.slice(0, -2));
    await put.click();
    await failed.waitFor();
    expect(await text.inputValue()).toBe(before.slice(0, -2));
    expect(told).toHaveLength(1);
    // The place that is at fault is named, or nobody finds it.
    await text.fill(before.replace('card-company-1', 'nowhere'));
    await put.click();
    await page.waitForSelector('[role=status].failure:has-text("routes.0.link")');
    const mine = before.replace('"4"', '"41"');
    await text.fill(mine);
    write({ routes: [route('5')], failover: true }, 'mori');
    await put.click();
    await page.waitForSelector('[data-testid=rules-behind]');
    expect(await text.inputValue()).toBe(mine);
    expect(await page.inputValue('[data-testid=rules] input[name=reason]')).toBe('new range');
    expect(await page.innerText('[data-testid=rules-behind]')).toContain('mori');
    await page.locator('[data-testid=rules-behind] button').first().click();
    await put.click();
    await page.waitForSelector('section[aria-labelledby=rules-title] [role=status].success:not([hidden])');
    expect(newest()).toMatchObject({ version: 3, rules: { routes: [{ prefix: '41' }] } });
    expect(await violations()).toEqual([]);
    forgetRefusals();
  });

  it('hands in a file of validity checks, which stays chosen when it is refused', async () => {
    // The switch has a house of its own to be tested with; its links are told here in its place.
    const name = { en: 'POS centre 1', ja: 'POSセンター1' };
    const since = new Date().toISOString();
    const idle = { state: 'up', since, businessDay: '261127', advices: 0, lines: [], mismatches: [], lenient: [] };
    const parties = { own: '39200012345', far: '39200070001', acquirers: ['39200070001'] };
    const centre = { id: 'pos-centre-1', name, side: 'acquirer', kind: 'pos', profile: 'x', parties, ...idle };
    await page.route('**/api/v1/switch/links', (route) => route.fulfill({ json: { items: [centre] } }));
    await page.goto(`${house.api.url}/switch/validity`);
    const form = page.locator('[data-testid=hand-in]');
    await form.waitFor();
    expect(await violations()).toEqual([]);
    await form.locator('option').first().waitFor({ state: 'attached' });
    const file = { name: 'cards.txt', mimeType: 'text/plain', buffer: Buffer.from('nonsense') };
    await form.locator('input[type=file]').setInputFiles(file);
    await form.locator('button').click();
    await form.locator('[role=status].failure').waitFor();
    expect(await form.locator('input[type=file]').evaluate((input: HTMLInputElement) => input.files?.length)).toBe(1);
    await page.unroute('**/api/v1/switch/links');
    forgetRefusals();
  });

  it('shows what waits in the lives of terminals as soon as it does, without a reload', async () => {
    await page.goto(`${house.api.url}/life`);
    await page.waitForSelector('main section');
    expect(await page.locator(`tr[data-serial="${serialOf(2)}"]`).count()).toBe(0);
    const since = new Date().toISOString();
    Object.assign(house.rooms.custody, {
      alarms: async () => [{ serial: serialOf(2), kind: 'gap', state: 'deployed', since }],
    });
    await page.waitForSelector(`tr[data-serial="${serialOf(2)}"]`, { timeout: 60_000 });
  });

  it.each(['campaigns', 'configuration', 'life', 'expiry'])(
    'shows the page of %s in both languages, to everybody',
    async (name) => {
      await page.goto(`${house.api.url}/${name}`);
      const seen = new Set<string>();
      for (let turn = 0; turn < 2; turn++) {
        await page.locator('main h1').first().waitFor({ state: 'attached' });
        const lang = (await page.locator('html').getAttribute('lang')) ?? '';
        seen.add(lang);
        const text = await page.locator('main').innerText();
        expect(
          /[\u3040-\u30ff\u4e00-\u9fff]/.test((await page.locator('main h1').first().textContent()) ?? ''),
          lang,
        ).toBe(lang === 'ja');
        // Neither a name of a text nor what should have been filled in.
        expect(text).not.toMatch(/\b(?:campaigns?|configuration|life|expiry)\.[a-z]\w+|[{}]|undefined|NaN/);
        expect(await page.locator('main [role=alert]').count(), text).toBe(0);
        expect(await violations()).toEqual([]);
        await page.click('[data-testid=language]');
        await page.waitForSelector(`html[lang=${lang === 'ja' ? 'en' : 'ja'}]`);
      }
      expect([...seen].sort()).toEqual(['en', 'ja']);
    },
  );
  it('says at what a terminal hangs on whether its state is of that', async () => {
    await page.goto(`${house.api.url}/expiry`);
    const endings = page.locator('tr[data-serial="CT5100-0001"] td:last-child > span');
    await endings.first().waitFor();
    expect(await endings.evaluateAll((all) => all.map((one) => one.querySelectorAll('.mark').length))).toEqual([1, 0]);
  });

  it('lists keys by check value, with what is suspect and what is due, for whom ceremonies wait, and which runs are not over', async () => {
    const key = (id: string, state: 'good' | 'suspect', rotationDue: string | null) => ({
      id,
      use: id.startsWith('bdk-tdes') ? 'dukpt-base-tdes' : 'dukpt-base',
      checkValue: '08D7B4FB62',
      isCurrent: state === 'good',
      terminals: 12_000,
      state,
      since: '2025-01-01T00:00:00.000Z',
      rotationDue,
      initialKeys: { made: 12_000, most: 524_287, isRunningOut: false },
      reason: state === 'good' ? null : '写しの流出',
      campaign: state === 'good' ? null : 'c1',
    });
    const run = {
      id: 'r1',
      name: '大阪 11月',
      state: 'open' as const,
      digest: '',
      orderedBy: 'sato',
      authorisedBy: 'suzuki',
      begunAt: '2026-11-01T00:00:00.000Z',
      closedAt: null,
      balance: { listed: 3, submitted: 2, keyed: 1, rejected: 0, investigated: 0, open: ['X-1'], isBalanced: false },
      devices: [],
    };
    Object.assign(house.rooms.keys.inventory, {
      list: async () => [
        key('bdk/1', 'suspect', null),
        key('bdk/2', 'good', '2020-01-01T00:00:00.000Z'),
        key('bdk-tdes/1', 'good', '2099-01-01T00:00:00.000Z'),
      ],
    });
    const closed = { ...run, id: 'r2', name: '終了分', state: 'closed' as const };
    Object.assign(house.rooms.keys.runs, {
      list: async ({ isOpen, cursor }: { isOpen?: boolean; cursor?: string }) =>
        cursor === undefined
          ? ok({ items: isOpen ? [run] : [run, closed], next: isOpen ? null : 'older' })
          : ok({ items: [{ ...run, id: 'r3', name: '前年分' }], next: 'older' }),
    });
    const at = { at: '2026-11-01T00:00:00.000Z', prev: '' };
    const custodians = ['tanaka', 'ito', 'mori'];
    const ceremony = {
      id: 'k1',
      key: 'bdk/3',
      use: 'dukpt-base' as const,
      state: 'entering' as const,
      custodians,
      entered: [{ index: 1, by: 'ito', kcv: '1122334455' }],
      papers: undefined,
      kcv: undefined,
      steps: [
        { ...at, seq: 1, by: 'sato', what: 'begun' as const, key: 'bdk/3', use: 'dukpt-base' as const, custodians },
        { ...at, seq: 2, by: 'ito', what: 'component' as const, index: 1, kcv: '1122334455', session: 's' },
      ],
    };
    Object.assign(house.rooms.keys.ceremonies, { list: async () => ok({ items: [ceremony], next: null }) });
    await page.goto(`${house.api.url}/keys`);
    await page.waitForSelector('tr[data-key="bdk/1"]');
    expect(await page.innerText('tr[data-key="bdk/1"]')).toContain('写しの流出');
    expect(await page.innerText('tr[data-key="bdk-tdes/1"]')).toContain('TDES');
    expect(await page.locator('tr[data-key="bdk/2"] .mark.error').count()).toBe(1);
    expect(await page.innerText('[data-testid=runs]')).toContain('X-1');
    expect(await page.locator('[data-testid=runs] tbody tr').count()).toBe(1);
    await page.click('section[aria-labelledby=runs-title] input[type=checkbox]');
    await page.waitForSelector('[data-testid=runs] tbody tr:nth-child(2)');
    // The answer is longer under way than the second press: one page comes, not the same one twice.
    await page.evaluate(() => {
      const more = document.querySelector<HTMLButtonElement>('section[aria-labelledby=runs-title] nav.pager button');
      more?.click();
      more?.click();
    });
    await page.waitForSelector('[data-testid=runs] tbody tr:nth-child(3)');
    await page.waitForLoadState('networkidle').catch(() => undefined);
    expect(await page.locator('[data-testid=runs] tbody tr').count()).toBe(3);
    const waiting = await page.innerText('tr[data-ceremony=k1]');
    expect(waiting).toContain('1122334455');
    expect(waiting).toContain('tanaka, mori の要素');
    expect(await violations()).toEqual([]);
    await page.click('[data-testid=language]');
    await page.waitForSelector('h1:has-text("Keys")');
    expect(await violations()).toEqual([]);
    await page.click('[data-testid=language]');
  });

  it('shows how the key of negative lists gives way, who lacks it and why not, and that breaking it off waits for a second person', async () => {
    const panel = page.locator('[data-testid=rotation]');
    await page.goto(`${house.api.url}/keys`);
    await panel.locator('text=まだ交代したことがありません').waitFor();
    const rotation: NegativeKeyRotation = {
      key: 'negative/tags/2',
      from: 'negative/tags/1',
      state: 'spreading',
      begunAt: '2026-11-01T00:00:00.000Z',
      switchedAt: null,
      brokenOffAt: null,
      breakOff: {
        approval: '11111111-2222-4333-8444-555555555555',
        by: 'sato',
        reason: '登録元の停止',
        expiresAt: '2026-11-08T00:00:00.000Z',
      },
      ready: 1_200,
      lacking: 103,
      terminals: [
        { serial: serialOf(0), why: 'away', detail: null, since: '2026-11-02T00:00:00.000Z' },
        { serial: serialOf(1), why: 'state', detail: 'quarantined', since: null },
        { serial: serialOf(2), why: 'refused', detail: 'STORE_WRITE_FAILED', since: null },
      ],
      lists: [
        {
          list: 'regular',
          key: 'negative/tags/1',
          version: 7,
          awaitsSignatures: false,
          untagged: [{ source: 'visa', cards: 12 }],
          exceptions: 1,
        },
      ],
    };
    const show = async (changed: Partial<NegativeKeyRotation>): Promise<void> => {
      Object.assign(house.rooms.keys.negative, { progress: async () => ok({ ...rotation, ...changed }) });
      await page.goto(`${house.api.url}/keys`);
      await panel.locator('[data-testid=rotation-ready]').waitFor();
    };
    await show({});
    expect(await panel.innerText()).toMatch(/negative\/tags\/1 → negative\/tags\/2/);
    expect(await panel.locator('[data-testid=rotation-ready]').innerText()).toBe('1,200');
    const why = async (index: number) => await panel.locator(`tr[data-lacking="${serialOf(index)}"] td`).innerText();
    expect(await why(0)).toContain('未接続');
    expect(await why(1)).toContain('quarantined');
    expect(await why(2)).toContain('STORE_WRITE_FAILED');
    expect(await panel.locator('[data-testid=rotation-lists]').innerText()).toContain('visa からの再送(残り 12件)');
    expect(await panel.innerText()).toContain('ほかの端末: 100台');
    expect(await panel.locator('[data-testid=rotation-break-off]').innerText()).toMatch(
      /sato が中止を申請中.*登録元の停止/,
    );
    expect(await panel.innerText()).not.toContain('--switch');
    expect(await violations()).toEqual([]);
    // Broken off: what is left to do is another thing.
    await show({ state: 'withdrawing', brokenOffAt: '2026-11-03T00:00:00.000Z', breakOff: null, lacking: 3 });
    expect(await panel.innerText()).toContain('鍵の消去が残っている端末');
    await page.click('[data-testid=language]');
    await panel.locator('text=broken off, terminals erase the next key').waitFor();
    expect(await why(0)).toContain('It is not connected');
    expect(await panel.innerText()).not.toMatch(/rotation\.[a-z]|[{}]|undefined|NaN/);
    // All is there: the next step is named.
    await show({ breakOff: null, lacking: 0, terminals: [], lists: [] });
    expect(await panel.innerText()).toContain('tsunagu keys rotate negative/tags/2 --switch');
    expect(await violations()).toEqual([]);
    await page.click('[data-testid=language]');
  });

  it('shows the certificate of death of a scrapped terminal, each key and how it ended, and hands out record and print', async () => {
    const serial = serialSchema.parse(serialOf(4));
    const dead = (slot: 'dukpt' | 'negative', kcv: string, end: 'wipe' | 'replaced') => ({
      slot,
      usage: slot === 'dukpt' ? 'B1' : 'M6',
      id: `k-${kcv}`,
      initialKeyId: slot === 'dukpt' ? '0000000000000001' : null,
      kcv,
      givenAt: '2026-01-01T00:00:00.000Z',
      loadedAt: '2026-01-01T00:01:00.000Z',
      endedAt: '2026-11-01T00:00:00.000Z',
      end,
      job: null,
    });
    const certificate: DeathCertificate = {
      serial,
      model: 'CT-5100',
      at: '2026-11-02T00:00:00.000Z',
      by: 'sato',
      approvedBy: 'suzuki',
      liveKeys: 0,
      keys: [dead('dukpt', '08D7B4FB62', 'wipe'), dead('negative', '1122334455', 'replaced')],
      earlierKeys: 0,
      wipe: null,
      wipeRecord: null,
      nothingOwed: null,
      recycling: null,
      massBalance: null,
      harvested: [],
      replacedBy: null,
    };
    const record = { document: { kid: '0123456789abcdef', payload: '{}', sig: 'A'.repeat(86) }, publicKey: 'AA==' };
    Object.assign(house.rooms.refurbish, { death: async () => ok({ certificate, record }) });
    house.rooms.change(4, { lifecycle: 'scrap' });
    await page.goto(`${house.api.url}/terminals/${serial}`);
    const panel = page.locator('section[aria-labelledby=death]');
    await panel.locator('table tbody tr').first().waitFor();
    expect(await panel.locator('table tbody tr').count()).toBe(2);
    expect(await panel.innerText()).toContain('08D7B4FB62');
    expect(await panel.innerText()).toContain('0123456789abcdef');
    const inJapanese = await panel.locator('tbody').innerText();
    expect(await violations()).toEqual([]);
    for (const [button, name] of [
      [1, `${serial}.json`],
      [0, `${serial}.pdf`],
    ] as const) {
      const arriving = page.waitForEvent('download');
      await panel.locator('button').nth(button).click();
      const file = await arriving;
      expect(file.suggestedFilename()).toBe(name);
      const bytes = readFileSync(await file.path());
      if (button === 1) expect(JSON.parse(bytes.toString('utf8'))).toEqual(record);
      else expect(bytes.subarray(0, 5).toString('latin1')).toBe('%PDF-');
    }
    await page.click('[data-testid=language]');
    await panel.locator('h2:has-text("death")').waitFor();
    expect(await panel.locator('tbody').innerText()).not.toBe(inJapanese);
    expect(await panel.innerText()).not.toMatch(/terminal\.[a-z]|[{}]|undefined|NaN/);
    expect(await violations()).toEqual([]);
    await page.click('[data-testid=language]');
  });

  it('tells a timeline, a state of life and what a setting counts in the language of the page', async () => {
    house.rooms.change(5, { lifecycle: 'quarantined' });
    await page.goto(`${house.api.url}/terminals/${serialOf(5)}`);
    const timeline = page.locator('ol.timeline');
    await timeline.locator('li').first().waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('ja');
    const japanese = await timeline.innerText();
    for (const said of ['設置済み · → 隔離 · 担当 森', '版 7 · 緊急差分', '機種 CT-5100 · 担当 森 · 倉庫'])
      expect(japanese).toContain(said);
    // What is left in Latin letters are names: models, slots, versions.
    expect(japanese.match(/[a-z]{2,}/g) ?? []).toEqual(['dukpt']);
    expect(await page.locator('main .headline').innerText()).toContain('隔離');
    expect(await page.locator('[data-setting=answerTimeoutMs] td').first().innerText()).toMatch(/^[\d,]+ ms$/);
    await page.click('[data-testid=language]');
    await page.waitForSelector('html[lang=en]');
    expect(await timeline.innerText()).toContain('deployed · → quarantined · by 森');
    expect(await page.locator('main .headline').innerText()).toContain('quarantined');
    await page.click('[data-testid=language]');
  });

  it('shows of a scrapped terminal neither what is desired of it nor that it lacks something', async () => {
    for (const tile of ['keyless', 'lost', 'drift']) {
      await page.goto(`${house.api.url}/?show=${tile}`);
      await page.waitForSelector('[data-testid=terminals]');
      expect(await page.locator(`tr[data-serial="${serialOf(4)}"]`).count()).toBe(0);
    }
    await page.goto(`${house.api.url}/terminals/${serialOf(4)}`);
    await page.locator('section[aria-labelledby=death]').waitFor();
    expect(await page.locator('section[aria-labelledby=configuration]').count()).toBe(0);
  });

  it.each([1_641, 1_360, 800])('has its header in whole lines at %i pixels, in both languages', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${house.api.url}/expiry`);
    await page.waitForSelector('[data-testid=me]');
    for (let turn = 0; turn < 2; turn++) {
      const middles = await page
        .locator('.bar > :not(nav):not(.skip)')
        .evaluateAll((all) =>
          all.map((one) => one.getBoundingClientRect()).map(({ top, bottom }) => Math.round((top + bottom) / 2)),
        );
      expect(Math.max(...middles) - Math.min(...middles)).toBeLessThanOrEqual(3);
      const lines = await page
        .locator('.bar nav a')
        .evaluateAll((all) => new Set(all.map((one) => Math.round(one.getBoundingClientRect().top))).size);
      if (width >= 1_360) expect(lines).toBe(1);
      await page.click('[data-testid=language]');
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  it('names the card companies in the language of the page', async () => {
    await page.goto(house.api.url);
    await page.locator('.strip').waitFor();
    expect(await page.innerText('.strip')).toContain('つなぐカード（日）');
  });

  it('fits a telephone of 360 pixels', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const path of ['/', '/sales', '/negative', '/keys', `/terminals/${serialOf(0)}`]) {
      await page.goto(`${house.api.url}${path}`);
      await page.waitForSelector('main h1', { state: 'attached' });
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(360);
    }
  });

  it('keeps its contrast in the dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(house.api.url);
    await page.waitForSelector('tbody tr[data-serial]');
    expect(await violations()).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('broke no rule of the content security policy', () => expect(complaints).toEqual([]));

  it('signs out: the session has ended at the server too', async () => {
    const other = await browser.newContext();
    const there = await other.newPage();
    await there.goto(house.api.signInUrl());
    await there.click('[data-testid=sign-out]');
    await there.waitForURL('**/sign-in');
    const status = await there.evaluate(async () => (await fetch('/api/v1/sessions/current')).status);
    expect(status).toBe(401);
    await other.close();
  });

  it('says that it is offline when the server is gone', async () => {
    await house.api.close();
    await page.waitForSelector('[data-testid=liveness][data-state=offline]', { timeout: 60_000 });
    await page.waitForSelector('.banner');
  });
});
