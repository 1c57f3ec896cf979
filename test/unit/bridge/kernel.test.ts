import { CardObjects } from '@tsunagu/firmware-bridge/kernel/card-objects';
import {
  analyseAction,
  issuerActionCodes,
  manageRisk,
  restrict,
  verifyCardholder,
} from '@tsunagu/firmware-bridge/kernel/decisions';
import {
  actionCodes,
  capabilitiesOf,
  type KernelTransaction,
  kernelTerminalOf,
  transactionTypes,
} from '@tsunagu/firmware-bridge/kernel/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { noResults } from '@tsunagu/firmware-bridge/kernel/results';
import { contactSale, type KernelEvent } from '@tsunagu/firmware-bridge/kernel/index';
import { hex, toHex } from '@tsunagu/protocols/kit';
import { decodeTlv, tlv } from '@tsunagu/protocols/tlv';
import { describe, expect, it } from 'vitest';

const model = modelOf('CATS220');
if (model === undefined) throw new Error('no such model');
const settings = {
  terminalId: 'T0000001',
  merchantId: 'M00000000000001',
  floorLimitMinor: 0,
  pins: { offline: false, online: false },
};
const terminal = kernelTerminalOf(model, settings);
const transaction: KernelTransaction = {
  type: transactionTypes.purchase,
  amountMinor: 1_280,
  amountOtherMinor: 0,
  date: '261123',
  time: '110000',
  unpredictableNumber: hex('12345678'),
  sequenceCounter: 1,
  isForcedOnline: false,
};
/** A phone without a printer and a screen for keys alone. */
const unsigned = {
  ...terminal,
  capabilities: capabilitiesOf({ ...model, printer: 'none', screen: 'mono' }, settings.pins),
};
const cardOf = (objects: Readonly<Record<number, string>>): CardObjects => {
  const card = new CardObjects();
  for (const [tag, value] of Object.entries(objects)) card.set(Number(tag), hex(value));
  return card;
};

describe('processing restrictions (EMV 4.3 Book 3, 10.4)', () => {
  const good = { 0x9f08: '0096', 0x9f07: 'FF80', 0x5f28: '0392', 0x5f25: '250101', 0x5f24: '301231' };
  it.each([
    ['nothing wrong', {}, '0000000000'],
    ['another version', { 0x9f08: '0084' }, '0080000000'],
    ['expired yesterday', { 0x5f24: '261122' }, '0040000000'],
    ['expires today', { 0x5f24: '261123' }, '0000000000'],
    ['effective tomorrow', { 0x5f25: '261124' }, '0020000000'],
    ['effective in the last century', { 0x5f25: '991231' }, '0000000000'],
    ['not for goods at home', { 0x9f07: 'DF80' }, '0010000000'],
    ['for cash machines only', { 0x9f07: 'FE80' }, '0010000000'],
    ['foreign, not for goods abroad', { 0x5f28: '0840', 0x9f07: 'EF80' }, '0010000000'],
  ])('%s', (_name, change, tvr) => {
    const card = cardOf({ ...good, ...change });
    expect(toHex(restrict(noResults, card, 'visa', terminal, transaction).tvr)).toBe(tvr);
  });
});

describe('terminal risk management (Book 3, 10.6)', () => {
  it.each([
    ['clear', 0, '0000000080'],
    ['clear', 10_000, '0000000000'],
    ['listed', 10_000, '1000000000'],
    ['stale', 0, '0000000080'],
  ] as const)('with %s and a floor limit of %i', (negative, floorLimitMinor, expected) => {
    const { tvr, tsi } = manageRisk(noResults, { ...terminal, floorLimitMinor }, transaction, negative);
    const [one, , , four] = tvr;
    expect(toHex(Uint8Array.of(one ?? 0, 0, 0, 0, four ?? 0))).toBe(expected);
    expect(toHex(tsi)).toBe('0800');
  });
});

