import { EmvCard, TransitCard } from '@tsunagu/firmware-bridge/cards/index';
import { EmulatedAcr122u } from '@tsunagu/firmware-bridge/readers/emulated/acr122u-device';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { EmulatedRcs380 } from '@tsunagu/firmware-bridge/readers/emulated/rcs380-device';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { scripts } from '@tsunagu/firmware-bridge/workshop/certification';
import { noHand } from '@tsunagu/firmware-bridge/workshop/hands';
import { usbSource } from '@tsunagu/firmware-bridge/workshop/source';
import { runScript } from '@tsunagu/firmware-bridge/workshop/session';
import { encodeFelicaCommand } from '@tsunagu/protocols/felica';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { testCard, transitCard } from '@tsunagu/protocols/test-cards';
import { type StepResult, stepResult } from '@tsunagu/protocols/workshop';
import { systemWorld } from '@tsunagu/protocols/world';
import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../cli/src/commands/bridge-lines.ts';
import { openConsole } from '../../../cli/src/console/index.ts';

const world = systemWorld(() => undefined);

type Device = EmulatedCcidReader | EmulatedRcs380 | EmulatedAcr122u;

/** Verdicts of a certification by step. */
async function certify(device: Device): Promise<Record<string, string>> {
  return Object.fromEntries(
    (await resultsOf(device)).map(({ step, verdict, code, detail }) => [
      step,
      [verdict, code, typeof detail === 'object' ? detail.en : detail].filter((part) => part !== undefined).join(' '),
    ]),
  );
}

async function resultsOf(device: Device): Promise<readonly StepResult[]> {
  const bus = new EmulatedBus(world);
  const info = bus.plug(device);
  const sealKey = Secret.take('key', new Uint8Array(32).fill(3));
  const run = await runScript({
    world,
    source: usbSource(world, bus),
    info,
    script: 'certify',
    hand: noHand(world),
    sealKey,
    onStep: () => undefined,
  });
  await bus.close();
  return unwrap(run).results;
}

/** A card that answers one instruction otherwise than the books say. */
class WrongCard extends EmvCard {
  readonly #instruction: number;
  readonly #answer: string;

  constructor(instruction: number, answer: string) {
    super(testCard('visa-contact'));
    this.#instruction = instruction;
    this.#answer = answer;
  }

  override transmit(apdu: Uint8Array): Uint8Array | undefined {
    return apdu[1] === this.#instruction ? hex(this.#answer) : super.transmit(apdu);
  }
}

const contact = async (card: EmvCard): Promise<Record<string, string>> => {
  const reader = new EmulatedCcidReader('contact');
  reader.insert(card);
  return await certify(reader);
};

describe('cases 1 to 3 demand what the books say', () => {
  it('of a right card: refused as unknown, a record in its template, refused as forged', async () => {
    expect(await contact(new EmvCard(testCard('visa-contact')))).toMatchObject({
      'case-1': expect.stringMatching(/^passed 6[DE]00$/),
      'case-2': 'passed 9000',
      'case-3': expect.stringMatching(/^passed 6/),
    });
  });

  it.each([
    ['case-1', 0xfe, '9000', 'takes a command that there is not'],
    ['case-1', 0xfe, '6A82', 'refuses it for another reason'],
    ['case-1', 0xfe, '6F016D00', 'says more than a status word'],
    ['case-2', 0xb2, '9000', 'has no record where its locator points'],
    ['case-2', 0xb2, '6A83', 'refuses its own record'],
    ['case-2', 0xb2, '7702 5F00 9000', 'has another template there'],
    ['case-3', 0x82, '9000', 'believes a forged issuer'],
    ['case-3', 0x82, '6700', 'lost data on the way'],
    ['case-3', 0x82, '6A81', 'refuses it for another reason'],
  ])('%s fails with a card that answers instruction %i with %s: it %s', async (step, instruction, answer, _why) => {
    const verdicts = await contact(new WrongCard(instruction, answer.replaceAll(' ', '')));
    expect(verdicts[step]).toMatch(/^failed/);
  });
});

it('an empty reader says so once, and skips what needs a card', async () => {
  for (const device of [new EmulatedCcidReader('contact'), new EmulatedRcs380(), new EmulatedAcr122u()]) {
    const verdicts = Object.values(await certify(device));
    expect(verdicts.filter((verdict) => verdict.startsWith('failed'))).toEqual([
      expect.stringMatching(/^failed READER_CARD_ABSENT/),
    ]);
    expect(verdicts.filter((verdict) => verdict === 'skipped no card')).toHaveLength(
      scripts.certify.filter(({ card }) => card !== 'reader').length - 1,
    );
  }
});

