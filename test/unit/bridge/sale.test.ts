import { modelOf } from '@tsunagu/protocols/catalogue';
import { errorTable } from '@tsunagu/protocols/errors';
import { saleResult, type SaleResult, saleSteps } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { isTestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { TerminalCardSide, measureSales } from '@tsunagu/firmware-bridge/payment/index';
import { openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fastWorld } from './support/fast-world.ts';
import { acquirerTo, type LoopbackSwitch, loopbackSwitch } from './support/loopback-switch.ts';
import { memoryPorts } from './support/memory-ports.ts';

let centre: LoopbackSwitch;
const opened: TerminalCardSide[] = [];

beforeEach(async () => {
  centre = await loopbackSwitch();
});
afterEach(async () => {
  for (const side of opened.splice(0)) await side.close();
  await centre.close();
});

async function terminal(modelId = 'CT-5100', acquirer = centre.acquirer) {
  // Three times as fast only: the deadlines of whole sales are to outlast a machine that has other work.
  const { world, lines } = fastWorld(3);
  const model = modelOf(modelId);
  if (model === undefined) throw new Error('no such model');
  const memory = await memoryPorts(acquirer);
  const station = openEmulatedStation(world, model);
  const side = await TerminalCardSide.open({ world, model, ports: memory.ports }, station);
  opened.push(side);
  const steps: string[] = [];
  const details: (string | undefined)[] = [];
  const sell = async (card: string, amountMinor = 1_280): Promise<SaleResult> => {
    steps.length = 0;
    const result = await side.sell({ card, amountMinor }, (step, _atMs, detail) => {
      steps.push(step);
      details.push(detail);
    });
    return saleResult.parse(result);
  };
  return { side, station, memory, lines, steps, details, sell, world };
}

const until = async (isSo: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 12_000 && !isSo(); tries++) await new Promise((done) => setTimeout(done, 5));
  expect(isSo()).toBe(true);
};

