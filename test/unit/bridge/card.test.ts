import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { hex, toHex } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { describe, expect, it } from 'vitest';

/** A dialogue with the card: command, status word, and why. */
function play(card: EmvCard, script: readonly (readonly [command: string, sw: string, why: string])[]): void {
  for (const [command, sw, why] of script)
    expect(toHex((card.transmit(hex(command)) ?? hex('')).subarray(-2)), `${command}: ${why}`).toBe(sw);
}

const selectPse = '00A404000E315041592E5359532E444446303100';
const selectVisa = '00A4040007A000000003101000';
const gpo = '80A8000002830000';
/** CDOL1 of the Visa card: amounts, country, TVR, currency, date, type, unpredictable number (29 bytes). */
const cdol1 = '000000001280000000000000039280000000000392261123000123456700'.slice(0, 58);
const generate = (p1: string, data: string): string =>
  `80AE${p1}00${(data.length / 2).toString(16).padStart(2, '0').toUpperCase()}${data}00`;

describe('an emulated card with contacts', () => {
  it('answers in the order of the books', () => {
    const card = new EmvCard(testCard('visa-contact'));
    play(card, [
      [selectPse, '9000', 'the directory is there'],
      ['00B2010C00', '9000', 'its first record'],
      ['00B2020C00', '6A83', 'it has one record'],
      [selectVisa, '9000', 'the application'],
      [gpo, '9000', 'no PDOL: an empty template'],
      ['00B2010C00', '9000', 'track 2'],
      ['80CA9F3600', '9000', 'the counter'],
      [generate('80', cdol1), '9000', 'ARQC'],
      [generate('00', `3030${cdol1}`), '9000', 'AAC ends it'],
    ]);
  });

  it.each([
    [[['00B2010C00', '6985', 'nothing is selected']]],
    [[[gpo, '6985', 'nothing is selected']]],
    [[[generate('80', cdol1), '6985', 'nothing is selected']]],
    [[['00A4040007A000000004101000', '6A82', 'not this scheme']]],
    [[['00A4000002 3F0000', '6A86', 'selection by file identifier']]],
    [
      [
        [selectVisa, '9000', ''],
        ['00B2010C00', '6985', 'records before GPO'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [generate('80', cdol1), '6985', 'cryptogram before GPO'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        ['80A800000383010000', '6700', 'a value that no PDOL asked for'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        ['80A8000003AA010000', '6A80', 'not the command template'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        [gpo, '6985', 'GPO twice'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        [generate('80', cdol1.slice(2)), '6700', 'CDOL1 one byte short'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        [generate('C0', cdol1), '6A86', 'reserved kind'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        [generate('A0', cdol1), '6A86', 'a reserved bit of P1'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        ['008200000A00000000000000003030', '6985', 'issuer before ARQC'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        [generate('00', cdol1), '9000', 'AAC'],
        [generate('40', cdol1), '6985', 'after the end'],
      ],
    ],
    [
      [
        [selectVisa, '9000', ''],
        [gpo, '9000', ''],
        ['0020008008241234FFFFFFFFFF', '9000', 'the PIN'],
        ['0020008008241235FFFFFFFFFF', '63C2', 'another'],
        ['0020008008241234FFFFFFFFFF', '9000', 'the PIN gives the tries back'],
      ],
    ],
    [[['E0A4040000', '6E00', 'class']]],
    [[['00A404', '6700', 'shorter than a command']]],
  ] as [[string, string, string][]][])('gives the right status word out of order: %j', (script) => {
    play(new EmvCard(testCard('visa-contact')), script);
  });

  it('takes the issuer’s answer once, and says when it is wrong', () => {
    const card = new EmvCard(testCard('visa-contact'));
    play(card, [
      [selectVisa, '9000', ''],
      [gpo, '9000', ''],
      [generate('80', cdol1), '9000', ''],
      ['008200000A00000000000000003030', '6300', 'not the issuer’s key'],
      ['008200000A00000000000000003030', '6985', 'only once'],
    ]);
    const second = card.transmit(hex(generate('40', `3030${cdol1}`)));
    expect(toHex((second ?? hex('')).subarray(2, 3)), 'TC was asked for; AAC is given').toBe('00');
  });

  it('forgets everything but its counter at a reset', () => {
    const card = new EmvCard(testCard('visa-contact'));
    const before = card.atc;
    play(card, [
      [selectVisa, '9000', ''],
      [gpo, '9000', ''],
    ]);
    card.reset();
    expect(card.atc).toBe(before + 1);
    play(card, [['00B2010C00', '6985', 'nothing is selected']]);
  });

  it('never gives a cryptogram when its counter has run out', () => {
    const card = new EmvCard({ ...testCard('visa-contact'), atc: 0xffff });
    play(card, [
      [selectVisa, '9000', ''],
      [gpo, '6985', 'the counter must not come round'],
    ]);
  });
});

describe('an emulated contactless card', () => {
  it('has the cryptogram in the answer to GPO (Visa)', () => {
    const card = new EmvCard(testCard('visa-contactless'));
    play(card, [
      ['00A404000E325041592E5359532E444446303100', '9000', 'PPSE'],
      [selectVisa, '9000', ''],
    ]);
    const pdol = `22C00000${cdol1}`;
    const length = pdol.length / 2;
    const answer = toHex(
      card.transmit(hex(`80A80000${(length + 2).toString(16)}83${length.toString(16)}${pdol}00`)) ?? hex(''),
    );
    expect(answer).toMatch(/9F2608[0-9A-F]{16}.*9000$/);
    play(card, [[generate('80', cdol1), '6985', 'no second one']]);
  });

  it('does not let a reader in that does not speak EMV mode', () => {
    const card = new EmvCard(testCard('visa-contactless'));
    const pdol = `00000000${cdol1}`;
    const length = pdol.length / 2;
    play(card, [
      [selectVisa, '9000', ''],
      [`80A80000${(length + 2).toString(16)}83${length.toString(16)}${pdol}00`, '6985', 'qualifiers without EMV mode'],
    ]);
  });
});
