import { TransitCard } from '@tsunagu/firmware-bridge/cards/index';
import type { PaymentOrder, SaleResult } from '@tsunagu/protocols/fleet';
import { transitCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mood, type OnMessage, TransitHouse } from './transit-house.ts';

const sale: PaymentOrder = { kind: 'sale', amountMinor: 100, card: 'transit' };
const charge: PaymentOrder = { kind: 'charge', amountMinor: 110, card: 'transit' };
const both = [
  { name: 'a debit', order: sale, moves: -100 },
  { name: 'a charge', order: charge, moves: 110 },
] as const;

let house: TransitHouse;
beforeAll(async () => {
  house = await TransitHouse.open();
});
afterAll(() => house.close());

describe('a transit card at a terminal, switch and centre behind their wires', () => {
  it('is charged, debited and read', async () => {
    expect(await house.run({ ...charge, amountMinor: 10_000 })).toMatchObject({
      kind: 'charge',
      outcome: 'approved',
      amountMinor: 10_000,
      balanceMinor: 13_000,
      scheme: 'transit',
      lastFour: '2113',
      entry: 'contactless',
    });
    expect(house.sent).toEqual(['transitOpen', 'charge', 'transitConfirm']);
    expect(await house.run(sale)).toMatchObject({ kind: 'sale', outcome: 'approved', balanceMinor: 12_900 });
    expect(await house.run({ kind: 'balance', card: 'transit' })).toMatchObject({ balanceMinor: 12_900 });
    const read = await house.run({ kind: 'history', card: 'transit' });
    expect(read?.history).toMatchObject([
      { process: 0x46, terminal: 0xc7, balanceMinor: 12_900, serial: 2 },
      { process: 0x49, terminal: 0xc7, balanceMinor: 13_000, serial: 1 },
    ]);
    expect(await house.settled('transit', 'quiet')).toBe(9_900);
    // The feed shows what was done, with its kind, and not what card and centre said to each other.
    const lines = await house.house.sw.sales(undefined, 50);
    expect(lines.map(({ kind, outcome, scheme }) => [kind, outcome, scheme])).toEqual([
      ['sale', 'approved', 'transit'],
      ['charge', 'approved', 'transit'],
    ]);
    expect(new Set(house.house.lines.map(({ kind }) => kind))).toEqual(new Set(['sale', 'charge']));
  });

  it('is read without a centre', async () => {
    house.onMessage = () => 'requestLost';
    expect(await house.run({ kind: 'balance', card: 'transit' })).toMatchObject({
      outcome: 'approved',
      balanceMinor: 12_900,
    });
    await house.settled('transit', 'no centre');
  });

  it.each([
    { card: 'transit-empty', order: sale, actionCode: '116', why: 'it has nothing to debit' },
    { card: 'transit-full', order: charge, actionCode: '110', why: 'it has no room' },
    { card: 'transit-strange', order: sale, actionCode: '129', why: 'its key is not the centre’s' },
  ] as const)('$card is declined by the centre: $why', async ({ card, order, actionCode }) => {
    expect(await house.run({ ...order, card })).toMatchObject({ outcome: 'declined', actionCode });
    expect(house.house.transit.account(card)).toEqual({ counter: 0, balance: transitCard(card).balance });
  });

  it('is refused when it is on the negative list, before any message leaves', async () => {
    const booted = await house.boot({ negative: () => 'listed' });
    house.sent.length = 0;
    expect(await booted.side.run({ ...sale, card: 'transit-listed' })).toMatchObject({
      outcome: 'refused',
      reason: 'CARD_LISTED',
      lastFour: '2116',
      stan: '',
    });
    expect(house.sent).toEqual([]);
    await booted.side.close();
  });

  it.each<PaymentOrder & { readonly card: string }>([
    { kind: 'preauth', amountMinor: 100, card: 'transit' },
    { kind: 'charge', amountMinor: 100, card: 'visa-contact' },
    { kind: 'history', card: 'visa-contact' },
  ])('refuses $kind with $card', async (order) => {
    expect(await house.run(order)).toMatchObject({ outcome: 'refused', reason: 'PAYMENT_NOT_FOR_CARD' });
  });

  it.each(both)('$name is voided: the card gets its own at the next contact', async ({ order, moves }) => {
    const before = await house.settled('transit', 'before');
    const made = await house.run(order);
    expect(made).toMatchObject({ outcome: 'approved' });
    expect(await house.run({ kind: 'void', original: made?.stan ?? '' })).toMatchObject({ outcome: 'approved' });
    // Until then it is due.
    await house.delivered();
    expect(house.house.transit.account('transit')?.due).toBe(-moves);
    expect(await house.settled('transit', 'voided')).toBe(before);
    const read = await house.run({ kind: 'history', card: 'transit' });
    expect(read?.history?.[0]).toMatchObject({ process: moves < 0 ? 0x4a : 0x08 });
    expect(await house.run({ kind: 'refund', original: made?.stan ?? '', amountMinor: 1 })).toMatchObject({
      outcome: 'refused',
    });
  });

  it('has a copy of it found out by its counter', async () => {
    const copy = house.wallet.take('transit');
    await house.run(sale);
    const now = house.wallet.take('transit');
    if (!copy.ok || copy.value === undefined || !now.ok || now.value === undefined) throw new Error('no card');
    house.wallet.keep('transit', copy.value);
    expect(await house.run(sale)).toMatchObject({ outcome: 'declined', actionCode: '104' });
    house.wallet.keep('transit', now.value);
    await house.settled('transit', 'the copy is gone');
  });
});

