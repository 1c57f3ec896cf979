import { isVoided, openAdviceStore, openSaleStore, totalsOf } from '@tsunagu/firmware-bridge/sales/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { mayApproveOffline } from '@tsunagu/firmware-bridge/payment/index';
import { errorTable } from '@tsunagu/protocols/errors';
import { configuration, type PaymentOrder, saleResult, type SaleResult, slipOrder } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { Centre } from './centre.ts';
import { boot, type Booted, type BootOptions } from './terminal.ts';

let centre: Centre;
let opened: Booted[] = [];
beforeEach(() => {
  centre = new Centre();
});
afterEach(async () => {
  for (const one of opened) await one.side.close();
  opened = [];
  expect(centre.complaints).toEqual([]);
});

async function terminal(options: Partial<BootOptions> = {}) {
  const booted = await boot({ acquirer: (isAlive) => centre.line(isAlive), ...options });
  opened.push(booted);
  const run = async (order: PaymentOrder): Promise<SaleResult> => saleResult.parse(await booted.side.run(order));
  const sell = (card = 'visa-stripe', amountMinor = 1_280) => run({ kind: 'sale', amountMinor, card });
  const netMinor = () =>
    totalsOf(booted.ports.sales.day, booted.ports.sales.all(), booted.ports.advices.entries()).netMinor;
  return { ...booted, run, sell, netMinor };
}

describe('a void', () => {
  it('takes back a sale once, by its STAN or its RRN, with the card that the terminal kept', async () => {
    const { run, sell, netMinor } = await terminal();
    const { stan, slip } = await sell();
    expect(await run({ kind: 'void', original: stan })).toMatchObject({
      outcome: 'approved',
      amountMinor: 1_280,
      actionCode: '400',
      original: stan,
      entry: 'stored',
      slip: (slip ?? 0) + 1,
    });
    expect([centre.netMinor, netMinor()]).toEqual([0, 0]);
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ reason: 'PAYMENT_VOIDED_ALREADY' });
    const second = await sell();
    expect(await run({ kind: 'void', original: second.rrn ?? '' })).toMatchObject({ outcome: 'approved' });
    expect(centre.netMinor).toBe(0);
  });

  it('of a void, of a balance inquiry, of a declined sale and of nothing is refused', async () => {
    const { run, sell } = await terminal();
    const { stan } = await sell();
    const taken = await run({ kind: 'void', original: stan });
    expect(await run({ kind: 'void', original: taken.stan })).toMatchObject({
      outcome: 'refused',
      reason: 'PAYMENT_NOT_FOLLOWABLE',
    });
    const asked = await run({ kind: 'balance', card: 'visa-stripe' });
    expect(asked).toMatchObject({ outcome: 'approved', balanceMinor: 12_345, amountMinor: 0 });
    expect(await run({ kind: 'void', original: asked.stan })).toMatchObject({ reason: 'PAYMENT_NOT_FOLLOWABLE' });
    centre.actionCode = () => '116';
    const declined = await sell();
    expect(declined).toMatchObject({ outcome: 'declined', actionCode: '116' });
    centre.actionCode = () => undefined;
    expect(await run({ kind: 'void', original: declined.stan })).toMatchObject({ reason: 'PAYMENT_NOT_APPROVED' });
    expect(await run({ kind: 'void', original: '999999' })).toMatchObject({ reason: 'PAYMENT_UNKNOWN' });
  });

  it('is of the same business day, and of nothing that was refunded or completed', async () => {
    const { run, sell, side } = await terminal();
    const { stan } = await sell();
    const refund = await run({ kind: 'refund', original: stan, amountMinor: 80 });
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ reason: 'PAYMENT_FOLLOWED_UP' });
    expect(await run({ kind: 'void', original: refund.stan })).toMatchObject({ outcome: 'approved' });
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ outcome: 'approved' });
    const other = await sell();
    expect(unwrap(await side.totals(true))).toMatchObject({ day: 1, isClosed: true, netMinor: 1_280 });
    expect(await run({ kind: 'void', original: other.stan })).toMatchObject({ reason: 'PAYMENT_OF_ANOTHER_DAY' });
    expect(await run({ kind: 'refund', original: other.stan, amountMinor: 1_280 })).toMatchObject({
      outcome: 'approved',
    });
  });

  it('that the centre does not have did not happen: the sale stands, and a person sees the refusal', async () => {
    const { run, sell, ports, netMinor, side } = await terminal();
    const { stan } = await sell();
    centre.actionCode = () => '914';
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ outcome: 'declined', actionCode: '914' });
    centre.actionCode = () => undefined;
    // The centre of this test books the reversal all the same; the terminal goes by what it was told.
    expect(ports.sales.all().some((one) => isVoided(ports.sales.all(), one))).toBe(false);
    expect(netMinor()).toBe(1_280);
    expect(unwrap(await side.totals(false)).refused).toMatchObject([{ actionCode: '914' }]);
  });

  it('waits for the line when there is none, and leaves as 1420 exactly once', async () => {
    const { run, sell, drained } = await terminal();
    const { stan } = await sell();
    centre.mood = () => 'down';
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ outcome: 'approved', isQueued: true });
    expect(centre.netMinor).toBe(1_280);
    centre.mood = () => 'whole';
    await drained();
    expect(centre.netMinor).toBe(0);
    expect(centre.arrived.filter((line) => line.startsWith('142'))).toHaveLength(1);
  });
});