describe('cardholder verification (Book 3, 10.5)', () => {
  const list = (rules: string): Record<number, string> => ({
    0x82: '1000',
    0x8e: `0000000000000000${rules}`,
    0x9f42: '0392',
  });
  it.each([
    ['signature where it can be taken', list('1E031F00'), true, 'signature', '1E0300', '0000000000'],
    ['none where it cannot', list('1E031F00'), false, 'none', '1F0002', '0000000000'],
    ['PIN that nobody can enter, then signature', list('420341035E031F03'), true, 'signature', '5E0300', '0000000000'],
    ['only a PIN', list('0200'), true, 'none', '020001', '0000800000'],
    ['an unknown method, then none', list('6A001F00'), true, 'none', '1F0002', '0000400000'],
    ['no rule for this sale', list('1F01'), true, 'none', '3F0001', '0000800000'],
    ['a card that does not verify', { 0x82: '0000' }, true, 'none', '3F0000', '0000000000'],
    ['a card without its list', { 0x82: '1000' }, true, 'none', '3F0000', '2000000000'],
  ] as const)('%s', (_name, objects, canTakeSignature, verification, cvmResults, tvr) => {
    const step = verifyCardholder(noResults, cardOf(objects), canTakeSignature ? terminal : unsigned, transaction);
    expect(step.verification).toBe(verification);
    expect(toHex(step.cvmResults)).toBe(cvmResults);
    expect(toHex(step.results.tvr)).toBe(tvr);
  });
});

describe('terminal action analysis (Book 3, 10.7)', () => {
  it.each([
    ['8000008000', 'ARQC', 'doubts go online'],
    ['1000000000', 'AAC', 'a listed card is refused'],
    ['0010000000', 'AAC', 'a service that is not allowed'],
    ['0040000000', 'ARQC', 'an expired card is the issuer’s to judge'],
  ])('TVR %s asks for %s: %s', (tvr, kind) => {
    expect(analyseAction(hex(tvr), issuerActionCodes(cardOf({})), actionCodes)).toBe(kind);
  });
  it('lets the issuer deny more', () => {
    const issuer = issuerActionCodes(cardOf({ 0x9f0e: '0040000000' }));
    expect(analyseAction(hex('0040000000'), issuer, actionCodes)).toBe('AAC');
  });
});

describe('what a card tells', () => {
  const take = (card: CardObjects, bytes: Uint8Array) => {
    const read = decodeTlv(bytes);
    if (!read.ok) throw new Error('test data');
    return card.take(read.value);
  };
  it('ends the transaction when it tells it twice', () => {
    const card = new CardObjects();
    expect(take(card, tlv(0x70, tlv(0x5f24, hex('301231'))))).toMatchObject({ ok: true });
    expect(take(card, tlv(0x70, tlv(0x5f24, hex('301231'))))).toMatchObject({ fault: { code: 'TLV_DUPLICATE' } });
  });
  it('is account data only as a secret', () => {
    const card = new CardObjects();
    const pan = '4761739001010010';
    take(card, tlv(0x70, tlv(0x5a, hex(pan)), tlv(0x57, hex(`${pan}D3012201119000000F`)), tlv(0x5f20, hex('41'))));
    for (const tag of [0x5a, 0x57, 0x5f20]) expect(card.has(tag)).toBe(false);
    const facts = card.facts('visa');
    expect(JSON.stringify([facts, card])).not.toContain(pan);
    expect(facts).toMatchObject({ ok: true, value: { expiry: '3012' } });
  });
  it('is refused when its two PANs differ', () => {
    const card = new CardObjects();
    take(
      card,
      tlv(0x70, tlv(0x5a, hex('4761739001010010')), tlv(0x57, hex('4761739001010119D3012201F0'.slice(0, 24)))),
    );
    expect(card.facts('visa')).toMatchObject({ ok: false, fault: { code: 'EMV_VALUE_INVALID' } });
  });
});

describe('a dialogue', () => {
  it('is pure: the same events lead to the same actions', () => {
    const events: KernelEvent[] = [
      { type: 'response', response: { data: new Uint8Array(0), sw: 0x6a82 } },
      ...Array.from(
        { length: 14 },
        (): KernelEvent => ({ type: 'response', response: { data: new Uint8Array(0), sw: 0x6a82 } }),
      ),
    ];
    const run = () => {
      const dialogue = contactSale(terminal, transaction);
      const actions = [JSON.stringify(dialogue.next())];
      for (const event of events) actions.push(JSON.stringify(dialogue.next(event)));
      return actions;
    };
    expect(run()).toEqual(run());
    expect(run().at(-1)).toContain('NO_COMMON_APPLICATION');
  });
});
