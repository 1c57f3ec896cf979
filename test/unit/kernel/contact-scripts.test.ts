import { decodeCommand } from '@tsunagu/protocols/apdu';
import { decipherOfflinePin, RevocationList } from '@tsunagu/protocols/emv';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { cardSigner, type TestCard } from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlv, tlv } from '@tsunagu/protocols/tlv';
import { contactSale, type KernelSettings, type KernelTransaction } from '@tsunagu/firmware-bridge/kernel/index';
import { describe, expect, it } from 'vitest';
import { sale, terminalWith } from './support/at-the-till.ts';
import { BenchCard, type Change } from './support/bench-card.ts';
import { play, type Surroundings } from './support/play.ts';
import { type Exchange, ScriptedCard } from './support/scripted-card.ts';

/**
 * Card scripts: what the card does, exchange by exchange, and what the terminal must make of it. Every script has to be used up, so that
 * a command too many or too few fails. Clauses are those of EMV 4.3; B1 to B4 are its books.
 */
interface Case {
  readonly name: string;
  readonly clause: string;
  /** What the bureau wrote otherwise than for `visa-contact` without offline authentication and without verification. */
  readonly card?: Partial<TestCard>;
  readonly tampered?: Change;
  readonly terminal?: Partial<KernelSettings>;
  readonly transaction?: Partial<KernelTransaction>;
  readonly world?: Surroundings;
  readonly model?: string;
  readonly script: (card: BenchCard) => readonly Exchange[];
  /** A decision with its reason, or the code that ends it without one. */
  readonly ends: string;
  readonly tvr?: string;
  readonly tsi?: string;
  /** 9F27 of the last cryptogram. */
  readonly cid?: string;
  readonly cvm?: string;
  /** 8A of the end. */
  readonly code?: string;
}

const noRules = '0000000000000000';
const base: Partial<TestCard> = { aip: '1C00', cvmList: `${noRules}1F00` };
const sda: Partial<TestCard> = { aip: '5C00' };
const dda: Partial<TestCard> = { aip: '3C00' };
const cda: Partial<TestCard> = { aip: '3D00' };
const byLot = { randomSelection: { targetPercent: 99, maxPercent: 99, thresholdMinor: 5_000 } };
const yes = { type: 'answered', isApproved: true, emv: new Uint8Array(0) } as const;
const no = { type: 'answered', isApproved: false, emv: new Uint8Array(0) } as const;
const answered = (...objects: readonly Uint8Array[]) =>
  ({ type: 'answered', isApproved: true, emv: Buffer.concat(objects) }) as const;
const arpc = tlv(0x91, hex('0102030405060708 3030'.replace(' ', '')));
const externalAuthenticate = (sw: string): Exchange => ['008200000A 0102030405060708 3030', sw, 'the ARPC'];
const tries = (left: string): Exchange => ['80CA9F1700', left === '' ? '6A88' : `9F1701${left}9000`, 'tries left'];
const verify = (sw: string, pin = '1234'): Exchange => [`0020008008 24${pin}FFFFFFFFFF`, sw, 'the PIN, plain'];
const counter = (tag: string, value: string): Exchange => [
  `80CA${tag}00`,
  value === '' ? '6A88' : `${tag}02${value}9000`,
  'a counter',
];
const withRules = (rules: string, amounts = noRules): Partial<TestCard> => ({ ...sda, cvmList: `${amounts}${rules}` });
const script = (template: '71' | '72', ...commands: readonly string[]) =>
  tlv(Number.parseInt(template, 16), tlv(0x9f18, hex('A1A2A3A4')), ...commands.map((one) => tlv(0x86, hex(one))));
const openedAnd =
  (...rest: readonly ((card: BenchCard) => Exchange)[]) =>
  (card: BenchCard): readonly Exchange[] => [...card.opening(), ...rest.map((one) => one(card))];
const tc = (card: BenchCard): Exchange => card.ac('TC', 'TC');
const arqc = (card: BenchCard): Exchange => card.ac('ARQC', 'ARQC');
const aac = (card: BenchCard): Exchange => card.ac('AAC', 'AAC');

