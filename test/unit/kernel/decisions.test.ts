import { CaKeyTable, caKeyHash } from '@tsunagu/protocols/emv';
import { hex, toHex } from '@tsunagu/protocols/kit';
import { testCaKeys } from '@tsunagu/protocols/test-cards';
import { decodeTlv, tlv } from '@tsunagu/protocols/tlv';
import { analyseAction, analyseUnable } from '@tsunagu/firmware-bridge/kernel/action-analysis';
import { CardObjects } from '@tsunagu/firmware-bridge/kernel/card-objects';
import { verifyCardholder } from '@tsunagu/firmware-bridge/kernel/cardholder';
import { authenticationMethod } from '@tsunagu/firmware-bridge/kernel/data-authentication';
import { wantsSignature } from '@tsunagu/firmware-bridge/kernel/cryptogram';
import {
  contactSale,
  type KernelEvent,
  type KernelTransaction,
  transactionTypes,
} from '@tsunagu/firmware-bridge/kernel/index';
import { restrict } from '@tsunagu/firmware-bridge/kernel/restrictions';
import { noResults } from '@tsunagu/firmware-bridge/kernel/results';
import { selectionPercent } from '@tsunagu/firmware-bridge/kernel/risk';
import { describe, expect, it } from 'vitest';
import { sale, terminalWith } from './support/at-the-till.ts';
import { play } from './support/play.ts';

const terminal = terminalWith({ floorLimitMinor: 0, pins: { offline: false, online: false } });
const cardOf = (objects: Readonly<Record<number, string>>): CardObjects => {
  const card = new CardObjects();
  for (const [tag, value] of Object.entries(objects)) card.set(Number(tag), hex(value));
  return card;
};
const noCommands = {
  transmit: (): Uint8Array => {
    throw new Error('no command was due');
  },
};

describe('processing restrictions (EMV 4.3 Book 3, 10.4)', () => {
  const good = { 0x9f08: '0096', 0x9f07: 'FF80', 0x5f28: '0392', 0x5f25: '250101', 0x5f24: '301231' };
  const cash = { type: transactionTypes.cash };
  it.each([
    ['nothing wrong', {}, {}, '0000000000'],
    ['another version', { 0x9f08: '0084' }, {}, '0080000000'],
    ['expired yesterday', { 0x5f24: '261122' }, {}, '0040000000'],
    ['expires today', { 0x5f24: '261123' }, {}, '0000000000'],
    ['effective tomorrow', { 0x5f25: '261124' }, {}, '0020000000'],
    ['effective in the last century', { 0x5f25: '991231' }, {}, '0000000000'],
    ['neither goods nor services at home', { 0x9f07: 'D580' }, {}, '0010000000'],
    ['services at home are enough', { 0x9f07: 'DF80' }, {}, '0000000000'],
    ['for cash machines only', { 0x9f07: 'FE80' }, {}, '0010000000'],
    ['foreign, for nothing abroad', { 0x5f28: '0840', 0x9f07: 'EB80' }, {}, '0010000000'],
    ['cash that is not for home', { 0x9f07: '7F80' }, cash, '0010000000'],
    ['cash at home', {}, cash, '0000000000'],
    ['cashback that is not allowed', { 0x9f07: 'FF40' }, { amountOtherMinor: 500 }, '0010000000'],
    ['an inquiry buys nothing', { 0x9f07: 'C380' }, { type: transactionTypes.inquiry }, '0000000000'],
  ])('%s', (_name, change, what: Partial<KernelTransaction>, tvr) => {
    const card = cardOf({ ...good, ...change });
    expect(toHex(restrict(noResults, card, 'visa', terminal, { ...sale, ...what }).tvr)).toBe(tvr);
  });
});

describe('the choice of offline data authentication (Book 3, 10.3)', () => {
  it.each([
    ['7D00', 'CDA'],
    ['7C00', 'DDA'],
    ['5C00', 'SDA'],
    ['1C00', 'none'],
  ])('%s is %s with a terminal that can do all', (profile, method) => {
    expect(authenticationMethod(hex(profile), terminal)).toBe(method);
    expect(authenticationMethod(hex(profile), terminalWith({ authenticatesData: false }))).toBe('none');
  });

  it.each([
    [1, [true, true, true]],
    [2, [true, false, true]],
    [3, [false, false, true]],
    [4, [false, true, true]],
  ] as const)(
    'mode %i signs (first ARQC, second TC, TC without the issuer): %j (Book 4, 6.3.2)',
    (cdaMode, expected) => {
      const one = terminalWith({ cdaMode });
      expect([
        wantsSignature('ARQC', one, 'first'),
        wantsSignature('TC', one, 'afterIssuer'),
        wantsSignature('TC', one, 'unableToGoOnline'),
      ]).toEqual(expected);
      expect(wantsSignature('AAC', one, 'first')).toBe(false);
    },
  );
});