describe('in Japanese', () => {
  const stream = { write: () => true };
  const [ja, en] = (['ja', 'en'] as const).map((lang) =>
    openConsole({ env: {}, stdout: stream, stderr: stream, lang }),
  );
  // Facts of a fault have names, which are the same in both languages.
  const english = (text: string): readonly string[] => text.replaceAll(/\w+=\S+/g, '').match(/\b[a-z]{3,}\b/g) ?? [];

  it.each([
    ['an empty reader', () => new EmulatedCcidReader('contact')],
    ['an empty RC-S380', () => new EmulatedRcs380()],
    ['a chip card', () => withCard(new EmulatedCcidReader('contact'), new EmvCard(testCard('visa-contact')))],
    ['a card that is wrong', () => withCard(new EmulatedCcidReader('contact'), new WrongCard(0xb2, '77025F009000'))],
    ['a transit card', () => withTransit(new EmulatedRcs380())],
  ])('no step of %s says why in English', async (_name, make) => {
    const results = await resultsOf(make());
    expect(results.filter(({ verdict }) => verdict === 'skipped')).not.toHaveLength(0);
    for (const result of results) {
      const event = { event: 'step', result: stepResult.parse(result) } as const;
      const [, why = ''] = (ja === undefined ? [] : linesOf(ja, event)).join('').split('  ·  ');
      // Words that are the same in both languages: levels of a descriptor, states, the option to use.
      const values = ['absent', 'present', 'active', 'hands', 'tpdu'];
      expect([result.step, english(why).filter((word) => !values.includes(word))]).toEqual([result.step, []]);
      if (result.verdict === 'skipped') expect(linesOf(en ?? never(), event).join('')).not.toMatch(/[ぁ-ん]/);
    }
  });
});

const never = (): never => {
  throw new Error('a console of each language');
};

function withCard(reader: EmulatedCcidReader, card: EmvCard): EmulatedCcidReader {
  reader.insert(card);
  return reader;
}

function withTransit(reader: EmulatedRcs380): EmulatedRcs380 {
  reader.insertFelica(new TransitCard(transitCard('transit')));
  return reader;
}

describe('a FeliCa card', () => {
  it.each([
    ['RC-S380', () => new EmulatedRcs380()],
    ['ACR122U', () => new EmulatedAcr122u()],
  ])('is asked its own questions at an %s, and no APDU', async (_name, make) => {
    const device = make();
    device.insertFelica(new TransitCard(transitCard('transit')));
    const verdicts = await certify(device);
    for (const { id, card } of scripts.certify)
      if (card === 'chip') expect(verdicts[id]).toBe('skipped a FeliCa card has no APDUs');
    expect(Object.entries(verdicts).filter(([id]) => id.startsWith('felica-'))).toEqual([
      ['felica-polling', 'passed system 0003, PMm 0F0F0F0F0F0F0F0F'],
      ['felica-stranger', 'passed'],
      ['felica-request-response', 'passed'],
      ['felica-systems', 'passed 0003 FE00'],
      ['felica-services', 'passed 008B 090F'],
      ['felica-read', 'passed 008B'],
      ['felica-refusal', 'passed FFA6'],
      ['felica-many', 'passed'],
      ['felica-mute', 'skipped needs an emulated reader, which can break answers'],
      ['felica-removal', 'skipped needs somebody who moves the card (--hands)'],
    ]);
  });

  /** A FeliCa card that answers one command code otherwise. */
  class WrongFelica extends TransitCard {
    readonly #change: (frame: Uint8Array, answer: Uint8Array | undefined) => Uint8Array | undefined;

    constructor(change: (frame: Uint8Array, answer: Uint8Array | undefined) => Uint8Array | undefined) {
      super(transitCard('transit'));
      this.#change = change;
    }

    override transmit(frame: Uint8Array): Uint8Array | undefined {
      return this.#change(frame, super.transmit(frame));
    }
  }

  const anybody = encodeFelicaCommand({ type: 'polling', systemCode: 0xffff, request: 'systemCode', slots: 0 });
  it.each([
    ['felica-stranger', 'answers whatever it is polled for', 0x00, (card: TransitCard) => card.transmit(anybody)],
    ['felica-request-response', 'is in mode 1', 0x04, () => hex('0B05 0114545355000001 01')],
    ['felica-services', 'has every service', 0x02, () => hex('11 03 0114545355000001 03 010001000100')],
    ['felica-read', 'refuses an open service', 0x06, () => hex('0C07 0114545355000001 FFA5')],
    ['felica-refusal', 'refuses for another reason', 0x06, () => hex('0C07 0114545355000001 FFA5')],
  ] as const)('fails %s when it %s', async (step, _why, code, answer) => {
    const right = new TransitCard(transitCard('transit'));
    const device = new EmulatedRcs380();
    device.insertFelica(new WrongFelica((frame, said) => (frame[1] === code ? answer(right) : said)));
    expect((await certify(device))[step]).toMatch(/^failed/);
  });
});
