import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { EmulatedAcr122u } from '@tsunagu/firmware-bridge/readers/emulated/acr122u-device';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import type { CcidVariantName } from '@tsunagu/firmware-bridge/readers/emulated/ccid-variant';
import type { ChipCard } from '@tsunagu/firmware-bridge/readers/emulated/chip-card';
import type { FelicaCard } from '@tsunagu/firmware-bridge/readers/emulated/felica-card';
import { EmulatedRcs380 } from '@tsunagu/firmware-bridge/readers/emulated/rcs380-device';
import { openReader, openReaders } from '@tsunagu/firmware-bridge/readers/families';
import type { ChipReader, PinEntry } from '@tsunagu/firmware-bridge/readers/port';
import { ReaderStation } from '@tsunagu/firmware-bridge/readers/station';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import type { UsbDeviceModel } from '@tsunagu/firmware-bridge/usb/emulated/device-model';
import { command, decodeCommand, encodeCommand } from '@tsunagu/protocols/apdu';
import { decodeFelicaCommand, encodeFelicaResponse } from '@tsunagu/protocols/felica';
import { concat, hex, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { describe, expect, it } from 'vitest';
import { fastWorld } from './support/fast-world.ts';

async function open(model: UsbDeviceModel): Promise<ChipReader> {
  const { world } = fastWorld(100);
  const bus = new EmulatedBus(world);
  const reader = unwrap(await openReader(world, bus, bus.plug(model)));
  if (reader.kind === 'stripe') throw new Error('a stripe head is no chip reader');
  return reader;
}

const pin = (digits: string): Secret<'pin'> => Secret.take('pin', Uint8Array.from(Buffer.from(digits)));

/** A card that keeps what it was sent and answers with as many bytes as P1 and P2 say. */
class Recorder implements ChipCard {
  readonly historicalBytes = hex('54455354');
  readonly seen: string[] = [];
  reset(): void {
    // It keeps nothing else.
  }
  transmit(apdu: Uint8Array): Uint8Array {
    this.seen.push(toHex(apdu));
    const { p1, p2, ins } = unwrap(decodeCommand(apdu));
    const length = ins === 0x20 || ins === 0x24 ? 0 : (p1 << 8) | p2;
    return concat(
      Uint8Array.from({ length }, (_, at) => at & 0xff),
      hex('9000'),
    );
  }
}

/** A FeliCa card of system 0003 with one readable block. */
class Pass implements FelicaCard {
  readonly idm: Uint8Array;
  constructor(last = 0x01) {
    this.idm = Uint8Array.of(1, 1, 6, 1, 2, 3, 4, last);
  }
  reset(): void {
    // It has no state.
  }
  transmit(frame: Uint8Array): Uint8Array | undefined {
    const read = decodeFelicaCommand(frame);
    if (!read.ok) return undefined;
    const { idm } = this;
    if (read.value.type === 'polling') {
      const { systemCode, request } = read.value;
      if (systemCode !== 0x0003 && systemCode !== 0xffff) return undefined;
      const answer = { type: 'polling', idm, pmm: hex('0120220427674EFF') } as const;
      return encodeFelicaResponse(request === 'systemCode' ? { ...answer, requested: 0x0003 } : answer);
    }
    if (read.value.type !== 'readWithoutEncryption' || toHex(read.value.idm) !== toHex(idm)) return undefined;
    return encodeFelicaResponse({
      type: 'readWithoutEncryption',
      idm,
      status1: 0,
      status2: 0,
      data: new Uint8Array(16).fill(0x5a),
    });
  }
}

describe('long APDUs', () => {
  it.each<[string, () => UsbDeviceModel & { insert(card: ChipCard): void }]>([
    ['extended APDU level, in parts', () => new EmulatedCcidReader('extendedApdu')],
    ['TPDU level, T=1 blocks', () => new EmulatedCcidReader('tpduT1')],
    ['TPDU level, T=0 envelopes', () => new EmulatedCcidReader('tpduT0')],
    ['character level, T=1', () => new EmulatedCcidReader('characterT1')],
    ['character level, T=0', () => new EmulatedCcidReader('characterT0')],
    ['ACR122U', () => new EmulatedAcr122u()],
    ['RC-S380', () => new EmulatedRcs380()],
  ])('arrive whole both ways: %s', async (_name, make) => {
    const device = make();
    const card = new Recorder();
    device.insert(card);
    const reader = await open(device);
    unwrap(await reader.powerOn());
    const data = Uint8Array.from({ length: 700 }, (_, at) => (at * 7) & 0xff);
    const apdu = unwrap(encodeCommand(command(0x00, 0xd6, 0x02, 0xbc, data, 65_536)));
    const answer = unwrap(await reader.transmit(apdu));
    expect(card.seen).toEqual([toHex(apdu)]);
    expect(answer).toHaveLength(702);
    expect(answer.subarray(0, 700).every((byte, at) => byte === (at & 0xff))).toBe(true);
  });

  it('are refused where the reader takes short ones alone, and the card stays powered', async () => {
    const device = new EmulatedCcidReader('contact');
    const card = new Recorder();
    device.insert(card);
    const reader = await open(device);
    unwrap(await reader.powerOn());
    const long = unwrap(encodeCommand(command(0x00, 0xd6, 0, 0, new Uint8Array(300))));
    expect(await reader.transmit(long)).toMatchObject({ fault: { code: 'CCID_TOO_LONG' } });
    expect(toHex(unwrap(await reader.transmit(hex('00B0000004'))))).toBe('9000');
  });
});

describe('a reader with two slots', () => {
  it('is two readers that do not disturb one another', async () => {
    const { world } = fastWorld(100);
    const bus = new EmulatedBus(world);
    const device = new EmulatedCcidReader('twoSlots');
    const opened = unwrap(await openReaders(world, bus, bus.plug(device)));
    const [first, second] = opened.filter((reader) => reader.kind !== 'stripe');
    if (first === undefined || second === undefined) throw new Error('two slots');
    const cards = [new Recorder(), new Recorder()] as const;
    const waiting = Promise.all([first.waitForCard(60_000), second.waitForCard(60_000)]);
    device.insert(cards[0], 0);
    device.insert(cards[1], 1);
    expect((await waiting).map(({ ok }) => ok)).toEqual([true, true]);
    const atrs = await Promise.all([first.powerOn(), second.powerOn()]);
    expect(atrs.every(({ ok }) => ok)).toBe(true);
    await Promise.all([first.transmit(hex('00B0000001')), second.transmit(hex('00B0000002'))]);
    expect(cards[0].seen).toEqual(['00B0000001']);
    expect(cards[1].seen).toEqual(['00B0000002']);
    // A fault in one slot leaves the card in the other powered; the device is closed with its last slot.
    device.inject('garbage');
    expect((await first.transmit(hex('00B0000001'))).ok).toBe(false);
    expect((await second.transmit(hex('00B0000002'))).ok).toBe(true);
    await first.close();
    expect((await second.transmit(hex('00B0000002'))).ok).toBe(true);
    await second.close();
    expect((await second.transmit(hex('00B0000002'))).ok).toBe(false);
  });
});

describe('a PIN pad', () => {
  const verify: PinEntry = {
    apdu: hex('00200080 08 20FFFFFFFFFFFFFF'),
    format: 'iso9564-2',
    digitsMin: 4,
    digitsMax: 12,
    timeoutSeconds: 10,
    language: 'ja',
  };
  async function padOf(variant: CcidVariantName) {
    const device = new EmulatedCcidReader(variant);
    const card = new Recorder();
    device.insert(card);
    const reader = await open(device);
    unwrap(await reader.powerOn());
    const { pinPad } = reader;
    const keys = device.pinPad;
    if (pinPad === undefined || keys === undefined) throw new Error('this reader has a pad');
    const asked = async (): Promise<void> => {
      while (!keys.isAsking) await new Promise((turn) => setTimeout(turn, 1));
    };
    return { reader, card, pinPad, keys, asked };
  }

  it.each(['pinPad', 'pinPadTpduT0', 'pinPadTpduT1'] as const)(
    'puts the PIN into the command and shows it to the card alone: %s',
    async (variant) => {
      const { reader, card, pinPad, keys, asked } = await padOf(variant);
      const verified = pinPad.verifyPin(verify);
      await asked();
      keys.type(pin('12345'));
      expect(toHex(unwrap(await verified))).toBe('9000');
      // T=0 cannot tell whether an answer is wanted, so its emulated card puts Le to what has data.
      expect(card.seen[0]?.slice(0, 26)).toBe('00200080082512345FFFFFFFFF');
      expect(toHex(unwrap(await reader.transmit(hex('00B0000101'))))).toBe('009000');
    },
  );

  it('changes a PIN, which is typed twice', async () => {
    const { card, pinPad, keys, asked } = await padOf('pinPad');
    const modify = { ...verify, apdu: hex('00240080 10 20FFFFFFFFFFFFFF 20FFFFFFFFFFFFFF') };
    const changed = pinPad.modifyPin(modify);
    await asked();
    keys.type(pin('1234'), pin('567890'), pin('567890'));
    expect(toHex(unwrap(await changed))).toBe('9000');
    expect(card.seen).toEqual(['0024008010241234FFFFFFFFFF26567890FFFFFFFF']);
    const differing = pinPad.modifyPin(modify);
    await asked();
    keys.type(pin('1234'), pin('5678'), pin('5679'));
    expect(await differing).toMatchObject({ fault: { code: 'PIN_PAD_MISMATCH' } });
  });

  it('tells cancelling, silence and a wrong length apart, after which the card is still there', async () => {
    const { reader, card, pinPad, keys, asked } = await padOf('pinPadTpduT1');
    for (const [act, code] of [
      [() => keys.cancel(), 'PIN_PAD_CANCELLED'],
      [() => keys.expire(), 'PIN_PAD_TIMEOUT'],
      [() => keys.type(pin('12')), 'PIN_PAD_LENGTH'],
    ] as const) {
      const {
        reader: again,
        pinPad: pad,
        keys: pressed,
        asked: isAsked,
      } = code === 'PIN_PAD_LENGTH' ? await padOf('pinPad') : { reader, pinPad, keys, asked };
      const entry = pad.verifyPin(verify);
      await isAsked();
      if (pressed === keys) act();
      else pressed.type(pin('12'));
      expect(await entry).toMatchObject({ fault: { code } });
      expect((await again.transmit(hex('00B0000001'))).ok).toBe(true);
    }
    expect(card.seen).toEqual(['00B0000001', '00B0000001']);
  });

  it.each(['pinPad', 'pinPadTpduT0', 'pinPadTpduT1'] as const)(
    'that is announced and not there is refused, and the card keeps its power: %s',
    async (variant) => {
      const { reader, card, pinPad, keys } = await padOf(variant);
      keys.isMissing = true;
      expect(await pinPad.verifyPin(verify)).toMatchObject({
        fault: { code: 'PIN_PAD_REFUSED', facts: { error: 'CMD_NOT_SUPPORTED' } },
      });
      expect(toHex(unwrap(await reader.transmit(hex('00B0000101'))))).toBe('009000');
      expect(card.seen).toEqual(['00B0000101']);
    },
  );

  it('is not there on a reader without keys', async () => {
    expect((await open(new EmulatedCcidReader('contact'))).pinPad).toBeUndefined();
  });
});

const antennas = [
  ['ACR122U', () => new EmulatedAcr122u()],
  ['RC-S380', () => new EmulatedRcs380()],
] as const;

describe.each(antennas)('the antenna of an %s', (_name, make) => {
  it('reads a FeliCa card, and not one of another system', async () => {
    const device = make();
    const reader = await open(device);
    const felica = reader.felica;
    if (felica === undefined) throw new Error('this antenna takes FeliCa');
    expect(await felica.poll(0x0003)).toMatchObject({ fault: { code: 'READER_CARD_ABSENT' } });
    device.insertFelica(new Pass());
    const { idm } = unwrap(await felica.poll(0x0003));
    expect(toHex(idm)).toBe('0101060102030401');
    expect(await felica.poll(0xfe00)).toMatchObject({ fault: { code: 'READER_CARD_ABSENT' } });
    unwrap(await felica.poll(0x0003));
    const answer = unwrap(await felica.exchange(concat(hex('1006'), idm, hex('010F09018000'))));
    expect(toHex(answer)).toBe(`1D07${toHex(idm)}000001${'5A'.repeat(16)}`);
    // Another card's IDm: nobody answers.
    const other = concat(hex('1006'), hex('0101060102030499'), hex('010F09018000'));
    expect(await felica.exchange(other)).toMatchObject({ fault: { code: 'READER_CARD_MUTE' } });
    expect(await felica.exchange(hex('0506'))).toMatchObject({ fault: { code: 'FRAME_INVALID' } });
    expect(await reader.state()).toMatchObject({ value: 'present' });
  });

  it('refuses several cards politely, and takes the one that is left', async () => {
    const device = make();
    const reader = await open(device);
    device.insert(new EmvCard(testCard('mastercard-contactless')));
    device.insert(new EmvCard(testCard('visa-contact')));
    expect(await reader.waitForCard(100)).toMatchObject({ ok: true });
    expect(await reader.powerOn()).toMatchObject({ fault: { code: 'READER_SEVERAL_CARDS' } });
    device.remove();
    device.insert(new EmvCard(testCard('mastercard-contactless')));
    expect((await reader.powerOn()).ok).toBe(true);
    device.remove();
    device.insertFelica(new Pass(1));
    device.insertFelica(new Pass(2));
    expect(await reader.felica?.poll(0xffff)).toMatchObject({ fault: { code: 'READER_SEVERAL_CARDS' } });
  });

  it('gives a FeliCa card the ATR of PC/SC part 3 and tells its IDm; of a wallet with both, the chip card is meant', async () => {
    const device = make();
    const reader = await open(device);
    device.insertFelica(new Pass());
    expect(toHex(unwrap(await reader.powerOn()))).toBe('3B8F8001804F0CA00000030611003B0000000042');
    expect(toHex(unwrap(await reader.transmit(hex('FFCA000000'))))).toBe('01010601020304019000');
    expect(toHex(unwrap(await reader.transmit(hex('00A4040000'))))).toBe('6A81');
    device.insert(new EmvCard(testCard('mastercard-contactless')));
    expect(toHex(unwrap(await reader.powerOn()))).toBe('3B8780015453554E41475549');
    expect(toHex(unwrap(await reader.transmit(hex('FFCA000000'))))).toBe('045453554E41479000');
    expect(toHex(unwrap(await reader.transmit(hex('FFCA010000'))))).toBe('5453554E4147559000');
    expect((await reader.felica?.poll(0x0003))?.ok).toBe(true);
  });
});

describe('a station', () => {
  it('finds the FeliCa antenna among its readers, and the chip readers before it', async () => {
    const { world } = fastWorld(100);
    const bus = new EmulatedBus(world);
    bus.plug(new EmulatedCcidReader('contactless'));
    const antenna = new EmulatedRcs380();
    bus.plug(antenna);
    const station = new ReaderStation(world, bus);
    expect(unwrap(await station.chip('contactless')).name).toMatch(/^CCID/);
    antenna.insertFelica(new Pass());
    expect((await unwrap(await station.felica()).poll(0x0003)).ok).toBe(true);
    await station.close();
  });
});