describe('a terminal that the switch lets in no more', () => {
  it('tells its till so, keeps its reversals and advices, and asks again after a long pause only', async () => {
    const { run, sell, drained, world, ports } = await terminal();
    const { stan } = await sell();
    const pauses = vi.spyOn(world.timers, 'after');
    const waitsOf = (code: string) =>
      vi.waitFor(
        () =>
          expect(
            pauses.mock.calls.map(([ms]) => ms),
            code,
          ).toContain(900_000),
        60_000,
      );
    centre.mood = () => 'turnedAway';
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ outcome: 'approved', isQueued: true });
    await waitsOf('advice');
    centre.mood = ({ mti }) => (mti === '1200' ? 'answerLost' : 'turnedAway');
    pauses.mockClear();
    expect(await sell()).toMatchObject({ outcome: 'reversed', reason: 'ACQUIRER_TIMEOUT' });
    await waitsOf('reversal');
    centre.mood = () => 'turnedAway';
    expect(await sell()).toMatchObject({ outcome: 'failed', reason: 'ACQUIRER_REFUSES_TERMINAL' });
    expect(await ports.reversals.list()).toHaveLength(1);
    centre.mood = () => 'whole';
    await drained();
    expect(centre.netMinor).toBe(0);
  });
});

describe('offline approval at a terminal that the switch turns away', () => {
  const refused = { outcome: 'failed', reason: 'ACQUIRER_REFUSES_TERMINAL' };

  it('ends with the refusal, until the switch answers; a line that is merely broken leaves it open', async () => {
    const { sell, ports, counted, side } = await terminal();
    centre.mood = () => 'down';
    for (const amountMinor of [600, 610, 620])
      expect(await sell('mastercard-offline', amountMinor)).toMatchObject({
        outcome: 'approved',
        decidedBy: 'terminal',
      });
    // By now the card wants to go online first, and approves where it cannot.
    centre.mood = ({ mti }) => (mti === '1200' ? 'turnedAway' : 'down');
    expect(await sell('mastercard-offline', 630)).toMatchObject(refused);
    expect(await sell('visa-offline', 700)).toMatchObject(refused);
    // A line that is cut afterwards opens nothing.
    centre.mood = () => 'down';
    expect(await sell('visa-offline', 700)).toMatchObject(refused);
    expect([counted, ports.advices.entries().length]).toEqual([[600, 610, 620], 3]);
    for (const [language, text] of [
      ['ja', /センターがこの端末の接続を拒否しました/],
      ['en', /The switch does not let this terminal in/],
    ] as const) {
      const { base64 } = unwrap(await side.print(slipOrder.parse({ language })));
      const printed = Buffer.from(base64, 'base64').toString('utf8');
      expect(printed.replaceAll(/\s+/g, language === 'ja' ? '' : ' ')).toMatch(text);
    }
    centre.mood = () => 'whole';
    expect(await sell('visa-stripe', 700)).toMatchObject({ outcome: 'approved' });
    centre.mood = () => 'down';
    expect(await sell('visa-offline', 800)).toMatchObject({ outcome: 'approved', decidedBy: 'terminal' });
  });

  it('stays closed over a power cut', async () => {
    const first = await terminal();
    centre.mood = () => 'turnedAway';
    await first.sell('visa-stripe');
    const second = await terminal({ files: first.files });
    centre.mood = () => 'down';
    expect(await second.sell('visa-offline', 700)).toMatchObject(refused);
  });

  it('sends what waits as soon as the switch answers anything', async () => {
    const { sell, ports, world } = await terminal();
    const pauses = vi.spyOn(world.timers, 'after');
    centre.mood = ({ mti }) => (mti === '1200' ? 'answerLost' : 'turnedAway');
    await sell();
    await vi.waitFor(() => expect(pauses.mock.calls.map(([ms]) => ms)).toContain(900_000), 60_000);
    centre.mood = () => 'whole';
    expect(await sell('visa-stripe', 500)).toMatchObject({ outcome: 'approved' });
    await vi.waitFor(async () => expect(await ports.reversals.list()).toEqual([]), 60_000);
    expect(centre.netMinor).toBe(500);
  });
});