const cases: readonly Case[] = [
  // Selection and start
  {
    name: 'a card that is blocked as a whole',
    clause: 'B1 12.3.2 step 1',
    script: () => [['00A404000E315041592E5359532E4444463031 00', '6A81', 'blocked']],
    ends: 'CARD_BLOCKED',
  },
  {
    name: 'every application blocked when selected',
    clause: 'B1 12.4',
    script: (card) => [...card.selection().slice(0, -1), [card.select()[0], '6283', 'application blocked']],
    ends: 'CARD_REFUSED_COMMAND',
  },
  {
    name: 'an application that does not want this sale, and no other',
    clause: 'B3 10.1',
    script: (card) => [...card.selection(), ['80A8000002830000', '6985', 'conditions of use']],
    ends: 'CARD_REFUSED_COMMAND',
  },
  {
    name: 'an answer to GPO that is neither format',
    clause: 'B3 6.5.8.4',
    script: (card) => [...card.selection(), ['80A8000002830000', '70025C00 9000', 'template 70']],
    ends: 'CARD_ANSWER_WRONG',
  },
  {
    name: 'an answer to GPO without a file locator',
    clause: 'B3 7.2 and 10.1',
    script: (card) => [...card.selection(), ['80A8000002830000', '770482021C00 9000', 'format 2']],
    ends: 'EMV_DATA_MISSING',
  },
  // Reading
  {
    name: 'a locator whose last record comes before its first',
    clause: 'B3 10.2',
    script: (card) => [...card.selection(), ['80A8000002830000', '80061C0008020100 9000', 'records 2 to 1']],
    ends: 'EMV_AFL_INVALID',
  },
  {
    name: 'a locator that puts more records under authentication than it has',
    clause: 'B3 10.2',
    script: (card) => [...card.selection(), ['80A8000002830000', '80061C0008010102 9000', 'two of one']],
    ends: 'EMV_AFL_INVALID',
  },
  {
    name: 'a locator of file 31',
    clause: 'B3 10.2',
    script: (card) => [...card.selection(), ['80A8000002830000', '80061C00F8010100 9000', 'SFI 31']],
    ends: 'EMV_AFL_INVALID',
  },
  {
    name: 'a record that the locator names and the card does not have',
    clause: 'B3 10.2',
    script: (card) => [...card.selection(), card.gpo(), ['00B2010C00', '6A83', 'no such record']],
    ends: 'CARD_REFUSED_COMMAND',
  },
  {
    name: 'a record whose length lies',
    clause: 'B3 7.5',
    script: (card) => [...card.selection(), card.gpo(), ['00B2010C00', '70205F24033012319000', 'shorter than it says']],
    ends: 'TLV_TRUNCATED',
  },
  {
    name: 'an object that comes twice',
    clause: 'B3 10.2',
    script: (card) => [
      ...card.selection(),
      card.gpo(),
      ['00B2010C00', '700C5F24033012315F24033012319000', 'expiry, and expiry again'],
    ],
    ends: 'TLV_DUPLICATE',
  },
  {
    name: 'no expiry',
    clause: 'B3 7.2',
    tampered: { 0x5f24: undefined },
    script: (card) => card.opening(),
    ends: 'EMV_DATA_MISSING',
  },
  {
    name: 'no PAN of its own',
    clause: 'B3 7.2',
    tampered: { 0x5a: undefined },
    script: (card) => card.opening(),
    ends: 'EMV_DATA_MISSING',
  },
  {
    name: 'no CDOL1',
    clause: 'B3 7.2',
    tampered: { 0x8c: undefined },
    script: (card) => card.opening(),
    ends: 'EMV_DATA_MISSING',
  },
  {
    name: 'an expiry in month 13',
    clause: 'B3 7.5',
    tampered: { 0x5f24: '301331' },
    script: (card) => card.opening(),
    ends: 'EMV_VALUE_INVALID',
  },
  {
    name: 'a CVM list of an odd length',
    clause: 'B3 7.5',
    tampered: { 0x8e: `${noRules}1F` },
    script: (card) => card.opening(),
    ends: 'EMV_VALUE_INVALID',
  },
  {
    name: 'a CDOL that ends in the middle of an entry',
    clause: 'B3 7.5',
    tampered: { 0x8c: '9F02069F' },
    script: (card) => card.opening(),
    ends: 'DOL_INVALID',
  },
  // Offline data authentication
  {
    name: 'static data that are good: approved without the issuer',
    clause: 'B2 5.4, B3 10.3',
    card: sda,
    script: openedAnd(tc),
    ends: 'approvedOffline',
    tvr: '0200000000',
    tsi: 'E800',
    cid: '40',
  },
  {
    name: 'static data that were changed',
    clause: 'B2 5.4',
    card: sda,
    tampered: { 0x5f25: '240101' },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '4200000000',
    tsi: 'E800',
    cid: '00',
  },
  {
    name: 'no signature over the static data',
    clause: 'B3 7.2 and C5',
    card: sda,
    tampered: { 0x93: undefined },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '6200000000',
    tsi: 'E800',
  },
  {
    name: 'a CA key that the terminal does not have',
    clause: 'B2 5.2',
    card: sda,
    tampered: { 0x8f: '01' },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '4200000000',
  },
  {
    name: 'an issuer certificate that the scheme has withdrawn',
    clause: 'B2 5.1.2',
    card: sda,
    terminal: { revoked: new RevocationList([{ rid: 'A000000003', index: 0xf1, serial: '000001' }]) },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '4200000000',
  },
  {
    name: 'a tag list that names more than the interchange profile',
    clause: 'B3 10.3',
    card: sda,
    tampered: { 0x9f4a: '8294' },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '4200000000',
    tsi: 'E800',
  },
  {
    name: 'dynamic data that are good',
    clause: 'B2 6.5',
    card: dda,
    script: openedAnd((card) => card.internalAuthenticate(), tc),
    ends: 'approvedOffline',
    tvr: '0000000000',
    tsi: 'E800',
    cid: '40',
  },
  {
    name: 'a dynamic signature over something else',
    clause: 'B2 6.5.2',
    card: dda,
    script: openedAnd(
      (card) => {
        const [, reply, why] = card.internalAuthenticate();
        return [
          '0088000004 12345678 00',
          () => (typeof reply === 'function' ? reply(hex('0088000004DEADBEEF00')) : reply),
          `${why} of another sale`,
        ];
      },
      arqc,
      aac,
    ),
    ends: 'unable',
    tvr: '0800000000',
    tsi: 'E800',
  },
  {
    name: 'a DDOL without the unpredictable number',
    clause: 'B2 6.5.1',
    card: { ...dda, ddol: '9F0206' },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0800000000',
  },
  {
    name: 'no DDOL: the terminal has its own',
    clause: 'B2 6.5.1',
    card: dda,
    tampered: { 0x9f49: undefined },
    script: openedAnd((card) => card.internalAuthenticate(), tc),
    ends: 'approvedOffline',
    tvr: '0000000000',
  },
  {
    name: 'a card that refuses INTERNAL AUTHENTICATE',
    clause: 'B3 6.3.5 and 6.5.9',
    card: dda,
    script: (card) => [...card.opening(), ['0088*', '6985', 'refused']],
    ends: 'CARD_REFUSED_COMMAND',
  },
  {
    name: 'no certificate of the card’s key',
    clause: 'B3 7.2',
    card: dda,
    tampered: { 0x9f46: undefined },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '2800000000',
  },
  {
    name: 'a combined signature over a TC',
    clause: 'B2 6.6.2',
    card: cda,
    script: openedAnd((card) => card.cda('TC', 'TC')),
    ends: 'approvedOffline',
    tvr: '0000000000',
    tsi: 'E800',
    cid: '40',
  },
  {
    name: 'combined signatures over ARQC and TC',
    clause: 'B2 6.6.2, B4 6.3.2 mode 1',
    card: cda,
    transaction: { amountMinor: 20_000 },
    world: { online: yes },
    script: openedAnd(
      (card) => card.cda('ARQC', 'ARQC'),
      (card) => card.cda('TC', 'TC'),
    ),
    ends: 'approved',
    tvr: '0000008000',
    tsi: 'E800',
    cid: '40',
  },
  {
    name: 'mode 3: no signature once the issuer was asked',
    clause: 'B4 6.3.2 mode 3',
    card: cda,
    terminal: { cdaMode: 3 },
    transaction: { amountMinor: 20_000 },
    world: { online: yes },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0000008000',
    // Nothing was signed, so nothing was authenticated.
    tsi: '6800',
  },
  ...(
    [
      ['another kind inside', 'cid'],
      ['data of another transaction', 'hash'],
      ['another unpredictable number', 'un'],
      ['forged', 'forged'],
      ['not there', 'unsigned'],
    ] as const
  ).map(
    ([name, lie]): Case => ({
      name: `a combined signature over a TC, ${name}`,
      clause: 'B2 6.6.2',
      card: cda,
      script: openedAnd((card) => card.cda('TC', 'TC', lie)),
      ends: 'refused CARD_NOT_AUTHENTIC',
      tvr: '0400000000',
      tsi: 'E800',
    }),
  ),
  {
    name: 'a combined signature over an ARQC that is not good: the card is told no',
    clause: 'B4 6.3.2',
    card: cda,
    transaction: { amountMinor: 20_000 },
    script: openedAnd((card) => card.cda('ARQC', 'ARQC', 'hash'), aac),
    ends: 'refused CARD_NOT_AUTHENTIC',
    tvr: '0400008000',
    tsi: 'E800',
    cid: '00',
  },
  {
    name: 'a second signature that is not good after the issuer’s yes',
    clause: 'B4 6.3.2',
    card: cda,
    transaction: { amountMinor: 20_000 },
    world: { online: yes },
    script: openedAnd(
      (card) => card.cda('ARQC', 'ARQC'),
      (card) => card.cda('TC', 'TC', 'forged'),
    ),
    ends: 'withdrawn CARD_NOT_AUTHENTIC',
    tvr: '0400008000',
  },
  {
    name: 'a card key that cannot be recovered: no signature is asked for',
    clause: 'B2 6.6',
    card: cda,
    tampered: { 0x9f47: '05' },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0400000000',
    tsi: 'E800',
  },
  // Processing restrictions
  {
    name: 'an expired card, and no issuer to ask',
    clause: 'B3 10.4.3',
    card: { ...sda, expiry: '261031' },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0240000000',
  },
  {
    name: 'a card that is not for goods or services at home',
    clause: 'B3 10.4.2',
    card: { ...sda, auc: 'D580' },
    script: openedAnd(aac),
    ends: 'refused SERVICE_NOT_ALLOWED',
    tvr: '0210000000',
    cid: '00',
  },
  // Cardholder verification
  {
    name: 'a plain PIN',
    clause: 'B3 10.5.1',
    card: withRules('41001F00'),
    world: { pins: ['1234'] },
    script: openedAnd(
      () => tries('03'),
      () => verify('9000'),
      tc,
    ),
    ends: 'approvedOffline',
    tvr: '0200000000',
    cvm: '410002',
  },
  {
    name: 'a wrong PIN, then the right one',
    clause: 'B3 10.5.1, 6.5.12',
    card: withRules('41001F00'),
    world: { pins: ['9999', '1234'] },
    script: openedAnd(
      () => tries('03'),
      () => verify('63C2', '9999'),
      () => verify('9000'),
      tc,
    ),
    ends: 'approvedOffline',
    tvr: '0200000000',
    cvm: '410002',
  },
  {
    name: 'the last try gone',
    clause: 'B3 10.5.1',
    card: withRules('01001F00'),
    world: { pins: ['9999'] },
    script: openedAnd(
      () => tries('01'),
      () => verify('63C0', '9999'),
      arqc,
      aac,
    ),
    ends: 'unable',
    tvr: '0200A00000',
    cvm: '010001',
  },
  {
    name: 'no tries left: nobody is asked',
    clause: 'B3 10.5.1',
    card: withRules('41005E00'),
    script: openedAnd(() => tries('00'), arqc, aac),
    ends: 'unable',
    tvr: '0200200000',
    cvm: '5E0000',
  },
  {
    name: 'a PIN that is blocked already',
    clause: 'B3 6.5.12.5',
    card: withRules('0100'),
    world: { pins: ['1234'] },
    script: openedAnd(
      () => tries(''),
      () => verify('6983'),
      arqc,
      aac,
    ),
    ends: 'unable',
    tvr: '0200A00000',
    cvm: '010001',
  },
  {
    name: 'a PIN and a signature',
    clause: 'B3 10.5.4',
    card: withRules('0300'),
    world: { pins: ['1234'] },
    script: openedAnd(
      () => tries('03'),
      () => verify('9000'),
      tc,
    ),
    ends: 'approvedOffline',
    cvm: '030000',
  },
  {
    name: 'an enciphered PIN',
    clause: 'B2 7, B3 10.5.1',
    card: { ...dda, cvmList: `${noRules}0400` },
    world: { pins: ['1234'] },
    script: openedAnd(
      (card) => card.internalAuthenticate(),
      () => tries('03'),
      () => ['0084000000', 'C1C2C3C4C5C6C7C89000', 'a challenge'],
      () => [
        '0020008880*',
        (command) => {
          const read = unwrap(decodeCommand(command));
          const pin = decipherOfflinePin(cardSigner('visa-contact'), read.data, hex('C1C2C3C4C5C6C7C8'));
          return pin.ok && pin.value.use((digits) => Buffer.from(digits).toString()) === '1234' ? '9000' : '63C2';
        },
        'the PIN under the card’s key',
      ],
      tc,
    ),
    ends: 'approvedOffline',
    cvm: '040002',
  },
  {
    name: 'no challenge for an enciphered PIN',
    clause: 'B2 7.2',
    card: { ...dda, cvmList: `${noRules}44001F00` },
    world: { pins: ['1234'] },
    script: openedAnd(
      (card) => card.internalAuthenticate(),
      () => tries('03'),
      () => ['0084000000', '6D00', 'it has none'],
      tc,
    ),
    ends: 'approvedOffline',
    tvr: '0000000000',
    cvm: '1F0002',
  },
  {
    name: 'a PIN for the issuer',
    clause: 'B3 10.5.2',
    card: withRules('0200'),
    world: { pins: ['1234'], online: yes },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0200040000',
    cvm: '020000',
  },
  {
    name: 'a PIN that is left out where that is allowed',
    clause: 'B4 6.3.4.3',
    card: withRules('42001E00'),
    terminal: { mayBypassPin: true },
    world: { pins: [{ type: 'bypassed' }], online: yes },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0200080000',
    cvm: '1E0000',
  },
  {
    name: 'a PIN that is left out counts for every later one',
    clause: 'B4 6.3.4.3',
    card: withRules('41004200 0500'.replace(' ', '')),
    terminal: { mayBypassPin: true },
    world: { pins: [{ type: 'bypassed' }, '1234'], online: no },
    script: openedAnd(() => tries('03'), arqc, aac),
    ends: 'declined',
    tvr: '0200880000',
    cvm: '050001',
  },
  {
    name: 'a PIN that is left out where bypass has ended',
    clause: 'house rule, B4 6.3.4.3',
    card: withRules('42001E00'),
    world: { pins: [{ type: 'bypassed' }] },
    script: (card) => card.opening(),
    ends: 'CARDHOLDER_CANCELLED',
  },
  {
    name: 'a PIN pad that does not work',
    clause: 'B3 10.5.1',
    card: withRules('0100'),
    terminal: { pinPad: 'broken' },
    script: openedAnd(() => tries('03'), arqc, aac),
    ends: 'unable',
    tvr: '0200900000',
    cvm: '010001',
  },
  {
    name: 'a terminal without a PIN pad',
    clause: 'B3 10.5.2, B4 table 2',
    card: withRules('0200'),
    terminal: { pins: { offline: false, online: false } },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0200900000',
    cvm: '3F0001',
  },
  {
    name: 'a rule that fails the verification',
    clause: 'B3 10.5.5',
    card: withRules('00001F00'),
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0200800000',
    cvm: '000001',
  },
  {
    name: 'no rule for an amount over X',
    clause: 'B3 C3, B4 table 2',
    card: withRules('1F06', '0000010000000000'),
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0200800000',
    cvm: '3F0001',
  },
  {
    name: 'a rule for amounts under X',
    clause: 'B3 C3',
    card: withRules('1F06', '0000100000000000'),
    script: openedAnd(tc),
    ends: 'approvedOffline',
    cvm: '1F0602',
  },
  {
    name: 'a list of amounts alone',
    clause: 'B3 7.5',
    card: sda,
    tampered: { 0x8e: noRules },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    // The list stood under the signature, too.
    tvr: '6200000000',
    tsi: 'A800',
    cvm: '3F0000',
  },
  // Terminal risk management
  {
    name: 'the floor limit reached',
    clause: 'B3 10.6.1',
    card: sda,
    transaction: { amountMinor: 10_000 },
    world: { online: yes },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0200008000',
    cid: '40',
  },
  {
    name: 'the floor limit reached together with earlier sales',
    clause: 'B3 10.6.1',
    card: sda,
    world: { online: yes, logMinor: 9_000 },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0200008000',
  },
  {
    name: 'chosen by lot',
    clause: 'B3 10.6.2',
    card: sda,
    terminal: byLot,
    world: { online: yes },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0200001000',
  },
  {
    name: 'too often offline for the card',
    clause: 'B3 10.6.3',
    card: sda,
    world: { online: yes },
    script: (card) => [
      ...card.selection(),
      card.gpo(Buffer.concat([tlv(0x9f14, hex('02')), tlv(0x9f23, hex('05'))])),
      ...card.records(),
      counter('9F36', '0010'),
      counter('9F13', '0001'),
      arqc(card),
      tc(card),
    ],
    ends: 'approved',
    tvr: '0200006000',
  },
  {
    name: 'limits without counters',
    clause: 'B3 10.6.3',
    card: sda,
    world: { online: yes },
    script: (card) => [
      ...card.selection(),
      card.gpo(Buffer.concat([tlv(0x9f14, hex('02')), tlv(0x9f23, hex('05'))])),
      ...card.records(),
      counter('9F36', ''),
      counter('9F13', ''),
      arqc(card),
      tc(card),
    ],
    ends: 'approved',
    tvr: '0200006000',
  },
  {
    name: 'a new card',
    clause: 'B3 10.6.3',
    card: sda,
    world: { online: yes },
    script: (card) => [
      ...card.selection(),
      card.gpo(Buffer.concat([tlv(0x9f14, hex('09')), tlv(0x9f23, hex('09'))])),
      ...card.records(),
      counter('9F36', '0002'),
      counter('9F13', '0000'),
      // Visa's codes let it be approved without the issuer, its own do not ask either.
      tc(card),
    ],
    ends: 'approvedOffline',
    tvr: '0208000000',
  },
  {
    name: 'a new card that does not give its transaction counter',
    clause: 'B3 10.6.3',
    card: sda,
    world: { online: yes },
    script: (card) => [
      ...card.selection(),
      card.gpo(Buffer.concat([tlv(0x9f14, hex('09')), tlv(0x9f23, hex('09'))])),
      ...card.records(),
      counter('9F36', ''),
      counter('9F13', '0000'),
      arqc(card),
      tc(card),
    ],
    ends: 'approved',
    tvr: '0208006000',
  },
  {
    name: 'a card of a listed range',
    clause: 'B4 6.3.5, exception file',
    card: sda,
    world: { negative: 'range-listed' },
    script: openedAnd(aac),
    ends: 'refused CARD_LISTED',
    tvr: '1200000000',
    cid: '00',
  },
  {
    name: 'a listed card',
    clause: 'B4 6.3.5, exception file',
    card: sda,
    world: { negative: 'listed' },
    script: openedAnd(aac),
    ends: 'refused CARD_LISTED',
    tvr: '1200000000',
    cid: '00',
  },
  {
    name: 'a sale that the merchant wants online',
    clause: 'B3 C5',
    card: sda,
    transaction: { isForcedOnline: true },
    world: { online: yes },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '0200000800',
  },
  // Cryptograms
  {
    name: 'a card that wants the issuer where the terminal does not',
    clause: 'B3 10.8.1',
    card: sda,
    world: { online: yes },
    script: openedAnd((card) => card.ac('TC', 'ARQC'), tc),
    ends: 'approved',
    tvr: '0200000000',
    cid: '40',
  },
  {
    name: 'a card that declines by itself',
    clause: 'B3 10.8.1',
    card: sda,
    script: openedAnd((card) => card.ac('TC', 'AAC')),
    ends: 'refused CARD_DECLINED',
    cid: '00',
  },
  {
    name: 'a card that does not allow the service, and wants an advice',
    clause: 'B3 6.5.5.4',
    card: sda,
    script: openedAnd((card) => card.ac('TC', 'AAC', { cid: 0x09 })),
    ends: 'refused SERVICE_NOT_ALLOWED',
    cid: '09',
  },
  {
    name: 'a TC where an ARQC was asked for',
    clause: 'B3 10.8.1',
    card: sda,
    transaction: { amountMinor: 10_000 },
    script: openedAnd((card) => card.ac('ARQC', 'TC')),
    ends: 'CARD_ANSWER_WRONG',
  },
  {
    name: 'a reserved kind of cryptogram',
    clause: 'B3 6.5.5.4',
    card: sda,
    script: openedAnd((card) => card.ac('TC', 'TC', { cid: 0xc0 })),
    ends: 'CARD_ANSWER_WRONG',
  },
  {
    name: 'a card that refuses GENERATE AC',
    clause: 'B3 6.5.5.5',
    card: sda,
    script: (card) => [...card.opening(), ['80AE4000*', '6985', 'refused']],
    ends: 'CARD_REFUSED_COMMAND',
  },
  {
    name: 'an answer to GENERATE AC that breaks off',
    clause: 'B3 7.5',
    card: sda,
    script: (card) => [...card.opening(), ['80AE4000*', '8012400002112233 9000', 'too short']],
    ends: 'TLV_TRUNCATED',
  },
  {
    name: 'a PIN that only the issuer can judge, and no line, though no code says no',
    clause: 'B3 10.5.2, B4 A6 (Z3)',
    card: { ...withRules('42031F00'), iac: { default: '0000000000', denial: '0000000000', online: '0000000000' } },
    world: { pins: ['1234'] },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    tvr: '0200040000',
    cid: '00',
    cvm: '420300',
    code: 'Z3',
  },
  // The issuer
  {
    name: 'an issuer that the card believes',
    clause: 'B3 10.9',
    transaction: { amountMinor: 10_000 },
    world: { online: answered(tlv(0x8a, hex('3030')), arpc) },
    script: openedAnd(arqc, () => externalAuthenticate('9000'), tc),
    ends: 'approved',
    tvr: '8000008000',
    tsi: '7800',
    cid: '40',
  },
  {
    name: 'an issuer that the card does not believe',
    clause: 'B3 10.9',
    transaction: { amountMinor: 10_000 },
    world: { online: answered(arpc) },
    script: openedAnd(
      arqc,
      () => externalAuthenticate('6300'),
      (card) => card.ac('TC', 'AAC'),
    ),
    ends: 'withdrawn CARD_WITHDREW',
    tvr: '8000008040',
    tsi: '7800',
    cid: '00',
  },
  {
    name: 'an issuer that declines',
    clause: 'B3 10.11',
    transaction: { amountMinor: 10_000 },
    world: { online: no },
    script: openedAnd(arqc, aac),
    ends: 'declined',
    tvr: '8000008000',
    tsi: '6800',
    cid: '00',
  },
  {
    name: 'scripts before and after the last cryptogram',
    clause: 'B3 10.10, B4 A5',
    transaction: { amountMinor: 10_000 },
    world: { online: answered(script('71', '8424000008A1B2C3D4A1B2C3D4'), script('72', '841E000004AABBCCDD')) },
    script: openedAnd(
      arqc,
      () => ['8424000008A1B2C3D4A1B2C3D4', '9000', 'PIN unblock'],
      tc,
      () => ['841E000004AABBCCDD', '9000', 'block'],
    ),
    ends: 'approved',
    tvr: '8000008000',
    tsi: '6C00',
  },
  {
    name: 'a script that fails at its second command, before',
    clause: 'B3 10.10',
    transaction: { amountMinor: 10_000 },
    world: { online: answered(script('71', '84DA000001AA', '84DA000001BB', '84DA000001CC')) },
    script: openedAnd(
      arqc,
      () => ['84DA000001AA', '6285', 'a warning does not stop it'],
      () => ['84DA000001BB', '6A80', 'fails'],
      tc,
    ),
    ends: 'approved',
    tvr: '8000008020',
    tsi: '6C00',
  },
  {
    name: 'a script that fails after',
    clause: 'B3 10.10',
    transaction: { amountMinor: 10_000 },
    world: { online: answered(script('72', '84DA000001AA')) },
    script: openedAnd(arqc, tc, () => ['84DA000001AA', '6985', 'fails']),
    ends: 'approved',
    tvr: '8000008010',
    tsi: '6C00',
  },
  {
    name: 'a script that is none',
    clause: 'B3 10.10',
    transaction: { amountMinor: 10_000 },
    world: { online: answered(tlv(0x71, hex('9F1803AABBCC'))) },
    script: openedAnd(arqc, tc),
    ends: 'approved',
    tvr: '8000008020',
    tsi: '6C00',
  },
  {
    name: 'nobody answers, and the default codes let it pass',
    clause: 'B3 10.7, B4 A6 (Y3)',
    card: { ...sda, iac: { default: '0000000000', denial: '0000000000', online: 'FFFFFFFFFF' } },
    // Visa's default codes do not name the lot.
    terminal: byLot,
    script: openedAnd(arqc, tc),
    ends: 'approvedOffline',
    tvr: '0200001000',
    cid: '40',
  },
  {
    name: 'nobody answers, and the card still says no',
    clause: 'B3 10.11',
    card: { ...sda, iac: { default: '0000000000', denial: '0000000000', online: 'FFFFFFFFFF' } },
    terminal: byLot,
    script: openedAnd(arqc, (card) => card.ac('TC', 'AAC')),
    ends: 'unable',
    cid: '00',
  },
  {
    name: 'nobody answers a terminal that always asks',
    clause: 'B3 10.7, B4 A6 (Z3)',
    card: sda,
    terminal: { approvesOffline: false },
    script: openedAnd(arqc, aac),
    ends: 'unable',
    cid: '00',
  },
  {
    name: 'a card that goes mute to the last command after the issuer’s yes',
    clause: 'B3 10.11',
    transaction: { amountMinor: 10_000 },
    world: { online: yes },
    script: (card) => [...card.opening(), arqc(card), ['80AE4000*', '6F00', 'no diagnosis']],
    ends: 'withdrawn CARD_WITHDREW',
  },
  {
    name: 'a refund asks the card for nothing but its account',
    clause: 'B3 10.7; 9C = 20',
    card: sda,
    transaction: { type: 0x20 },
    world: { online: yes },
    script: openedAnd(aac),
    ends: 'approved',
    cid: '00',
  },
];

