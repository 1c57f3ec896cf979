import type { Browser, Page } from 'playwright-core';
import type { TestHouse } from '../unit/core/support.ts';

/** Somebody whom the owner of the house let in, in a browser of their own; `complaints` hears what that says. */
export async function pageOf(
  browser: Browser,
  house: TestHouse,
  who: { readonly name: string; readonly role: 'operator' | 'admin' | 'viewer'; readonly locale: 'en-GB' | 'ja-JP' },
  complaints: string[],
): Promise<Page> {
  const made = await house.call('POST', '/people', { name: who.name, roles: [who.role] });
  const link = await house.call('POST', `/people/${String(made.body['id'])}/sign-ins`, {});
  const context = await browser.newContext({ locale: who.locale, viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  page.on('console', (message) => {
    // The browser tells of each answer that was meant to be a refusal.
    if (['error', 'warning'].includes(message.type()) && !/status of 4/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(String(link.body['url']));
  await page.waitForSelector('[data-testid=me]');
  return page;
}
