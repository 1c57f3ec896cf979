import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { type CcidFault, ccidFaults } from '@tsunagu/firmware-bridge/readers/emulated/faults';
import { openReader } from '@tsunagu/firmware-bridge/readers/families';
import type { ChipReader } from '@tsunagu/firmware-bridge/readers/port';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { errorTable } from '@tsunagu/protocols/errors';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterEach, describe, expect, it } from 'vitest';
import { fastWorld } from '../unit/bridge/support/fast-world.ts';

/** A reader under test with what is needed to play the world around it. Another implementation is another entry. */
interface Bench {
  readonly reader: ChipReader;
  insert(): void;
  remove(): void;
  /** Breaks the next answer. */
  inject(...faults: readonly CcidFault[]): void;
  replug(): Promise<ChipReader>;
  close(): Promise<void>;
}

const kinds = ['contact', 'contactless'] as const;

async function emulated(kind: (typeof kinds)[number]): Promise<Bench> {
  const { world } = fastWorld(100);
  const bus = new EmulatedBus(world);
  const device = new EmulatedCcidReader(kind);
  const open = async (): Promise<ChipReader> => {
    const reader = unwrap(await openReader(world, bus, bus.plug(device)));
    if (reader.kind === 'stripe') throw new Error('a stripe head is no chip reader');
    return reader;
  };
  const reader = await open();
  const card = testCard(kind === 'contact' ? 'visa-contact' : 'mastercard-contactless');
  return {
    reader,
    insert: () => device.insert(new EmvCard(card)),
    remove: () => device.remove(),
    inject: (...faults) => device.inject(...faults),
    replug: open,
    close: async () => {
      await reader.close();
      await bus.close();
    },
  };
}

const select = hex('00A4040007A000000003101000');
const selectDirectory = {
  contact: hex('00A404000E315041592E5359532E444446303100'),
  contactless: hex('00A404000E325041592E5359532E444446303100'),
};

/** Faults after which the command has still succeeded. */
const harmless: readonly CcidFault[] = ['split', 'zeroLength', 'timeExtension'];
/** What each other fault must be called. */
const codes = {
  mute: 'READER_CARD_MUTE',
  silent: 'READER_TIMEOUT',
  wrongSequence: 'READER_SEQUENCE_WRONG',
  wrongSlot: 'READER_SEQUENCE_WRONG',
  lengthTooLong: 'CCID_TRUNCATED',
  lengthTooShort: 'CCID_MESSAGE_UNKNOWN',
  lengthHuge: 'CCID_TOO_LONG',
  headerCut: 'CCID_TRUNCATED',
  garbage: 'CCID_MESSAGE_UNKNOWN',
  wrongType: 'READER_ANSWER_WRONG',
  emptyAnswer: 'CCID_LENGTH_WRONG',
  timeExtensionStorm: 'READER_TIMEOUT',
  unplug: 'USB_UNPLUGGED',
  removed: 'READER_CARD_ABSENT',
  parity: 'READER_REFUSED',
} as const satisfies Partial<Record<CcidFault, keyof typeof errorTable>>;
const isBroken = (fault: string): fault is keyof typeof codes => Object.hasOwn(codes, fault);
const broken = Object.keys(ccidFaults).filter(isBroken);

describe.each(kinds)('the contract of a chip reader: emulated CCID, %s', (kind) => {
  let bench: Bench;
  afterEach(() => bench.close());

  it('knows whether a card is there and powered', async () => {
    bench = await emulated(kind);
    const { reader } = bench;
    expect(unwrap(await reader.state())).toBe('absent');
    bench.insert();
    expect(unwrap(await reader.state())).toBe('present');
    await reader.powerOn();
    expect(unwrap(await reader.state())).toBe('active');
    await reader.powerOff();
    expect(unwrap(await reader.state())).toBe('present');
    bench.remove();
    expect(unwrap(await reader.state())).toBe('absent');
  });

  it('gives the ATR of the card, and the response to a command', async () => {
    bench = await emulated(kind);
    bench.insert();
    const atr = toHex(unwrap(await bench.reader.powerOn()));
    expect(atr).toBe(kind === 'contact' ? '3B6700005453554E414755' : '3B8780015453554E41475549');
    const answer = unwrap(await bench.reader.transmit(selectDirectory[kind]));
    expect(toHex(answer.subarray(-2))).toBe('9000');
    expect(answer[0]).toBe(0x6f);
  });

  it('says that there is no card', async () => {
    bench = await emulated(kind);
    expect(await bench.reader.powerOn()).toMatchObject({ ok: false, fault: { code: 'READER_CARD_ABSENT' } });
    expect(await bench.reader.waitForCard(200)).toMatchObject({ ok: false, fault: { code: 'READER_CARD_ABSENT' } });
  });

  it('waits for a card', async () => {
    bench = await emulated(kind);
    const waiting = bench.reader.waitForCard(60_000);
    setTimeout(() => bench.insert(), 10);
    expect(await waiting).toMatchObject({ ok: true });
  });

  it('keeps commands that are given at once apart', async () => {
    bench = await emulated(kind);
    bench.insert();
    const answers = await Promise.all([
      bench.reader.powerOn(),
      bench.reader.transmit(selectDirectory[kind]),
      bench.reader.state(),
      bench.reader.transmit(hex('00B2010C00')),
    ]);
    expect(answers.every(({ ok }) => ok)).toBe(true);
  });

  it.each(harmless)('gets through "%s"', async (fault) => {
    bench = await emulated(kind);
    bench.insert();
    bench.inject(fault, fault);
    expect(await bench.reader.powerOn()).toMatchObject({ ok: true });
    expect(toHex(unwrap(await bench.reader.transmit(selectDirectory[kind])).subarray(-2))).toBe('9000');
  });

  it.each(broken)('ends a command that meets "%s" with a stable code, and serves the next one', async (fault) => {
    bench = await emulated(kind);
    bench.insert();
    await bench.reader.powerOn();
    bench.inject(fault);
    const answer = await bench.reader.transmit(selectDirectory[kind]);
    expect(answer.ok ? 'ok' : answer.fault.code).toBe(codes[fault]);
    let { reader } = bench;
    if (fault === 'unplug') reader = await bench.replug();
    if (fault === 'removed' || fault === 'unplug') bench.insert();
    for (let round = 0; round < 2; round++) {
      expect(await reader.powerOn()).toMatchObject({ ok: true });
      expect(toHex(unwrap(await reader.transmit(selectDirectory[kind])).subarray(-2))).toBe('9000');
      expect(toHex(unwrap(await reader.transmit(select)).subarray(-2))).toMatch(/^(9000|6A82)$/);
    }
    if (reader !== bench.reader) await reader.close();
  });

  it('never leaves a fault without an entry in the error table', () => {
    for (const fault of [...harmless, ...broken]) expect(Object.hasOwn(ccidFaults, fault)).toBe(true);
    expect([...harmless, ...broken].sort()).toEqual(Object.keys(ccidFaults).sort());
    for (const code of Object.values(codes)) expect(Object.hasOwn(errorTable, code)).toBe(true);
  });
});

describe('the antenna', () => {
  it('tells the card’s UID by itself', async () => {
    const bench = await emulated('contactless');
    bench.insert();
    await bench.reader.powerOn();
    expect(toHex(unwrap(await bench.reader.transmit(hex('FFCA000000'))))).toBe('045453554E41479000');
    await bench.close();
  });
});
