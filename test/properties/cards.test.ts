import { EmvCard, TransitCard } from '@tsunagu/firmware-bridge/cards/index';
import { command, encodeCommand } from '@tsunagu/protocols/apdu';
import { encodeFelicaCommand, encodeTransitOpen } from '@tsunagu/protocols/felica';
import { concat, hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { faultyCardNames, scriptKeysOf, testCard, testCardNames, transitCard } from '@tsunagu/protocols/test-cards';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byte, bytes, mangled } from './any-bytes.ts';

// Whatever is sent in whatever order: a card never throws, its answers are bounded, and no key and no PIN is in them.

const instructions = [
  0x20, 0x2a, 0x82, 0x84, 0x88, 0xa4, 0xa8, 0xae, 0xb2, 0xca, 0xda, 0xdc, 0xea, 0x16, 0x18, 0x1e, 0x24,
];
const apdu = fc
  .tuple(
    fc.constantFrom(0x00, 0x80, 0x84, 0x04, 0x01, 0xff),
    fc.oneof(fc.constantFrom(...instructions), byte),
    fc.oneof(fc.constantFrom(0x00, 0x01, 0x04, 0x10, 0x40, 0x50, 0x80, 0x90, 0x8e, 0x9f), byte),
    fc.oneof(fc.constantFrom(0x00, 0x02, 0x0c, 0x14, 0x1c, 0x36, 0x80, 0x88), byte),
    fc.oneof(bytes(0, 60), bytes(29), bytes(4), fc.constant(hex('8300'))),
  )
  .map(([cla, ins, p1, p2, data]) => unwrap(encodeCommand(command(cla, ins, p1, p2, data, 256))));

/** Commands that lead deep into a transaction, so that the wild ones meet every phase. */
const begin = (aid: Uint8Array): readonly Uint8Array[] => [
  unwrap(encodeCommand(command(0x00, 0xa4, 0x04, 0, aid, 256))),
  hex('80A8000002830000'),
  hex('00B2010C00'),
  hex('0084000000'),
];

const names = [...testCardNames, ...faultyCardNames];

test('an EMV card obeys or refuses any stream of commands', () => {
  const stream = fc.array(mangled(apdu, 270), { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(fc.constantFrom(...names), stream, fc.nat(30), (name, wild, resetAt) => {
      const card = testCard(name);
      const keys = scriptKeysOf(card);
      const secrets = [card.issuerMasterKey, card.scriptKeys.integrity, keys.integrity, keys.confidentiality].map(
        (key) => key.use((raw) => toHex(raw)),
      );
      const pin = card.pin.use((digits) => Buffer.from(digits).toString('latin1'));
      const block = `2${pin.length.toString(16).toUpperCase()}${pin}`;
      const chip = new EmvCard(card);
      const before = chip.atc;
      for (const [index, frame] of [...begin(hex(card.aid)), ...wild].entries()) {
        if (index === resetAt) chip.reset();
        const answer = chip.transmit(frame);
        if (answer === undefined) continue;
        expect(answer.length).toBeLessThanOrEqual(258);
        const text = toHex(answer);
        for (const secret of secrets) expect(text).not.toContain(secret);
        expect(text).not.toContain(block);
      }
      const memory = chip.memory.applications[0];
      expect(chip.atc).toBeGreaterThanOrEqual(before);
      expect(chip.atc - before).toBeLessThanOrEqual(wild.length + 4);
      expect(memory?.isBlocked, 'no stranger blocks it').toBe(card.blocked === 'application');
      expect(memory?.pin, 'or changes its PIN').toBeUndefined();
      expect(JSON.stringify(card)).not.toContain(pin);
    }),
    { numRuns: 400 },
  );
});

test('guessing the PIN ends after its tries, whatever else is sent between', () => {
  const guess = fc.tuple(fc.stringMatching(/^[0-9]{4}$/), fc.array(apdu, { maxLength: 2 }));
  fc.assert(
    fc.property(fc.array(guess, { minLength: 4, maxLength: 12 }), (guesses) => {
      const card = testCard('visa-offline');
      const chip = new EmvCard(card);
      let wrong = 0;
      for (const [pin, between] of guesses) {
        if (pin === '1234') continue;
        for (const frame of [...between, ...begin(hex(card.aid)).slice(0, 2)]) chip.transmit(frame);
        const answer = toHex(chip.transmit(hex(`002000800824${pin}FFFFFFFFFF`)) ?? hex(''));
        wrong++;
        expect(answer).toBe(wrong <= 3 ? `63C${3 - wrong}` : '6983');
      }
    }),
    { numRuns: 60 },
  );
});

test('a transit card obeys, refuses or stays mute to any stream of frames, and its balance stays', () => {
  const idm = hex(transitCard('transit').idm);
  const blocks = fc.array(fc.record({ service: fc.nat(15), access: fc.nat(7), block: fc.nat(65535) }), {
    minLength: 1,
    maxLength: 15,
  });
  const service = fc.oneof(fc.constantFrom(0x090f, 0x008b, 0x1009), fc.nat(65535));
  const frame = fc.oneof(
    fc
      .tuple(service, blocks)
      .map(([code, list]) =>
        encodeFelicaCommand({ type: 'readWithoutEncryption', idm, services: [code], blocks: list }),
      ),
    fc.tuple(service, fc.nat(40)).map(([code, block]) =>
      encodeFelicaCommand({
        type: 'writeWithoutEncryption',
        idm,
        services: [code],
        blocks: [{ service: 0, block }],
        data: new Uint8Array(16).fill(0xff),
      }),
    ),
    bytes(8).map((nonce) => encodeTransitOpen(idm, nonce)),
    bytes(34).map((rest) => concat(Uint8Array.of(44, 0xf2), idm, rest)),
    fc.nat(65535).map((index) => encodeFelicaCommand({ type: 'searchServiceCode', idm, index })),
  );
  fc.assert(
    fc.property(fc.array(mangled(frame, 255), { minLength: 1, maxLength: 20 }), (frames) => {
      const card = new TransitCard(transitCard('transit'));
      for (const sent of frames) {
        const answer = card.transmit(sent);
        if (answer === undefined) continue;
        expect(answer[0]).toBe(answer.length);
        expect(answer.length).toBeLessThanOrEqual(255);
        expect(answer[1]).toBe((sent[1] ?? 0) + 1);
      }
      expect(card.balance).toBe(3_000);
    }),
    { numRuns: 300 },
  );
});