describe('terminal risk management (Book 3, 10.6)', () => {
  const lot = { targetPercent: 20, maxPercent: 80, thresholdMinor: 2_000 };
  it.each([
    [1_999, 20],
    [2_000, 20],
    [6_000, 50],
    [9_999, 79.9925],
  ])('chooses by lot among sales of %i so many of a hundred: %f', (amount, percent) => {
    expect(selectionPercent(amount, 10_000, lot)).toBeCloseTo(percent, 6);
  });
});

describe('cardholder verification (Book 3, 10.5)', () => {
  const list = (rules: string, amounts = '0000000000000000'): Record<number, string> => ({
    0x82: '1000',
    0x8e: `${amounts}${rules}`,
    0x9f42: '0392',
  });
  const unsigned = terminalWith({ pins: { offline: false, online: false } }, 'JET-Smart');
  const verified = (objects: Record<number, string>, one = terminal, what: Partial<KernelTransaction> = {}) => {
    const card = cardOf(objects);
    const turn = {
      terminal: one,
      transaction: { ...sale, ...what },
      card,
      language: undefined,
      scheme: 'visa' as const,
      pinKey: () => undefined,
    };
    const { result } = play(verifyCardholder(noResults, turn), noCommands);
    if (!result.ok) throw new Error(result.fault.code);
    const { verification, cvmResults, results } = result.value;
    return [verification, toHex(cvmResults), toHex(results.tvr)];
  };
  const [readers = 0, , security = 0] = unsigned.capabilities;
  const mute = { ...unsigned, capabilities: Uint8Array.of(readers, 0x08, security) };

  it.each([
    ['signature where it can be taken', list('1E031F00'), terminal, 'signature', '1E0300', '0000000000'],
    ['none where it cannot', list('1E031F00'), mute, 'none', '1F0002', '0000000000'],
    [
      'PINs that nobody can enter, then signature',
      list('420341035E031F03'),
      terminal,
      'signature',
      '5E0300',
      '0000000000',
    ],
    ['only a PIN', list('0200'), terminal, 'none', '3F0001', '0000900000'],
    ['an unknown method, then none', list('6A001F00'), terminal, 'none', '1F0002', '0000400000'],
    ['an unknown method and no more', list('2A001F00'), terminal, 'none', '3F0001', '0000C00000'],
    ['no rule for this sale', list('1F01'), terminal, 'none', '3F0001', '0000800000'],
    ['an unknown condition', list('1E0A1F00'), terminal, 'none', '1F0002', '0000000000'],
    ['fail', list('0000'), terminal, 'none', '000001', '0000800000'],
    ['fail, but go on', list('40001F00'), terminal, 'none', '1F0002', '0000000000'],
    ['a card that does not verify', { 0x82: '0000' }, terminal, 'none', '3F0000', '0000000000'],
    ['a card without its list', { 0x82: '1000' }, terminal, 'none', '3F0000', '2000000000'],
    ['amounts of another currency', { ...list('1F06'), 0x9f42: '0840' }, terminal, 'none', '3F0001', '0000800000'],
    ['under X', list('1F06', '0000050100000000'), terminal, 'none', '1F0602', '0000000000'],
    ['exactly X is not under it', list('1F06', '0000050000000000'), terminal, 'none', '3F0001', '0000800000'],
    ['exactly X is not over it', list('1F07', '0000050000000000'), terminal, 'none', '3F0001', '0000800000'],
    ['over X', list('1F07', '000004FF00000000'), terminal, 'none', '1F0702', '0000000000'],
    ['under Y', list('1F08', '0000000000000501'), terminal, 'none', '1F0802', '0000000000'],
    ['over Y', list('1F09', '00000000000004FF'), terminal, 'none', '1F0902', '0000000000'],
  ] as const)('%s', (_name, objects, one, verification, cvmResults, tvr) => {
    expect(verified(objects, one)).toEqual([verification, cvmResults, tvr]);
  });

  it.each([
    ['manual cash', '1F04', { type: transactionTypes.cash }, '1F0402'],
    ['cash is not "neither cash nor cashback"', '1F02', { type: transactionTypes.cash }, '3F0001'],
    ['nor is cashback', '1F02', { amountOtherMinor: 1 }, '3F0001'],
    ['cashback', '1F05', { amountOtherMinor: 1 }, '1F0502'],
    ['no cashback', '1F05', {}, '3F0001'],
  ])('%s', (_name, rules, what, expected) => {
    expect(verified(list(rules), terminal, what)[1]).toBe(expected);
  });
});

