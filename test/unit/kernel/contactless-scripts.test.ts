import { mayTakeStripe, nextInterface } from '@tsunagu/firmware-bridge/kernel/fallback';
import { contactlessSale, type KernelSettings, type KernelTransaction } from '@tsunagu/firmware-bridge/kernel/index';
import { hex, toHex } from '@tsunagu/protocols/kit';
import type { TestCard, TestCardName } from '@tsunagu/protocols/test-cards';
import { tlv } from '@tsunagu/protocols/tlv';
import { describe, expect, it } from 'vitest';
import { sale, terminalWith } from './support/at-the-till.ts';
import { BenchCard, type Change, ok } from './support/bench-card.ts';
import { play, type Surroundings } from './support/play.ts';
import { type Exchange, ScriptedCard } from './support/scripted-card.ts';

/** Card scripts without contacts. A, B, C-2 to C-7 are the EMV contactless books. */
interface Case {
  readonly name: string;
  readonly clause: string;
  readonly card?: TestCardName;
  readonly personal?: Partial<TestCard>;
  readonly tampered?: Change;
  readonly terminal?: Partial<KernelSettings>;
  readonly transaction?: Partial<KernelTransaction>;
  readonly world?: Surroundings;
  readonly script: (card: BenchCard) => readonly Exchange[];
  readonly ends: string;
  readonly tvr?: string;
  readonly verification?: string;
}

const ppse = '00A404000E325041592E5359532E444446303100';
const yes = { type: 'answered', isApproved: true, emv: new Uint8Array(0) } as const;
const selectionThen =
  (...rest: readonly Exchange[]) =>
  (card: BenchCard): readonly Exchange[] => [...card.selection(), ...rest];
const gpo = (reply: string, why: string): Exchange => ['80A80000*', reply, why];

/** An answer of kernel 3's card: kind, qualifiers, and whatever a case adds. No locator: nothing is to be read. */
const fast = (kind: '00' | '40' | '80', ctq: string | undefined, ...more: readonly Uint8Array[]): string =>
  ok(
    tlv(
      0x77,
      tlv(0x82, hex('2000')),
      tlv(0x57, hex('4761739001010036D30122011190000012300F')),
      tlv(0x9f10, hex('06011103A00000')),
      tlv(0x9f26, hex('1122334455667788')),
      tlv(0x9f27, hex(kind)),
      tlv(0x9f36, hex('0002')),
      ctq === undefined ? new Uint8Array(0) : tlv(0x9f6c, hex(ctq)),
      ...more,
    ),
  );
const expired = tlv(0x5f24, hex('240131'));

/** A directory entry: name, priority, kernel. */
const entry = (aid: string, priority: string, kernel?: string): Uint8Array =>
  tlv(
    0x61,
    tlv(0x4f, hex(aid)),
    tlv(0x87, hex(priority)),
    kernel === undefined ? new Uint8Array(0) : tlv(0x9f2a, hex(kernel)),
  );
const directory = (...entries: readonly Uint8Array[]): Exchange => [
  ppse,
  ok(tlv(0x6f, tlv(0x84, Buffer.from('2PAY.SYS.DDF01')), tlv(0xa5, tlv(0xbf0c, ...entries)))),
  'a directory',
];
const fciOf = (aid: string): string => ok(tlv(0x6f, tlv(0x84, hex(aid)), tlv(0xa5, tlv(0x50, Buffer.from('X')))));
const select = (aid: string, reply = fciOf(aid)): Exchange => [
  `00A40400${(aid.length / 2).toString(16).padStart(2, '0')}${aid}00`.toUpperCase(),
  reply,
  'an application',
];
const visa = 'A0000000031010';
const mastercard = 'A0000000041010';