describe('a sale that the issuer approves', () => {
  const cards = [
    'visa-contact',
    'mastercard-contact',
    'jcb-contact',
    'amex-contact',
    'unionpay-contact',
    'visa-contactless',
    'mastercard-contactless',
    'jcb-contactless',
    'amex-contactless',
    'visa-stripe',
    'jcb-stripe',
    'mastercard-stripe',
    'amex-stripe',
  ];
  it.each(cards)(
    'is approved with %s, its cryptogram checked and its reversal stored before and forgotten after',
    async (card) => {
      const { sell, memory, steps } = await terminal();
      const result = await sell(card);
      expect([...centre.complaints, ...centre.unproven]).toEqual([]);
      expect(result).toMatchObject({ outcome: 'approved', actionCode: '000', approvalCode: '123456', currency: 'JPY' });
      expect(result.scheme).toBe(card.split('-')[0]);
      expect(result.entry).toBe(card.split('-')[1]);
      expect(result.lastFour).toMatch(/^\d{4}$/);
      expect(result.stan).toMatch(/^\d{6}$/);
      expect(memory.journal).toEqual(['keep 4021', 'send 1200', 'answer 1210', 'forget']);
      const order = steps.map((step) => saleSteps.findIndex((known) => known === step));
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(steps.at(-1)).toBe('finished');
    },
  );

  it('raises the counter of the card from sale to sale', async () => {
    const { sell } = await terminal();
    await sell('visa-contact');
    await sell('visa-contact');
    const counters = centre.received.map(({ fields }) => {
      const emv = fields[55];
      return emv instanceof Uint8Array ? /9f3602([0-9a-f]{4})/.exec(Buffer.from(emv).toString('hex'))?.[1] : undefined;
    });
    expect(counters).toEqual(['0002', '0003']);
  });

  it('runs the card through every command in its order', async () => {
    const { side, sell } = await terminal();
    await sell('visa-contact');
    const names = side.trace().map(({ command, sw }) => `${command} ${sw}`);
    expect(names[0]).toBe('SELECT 9000');
    expect(names.filter((name) => name.startsWith('GENERATE AC'))).toEqual(['GENERATE AC 9000', 'GENERATE AC 9000']);
    expect(names).toContain('EXTERNAL AUTHENTICATE 9000');
    expect(names).toContain('GET PROCESSING OPTIONS 9000');
  });

  it('tells where its time went, each millisecond once', async () => {
    const { side, sell } = await terminal();
    const result = await sell('visa-contact');
    const { total, ...rooms } = side.timings() ?? { total: 0 };
    expect(Object.values(rooms).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(total, 6);
    expect(total).toBeGreaterThanOrEqual(result.durationMs * 0.9);
  });
});

describe('measuring sales', () => {
  it('gives the median of each room and what of it is ours', async () => {
    const { side } = await terminal();
    const measured = unwrap(await measureSales(side, { card: 'visa-contactless', amountMinor: 980 }, 20));
    const { reader, kernel, payment, storage, total } = measured.median;
    expect(measured.oursMs).toBeCloseTo(reader + kernel + payment + storage, 6);
    expect(total).toBeGreaterThan(0);
    if (process.env['SHOW_TIMES']) console.log(measured);
  });

  it('says why when a sale was not approved', async () => {
    const { side } = await terminal();
    expect(await measureSales(side, { card: 'visa-listed', amountMinor: 980 }, 3)).toMatchObject({
      fault: { code: 'SALE_FAILED', facts: { reason: 'CARD_LISTED' } },
    });
  });
});

describe('a sale that does not come about', () => {
  it.each(['visa-declined', 'visa-declined-stripe'])(
    'is declined with %s, and nothing stays to be reversed',
    async (card) => {
      const { sell, memory } = await terminal();
      expect(await sell(card)).toMatchObject({ outcome: 'declined', actionCode: '116' });
      expect(memory.kept.size).toBe(0);
      expect(memory.journal.at(-1)).toBe('forget');
    },
  );

  it.each(['visa-listed', 'visa-listed-stripe'])('is refused with %s before any message leaves', async (card) => {
    const { sell, memory } = await terminal();
    expect(await sell(card)).toMatchObject({ outcome: 'refused', reason: 'CARD_LISTED', stan: '' });
    expect(memory.journal).toEqual([]);
    expect(centre.received).toEqual([]);
  });

  it.each(['visa-contactless', 'mastercard-contactless', 'jcb-contactless', 'amex-contactless', 'mastercard-contact'])(
    'is refused with %s when it is put on the list',
    async (card) => {
      const { sell, memory } = await terminal();
      memory.negative = 'listed';
      expect(await sell(card)).toMatchObject({ outcome: 'refused', reason: 'CARD_LISTED' });
      expect(memory.journal).toEqual([]);
    },
  );

  it.each(['stale', 'unknown-key'] as const)('still goes online when the negative file is %s', async (answer) => {
    const { sell, memory } = await terminal();
    memory.negative = answer;
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'approved' });
  });

  it.each([
    ['CATS200', 'visa-contact', 'MODEL_HAS_NO_READER'],
    ['CATS200', 'visa-contactless', 'MODEL_HAS_NO_READER'],
    ['JET-HANDY', 'jcb-contact', 'MODEL_HAS_NO_READER'],
    ['CATS220', 'visa-contactless', 'MODEL_HAS_NO_READER'],
    ['CT-5100', 'nobody-knows-me', 'CARD_UNKNOWN'],
  ])('is refused by %s with %s: %s', async (model, card, reason) => {
    const { sell, memory } = await terminal(model);
    expect(await sell(card)).toMatchObject({ outcome: 'refused', reason });
    expect(memory.journal).toEqual([]);
  });

  it('is refused when the amount is no yen or above the limit', async () => {
    const { sell, side, memory } = await terminal();
    expect(await side.sell({ card: 'visa-contact', amountMinor: 0.5 })).toMatchObject({ reason: 'AMOUNT_INVALID' });
    memory.configuration = { ...memory.configuration, amountMaxMinor: 1_000 };
    expect(await sell('visa-contact', 1_001)).toMatchObject({ outcome: 'refused', reason: 'AMOUNT_ABOVE_LIMIT' });
  });

  it('is refused while another one runs', async () => {
    const { side, sell } = await terminal();
    const first = sell('visa-contact');
    expect(await side.sell({ card: 'visa-contact', amountMinor: 1 })).toMatchObject({ reason: 'SALE_IN_PROGRESS' });
    expect(await first).toMatchObject({ outcome: 'approved' });
  });

  it('is refused above the contactless limit when the card knows no way to verify its holder', async () => {
    const { sell, memory } = await terminal();
    expect(await sell('visa-contactless', 15_001)).toMatchObject({ reason: 'CARDHOLDER_NOT_VERIFIED' });
    expect(memory.journal).toEqual([]);
    expect(await sell('mastercard-contactless', 15_001)).toMatchObject({ outcome: 'approved' });
  });

  it('fails without a reversal when the switch cannot be reached', async () => {
    const { sell, memory } = await terminal('CT-5100', acquirerTo(1));
    expect(await sell('visa-contact')).toMatchObject({
      outcome: 'failed',
      reason: 'ACQUIRER_UNREACHABLE',
      stan: '',
    });
    expect(memory.kept.size).toBe(0);
  });

  it('fails without a message when the reversal cannot be stored beforehand', async () => {
    const { sell, memory } = await terminal();
    memory.failPuts = true;
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'failed', reason: 'REVERSAL_NOT_STORED' });
    expect(centre.received).toEqual([]);
  });
});