describe('a refund', () => {
  it('gives back parts of a sale, and never more than is left', async () => {
    const { run, sell, netMinor } = await terminal();
    const { stan } = await sell('visa-stripe', 1_000);
    const refund = (amountMinor: number) => run({ kind: 'refund', original: stan, amountMinor });
    expect(await refund(1_001)).toMatchObject({ outcome: 'refused', reason: 'REFUND_ABOVE_SALE' });
    expect(await refund(600)).toMatchObject({ outcome: 'approved', original: stan });
    expect(await refund(401)).toMatchObject({ reason: 'REFUND_ABOVE_SALE', reasonFacts: { leftMinor: 400 } });
    expect(await refund(400)).toMatchObject({ outcome: 'approved' });
    expect(await refund(1)).toMatchObject({ reason: 'REFUND_ABOVE_SALE' });
    expect([centre.netMinor, netMinor()]).toEqual([0, 0]);
  });

  it('whose answer is lost is reversed, and can be made again', async () => {
    const { run, sell, drained, netMinor } = await terminal();
    const { stan } = await sell();
    centre.mood = ({ mti }) => (mti === '1200' ? 'answerLost' : 'whole');
    expect(await run({ kind: 'refund', original: stan, amountMinor: 500 })).toMatchObject({
      outcome: 'reversed',
      reason: 'ACQUIRER_TIMEOUT',
    });
    await drained();
    expect([centre.netMinor, netMinor()]).toEqual([1_280, 1_280]);
    centre.mood = () => 'whole';
    expect(await run({ kind: 'refund', original: stan, amountMinor: 1_280 })).toMatchObject({ outcome: 'approved' });
  });

  it('of an offline sale waits until the centre has that sale; a void does not', async () => {
    const { run, sell, drained } = await terminal();
    centre.mood = () => 'down';
    const { stan } = await sell('visa-offline', 700);
    expect(await run({ kind: 'refund', original: stan, amountMinor: 700 })).toMatchObject({
      reason: 'PAYMENT_NOT_DELIVERED',
    });
    expect(await run({ kind: 'void', original: stan })).toMatchObject({ outcome: 'approved', isQueued: true });
    centre.mood = () => 'whole';
    await drained();
    // It was tried when the line was down, so it goes as a repeat.
    expect(centre.arrived.map((line) => line.slice(0, 3))).toEqual(['122', '142']);
    expect(centre.netMinor).toBe(0);
  });
});

describe('an authorisation', () => {
  it('is completed once, for no more than was authorised', async () => {
    const { run, netMinor } = await terminal();
    const held = await run({ kind: 'preauth', amountMinor: 9_000, card: 'visa-stripe' });
    expect(held).toMatchObject({ outcome: 'approved', kind: 'preauth' });
    expect(centre.netMinor).toBe(0);
    const complete = (amountMinor: number) => run({ kind: 'complete', original: held.stan, amountMinor });
    expect(await complete(9_001)).toMatchObject({ reason: 'COMPLETION_ABOVE_AUTHORISED' });
    const posted = await complete(8_000);
    expect(posted).toMatchObject({ outcome: 'approved', actionCode: '900' });
    expect(await complete(100)).toMatchObject({ reason: 'PAYMENT_FOLLOWED_UP' });
    expect([centre.netMinor, netMinor()]).toEqual([8_000, 8_000]);
    expect(await run({ kind: 'void', original: posted.stan })).toMatchObject({ outcome: 'approved' });
    const again = await complete(9_000);
    expect(again).toMatchObject({ outcome: 'approved' });
    expect(await run({ kind: 'complete', original: again.stan, amountMinor: 1 })).toMatchObject({
      reason: 'PAYMENT_NOT_FOLLOWABLE',
    });
  });

  it('may be completed above it where the merchant may', async () => {
    const { run } = await terminal({ configuration: { completionPercentMax: 115 } });
    const held = await run({ kind: 'preauth', amountMinor: 1_000, card: 'jcb-stripe' });
    expect(await run({ kind: 'complete', original: held.stan, amountMinor: 1_151 })).toMatchObject({
      reason: 'COMPLETION_ABOVE_AUTHORISED',
    });
    expect(await run({ kind: 'complete', original: held.stan, amountMinor: 1_150 })).toMatchObject({
      outcome: 'approved',
    });
  });
});