const cases: readonly Case[] = [
  // Entry point
  { name: 'no directory', clause: 'B 3.3.2', script: () => [[ppse, '6A82', 'none']], ends: 'CARD_REFUSED_COMMAND' },
  {
    name: 'an amount that reaches the limit: no card is looked at',
    clause: 'B 3.1.1.13',
    terminal: { contactless: { transactionLimitMinor: 1_280 } },
    script: () => [],
    ends: 'CARD_OTHER_INTERFACE',
  },
  {
    name: 'a directory of strangers',
    clause: 'B 3.3.2.7',
    script: () => [directory(entry('A0000009991010', '01'))],
    ends: 'NO_COMMON_APPLICATION',
  },
  {
    name: 'the card’s order of two applications',
    clause: 'B 3.3.2.7',
    script: () => [
      directory(entry(visa, '02'), entry(mastercard, '01')),
      select(mastercard),
      gpo('6985', 'not this one'),
      select(visa),
      gpo(fast('80', '0000'), 'then the other'),
    ],
    world: { online: yes },
    ends: 'approved',
  },
  {
    name: 'an application that is gone when it is selected',
    clause: 'B 3.3.3.5',
    script: () => [
      directory(entry(visa, '02'), entry(mastercard, '01')),
      select(mastercard, '6A82'),
      select(visa),
      gpo(fast('80', '0000'), 'the other'),
    ],
    world: { online: yes },
    ends: 'approved',
  },
  {
    name: 'a kernel of another scheme in the directory',
    clause: 'B 3.3.2.5',
    script: () => [directory(entry(visa, '01', '02'))],
    ends: 'NO_COMMON_APPLICATION',
  },
  {
    name: 'a domestic kernel in the directory',
    clause: 'B 3.3.2.5',
    script: () => [directory(entry(visa, '01', '8103920001'))],
    ends: 'NO_COMMON_APPLICATION',
  },
  {
    name: 'a card that wants contacts',
    clause: 'C-3 5.4.1',
    script: selectionThen(gpo('6984', 'other interface')),
    ends: 'CARD_OTHER_INTERFACE',
  },
  {
    name: 'a phone that wants to be looked at, and comes back',
    clause: 'C-3 5.4.1, A 6.2 try again',
    world: { comesBack: true, online: yes },
    script: (card) => [
      ...card.selection(),
      gpo('6986', 'look at the phone'),
      ...card.selection(),
      gpo(fast('80', '0080'), 'verified there'),
    ],
    ends: 'approved',
    verification: 'onDevice',
  },
  {
    name: 'a phone that does not come back',
    clause: 'A 6.2 try again',
    script: selectionThen(gpo('6986', 'look at the phone')),
    ends: 'CARD_PRESENT_AGAIN',
  },
  {
    name: 'a phone that asks for ever',
    clause: 'house rule: three presentations',
    world: { comesBack: true },
    script: (card) => Array.from({ length: 3 }, () => [...card.selection(), gpo('6986', 'again')]).flat(),
    ends: 'CARD_PRESENT_AGAIN',
  },
  // Kernel 3
  {
    name: 'an AAC',
    clause: 'C-3 5.5',
    script: selectionThen(gpo(fast('00', '0000'), 'no')),
    ends: 'refused CARD_DECLINED',
  },
  {
    name: 'an ARQC',
    clause: 'C-3 5.8',
    world: { online: yes },
    script: selectionThen(gpo(fast('80', '0000'), 'ask')),
    ends: 'approved',
    tvr: '0000000000',
  },
  {
    name: 'a TC where an online cryptogram was demanded',
    clause: 'C-3 5.5',
    transaction: { amountMinor: 10_001 },
    script: selectionThen(gpo(fast('40', '0000'), 'yes, unasked')),
    ends: 'refused CARD_ANSWER_WRONG',
  },
  {
    name: 'a TC that nothing proves',
    clause: 'C-3 5.6',
    script: selectionThen(gpo(fast('40', '0000'), 'yes')),
    ends: 'refused CARD_NOT_AUTHENTIC',
  },
  {
    name: 'a TC that nothing proves, of a card that then goes online',
    clause: 'C-3 5.6, CTQ byte 1 bit 6',
    world: { online: yes },
    script: selectionThen(gpo(fast('40', '2000'), 'yes')),
    ends: 'approved',
  },
  {
    name: 'a TC that nothing proves, of a card that then wants contacts',
    clause: 'C-3 5.6, CTQ byte 1 bit 5',
    script: selectionThen(gpo(fast('40', '1000'), 'yes')),
    ends: 'CARD_OTHER_INTERFACE',
  },
  {
    name: 'an expired card',
    clause: 'C-3 5.5.1',
    script: selectionThen(gpo(fast('80', '0000', expired), 'ask')),
    ends: 'refused CARD_EXPIRED',
    tvr: '0040000000',
  },
  {
    name: 'an expired card that goes online for it',
    clause: 'C-3 5.5.1, CTQ byte 1 bit 4',
    world: { online: yes },
    script: selectionThen(gpo(fast('80', '0800', expired), 'ask')),
    ends: 'approved',
  },
  {
    name: 'a card of a listed range',
    clause: 'C-3 5.5.2',
    world: { negative: 'range-listed' },
    script: selectionThen(gpo(fast('80', '0000'), 'ask')),
    ends: 'refused CARD_LISTED',
    tvr: '1000000000',
  },
  {
    name: 'a card of a listed range at a kernel with one cryptogram',
    clause: 'B4 6.3.5, exception file',
    card: 'mastercard-contactless',
    world: { negative: 'range-listed' },
    script: (card) => [...card.opening(), card.ac('AAC', 'AAC')],
    ends: 'refused CARD_LISTED',
    tvr: '1000000001',
  },
  {
    name: 'a listed card',
    clause: 'C-3 5.5.2',
    world: { negative: 'listed' },
    script: selectionThen(gpo(fast('80', '0000'), 'ask')),
    ends: 'refused CARD_LISTED',
    tvr: '1000000000',
  },
  {
    name: 'no cryptogram in the answer',
    clause: 'C-3 5.4.2',
    script: selectionThen(gpo(ok(tlv(0x77, tlv(0x82, hex('2000')), tlv(0x9f36, hex('0002')))), 'nothing')),
    ends: 'EMV_DATA_MISSING',
  },
  {
    name: 'a PIN above the limit',
    clause: 'C-3 5.7',
    transaction: { amountMinor: 15_001 },
    world: { online: yes, pins: ['1234'] },
    script: selectionThen(gpo(fast('80', '8000'), 'PIN')),
    ends: 'approved',
    verification: 'onlinePin',
  },
  {
    name: 'a card without qualifiers above the limit: signature',
    clause: 'C-3 5.7',
    transaction: { amountMinor: 15_001 },
    world: { online: yes },
    script: selectionThen(gpo(fast('80', undefined), 'no word of it')),
    ends: 'approved',
    verification: 'signature',
  },
  {
    name: 'nothing that verifies the holder above the limit',
    clause: 'C-3 5.7',
    transaction: { amountMinor: 15_001 },
    script: selectionThen(gpo(fast('80', '0000'), 'no way')),
    ends: 'refused CARDHOLDER_NOT_VERIFIED',
  },
  // Kernel 2
  {
    name: 'a card in stripe mode alone',
    clause: 'C-2 6.3',
    card: 'mastercard-contactless',
    personal: { aip: '1900' },
    script: (card) => [...card.selection(), card.gpo()],
    ends: 'CARD_OTHER_INTERFACE',
  },
  {
    name: 'verified on the device above the limit',
    clause: 'C-2 7.5',
    card: 'mastercard-contactless',
    personal: { aip: '1380' },
    transaction: { amountMinor: 20_000 },
    world: { online: yes },
    script: (card) => [...card.opening(), card.cda('ARQC', 'ARQC')],
    ends: 'approved',
    verification: 'onDevice',
    tvr: '0000008001',
  },
  {
    name: 'a signature that is not good',
    clause: 'C-2 6.6, B2 6.6.2',
    card: 'mastercard-contactless',
    script: (card) => [...card.opening(), card.cda('TC', 'TC', 'hash')],
    ends: 'refused CARD_NOT_AUTHENTIC',
    tvr: '0400000001',
  },
  {
    name: 'a card nearer than its signal can be',
    clause: 'C-2 3.10',
    card: 'mastercard-contactless',
    personal: { aip: '1981' },
    world: { tookMs: 2 },
    script: (card) => [
      ...card.selection(),
      card.gpo(),
      ['80EA00000 45A5A5A5A00', '800A 11223344 0064 00C8 0018 9000', 'at least 10 ms'],
    ],
    ends: 'CARD_NOT_AUTHENTIC',
  },
  {
    name: 'a card that is farther than it says, three times',
    clause: 'C-2 3.10',
    card: 'mastercard-contactless',
    personal: { aip: '1981' },
    world: { tookMs: 60, online: yes },
    script: (card) => [
      ...card.selection(),
      card.gpo(),
      ...Array.from(
        { length: 3 },
        (): Exchange => ['80EA0000045A5A5A5A00', '800A 11223344 0010 0020 0018 9000', 'at most 3.2 ms'],
      ),
      ...card.records(),
      card.cda('TC', 'ARQC'),
    ],
    ends: 'approved',
    tvr: '000000000E',
  },
];

