import { dukptSchemeOf } from '@tsunagu/protocols/catalogue';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { page, saleLine, type TerminalSummary } from '@tsunagu/protocols/fleet';
import { testCard, testCards } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type House, startHouse, until } from './house.ts';

// One house for the whole file: these are the claims of "one sale through the whole house", on real processes and sockets.
let house: House;
beforeAll(async () => {
  house = await startHouse({ args: ['--sale-every-seconds', '4', '--seed', '7'] });
}, 180_000);
afterAll(async () => {
  await house?.stop();
});

const terminals = async (): Promise<readonly TerminalSummary[]> =>
  JSON.parse((await house.cli('terminals', '--json')).stdout) as TerminalSummary[];
/** The same by the API, for what is asked again and again: that costs no process each time. */
const terminalsNow = async (): Promise<readonly TerminalSummary[]> =>
  ((await house.api('/api/v1/terminals?limit=100')).body as { items: TerminalSummary[] }).items;

/** Runs a test sale; cards are numbered by their name in the table of test cards. */
async function sale(
  serial: string,
  card: string,
  amount = 1280,
): Promise<{
  code: number;
  job: { state: string; fault: string | null; steps: { step: string }[]; sale: Record<string, unknown> | null };
}> {
  const { code, stdout } = await house.cli('sale', serial, '--amount', String(amount), '--card', card, '--json');
  return { code, job: JSON.parse(stdout) };
}