describe('a timeout', () => {
  it.each([
    ['a sale', { kind: 'sale', amountMinor: 500, card: 'visa-stripe' }, 'reversed', 1],
    ['an authorisation', { kind: 'preauth', amountMinor: 500, card: 'visa-stripe' }, 'reversed', 1],
    // An inquiry moves nothing: there is nothing to take back.
    ['a balance inquiry', { kind: 'balance', card: 'visa-stripe' }, 'failed', 0],
  ] as const)('of %s leaves nothing behind', async (_, order, outcome, reversals) => {
    const { run, drained, netMinor } = await terminal();
    centre.mood = ({ mti }) => (mti.startsWith('14') ? 'whole' : 'answerLost');
    expect(await run(order)).toMatchObject({ outcome, reason: 'ACQUIRER_TIMEOUT' });
    await drained();
    expect([centre.netMinor, netMinor()]).toEqual([0, 0]);
    expect(centre.arrived.filter((line) => line.startsWith('142'))).toHaveLength(reversals);
  });

  it('of the issuer (911) is a no: nothing is left to reverse', async () => {
    const { sell, ports } = await terminal();
    centre.actionCode = () => '911';
    expect(await sell()).toMatchObject({ outcome: 'declined', actionCode: '911' });
    expect(await ports.reversals.list()).toEqual([]);
  });
});