describe('card scripts, without contacts', () => {
  it.each(cases)('$clause: $name', (one) => {
    const card = new BenchCard(one.card ?? 'visa-contactless', one.personal, one.tampered);
    const scripted = new ScriptedCard(one.script(card));
    const { result } = play(
      contactlessSale(terminalWith(one.terminal), { ...sale, ...one.transaction }),
      scripted,
      one.world,
    );
    if (!result.ok) expect(result.fault.code).toBe(one.ends);
    else {
      const { decision, reason, tvr, verification } = result.value;
      expect([decision, reason].filter((part) => part !== undefined).join(' ')).toBe(one.ends);
      if (one.tvr !== undefined) expect(toHex(tvr), 'TVR').toBe(one.tvr);
      if (one.verification !== undefined) expect(verification).toBe(one.verification);
    }
    expect(scripted.left).toEqual([]);
  });
});

describe('the next interface (Book 4, 10.2; Book A, 6.2)', () => {
  const all = ['stripe', 'contact', 'contactless'];
  const allowed = { mayMoveToContacts: true, mayFallBackToStripe: true };
  const never = { mayMoveToContacts: false, mayFallBackToStripe: false };
  it.each([
    ['contactless', 'CARD_OTHER_INTERFACE', false, all, allowed, 'contact', false],
    ['contactless', 'CARD_OTHER_INTERFACE', true, all, { ...allowed, mayFallBackToStripe: false }, 'contact', false],
    ['contactless', 'CARD_OTHER_INTERFACE', false, all, never, undefined, undefined],
    ['contactless', 'CARD_BLOCKED', false, all, allowed, undefined, undefined],
    ['contactless', 'CARD_OTHER_INTERFACE', false, ['contactless'], allowed, undefined, undefined],
    ['contact', 'READER_CARD_MUTE', false, all, allowed, 'stripe', true],
    ['contact', 'READER_CARD_MUTE', true, all, allowed, undefined, undefined],
    ['contact', 'READER_CARD_MUTE', false, all, never, undefined, undefined],
    ['contact', 'NO_COMMON_APPLICATION', false, all, allowed, 'stripe', false],
    ['contact', 'CARD_BLOCKED', false, all, allowed, undefined, undefined],
    ['stripe', 'STRIPE_UNREADABLE', false, all, allowed, undefined, undefined],
  ] as const)('after %s and %s (selected: %s): %#', (tried, code, hasSelected, readers, rules, next, isFlagged) => {
    const found = nextInterface(tried, code, hasSelected, readers, rules);
    expect([found?.interface, found?.isTechnicalFallback]).toEqual([next, isFlagged]);
  });

  it('is never the stripe of a card whose chip can be read', () => {
    expect(mayTakeStripe('201', true, false)).toBe(false);
    expect(mayTakeStripe('201', true, true)).toBe(true);
    expect(mayTakeStripe('201', false, false)).toBe(true);
    expect(mayTakeStripe('601', true, false)).toBe(false);
    expect(mayTakeStripe('601', true, true)).toBe(true);
    expect(mayTakeStripe('101', true, false)).toBe(true);
  });
});
