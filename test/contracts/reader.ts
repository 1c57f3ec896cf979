import type { ChipReader } from '@tsunagu/firmware-bridge/readers/port';
import { type ErrorCode, errorTable } from '@tsunagu/protocols/errors';
import { hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { afterEach, describe, expect, it } from 'vitest';

/** A reader under test with what is needed to play the world around it. */
export interface ReaderBench {
  readonly reader: ChipReader;
  /** Puts an EMV card in. */
  insert(): void | Promise<void>;
  remove(): void | Promise<void>;
  /** Breaks the next answer that concerns a card. */
  inject(fault: string): void;
  /** The same device after it was unplugged. */
  replug(): Promise<ChipReader>;
  close(): Promise<void>;
}

/** An implementation of the reader port, and what is particular to it. */
export interface ReaderUnderTest {
  readonly name: string;
  open(): Promise<ReaderBench>;
  /** The ATR of the card that `insert` puts in, hexadecimal. */
  readonly atr: string;
  /** SELECT of the payment directory of that card. */
  readonly selectDirectory: Uint8Array;
  /** How a command ends that meets a fault: well, or with this code. */
  readonly faults: Readonly<Record<string, ErrorCode | 'ok'>>;
  /** Faults that strike at power-on too, and that it survives. */
  readonly survivesAtPowerOn?: readonly string[];
}

const select = hex('00A4040007A000000003101000');

/** What every chip reader does, whatever is behind it. */
export function readerContract(under: ReaderUnderTest): void {
  const { name, open, atr, selectDirectory } = under;

  describe(`the contract of a chip reader: ${name}`, () => {
    let bench: ReaderBench;
    afterEach(() => bench.close());

    it('knows whether a card is there and powered', async () => {
      bench = await open();
      const { reader } = bench;
      expect(unwrap(await reader.state())).toBe('absent');
      await bench.insert();
      expect(unwrap(await reader.state())).toBe('present');
      unwrap(await reader.powerOn());
      expect(unwrap(await reader.state())).toBe('active');
      unwrap(await reader.powerOff());
      expect(unwrap(await reader.state())).toBe('present');
      await bench.remove();
      expect(unwrap(await reader.state())).toBe('absent');
    });

    it('gives the ATR of the card, and the response to a command', async () => {
      bench = await open();
      await bench.insert();
      expect(toHex(unwrap(await bench.reader.powerOn()))).toBe(atr);
      const answer = unwrap(await bench.reader.transmit(selectDirectory));
      expect(toHex(answer.subarray(-2))).toBe('9000');
      expect(answer[0]).toBe(0x6f);
      // The state of the card is asked for in between and disturbs nothing.
      expect(unwrap(await bench.reader.state())).toBe('active');
      expect(unwrap(await bench.reader.transmit(selectDirectory))).toEqual(answer);
    });

    it('says that there is no card, and that a card is not powered', async () => {
      bench = await open();
      const { reader } = bench;
      expect(await reader.powerOn()).toMatchObject({ ok: false, fault: { code: 'READER_CARD_ABSENT' } });
      expect(await reader.transmit(select)).toMatchObject({ ok: false, fault: { code: 'READER_CARD_ABSENT' } });
      expect(await reader.waitForCard(200)).toMatchObject({ ok: false, fault: { code: 'READER_CARD_ABSENT' } });
      await bench.insert();
      expect(await reader.transmit(select)).toMatchObject({ ok: false, fault: { code: 'READER_REFUSED' } });
    });

    it('waits for a card', async () => {
      bench = await open();
      const waiting = bench.reader.waitForCard(60_000);
      setTimeout(() => void bench.insert(), 10);
      expect(await waiting).toMatchObject({ ok: true });
    });

    it('keeps commands that are given at once apart', async () => {
      bench = await open();
      await bench.insert();
      const { reader } = bench;
      const answers = await Promise.all([
        reader.powerOn(),
        reader.transmit(selectDirectory),
        reader.state(),
        reader.transmit(hex('00B2010C00')),
        reader.transmit(selectDirectory),
      ]);
      expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
      expect(answers[1]).toEqual(answers[4]);
    });

    it('notices that a card was taken away, and takes the next one', async () => {
      bench = await open();
      await bench.insert();
      unwrap(await bench.reader.powerOn());
      await bench.remove();
      expect(await bench.reader.transmit(select)).toMatchObject({ ok: false });
      await bench.insert();
      unwrap(await bench.reader.powerOn());
      expect(toHex(unwrap(await bench.reader.transmit(selectDirectory)).subarray(-2))).toBe('9000');
    });

    it.each(under.survivesAtPowerOn ?? [])('gets through "%s" at power-on', async (fault) => {
      bench = await open();
      await bench.insert();
      bench.inject(fault);
      expect(toHex(unwrap(await bench.reader.powerOn()))).toBe(atr);
    });

    it.each(Object.entries(under.faults))(
      'ends a command that meets "%s" with %s, and serves the next one',
      async (fault, code) => {
        bench = await open();
        await bench.insert();
        unwrap(await bench.reader.powerOn());
        bench.inject(fault);
        const answer = await bench.reader.transmit(selectDirectory);
        expect(answer.ok ? 'ok' : answer.fault.code).toBe(code);
        if (answer.ok) expect(toHex(answer.value.subarray(-2))).toBe('9000');
        else {
          expect(Object.hasOwn(errorTable, answer.fault.code)).toBe(true);
          // The card is no longer active, and says so instead of answering half-heartedly.
          if (fault !== 'unplug') expect((await bench.reader.transmit(select)).ok).toBe(false);
        }
        let { reader } = bench;
        if (fault === 'unplug') reader = await bench.replug();
        if (fault === 'removed') await bench.insert();
        for (let round = 0; round < 2; round++) {
          unwrap(await reader.powerOn());
          expect(toHex(unwrap(await reader.transmit(selectDirectory)).subarray(-2))).toBe('9000');
          expect(toHex(unwrap(await reader.transmit(select)).subarray(-2))).toMatch(/^(9000|6A82)$/);
        }
        if (reader !== bench.reader) await reader.close();
      },
    );

    it('closes twice without harm', async () => {
      bench = await open();
      await bench.reader.close();
      await bench.reader.close();
    });
  });
}