/** What a person was told is what stands: "approved" stands for good, everything else does not. */
async function told(result: SaleResult | undefined, moves: number, before: number, where: string): Promise<void> {
  const after = await house.settled('transit', where);
  expect([before, before + moves], where).toContain(after);
  if (result !== undefined) expect(result.outcome === 'approved', where).toBe(after !== before);
}

describe.each(both)('whatever fails at any step of $name, no yen is lost', ({ order, moves }) => {
  // A terminal of its own: what was interrupted is on record too, and a day holds five hundred.
  beforeAll(async () => {
    await house.close();
    house = await TransitHouse.open();
    if (moves < 0) await house.run({ ...charge, amountMinor: 10_000 });
  });

  it('when the power of the terminal fails at any write', { timeout: 120_000 }, async () => {
    let isCut = true;
    let failAt = 1;
    for (; isCut && failAt < 80; failAt++) {
      isCut = false;
      for (const keepUnsynced of [false, true]) {
        const where = `write ${failAt}, unsynced ${keepUnsynced ? 'kept' : 'lost'}`;
        const before = await house.settled('transit', where);
        const result = await house.run(order, failAt, keepUnsynced);
        isCut ||= result === undefined;
        await told(result, moves, before, where);
      }
    }
    expect(failAt).toBeGreaterThan(8);
    expect(failAt).toBeLessThan(80);
  });

  it.each(['requestLost', 'answerLost'] as const)('when a message of it is hit: %s', async (mood) => {
    let isHit = true;
    let nth = 1;
    for (; isHit && nth < 20; nth++) {
      const before = await house.settled('transit', `${mood} ${nth}`);
      isHit = false;
      house.onMessage = (_name, at) => {
        if (at !== nth) return 'whole';
        isHit = true;
        return mood;
      };
      await told(await house.run(order), moves, before, `${mood} ${nth}`);
    }
    expect(nth).toBe(5);
  });

  it('when the line is dead from any message on', async () => {
    for (let from = 1; from <= 4; from++) {
      const before = await house.settled('transit', `dead from ${from}`);
      house.onMessage = (_name, at) => (at < from ? 'whole' : 'requestLost');
      await told(await house.run(order), moves, before, `dead from ${from}`);
    }
  });

  it('when the centre dies before any message', async () => {
    for (let at = 1; at <= 3; at++) {
      const before = await house.settled('transit', `centre dies at ${at}`);
      const dies: OnMessage = async (_name, nth): Promise<Mood> => {
        if (nth !== at) return 'whole';
        await house.house.stopCardCompany();
        await house.house.startCardCompany();
        await house.signedOn();
        return 'whole';
      };
      house.onMessage = dies;
      await told(await house.run(order), moves, before, `centre dies at ${at}`);
    }
  });

  const losses = [
    ['before the frame reaches it', false],
    ['before its answer is heard', true],
  ] as const;
  const holders = [
    ['and held here again', true],
    ['for good', false],
  ] as const;
  for (const [when, isTaken] of losses)
    for (const [then, returns] of holders)
      it(`when the card is taken away ${when}, ${then}`, async () => {
        for (let at = 1; at <= 2; at++) {
          const where = `frame ${at} ${when}, ${then}`;
          const before = await house.settled('transit', where);
          house.returns = returns;
          house.onFrame = (card, frame, nth) => {
            if (nth !== at) return card.transmit(frame);
            if (isTaken) card.transmit(frame);
            return undefined;
          };
          const result = await house.run(order);
          if (returns && isTaken) expect(result, where).toMatchObject({ outcome: 'approved' });
          if (!returns) expect(result?.outcome, where).not.toBe('approved');
          await told(result, moves, before, where);
        }
      });

  it('when the power of the card fails at a byte of its memory', async () => {
    // Before, in and after: the journal's rows, its header, the pages, the header again.
    for (const bytes of [0, 1, 50, 51, 55, 56, 57, 103, 104, 108, 109]) {
      const where = `byte ${bytes}`;
      const before = await house.settled('transit', where);
      house.onFrame = (card, frame) => {
        if (frame[1] === 0xf2 && card instanceof TransitCard) card.failPowerAfter(bytes);
        return card.transmit(frame);
      };
      const result = await house.run(order);
      expect(result?.outcome, where).toBe(bytes < 56 ? 'reversed' : 'approved');
      await told(result, moves, before, where);
    }
  });

  it('when the card gives a forged answer to the order, and goes', async () => {
    const before = await house.settled('transit', 'forged');
    house.returns = false;
    house.onFrame = (card, frame) => {
      if (frame[1] !== 0xf2) return card.transmit(frame);
      // "Done", and nothing done: the terminal cannot tell, and does not have to.
      return Uint8Array.of(28, 0xf3, ...frame.subarray(2, 10), 0, 0, ...new Uint8Array(16));
    };
    expect(await house.run(order)).toMatchObject({ outcome: 'reversed' });
    await told(undefined, moves, before, 'forged');
    expect(await house.settled('transit', 'forged')).toBe(before);
  });
});