describe('offline approval', () => {
  const entry = { seq: 1, chain: '', slip: 1, stan: '', amountMinor: 400, isOffline: true, attempts: 0 } as const;
  const fresh = { freshness: 'fresh', amountLeftMinor: 500_000 } as const;
  const limits = configuration.parse({ floorLimitMinor: 1_000, offlineCountMax: 2, offlineAmountMaxMinor: 1_000 });

  it.each([
    ['below the floor limit, with room', true, 999, [], true],
    ['at the floor limit', true, 1_000, [], false],
    ['on a model that cannot', false, 100, [], false],
    ['with the number used up', true, 100, [entry, entry], false],
    ['with the amount used up', true, 601, [entry], false],
    ['with exactly the amount left', true, 600, [entry], true],
    [
      'with refused and online advices, which do not count',
      true,
      999,
      [
        { ...entry, isOffline: false },
        { ...entry, state: 'refused' },
      ],
      true,
    ],
  ] as const)('is open %s: %s', (_, offline, amountMinor, waiting, expected) => {
    const entries = waiting.map((one) => ({ state: 'waiting' as const, ...one }));
    expect(mayApproveOffline({ offline }, limits, amountMinor, entries, fresh)).toBe(expected);
  });

  it.each([
    ['a young file', fresh, 999],
    ['a file past its soft age', { ...fresh, freshness: 'soft' }, 499],
    ['a file past its hard age', { ...fresh, freshness: 'hard' }, 0],
    ['little left of the signed sum', { ...fresh, amountLeftMinor: 300 }, 300],
    ['nothing left of it', { ...fresh, amountLeftMinor: 0 }, 0],
  ] as const)('with %s', (_, allowance, most) => {
    const isOpen = (amountMinor: number) => mayApproveOffline({ offline: true }, limits, amountMinor, [], allowance);
    expect([most > 0 && !isOpen(most), isOpen(most + 1)]).toEqual([false, false]);
  });

  it('asks the issuer from half the floor limit on when the file is past its soft age', async () => {
    const { sell, counted } = await terminal({ allowance: { freshness: 'soft', amountLeftMinor: 500_000 } });
    centre.actionCode = ({ mti }) => (mti === '1200' ? '116' : undefined);
    expect(await sell('visa-offline', 5_000)).toMatchObject({ outcome: 'declined', actionCode: '116' });
    expect(await sell('visa-offline', 700)).toMatchObject({ outcome: 'approved', decidedBy: 'terminal' });
    expect(counted).toEqual([700]);
  });

  it('asks the issuer always when the file is past its hard age, and approves nothing without a line', async () => {
    const { sell, counted, ports } = await terminal({ allowance: { freshness: 'hard', amountLeftMinor: 0 } });
    centre.actionCode = () => '116';
    expect(await sell('visa-offline', 700)).toMatchObject({ outcome: 'declined', actionCode: '116' });
    centre.mood = () => 'down';
    expect((await sell('visa-offline', 700)).outcome).not.toBe('approved');
    expect([counted, ports.advices.entries()]).toEqual([[], []]);
  });

  it('does not stand when it cannot be counted', async () => {
    const { sell, ports } = await terminal({ canCount: false });
    expect(await sell('visa-offline', 700)).toMatchObject({ outcome: 'failed', reason: 'STORE_WRITE_FAILED' });
    expect([ports.advices.entries(), centre.netMinor]).toEqual([[], 0]);
  });

  it.each(['listed', 'range-listed', 'stale', 'unknown-key'] as const)(
    'is for a clear card alone: %s',
    async (answer) => {
      const { sell, ports } = await terminal({ negative: () => answer });
      centre.mood = () => 'down';
      const result = await sell('visa-offline', 700);
      expect(result.outcome).not.toBe('approved');
      expect(ports.advices.entries()).toEqual([]);
      expect(centre.netMinor).toBe(0);
    },
  );

  it('stops at the limits until the centre has taken what waits', async () => {
    const { sell, drained, netMinor } = await terminal({ configuration: { offlineCountMax: 2 } });
    centre.mood = () => 'down';
    expect(await sell('visa-offline', 700)).toMatchObject({
      outcome: 'approved',
      decidedBy: 'terminal',
      isQueued: true,
    });
    expect(await sell('mastercard-offline', 700)).toMatchObject({ outcome: 'approved', decidedBy: 'terminal' });
    expect((await sell('visa-offline', 700)).outcome).not.toBe('approved');
    centre.mood = () => 'whole';
    await drained();
    expect([centre.netMinor, netMinor()]).toEqual([1_400, 1_400]);
    expect(await sell('visa-offline', 700)).toMatchObject({ decidedBy: 'terminal' });
  });
});

describe('store and forward', () => {
  it('posts each offline sale once on a line that loses, doubles and goes down, repeats as 1221, and keeps chains in order', async () => {
    const { sell, run, drained, netMinor } = await terminal({
      configuration: { offlineCountMax: 50, offlineAmountMaxMinor: 100_000 },
    });
    centre.mood = () => 'down';
    const approved: SaleResult[] = [];
    // The cards themselves want to go online after some offline sales.
    for (let count = 0; count < 8; count++) {
      const made = await sell(count % 2 === 0 ? 'visa-offline' : 'mastercard-offline', 100 + count);
      if (made.outcome === 'approved') approved.push(made);
    }
    expect(approved.length).toBeGreaterThan(4);
    const voided = approved.slice(0, 3);
    for (const { stan } of voided) await run({ kind: 'void', original: stan });
    const moods = ['requestLost', 'answerLost', 'doubled', 'down', 'whole'] as const;
    let turn = 0;
    centre.mood = (_, nth) => (nth > 3 ? 'whole' : (moods[turn++ % moods.length] ?? 'whole'));
    await drained();
    expect(centre.netMinor).toBe(approved.slice(3).reduce((sum, { amountMinor }) => sum + amountMinor, 0));
    expect(netMinor()).toBe(centre.netMinor);
    expect(centre.arrived.some((line) => line.startsWith('1221'))).toBe(true);
    // A void never overtakes what it takes back.
    for (const { stan } of voided) {
      const posted = centre.arrived.findIndex((line) => line.startsWith('122') && line.endsWith(stan));
      const taken = centre.reversals.findIndex((original) => original === stan);
      expect(centre.arrivalOfReversal(taken)).toBeGreaterThan(posted);
    }
  });

  it('shows what the centre refuses, and never drops it; the others go on', async () => {
    const { sell, drained, side, files, lines, ports } = await terminal();
    centre.mood = () => 'down';
    const bad = await sell('visa-offline', 700);
    await sell('mastercard-offline', 800);
    centre.mood = () => 'whole';
    centre.actionCode = ({ fields }) => (fields[11] === bad.stan ? '118' : undefined);
    await drained();
    expect(centre.netMinor).toBe(800);
    const totals = unwrap(await side.totals(false));
    expect(totals).toMatchObject({ waiting: 0, refused: [{ stan: bad.stan, actionCode: '118' }] });
    expect(lines.some(({ event }) => event === 'adviceRefused')).toBe(true);
    const reopened = unwrap(
      await openAdviceStore(
        unwrap(
          await openSealedStore(
            files.afterPowerLoss(false),
            systemWorld(() => undefined),
          ),
        ),
        ports.sales,
      ),
    );
    expect(reopened.entries()).toMatchObject([{ state: 'refused', actionCode: '118' }]);
  });

  it('tries again later when the centre is in trouble (907, 909, 911, 923), and counts each attempt', async () => {
    const { sell, ports, drained } = await terminal();
    let answers = 0;
    centre.actionCode = () => ['907', '909', '911', '923'][answers++] ?? undefined;
    // Each answer is stored under its key, so every attempt would get the first one again: this centre forgets.
    await sell('visa-offline', 700);
    await vi.waitFor(() => expect(ports.advices.entries()[0]?.attempts).toBeGreaterThan(1), 60_000);
    expect(ports.advices.entries()).toMatchObject([{ state: 'waiting' }]);
    centre.forget();
    centre.actionCode = () => undefined;
    await drained();
    expect(centre.netMinor).toBe(700);
  });
});

