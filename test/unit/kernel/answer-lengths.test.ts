import { testCard } from '@tsunagu/protocols/test-cards';
import { decodeTlv, encodeTlv, type Tlv, type TlvInput } from '@tsunagu/protocols/tlv';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { contactlessSale, contactSale } from '@tsunagu/firmware-bridge/kernel/index';
import { describe, expect, it } from 'vitest';
import { sale, terminalWith } from './support/at-the-till.ts';
import { play } from './support/play.ts';

/** A sale with a card that gives one object a value of its own; what came of it. */
function sellWith(name: Parameters<typeof testCard>[0], tag: number, bytes: Uint8Array): string {
  const card = testCard(name);
  const chip = new EmvCard(card);
  let given = 0;
  const changed = (objects: readonly Tlv[]): TlvInput[] =>
    objects.map((object) => {
      if (object.isConstructed) return { tag: object.tag, value: changed(object.children) };
      if (object.tag !== tag) return object;
      given++;
      return { tag, value: bytes };
    });
  const { result } = play(
    (card.isContactless ? contactlessSale : contactSale)(terminalWith(), sale),
    {
      transmit(apdu) {
        const answer = chip.transmit(apdu) ?? Uint8Array.of(0x6f, 0x00);
        const read = decodeTlv(answer.subarray(0, -2));
        return read.ok ? Uint8Array.of(...encodeTlv(changed(read.value)), ...answer.subarray(-2)) : answer;
      },
    },
    { pins: ['1234', '1234'], online: { type: 'answered', isApproved: true, emv: new Uint8Array(0) } },
  );
  expect(given).toBeGreaterThan(0);
  if (!result.ok) return `${result.fault.code} ${String(result.fault.field)}`;
  expect(result.value.emv.length).toBeLessThanOrEqual(255);
  return result.value.decision;
}

const issuerData = Uint8Array.of(0x06, 0x01, 0x0a, 0x03, 0x90, 0x00, 0x00);

describe('what a card gives for DE55 and DE14 has the length and form that it must have', () => {
  it.each([
    ['visa-contactless-offline', 0x9f10, Uint8Array.of(...issuerData, ...new Uint8Array(60)), 'EMV_VALUE_INVALID 9F10'],
    ['visa-contactless-offline', 0x9f36, new Uint8Array(40), 'EMV_VALUE_INVALID 9F36'],
    ['visa-contactless-offline', 0x9f26, new Uint8Array(9), 'EMV_VALUE_INVALID 9F26'],
    ['visa-contactless-offline', 0x82, new Uint8Array(3), 'EMV_VALUE_INVALID 82'],
    ['visa-contactless-offline', 0x9f6c, new Uint8Array(60), 'EMV_VALUE_INVALID 9F6C'],
    ['visa-contactless-offline', 0x5f24, Uint8Array.of(0x31, 0x13, 0x01), 'EMV_VALUE_INVALID 5F24'],
    ['mastercard-contactless', 0x9f36, new Uint8Array(1), 'EMV_VALUE_INVALID 9F36'],
    ['mastercard-contactless', 0x9f27, Uint8Array.of(0x80, 0x00), 'EMV_VALUE_INVALID 9F27'],
    ['mastercard-contactless', 0x9f10, new Uint8Array(60), 'EMV_VALUE_INVALID 9F10'],
    ['visa-contact', 0x9f10, new Uint8Array(60), 'EMV_VALUE_INVALID 9F10'],
    ['visa-contact', 0x9f36, new Uint8Array(40), 'EMV_VALUE_INVALID 9F36'],
  ] as const)('%s: %i', (name, tag, bytes, outcome) => {
    expect(sellWith(name, tag, bytes)).toBe(outcome);
  });
});