describe('terminal action analysis (Book 3, 10.7)', () => {
  const offline = terminalWith();
  const offlineOnly = { ...offline, type: Uint8Array.of(0x23) };
  const lenient = cardOf({ 0x9f0d: '0000000000', 0x9f0e: '0000000000', 0x9f0f: '0000000000' });
  it.each([
    ['8000008000', terminal, 'ARQC', 'doubts go online'],
    ['1000000000', terminal, 'AAC', 'a listed card is refused'],
    ['0010000000', terminal, 'AAC', 'a service that is not allowed'],
    ['0040000000', terminal, 'ARQC', 'an expired card is the issuer’s to judge'],
    ['0000000000', terminal, 'ARQC', 'a terminal that always asks'],
    ['0000000000', offline, 'TC', 'nothing wrong'],
    ['0000008000', offline, 'ARQC', 'floor limit'],
    ['0000001000', offlineOnly, 'TC', 'chosen by lot, and no line'],
    ['0400000000', offlineOnly, 'AAC', 'not authentic, and no line'],
  ] as const)('TVR %s asks for its cryptogram: %#', (tvr, one, kind, why) => {
    expect(analyseAction(hex(tvr), lenient, one, 'visa').asks, why).toBe(kind);
  });

  it('tells which bit met which code', () => {
    expect(analyseAction(hex('0000008000'), lenient, offline, 'visa').because).toEqual([
      { byte: 4, bit: 8, code: 'TAC', list: 'online' },
    ]);
    const strict = cardOf({ 0x9f0e: '0040000000' });
    expect(analyseAction(hex('0040000000'), strict, offline, 'visa')).toEqual({
      asks: 'AAC',
      because: [{ byte: 2, bit: 7, code: 'IAC', list: 'denial' }],
    });
  });

  it('takes a card without codes to want the issuer for everything', () => {
    expect(analyseAction(hex('0008000000'), cardOf({}), offline, 'visa').asks).toBe('ARQC');
    expect(analyseUnable(hex('0008000000'), cardOf({}), offline, 'visa').asks).toBe('AAC');
    expect(analyseUnable(hex('0008000000'), lenient, offline, 'visa').asks).toBe('TC');
  });
});

describe('the table of CA keys (Book 2, 11.2.2)', () => {
  const entries = testCaKeys().map((key) => ({ ...key, hash: caKeyHash(key) }));
  const [first] = entries;
  if (first === undefined) throw new Error('the test CA has keys');
  it('gives a key until its last day', () => {
    const table = CaKeyTable.load(entries);
    if (!table.ok) throw new Error(table.fault.code);
    expect(table.value.size).toBe(entries.length);
    expect(table.value.find(hex(first.rid), first.index, first.expiry)).toMatchObject({ index: first.index });
    expect(table.value.find(hex(first.rid), first.index, '2999-01-01')).toBeUndefined();
    expect(table.value.find(hex(first.rid), 0x01, first.expiry)).toBeUndefined();
  });
  it.each([
    ['a wrong checksum', [{ ...first, hash: new Uint8Array(20) }]],
    ['another exponent', [{ ...first, exponent: 17 }]],
    ['the same key twice', [first, first]],
  ])('refuses %s', (_name, wrong) => {
    expect(CaKeyTable.load(wrong)).toMatchObject({ fault: { code: 'EMV_KEY_INVALID', field: `${first.rid}/F1` } });
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
    take(card, tlv(0x70, tlv(0x5a, hex('4761739001010010')), tlv(0x57, hex('4761739001010119D3012201'))));
    expect(card.facts('visa')).toMatchObject({ ok: false, fault: { code: 'EMV_VALUE_INVALID' } });
  });
});

describe('a dialogue', () => {
  it('is pure: the same events lead to the same actions', () => {
    const events = Array.from(
      { length: 15 },
      (): KernelEvent => ({ type: 'response', response: { data: new Uint8Array(0), sw: 0x6a82 } }),
    );
    const run = () => {
      const dialogue = contactSale(terminal, sale);
      const actions = [JSON.stringify(dialogue.next())];
      for (const event of events) actions.push(JSON.stringify(dialogue.next(event)));
      return actions;
    };
    expect(run()).toEqual(run());
    expect(run().at(-1)).toContain('NO_COMMON_APPLICATION');
  });
});