describe('the sale store', () => {
  it('numbers slips without a gap, makes room for new ones, and asks for a close when a day fills it', async () => {
    const files = new MemoryFiles();
    const store = unwrap(
      await openSealedStore(
        files,
        systemWorld(() => undefined),
      ),
    );
    const sales = unwrap(await openSaleStore(store));
    const put = async () => {
      const slip = sales.nextSlip();
      if (!slip.ok) return slip.fault.code;
      unwrap(
        await sales.put({
          v: 1,
          slip: slip.value,
          day: sales.day,
          kind: 'sale',
          at: 1,
          outcome: 'approved',
          amountMinor: 1,
          entry: 'stripe',
          verification: 'none',
          stan: '000001',
          localTime: '261125120000',
          posDataCode: '',
          mti: '1200',
          isOffline: false,
        }),
      );
      return 'stored';
    };
    let last = 'stored';
    let count = 0;
    for (; last === 'stored' && count < 600; count++) last = await put();
    expect(last).toBe('SALE_STORE_FULL');
    expect(count).toBe(501);
    unwrap(await sales.close(totalsOf(sales.day, sales.all(), [], 5)));
    expect(await put()).toBe('stored');
    const again = unwrap(
      await openSaleStore(
        unwrap(
          await openSealedStore(
            files,
            systemWorld(() => undefined),
          ),
        ),
      ),
    );
    expect(again.day).toBe(2);
    expect(again.closed).toMatchObject({ day: 1, netMinor: 500 });
    const slips = again.all().map(({ slip }) => slip);
    expect(slips).toEqual(slips.map((_, index) => (slips[0] ?? 0) + index));
    expect(slips.at(-1)).toBe(501);
  });
});

describe('a signature', () => {
  it('is kept with the sale of a model with a touch screen; another model prints a line', async () => {
    const touch = await terminal({ model: 'CT-5100' });
    const signed = await touch.sell();
    const kept = unwrap(await touch.ports.sales.read(signed.slip ?? 0));
    expect(kept.signature?.strokes.length).toBeGreaterThan(0);
    const other = new Centre();
    const plain = await terminal({ model: 'CATS220', acquirer: (isAlive) => other.line(isAlive) });
    const unsigned = await plain.sell();
    expect(unwrap(await plain.ports.sales.read(unsigned.slip ?? 0)).signature).toBeUndefined();
  });
});

it('gives every reason of a payment a text in both languages', () => {
  for (const code of ['PAYMENT_UNKNOWN', 'REFUND_ABOVE_SALE', 'OFFLINE_NOT_ALLOWED', 'ADVICE_REFUSED'] as const)
    expect(errorTable[code].ja.says.length * errorTable[code].en.says.length).toBeGreaterThan(0);
});
