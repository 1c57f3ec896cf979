import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { type CommandApdu, command } from '@tsunagu/protocols/apdu';
import {
  deriveMasterKey,
  dynamicCvc3,
  encipherOfflinePin,
  encipherScriptPin,
  issuerAuthenticationData,
  type ScriptSession,
  recoverIccKey,
  scriptSession,
  sealScriptCommand,
  verifyCryptogram,
} from '@tsunagu/protocols/emv';
import { hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { cardKeysOf, scriptKeysOf, type TestCard, type TestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlvDeep, tlv } from '@tsunagu/protocols/tlv';
import { describe, expect, it } from 'vitest';
import { today, Walk, walkOf } from '../test-cards/support/card-walk.ts';

const aac = 0x00;
const tc = 0x40;
const arqc = 0x80;
const onlineOnly = 0x80;

const pinOf = (text: string): Secret<'pin'> => Secret.take('pin', Uint8Array.from(Buffer.from(text, 'latin1')));
const block = (pin: string): Uint8Array => hex(`2${pin.length.toString(16)}${pin}`.padEnd(16, 'F'));
const verify = (walk: Walk, pin: string): string => walk.send(0x00, 0x20, 0x00, 0x80, block(pin)).sw.toString(16);
const triesOf = (walk: Walk): number => walk.ask(0x80, 0xca, 0x9f, 0x17)[0]?.value[0] ?? -1;

/** The card in a new transaction: out of the slot and in again. */
const again = (walk: Walk, card: TestCard, values: Readonly<Record<number, string>> = {}): Walk => {
  walk.chip.reset();
  return new Walk(walk.chip, values).select(hex(card.aid)).start();
};

/** What the issuer answers to an ARQC; `update` is for method 2. */
function arpcOf(walk: Walk, card: TestCard, update = '00820000'): Uint8Array {
  const told = (tag: number): Uint8Array | undefined =>
    [0x82, 0x9f10, 0x9f36].includes(tag) ? walk.objects.get(tag) : walk.values.get(tag);
  const cryptogram = walk.value(0x9f26);
  unwrap(verifyCryptogram(card.profile, cardKeysOf(card), told, cryptogram));
  const answer = card.profile.arpc.method === 1 ? { responseCode: hex('3030') } : { cardStatusUpdate: hex(update) };
  return unwrap(issuerAuthenticationData(card.profile, cardKeysOf(card), told, cryptogram, answer));
}

/** One online transaction up to the ARQC, and its script session. */
function online(name: TestCardName): { walk: Walk; card: TestCard; session: ScriptSession } {
  const card = testCard(name);
  const walk = walkOf(card);
  expect(walk.generate(onlineOnly)).toBe(arqc);
  return { walk, card, session: scriptSession(scriptKeysOf(card), walk.value(0x9f26)) };
}

const sendSealed = (walk: Walk, { cla, ins, p1, p2, data }: CommandApdu): string =>
  walk.send(cla, ins, p1, p2, data).sw.toString(16);

describe('selection (EMV 4.3 Book 1, 11.3, 12.2 and 12.3)', () => {
  const select = (walk: Walk, aid: string, p2 = 0): string => {
    const { sw, data } = walk.send(0x00, 0xa4, 0x04, p2, hex(aid));
    const name = data.length > 0 ? findTlvDeep(unwrap(decodeTlv(data)), 0x84)?.value : undefined;
    return `${sw.toString(16)} ${name === undefined ? '' : toHex(name)}`.trim();
  };

  it('finds each application of a partial name in turn', () => {
    const walk = new Walk(testCard('visa-first-account'));
    expect(select(walk, '315041592E5359532E4444463031')).toBe('6a82');
    expect(select(walk, 'A0000000031010', 2), 'next of nothing').toBe('6a82');
    expect(select(walk, 'A0000000031010')).toBe('9000 A000000003101001');
    expect(select(walk, 'A0000000031010', 2)).toBe('9000 A000000003101002');
    expect(select(walk, 'A0000000031010', 2)).toBe('6a82');
    expect(select(walk, 'A0000000031010', 2), 'it does not come round').toBe('6a82');
    expect(select(walk, 'A000000003101002')).toBe('9000 A000000003101002');
    expect(select(walk, 'A000000003101001', 2), 'next of another name').toBe('6a82');
    expect(select(walk, 'A0000000')).toBe('6a82');
  });

  it('lists applications with priority and consent, and keeps their counters apart', () => {
    const card = testCard('mastercard-and-maestro');
    const walk = new Walk(card);
    walk.select(hex('315041592E5359532E4444463031'));
    const second = walk.ask(0x00, 0xb2, 2, 0x0c);
    expect(toHex(findTlvDeep(second, 0x4f)?.value ?? hex(''))).toBe('A0000000043060');
    expect(toHex(findTlvDeep(second, 0x87)?.value ?? hex(''))).toBe('82');
    expect(walk.send(0x00, 0xb2, 3, 0x0c).sw).toBe(0x6a83);
    new Walk(walk.chip).select(hex('A0000000043060')).start();
    new Walk(walk.chip).select(hex('A0000000043060')).start();
    new Walk(walk.chip).select(hex('A0000000041010')).start();
    expect(walk.chip.memory.applications.map(({ atc }) => atc)).toEqual([2, 3]);
  });

  it('lists contactless applications in the answer to SELECT PPSE (Book B, 3.3)', () => {
    const walk = new Walk(testCard('unionpay-and-visa-contactless'));
    const answer = walk.ask(0x00, 0xa4, 0x04, 0x00, hex('325041592E5359532E4444463031'));
    const listed = answer[0]?.children.find(({ tag }) => tag === 0xa5)?.children[0]?.children ?? [];
    const entries = listed.map(({ children }) => children.map(({ tag, value }) => [tag, toHex(value)]));
    expect(entries.map((entry) => Object.fromEntries(entry) as Record<number, string>)).toMatchObject([
      { [0x4f]: 'A000000333010102', [0x87]: '02' },
      { [0x4f]: 'A0000000031010', [0x87]: '01' },
    ]);
    expect(select(new Walk(testCard('visa-contactless-no-directory')), '325041592E5359532E4444463031')).toBe('6a82');
  });

  it('gives a name in another code table with its index', () => {
    const walk = new Walk(testCard('amex-preferred-name')).select(hex('A000000025010801'));
    expect(Buffer.from(walk.value(0x9f12)).toString('latin1')).toBe('Crédit Tsunagu');
    expect(toHex(walk.value(0x9f11))).toBe('01');
    expect(Buffer.from(walk.value(0x5f2d)).toString('latin1')).toBe('frjaen');
  });

  it('shows a blocked application with 6283, and nothing of a blocked card', () => {
    const application = new Walk(testCard('visa-application-blocked'));
    expect(select(application, 'A0000000031010')).toBe('6283 A0000000031010');
    expect(application.keep(tlv(0x70)).length, 'it can still be started, and only declines').toBe(1);
    application.start();
    expect(application.generate(0x40)).toBe(aac);
    const card = new Walk(testCard('visa-card-blocked'));
    expect(select(card, 'A0000000031010')).toBe('6a81');
    expect(select(card, '315041592E5359532E4444463031')).toBe('6a81');
    expect(card.send(0x80, 0xca, 0x9f, 0x36).sw).toBe(0x6985);
  });
});

describe('PIN (Book 3, 6.5.12; Book 2, 7)', () => {
  it('counts tries down, blocks, and gives them back after the right PIN', () => {
    const walk = walkOf(testCard('visa-offline'));
    expect(triesOf(walk)).toBe(3);
    expect(verify(walk, '1235')).toBe('63c2');
    expect(verify(walk, '1234')).toBe('9000');
    expect(triesOf(walk)).toBe(3);
    expect([1, 2, 3].map(() => verify(walk, '9999'))).toEqual(['63c2', '63c1', '63c0']);
    expect(verify(walk, '1234'), 'blocked: the right PIN is not even looked at').toBe('6983');
    const next = again(walk, testCard('visa-offline'));
    expect(triesOf(next), 'it outlives power').toBe(0);
    expect(verify(next, '1234')).toBe('6983');
  });

  it.each([
    ['visa-pin-blocked', '1234', '6983'],
    ['visa-pin-last-try', '1111', '63c0'],
    ['jcb-long-pin', '987654321012', '9000'],
    ['amex-plain-pin', '1234', '9000'],
  ] as const)('%s answers %s with %s', (name, pin, sw) => {
    expect(verify(walkOf(testCard(name)), pin)).toBe(sw);
  });

  it.each([
    ['2412FFFFFFFFFFFF', '6a80', 'fewer digits than it says'],
    ['1412345FFFFFFFFF', '6a80', 'another format'],
    ['24123AFFFFFFFFFF', '6a80', 'a digit that is none'],
    ['2412340000000000', '6a80', 'another filler'],
    ['241234FFFFFFFF', '6700', 'seven bytes'],
    ['2F1234FFFFFFFFFF', '6a80', 'fifteen digits'],
  ])('takes no try for a block that is malformed: %s is %s (%s)', (data, sw) => {
    const walk = walkOf(testCard('visa-offline'));
    expect(walk.send(0x00, 0x20, 0x00, 0x80, hex(data)).sw.toString(16)).toBe(sw);
    expect(triesOf(walk)).toBe(3);
  });

  it.each(['visa-offline', 'mastercard-pin-key', 'jcb-short-key', 'visa-long-keys'] as const)(
    'is deciphered with a challenge that is good once (%s)',
    (name) => {
      const card = testCard(name);
      const walk = walkOf(card);
      const issuer = unwrap(walk.issuerKey());
      const key =
        card.hasPinKey === true
          ? unwrap(
              recoverIccKey(
                issuer,
                walk.certificate(0x9f2d, 0x9f2f, 0x9f2e),
                walk.pan,
                hex(''),
                today,
                'pinEncipherment',
              ),
            )
          : unwrap(walk.iccKey(issuer));
      const random = new Uint8Array(key.modulus.length - 17).fill(7);
      const enciphered = (pin: string, challenge: Uint8Array): Uint8Array =>
        unwrap(encipherOfflinePin(key, pinOf(pin), challenge, random));
      const challenge = (): Uint8Array => walk.send(0x00, 0x84, 0, 0).data;
      const send = (data: Uint8Array): string => walk.send(0x00, 0x20, 0x00, 0x88, data).sw.toString(16);
      const first = challenge();
      expect(first).toHaveLength(8);
      expect(send(enciphered('1234', first))).toBe('9000');
      expect(send(enciphered('1234', first)), 'without a challenge just before').toBe('6985');
      expect(challenge()).not.toEqual(first);
      expect(send(enciphered('1234', first)), 'an old challenge').toBe('6a80');
      challenge();
      walk.send(0x80, 0xca, 0x9f, 0x36);
      expect(send(enciphered('1234', first)), 'another command came between').toBe('6985');
      expect(send(enciphered('1234', challenge()))).toBe('9000');
      expect(send(enciphered('4321', challenge()))).toBe('63c2');
      expect(send(enciphered('1234', challenge()).subarray(1))).toBe('6700');
    },
  );

  it('is not known to a card whose list has no such method', () => {
    const walk = walkOf({ ...testCard('visa-offline'), hasOfflinePin: false });
    expect(verify(walk, '1234')).toBe('6d00');
    expect(walk.send(0x80, 0xca, 0x9f, 0x17).sw).toBe(0x6a88);
  });
});

describe('card risk management (Book 3, 10.8; the rules are the issuer’s)', () => {
  it('approves offline up to the lower limit, then goes online, and up to the upper one where nobody can', () => {
    const card = testCard('visa-offline');
    let walk = walkOf(card);
    for (let count = 0; count < 3; count++) {
      expect(walk.generate(tc), `sale ${count}`).toBe(tc);
      walk = again(walk, card);
    }
    expect(walk.generate(tc), 'lower limit').toBe(arqc);
    // The terminal is unable to go online: Y3, and the card approves as a last resort.
    for (let count = 0; count < 2; count++) {
      walk.values.set(0x8a, hex('5933'));
      expect(walk.generate(tc, 0x8d), `last resort ${count}`).toBe(tc);
      walk = again(walk, card);
      expect(walk.generate(tc)).toBe(arqc);
    }
    walk.values.set(0x8a, hex('5933'));
    expect(walk.generate(tc, 0x8d), 'upper limit').toBe(aac);
    const offlineOnly = again(walk, card, { 0x9f35: '23' });
    expect(offlineOnly.generate(tc), 'a terminal that never goes online').toBe(aac);
  });

  it('starts afresh after its issuer has proved itself, and tells 9F13', () => {
    const card = testCard('visa-offline');
    let walk = walkOf(card);
    walk.generate(tc);
    walk = again(walk, card);
    walk.generate(onlineOnly);
    expect(walk.send(0x00, 0x82, 0, 0, arpcOf(walk, card)).sw).toBe(0x9000);
    expect(walk.generate(tc, 0x8d)).toBe(tc);
    expect(walk.ask(0x80, 0xca, 0x9f, 0x13)[0]?.value).toEqual(walk.ask(0x80, 0xca, 0x9f, 0x36)[0]?.value);
    expect(walk.chip.memory.applications[0]).toMatchObject({ offlineCount: 0, isOnlineUnfinished: false });
  });

  it('tells the next time that the last online transaction was not completed (CVR)', () => {
    const card = testCard('visa-offline');
    let walk = walkOf(card);
    walk.generate(onlineOnly);
    walk = again(walk, card);
    expect(walk.generate(tc), 'and wants to go online').toBe(arqc);
    expect((walk.value(0x9f10)[5] ?? 0) & 0x80).toBe(0x80);
  });

  it('is a new card until it was online (9F13 is zero)', () => {
    const walk = walkOf(testCard('visa-new'));
    expect(toHex(walk.ask(0x80, 0xca, 0x9f, 0x13)[0]?.value ?? hex(''))).toBe('0000');
    expect(walk.generate(tc)).toBe(arqc);
    expect((walk.value(0x9f10)[5] ?? 0) & 0x10).toBe(0x10);
  });

  it.each([
    ['visa-offline', aac],
    ['jcb-issuer-optional', tc],
  ] as const)('%s gives %i to an approval without issuer authentication', (name, expected) => {
    const walk = walkOf(testCard(name));
    expect(walk.generate(onlineOnly)).toBe(arqc);
    expect(walk.generate(tc, 0x8d)).toBe(expected);
  });

  it('never answers more than it was asked for (table 28)', () => {
    for (const asked of [aac, tc, arqc]) {
      const given = walkOf(testCard('mastercard-offline')).generate(asked);
      expect(asked === aac ? [aac] : asked === arqc ? [arqc, aac] : [tc, arqc, aac]).toContain(given);
    }
  });
});

describe('the issuer’s answer (Book 2, 8.2; Book 3, 6.5.4)', () => {
  it.each(['visa-contact', 'jcb-contact', 'amex-cda', 'unionpay-contact', 'visa-cvn18'] as const)(
    '%s takes it by EXTERNAL AUTHENTICATE, and no other',
    (name) => {
      const { walk, card } = online(name);
      const data = arpcOf(walk, card);
      expect(walk.send(0x00, 0x82, 0, 0, data).sw).toBe(0x9000);
      expect(walk.generate(tc, 0x8d)).toBe(tc);
      const other = online(name).walk;
      data[0] = (data[0] ?? 0) ^ 1;
      expect(other.send(0x00, 0x82, 0, 0, data).sw).toBe(0x6300);
      expect(other.generate(tc, 0x8d)).toBe(aac);
    },
  );

  it('mastercard-contact takes it in CDOL2', () => {
    const { walk, card } = online('mastercard-contact');
    walk.values.set(0x91, arpcOf(walk, card));
    expect(walk.generate(tc, 0x8d)).toBe(tc);
    const other = online('mastercard-contact').walk;
    other.values.set(0x91, new Uint8Array(10).fill(1));
    expect(other.generate(tc, 0x8d)).toBe(aac);
  });

  it.each([
    ['00820000', tc, {}, 'approved'],
    ['00020000', aac, {}, 'not approved'],
    ['00A20000', aac, { isBlocked: true }, 'application blocked'],
    ['01920000', tc, { pinTriesLeft: 1 }, 'PIN tries set'],
    ['008A0000', tc, { mustGoOnline: true }, 'online next time'],
  ] as const)('obeys the card status update %s (annex C10: %s)', (update, expected, memory, _why) => {
    const { walk, card } = online('visa-cvn18');
    expect(walk.send(0x00, 0x82, 0, 0, arpcOf(walk, card, update)).sw).toBe(0x9000);
    expect(walk.generate(tc, 0x8d)).toBe(expected);
    expect(walk.chip.memory.applications[0]).toMatchObject(memory);
  });

  it('blocks the card by a card status update', () => {
    const { walk, card } = online('visa-cvn18');
    walk.send(0x00, 0x82, 0, 0, arpcOf(walk, card, '00C20000'));
    walk.chip.reset();
    expect(walk.send(0x00, 0xa4, 0x04, 0, hex(card.aid)).sw).toBe(0x6a81);
  });
});

describe('the issuer’s commands (Book 2, 9; Book 3, 6.5.1 to 6.5.3 and 6.5.10)', () => {
  const block1 = command(0x84, 0x1e, 0, 0);
  const unblock = command(0x84, 0x18, 0, 0);
  const cardBlock = command(0x84, 0x16, 0, 0);
  const unblockPin = command(0x84, 0x24, 0, 0);

  it('blocks and unblocks the application, and counts both for the next results', () => {
    const { walk, card, session } = online('visa-offline');
    const first = sealScriptCommand(session, block1);
    expect(sendSealed(walk, first.sealed)).toBe('9000');
    expect(sendSealed(walk, first.sealed), 'the same again: its chain has gone on').toBe('6988');
    walk.chip.reset();
    expect(walk.send(0x00, 0xa4, 0x04, 0, hex(card.aid)).sw).toBe(0x6283);
    const next = new Walk(walk.chip);
    next.keep(next.send(0x00, 0xa4, 0x04, 0, hex(card.aid)).data);
    next.start();
    expect(next.generate(onlineOnly)).toBe(aac);
    expect((next.value(0x9f10)[6] ?? 0) & 0xf8, 'one command taken, one failed').toBe(0x18);
    const opened = scriptSession(scriptKeysOf(card), next.value(0x9f26));
    expect(sendSealed(next, sealScriptCommand(opened, unblock).sealed)).toBe('9000');
    expect(again(next, card).generate(onlineOnly)).toBe(arqc);
  });

  it('blocks the card for ever', () => {
    const { walk, card, session } = online('mastercard-contact');
    expect(sendSealed(walk, sealScriptCommand(session, cardBlock).sealed)).toBe('9000');
    const same = new EmvCard(card, walk.chip.memory);
    expect(new Walk(same).send(0x00, 0xa4, 0x04, 0, hex(card.aid)).sw).toBe(0x6a81);
  });

  it('gives PIN tries back, and changes the PIN in one chain of two commands', () => {
    const { walk, card, session } = online('visa-pin-blocked');
    const first = sealScriptCommand(session, unblockPin);
    expect(sendSealed(walk, first.sealed)).toBe('9000');
    const data = unwrap(encipherScriptPin(session, pinOf('86420')));
    const second = sealScriptCommand(first.next, command(0x84, 0x24, 0, 2, data));
    expect(sendSealed(walk, second.sealed)).toBe('9000');
    const next = again(walk, card);
    expect(verify(next, '1234')).toBe('63c2');
    expect(verify(next, '86420')).toBe('9000');
    const same = new EmvCard(card, next.chip.memory);
    expect(verify(new Walk(same).select(hex(card.aid)).start(), '86420'), 'in another reader').toBe('9000');
  });

  it('changes limits and records', () => {
    const { walk, card, session } = online('visa-offline');
    const first = sealScriptCommand(session, command(0x04, 0xda, 0x9f, 0x14, hex('00')));
    expect(sendSealed(walk, first.sealed)).toBe('9000');
    const record = hex('7003 5F2000');
    const second = sealScriptCommand(first.next, command(0x04, 0xdc, 1, 0x0c, record));
    expect(sendSealed(walk, second.sealed)).toBe('9000');
    const next = again(walk, card);
    expect(next.send(0x00, 0xb2, 1, 0x0c).data).toEqual(record);
    expect(next.generate(tc), 'no sale offline any more').toBe(arqc);
  });

  it.each([
    [command(0x84, 0x1e, 0, 1), '6a86', 'parameters'],
    [command(0x84, 0x24, 0, 3), '6a86', 'another PIN order'],
    [command(0x84, 0x24, 0, 2, new Uint8Array(16)), '6a80', 'a PIN that does not decipher'],
    [command(0x04, 0xda, 0x9f, 0x36, hex('0000')), '6a88', 'an object that is not the issuer’s to put'],
    [command(0x04, 0xdc, 9, 0x0c, hex('7000')), '6a83', 'a record that is not there'],
    [command(0x04, 0xdc, 1, 0x0c, hex('6000')), '6a80', 'a record that is no template'],
  ] as const)('refuses %o with %s although the MAC is right: %s', (order, sw, _why) => {
    const { walk, session } = online('visa-offline');
    expect(sendSealed(walk, sealScriptCommand(session, order).sealed)).toBe(sw);
    expect(walk.chip.memory.applications[0]).toMatchObject({ isScriptFailed: true, scriptCount: 0 });
  });

  it('takes none before the first cryptogram, without MAC, or with a wrong one', () => {
    const card = testCard('visa-offline');
    const walk = walkOf(card);
    const early = scriptSession(scriptKeysOf(card), new Uint8Array(8));
    expect(sendSealed(walk, sealScriptCommand(early, block1).sealed)).toBe('6985');
    walk.generate(onlineOnly);
    expect(sendSealed(walk, block1)).toBe('6987');
    expect(sendSealed(walk, sealScriptCommand(early, block1).sealed)).toBe('6988');
    expect(walk.chip.memory.applications[0]?.isBlocked).toBe(false);
  });
});

describe('contactless ways', () => {
  const ttq = (value: string): Readonly<Record<number, string>> => ({ 0x9f66: value });

  it.each([
    ['26000000', tc, '2800', 'offline where the reader lets it'],
    ['26800000', arqc, '2800', 'online cryptogram required'],
    ['2E000000', tc, '2800', 'a reader that never goes online'],
    ['26C00000', arqc, 'A800', 'verification required, PIN online possible'],
    ['22C00000', arqc, '6800', 'verification required, signature possible'],
    ['20C00000', arqc, '2800', 'verification required, neither possible'],
  ])('Visa: qualifiers %s give %i and %s (%s; C-3, 5.2 and 5.7)', (qualifiers, kind, ctq) => {
    const walk = walkOf(testCard('visa-contactless-offline'), ttq(qualifiers));
    expect(walk.value(0x9f27)[0]).toBe(kind);
    expect(toHex(walk.value(0x9f6c))).toBe(ctq);
    // Signed when approved offline; these readers do not ask for it online.
    expect(walk.objects.has(0x9f4b)).toBe(kind === tc);
  });

  it.each(['visa-contactless-offline', 'unionpay-contactless'] as const)(
    '%s counts its approvals, and declines at the upper limit where nobody can ask',
    (name) => {
      const card = testCard(name);
      let walk = walkOf(card, ttq('2E000000'));
      for (let count = 1; count < 5; count++) {
        expect(walk.value(0x9f27)[0], `${count}`).toBe(tc);
        walk = again(walk, card, ttq('2E000000'));
      }
      expect(walk.value(0x9f27)[0]).toBe(tc);
      expect(again(walk, card, ttq('2E000000')).value(0x9f27)[0]).toBe(aac);
      expect(again(walk, card, ttq('26000000')).value(0x9f27)[0]).toBe(arqc);
    },
  );

  it.each(['mastercard-contactless-offline', 'jcb-contactless-offline', 'amex-contactless-offline'] as const)(
    '%s approves with a signed TC twice, then asks (C-2, C-4, C-5)',
    (name) => {
      const card = testCard(name);
      let walk = walkOf(card);
      const given = [1, 2, 3].map(() => {
        const kind = walk.generate(0x50);
        const icc = unwrap(walk.iccKey(unwrap(walk.issuerKey())));
        unwrap(walk.cda(icc));
        walk = again(walk, card);
        return kind;
      });
      expect(given).toEqual([tc, tc, arqc]);
    },
  );

  it('exchanges relay resistance data three times, and signs the last (C-2)', () => {
    const walk = walkOf(testCard('mastercard-contactless-relay'));
    const exchange = (entropy: string) => walk.send(0x80, 0xea, 0, 0, hex(entropy));
    exchange('00000001');
    exchange('00000002');
    const answer = exchange('CAFEBABE').data;
    expect(toHex(answer.subarray(0, 2))).toBe('800A');
    expect(toHex(answer.subarray(6))).toBe('000A0032000C');
    expect(exchange('00000004').sw).toBe(0x6985);
    walk.generate(0x90);
    const icc = unwrap(walk.iccKey(unwrap(walk.issuerKey())));
    expect(walk.cda(icc).ok).toBe(true);
    expect(walkOf(testCard('mastercard-contactless')).send(0x80, 0xea, 0, 0, hex('00000001')).sw).toBe(0x6d00);
  });
});

describe('stripe mode (C-2, COMPUTE CRYPTOGRAPHIC CHECKSUM)', () => {
  const card = testCard('mastercard-contactless-stripe');

  it('makes a code for each track out of number and counter, once a transaction', () => {
    const walk = walkOf(card);
    expect(toHex(walk.value(0x82))).toBe('0000');
    walk.ask(0x80, 0x2a, 0x8e, 0x80, hex('00000899'));
    const key = unwrap(deriveMasterKey(card.stripeMode?.masterKey ?? card.issuerMasterKey, card.pan, card.psn));
    const atc = walk.value(0x9f36);
    expect(walk.value(0x9f61)).toEqual(dynamicCvc3(key, walk.value(0x9f6b), hex('00000899'), atc));
    expect(walk.value(0x9f60)).toEqual(dynamicCvc3(key, walk.value(0x56), hex('00000899'), atc));
    expect(walk.value(0x9f60)).not.toEqual(walk.value(0x9f61));
    expect(walk.send(0x80, 0x2a, 0x8e, 0x80, hex('00000899')).sw).toBe(0x6985);
    const next = again(walk, card);
    next.ask(0x80, 0x2a, 0x8e, 0x80, hex('00000899'));
    expect(next.value(0x9f61), 'the counter went on').not.toEqual(walk.value(0x9f61));
  });

  it.each([
    [0x8e, 0x80, '000899', 0x6700],
    [0x9e, 0x9a, '00000899', 0x6a86],
  ])('refuses P1 %i P2 %i with %s', (p1, p2, data, sw) => {
    expect(walkOf(card).send(0x80, 0x2a, p1, p2, hex(data)).sw).toBe(sw);
  });

  it('is unknown to a card in EMV mode, and GENERATE AC to this one', () => {
    expect(walkOf(testCard('mastercard-contactless')).send(0x80, 0x2a, 0x8e, 0x80, hex('00000899')).sw).toBe(0x6d00);
    expect(walkOf(card).send(0x80, 0xae, 0x80, 0, new Uint8Array(10)).sw).toBe(0x6985);
  });

  it('marks a digit for each digit of number, counter and code, inside the discretionary data', () => {
    const mode = card.stripeMode;
    if (mode === undefined) throw new Error('no stripe mode');
    const ones = (text: string): number => Number(`0x${text}`).toString(2).replaceAll('0', '').length;
    for (const track of [0, 1] as const) {
      expect(ones(mode.codePositions[track])).toBe(3);
      expect(ones(mode.numberPositions[track])).toBe(Number(mode.counterDigits[track]) + 3);
      expect(Number(`0x${mode.codePositions[track]}`) & Number(`0x${mode.numberPositions[track]}`)).toBe(0);
      expect(Number(`0x${mode.numberPositions[track]}`)).toBeLessThan(2 ** card.discretionary.length);
    }
  });
});

describe('faults of behaviour', () => {
  const select = hex('00A404000E315041592E5359532E444446303100');

  it('is mute from the n-th command on, and again after each reset', () => {
    const card = new EmvCard({ ...testCard('visa-contact'), faults: [{ kind: 'muteFrom', command: 2 }] });
    expect(card.transmit(select)).toBeDefined();
    expect(card.transmit(select)).toBeUndefined();
    card.reset();
    expect(card.transmit(select)).toBeDefined();
  });

  it('gives a status word or half an answer at the n-th command, and is slow', () => {
    const faults = [
      { kind: 'statusAt', command: 1, sw: 0x6f00 },
      { kind: 'cutAt', command: 2, bytes: 3 },
      { kind: 'slow', extensions: 3 },
    ] as const;
    const card = new EmvCard({ ...testCard('visa-contact'), faults });
    expect(toHex(card.transmit(select) ?? hex(''))).toBe('6F00');
    expect(card.transmit(select)).toHaveLength(3);
    expect(card.transmit(select)?.length).toBeGreaterThan(3);
    expect(card.extensions).toBe(3);
  });

  it.each([
    ['faulty-no-pan', 0x5a],
    ['faulty-no-expiry', 0x5f24],
    ['faulty-no-cdol1', 0x8c],
    ['faulty-no-cdol2', 0x8d],
    ['faulty-no-cvm-list', 0x8e],
    ['faulty-no-ca-index', 0x8f],
    ['faulty-no-card-certificate', 0x9f46],
    ['faulty-no-issuer-exponent', 0x9f32],
    ['faulty-contactless-no-expiry', 0x5f24],
  ] as const)('%s gives no %i', (name, tag) => {
    expect(walkOf(testCard(name)).objects.has(tag)).toBe(false);
  });

  it('lies in records and locator as its name says', () => {
    expect(() => walkOf(testCard('faulty-bad-tlv'))).toThrow('TLV_TRUNCATED');
    expect(() => walkOf(testCard('faulty-missing-record'))).toThrow('6a83');
    expect(() => walkOf(testCard('faulty-locator-cut'))).toThrow('EMV_AFL_INVALID');
    expect(() => walkOf(testCard('faulty-locator-reversed'))).toThrow('EMV_AFL_INVALID');
    const twice = new EmvCard(testCard('faulty-two-pans'));
    const walk = new Walk(twice).select(hex('A0000000031010')).start();
    const locator = walk.value(0x94);
    const pans: string[] = [];
    for (let at = 0; at < locator.length; at += 4)
      for (let record = locator[at + 1] ?? 1; record <= (locator[at + 2] ?? 0); record++) {
        const { data } = walk.send(0x00, 0xb2, record, (locator[at] ?? 0) | 4);
        const pan = findTlvDeep(unwrap(decodeTlv(data)), 0x5a)?.value;
        if (pan !== undefined) pans.push(toHex(pan));
      }
    expect(pans).toHaveLength(2);
  });

  it('makes a cryptogram that its issuer does not know', () => {
    const card = testCard('faulty-cryptogram');
    const walk = walkOf(card);
    walk.generate(onlineOnly);
    expect(() => arpcOf(walk, card)).toThrow('EMV_CRYPTOGRAM_WRONG');
  });
});