describe('card scripts, with contacts', () => {
  it('are more than forty', () => expect(cases.length).toBeGreaterThan(40));

  it.each(cases)('$clause: $name', (one) => {
    const card = new BenchCard('visa-contact', { ...base, ...one.card }, one.tampered);
    const scripted = new ScriptedCard(one.script(card));
    const terminal = terminalWith(one.terminal, one.model);
    const { result } = play(contactSale(terminal, { ...sale, ...one.transaction }), scripted, one.world);
    const { ends, tvr, tsi, cid, cvm, code } = one;
    if (!result.ok) {
      expect(result.fault.code).toBe(ends);
    } else {
      const { value } = result;
      expect([value.decision, value.reason].filter((part) => part !== undefined).join(' ')).toBe(ends);
      if (tvr !== undefined) expect(toHex(value.tvr), 'TVR').toBe(tvr);
      if (tsi !== undefined) expect(toHex(value.tsi), 'TSI').toBe(tsi);
      if (cvm !== undefined) expect(toHex(value.cvmResults), 'CVM results').toBe(cvm);
      const objects = unwrap(decodeTlv(value.emv));
      if (cid !== undefined) expect(toHex(findTlv(objects, 0x9f27)?.value ?? new Uint8Array(0)), 'CID').toBe(cid);
      if (code !== undefined) expect(Buffer.from(findTlv(objects, 0x8a)?.value ?? []).toString(), '8A').toBe(code);
    }
    expect(scripted.left).toEqual([]);
  });
});