describe('a sale that has to be reversed', () => {
  it.each(['visa-silent', 'visa-silent-stripe'])('is reversed when the answer does not come: %s', async (card) => {
    const { sell, memory, steps } = await terminal();
    centre.behaviour.reversal = undefined;
    expect(await sell(card)).toMatchObject({ outcome: 'reversed', reason: 'ACQUIRER_TIMEOUT' });
    expect(memory.journal[0]).toBe('keep 4021');
    expect(memory.kept.size).toBe(1);
    expect(steps.slice(-2)).toEqual(['reversal-queued', 'finished']);
  });

  it('is sent as 1420, then as 1421 until the switch acknowledges it', async () => {
    const { sell, memory } = await terminal();
    centre.behaviour.reversal = undefined;
    await sell('visa-silent');
    await until(() => centre.received.filter(({ mti }) => mti === '1421').length >= 2);
    centre.behaviour.reversal = '400';
    await until(() => memory.kept.size === 0);
    const reversals = centre.received.filter(({ mti }) => mti.startsWith('142'));
    expect(reversals.map(({ mti }) => mti).slice(0, 2)).toEqual(['1420', '1421']);
    for (const element of [7, 11, 12, 22, 25, 30, 56]) {
      const values = new Set(reversals.map(({ fields }) => String(fields[element])));
      expect(values.size, `element ${element}`).toBe(1);
    }
    expect(reversals[0]?.fields[25]).toBe('4021');
    const sale = centre.received.find(({ mti }) => mti === '1200');
    expect(reversals[0]?.fields[56]).toBe(`1200${String(sale?.fields[11])}${String(sale?.fields[12])}1139200012345`);
    expect([...centre.complaints, ...centre.unproven]).toEqual([]);
  });

  it.each(['wrongStan', 'wrongAmount'] as const)('is reversed as "invalid answer" after %s', async (behaviour) => {
    const { sell, memory } = await terminal();
    centre.behaviour.sale = behaviour;
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'reversed', reason: 'ACQUIRER_ANSWER_UNUSABLE' });
    await until(() => memory.kept.size === 0);
    expect(centre.received.find(({ mti }) => mti === '1420')?.fields[25]).toBe('4020');
  });

  it.each([
    ['noArpc', 'visa-contact'],
    ['badArpc', 'visa-contact'],
    ['badArpc', 'mastercard-contact'],
    ['badArpc', 'unionpay-contact'],
  ] as const)('is reversed when the card does not accept the approval: %s, %s', async (behaviour, card) => {
    const { sell, memory } = await terminal();
    centre.behaviour.sale = behaviour;
    expect(await sell(card)).toMatchObject({ outcome: 'reversed', reason: 'CARD_WITHDREW', actionCode: '000' });
    await until(() => memory.kept.size === 0);
    expect(centre.received.find(({ mti }) => mti === '1420')?.fields[25]).toBe('4007');
  });

  it('is reversed when the reader is unplugged after the approval', async () => {
    const { sell, side, station, memory } = await terminal();
    const result = await side.sell({ card: 'visa-contact', amountMinor: 500 }, (step) => {
      if (step === 'answer-received') station.emulated.contact?.inject('unplug');
    });
    expect(result).toMatchObject({ outcome: 'reversed', reason: 'USB_UNPLUGGED' });
    await until(() => memory.kept.size === 0);
    if (station.emulated.contact) station.bus.plug(station.emulated.contact);
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'approved' });
  });

  it('is not called approved when its reversal could not be forgotten', async () => {
    const { side, memory, steps } = await terminal();
    const result = await side.sell({ card: 'visa-contact', amountMinor: 500 }, (step) => {
      steps.push(step);
      if (step === 'answer-received') memory.failRemoves = true;
    });
    expect(result).toMatchObject({ outcome: 'reversed', reason: 'REVERSAL_NOT_STORED' });
    expect(memory.kept.size).toBe(1);
  });

  it('survives a power loss: what is kept at boot is sent', async () => {
    const before = await terminal();
    centre.behaviour.reversal = undefined;
    await before.sell('visa-silent');
    await before.side.close();
    centre.behaviour.reversal = '400';
    const { world } = fastWorld();
    const model = modelOf('CT-5100');
    if (model === undefined) throw new Error('no such model');
    const after = await TerminalCardSide.open(
      { world, model, ports: before.memory.ports },
      openEmulatedStation(world, model),
    );
    opened.push(after);
    await until(() => before.memory.kept.size === 0);
    expect(await after.reversalsPending()).toBe(0);
  });
});