describe('the running house', () => {
  test('says what runs, where the dashboard is, and what to try next', () => {
    const screen = house.screen();
    expect(screen).toContain(house.url);
    expect(house.signInUrl).toMatch(/\/sign-in#.{16,}/);
    expect(screen.match(/npx tsunagu/g)).toHaveLength(3);
    expect(screen).toContain(String(house.portBase + 3));
  });

  test('has eight terminals of eight models, a parent with two children among them, all enrolled, keyed and in sync', async () => {
    await until(
      async () =>
        (await terminalsNow()).every(
          (t) => t.link.state === 'ready' && t.keys.length >= 2 && t.configuration.inSync && t.negative.current,
        ),
      120_000,
    );
    const fleet = await terminals();
    expect(new Set(fleet.map((terminal) => terminal.model)).size).toBe(8);
    expect(fleet.filter((terminal) => terminal.parent === 'CT3100-0001')).toHaveLength(2);
    // By their files: TDES DUKPT for those that can do nothing else, AES for all others. A KSN of ten bytes, or of twelve.
    for (const { model, keys } of fleet)
      expect(keys.find(({ slot }) => slot === 'dukpt')?.ksn, model).toHaveLength(
        dukptSchemeOf(model) === 'tdes' ? 20 : 24,
      );
    expect(new Set(fleet.map(({ model }) => dukptSchemeOf(model)))).toEqual(new Set(['aes', 'tdes']));
  });

  test('makes sales by itself, and they arrive in the feed', async () => {
    await until(async () => {
      const { body } = await house.api('/api/v1/sales?limit=50');
      return page(saleLine)
        .parse(body)
        .items.some((line) => line.outcome === 'approved' && line.decidedBy === 'issuer');
    }, 120_000);
  });
});

describe('one sale', () => {
  test.each([
    'visa-contactless',
    'visa-contact',
    'mastercard-contact',
    'mastercard-contactless',
    'jcb-contact',
    'jcb-contactless',
    'amex-contact',
    'amex-contactless',
  ])('%s is approved by the card company', async (card) => {
    const { code, job } = await sale('CT5100-0001', card);
    expect(job.sale).toMatchObject({ outcome: 'approved', amountMinor: 1280, actionCode: '000' });
    expect(job.steps.map(({ step }) => step)).toEqual(
      expect.arrayContaining([
        'card-presented',
        'application-selected',
        'negative-checked',
        'request-sent',
        'answer-received',
        'finished',
      ]),
    );
    expect(code).toBe(0);
  });

  test('goes through a child, which reaches the server only through its parent', async () => {
    expect((await sale('JTC07-0001', 'visa-contact')).job.sale).toMatchObject({ outcome: 'approved' });
  });

  test('is declined when the card company says so', async () => {
    const { code, job } = await sale('CT5100-0001', 'visa-declined');
    expect(job.sale).toMatchObject({ outcome: 'declined', actionCode: '116' });
    expect(code).toBe(5);
  });

  test('is reversed when no answer comes', async () => {
    const { code, job } = await sale('CT5100-0001', 'visa-silent');
    expect(job.sale?.['outcome']).toMatch(/reversed|declined/);
    expect(code).toBe(5);
    await until(async () => {
      const { body } = await house.api('/api/v1/sales?limit=100');
      return page(saleLine)
        .parse(body)
        .items.some((line) => line.outcome === 'reversed');
    }, 120_000);
  });

  test('is paid in the own currency of a foreign card, where the shop offers it and its holder wants it', async () => {
    const set = await house.cli('config', 'set', 'terminal:CT5100-0001', 'dcc=true', '--reason', 'guests from abroad');
    expect(set.code, set.stderr).toBe(0);
    await until(async () => (await terminalsNow()).every(({ configuration }) => configuration.inSync), 120_000);
    const args = ['sale', 'CT5100-0001', '--amount', '10000', '--card', 'visa-usd', '--dcc', 'accept', '--json'];
    const { stdout } = await house.cli(...args);
    const { sale: sold } = JSON.parse(stdout) as { sale: { rrn: string; stan: string } };
    // The rate of the house's provider, yen for a dollar, and its mark-up.
    const ownCurrency = {
      currency: 'USD',
      amountMinor: Math.round((10_000 / 152.34) * 1.04 * 100),
      markUpBasisPoints: 400,
    };
    expect(sold).toMatchObject({ outcome: 'approved', amountMinor: 10_000, ownCurrency });
    const found = await house.cli('switch', 'transactions', '--rrn', sold.rrn, '--json');
    expect(JSON.parse(found.stdout)).toMatchObject([{ amountMinor: 10_000, ownCurrency }]);
    expect((await house.cli('slip', 'CT5100-0001', '--stan', sold.stan, '--lang', 'ja')).stdout).toMatch(
      /お支払額 +USD 68\.27/,
    );
  });

  test('is refused with a reason when the model has no reader for the card', async () => {
    const { job } = await sale('CATS200-0001', 'visa-contact');
    expect(job.fault ?? job.sale?.['reason']).toMatch(/MODEL_HAS_NO_READER|CARD_NOT_IN_READER|READER/);
  });
});

describe('the negative file', () => {
  test('stops a card at every connected terminal, before any request leaves', async () => {
    const pan = testCard('visa-listed').pan.use((digits) => Buffer.from(digits).toString('latin1'));
    const fleet = (await terminals()).filter((terminal) => terminal.link.state === 'ready');
    expect(fleet).toHaveLength(8);
    const before = new Map(fleet.map(({ serial, negative }) => [serial, negative.overlaySeq]));
    const added = await house.cli('negative', 'add', pan);
    expect(added.code).toBe(0);
    expect(added.stdout).not.toContain(pan);
    await until(
      async () =>
        (await terminalsNow()).every(({ serial, negative }) => negative.overlaySeq > (before.get(serial) ?? Infinity)),
      120_000,
    );
    const { job } = await sale('CT5100-0001', 'visa-listed');
    expect(job.sale).toMatchObject({ outcome: 'refused', reason: 'CARD_LISTED' });
    expect(job.steps.map(({ step }) => step)).not.toContain('request-sent');
  });
});

/** A file's bytes as text; one that was renamed into its place meanwhile is read there. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

describe('secrets', () => {
  test('no PAN of any test card stands in a log, the store or any other file of the house', () => {
    const pans = testCards().map((card) => card.pan.use((digits) => Buffer.from(digits).toString('latin1')));
    const files = readdirSync(house.data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const content = contentOf(file);
      for (const pan of pans) expect(content.includes(pan), `${file} holds a PAN`).toBe(false);
    }
  });
});