describe('a reader that breaks the protocol in the middle of a sale', () => {
  it.each([
    ['lengthTooLong', 'CCID_TRUNCATED'],
    ['lengthTooShort', 'CCID_MESSAGE_UNKNOWN'],
    ['lengthHuge', 'CCID_TOO_LONG'],
    ['garbage', 'CCID_MESSAGE_UNKNOWN'],
    ['mute', 'READER_CARD_MUTE'],
    ['removed', 'READER_CARD_ABSENT'],
  ] as const)('ends it with a stable code after %s, and the next sale works', async (fault, reason) => {
    const { sell, station, memory, lines } = await terminal();
    station.emulated.contact?.inject(fault);
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'failed', reason });
    expect(memory.journal).toEqual([]);
    expect(Object.hasOwn(errorTable, reason)).toBe(true);
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'approved' });
    expect(lines.filter(({ event }) => event === 'saleBroke')).toEqual([]);
  });

  it('makes the sale all the same with split packets, empty packets and a card that takes its time', async () => {
    const { sell, station } = await terminal();
    station.emulated.contact?.inject('split', 'zeroLength', 'timeExtension', 'split');
    expect(await sell('visa-contact')).toMatchObject({ outcome: 'approved' });
  });

  it('refuses a stripe that was misread, and takes it when it is drawn again', async () => {
    const { sell, station } = await terminal('CATS200');
    station.emulated.stripe?.inject('misread', 'unreadable');
    expect(await sell('visa-stripe')).toMatchObject({ outcome: 'failed', reason: 'STRIPE_UNREADABLE' });
    expect(await sell('visa-stripe')).toMatchObject({ outcome: 'failed', reason: 'STRIPE_UNREADABLE' });
    expect(await sell('visa-stripe')).toMatchObject({ outcome: 'approved' });
  });
});

describe('secrets', () => {
  it.each(['visa-contact', 'visa-contactless', 'visa-stripe', 'visa-silent', 'visa-listed'])(
    'never stand in steps, traces, results or logs: %s',
    async (card) => {
      const { side, sell, lines, details } = await terminal();
      centre.behaviour.reversal = undefined;
      const result = await sell(card);
      const account = isTestCardName(card) ? testCard(card) : testCard('visa-contact');
      const pan = account.pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
      const text = JSON.stringify([result, side.trace(), lines, details]);
      const seen = [text, Buffer.from(text).toString('hex')].join('');
      for (const secret of [pan, Buffer.from(pan, 'latin1').toString('hex'), pan.slice(4)])
        expect(seen).not.toContain(secret);
    },
  );
});
