import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { replay } from '@tsunagu/firmware-bridge/workshop/replay-trace';
import { saleResult } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { decodeTrace } from '@tsunagu/protocols/trace';
import { bridgeEvent, type BridgeEvent } from '@tsunagu/protocols/workshop';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bundle } from './bundle.ts';
import { prepareGuest, startGuest } from './guest.ts';
import { missingFor } from './machine.ts';

const missing = missingFor('guest');
if (missing !== undefined) console.log(`hardware in the loop, guest: skipped, ${missing}`);

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-hil-'));
const out = join(folder, 'share', 'out');
let console_ = '';
let cardProcess: ChildProcess | undefined;

/** What a program in the guest printed, and how it ended. */
function ran(name: string): { readonly out: string; readonly err: string; readonly status: number } {
  const read = (kind: string): string => {
    const path = join(out, `${name}.${kind}`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  return { out: read('out'), err: read('err'), status: Number(read('rc') || '-1') };
}

/** The events that our bridge printed. */
const eventsOf = (name: string): readonly BridgeEvent[] =>
  ran(name)
    .out.split('\n')
    .filter(Boolean)
    .map((line) => bridgeEvent.parse(JSON.parse(line)));

const stepsOf = (name: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    eventsOf(name).flatMap((event) =>
      event.event === 'step'
        ? [[event.result.step, [event.result.verdict, event.result.code].filter(Boolean).join(' ')]]
        : [],
    ),
  );

beforeAll(async () => {
  if (missing !== undefined) return;
  const guest = prepareGuest(folder);
  mkdirSync(out);
  await bundle('firmware-bridge/src/main.ts', join(guest.share, 'hil-bridge.mjs'));
  await bundle('test/hil/jobs/unplug.ts', join(guest.share, 'hil-unplug.mjs'));
  await bundle('test/hil/jobs/pay.ts', join(guest.share, 'hil-pay.mjs'));
  await bundle('test/hil/jobs/contract.ts', join(guest.share, 'hil-contract.mjs'));
  const job = readFileSync(new URL('jobs/job.sh', import.meta.url), 'utf8');
  writeFileSync(join(guest.share, 'job.sh'), job.replaceAll('@REPOSITORY@', repository));
  const socket = join(folder, 'card.sock');
  // QEMU's own reader, and our card in it.
  const running = startGuest(
    guest,
    [
      `-device qemu-xhci -chardev socket,id=card,path=${socket},server=on,wait=off`,
      '-device usb-ccid -device ccid-card-passthru,chardev=card',
    ],
    840_000,
  );
  cardProcess = spawn(
    process.execPath,
    [join(guest.share, 'hil-bridge.mjs'), 'emulate', 'card', 'mastercard-contact', '--vscard', socket, '--reconnect'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  console_ = await running.ended;
});

afterAll(() => {
  cardProcess?.kill();
  if (process.env['TSUNAGU_HIL_KEEP']) console.log(`kept: ${folder}`, console_.slice(-2_000));
  else rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(missing !== undefined)('a Linux kernel imports our reader over USB/IP', () => {
  it('usbip lists it', () => {
    const { out: printed, status } = ran('usbip-list');
    expect(status).toBe(0);
    expect(printed).toMatch(/1-1: .*\(0e0f:0004\)/);
    expect(printed).toMatch(/Chip\/SmartCard/);
  });

  it('usbip is refused a device that is not there, and one that is in use', () => {
    expect(ran('usbip-attach').status).toBe(0);
    expect(ran('usbip-attach-unknown').status).not.toBe(0);
    expect(ran('usbip-attach-twice').status).not.toBe(0);
  });

  it('lsusb reads its descriptors', () => {
    const { out: printed } = ran('lsusb');
    expect(printed).toMatch(/idVendor\s+0x0e0f/);
    expect(printed).toMatch(/bInterfaceClass\s+11 Chip\/SmartCard/);
    expect(printed).toMatch(/ChipCard Interface Descriptor:[\s\S]*nMaxSlotIndex\s+0/);
    expect(printed).toMatch(/Short (and extended )?APDU level exchange/);
    // lsusb knows CCID 1.0 and says so; it has nothing else to say.
    expect(printed.replace('Warning: Only accurate for version 1.0', '')).not.toMatch(/Warning|Error|can.t/i);
  });
});

describe.skipIf(missing !== undefined)('our bridge drives it over the usb package', () => {
  it('finds both readers, and the card with its application', () => {
    const events = eventsOf('watch');
    const found = events.flatMap((event) => (event.event === 'readerFound' ? [event.reader] : []));
    expect(found.map(({ vendorId, productId }) => [vendorId, productId])).toEqual(
      expect.arrayContaining([
        [0x0e0f, 0x0004],
        [0x08e6, 0x4433],
      ]),
    );
    const cards = events.flatMap((event) => (event.event === 'cardFound' ? [event.card] : []));
    expect(cards.map(({ atr }) => atr)).toContain('3B6700005453554E414755');
    expect(cards.flatMap(({ applications }) => applications.map(({ aid }) => aid))).toContain('A0000000031010');
  });

  it('certifies it, a whole EMV transaction included', () => {
    expect(ran('certify').status).toBe(0);
    const steps = stepsOf('certify');
    expect(steps).toMatchObject({ atr: 'passed', 'case-4': 'passed', many: 'passed', transaction: 'passed' });
    expect(Object.values(steps)).not.toContain('failed');
  });

  it('the recorded session replays without the hardware', async () => {
    const trace = unwrap(decodeTrace(readFileSync(join(out, 'session.trace'), 'utf8')));
    const world = systemWorld(() => undefined);
    const results = unwrap(await replay(world, trace, undefined, () => undefined));
    const verdicts = results.map(({ step, verdict, code }) => [step, [verdict, code].filter(Boolean).join(' ')]);
    expect(Object.fromEntries(verdicts)).toEqual(stepsOf('certify'));
  });

  it('a cable pulled in the middle of a transaction is noticed, and the reader works again when it is back', () => {
    const { out: printed, err } = ran('unplug');
    expect(err).toBe('');
    expect(JSON.parse(printed)).toEqual({
      atr: '3B6700005453554E414755',
      whole: 'ok',
      selected: '9000',
      cut: 'USB_UNPLUGGED',
      after: 'USB_UNPLUGGED',
      attached: 0,
      atrAgain: '3B6700005453554E414755',
      wholeAgain: 'ok',
      events: ['unplugged', 'plugged'],
    });
  });

  it('keeps the contract of a USB transport, case by case', () => {
    const { out: printed, err, status } = ran('contract');
    const cases = printed
      .split('\n')
      .filter(Boolean)
      .map((line) => z.object({ name: z.string(), fault: z.string().optional() }).parse(JSON.parse(line)));
    expect(err).toBe('');
    expect(cases.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect([cases.length, status]).toEqual([9, 0]);
  });

  it('says that a slot is empty', () => {
    const events = eventsOf('watch-empty');
    const ours = events.flatMap((event) =>
      event.event === 'readerFound' && event.reader.vendorId === 0x0e0f ? [event.reader.id] : [],
    );
    expect(events).toContainEqual({ event: 'slotEmpty', reader: ours[0] });
  });
});

describe.skipIf(missing !== undefined)('pcscd and libccid drive it', () => {
  it('opensc-tool lists it, and reads the ATR', () => {
    expect(ran('opensc-list').out).toMatch(/Yes\s.*USB CCID/i);
    expect(ran('opensc-atr').out.trim()).toBe('3b:67:00:00:54:53:55:4e:41:47:55');
  });

  it('opensc-tool selects the directory and the application', () => {
    const { out: printed } = ran('opensc-select');
    expect(printed.match(/SW1=0x90, SW2=0x00/g)?.length).toBeGreaterThanOrEqual(2);
    expect(printed).toMatch(/6F .*84 07 A0 00 00 00 03 10 10/);
  });

  it('an application that is not on the card is not found', () => {
    expect(ran('opensc-other').out).toMatch(/SW1=0x6A, SW2=0x82/);
  });

  it('a card that was taken out is missed', () => {
    expect(ran('opensc-absent').status).not.toBe(0);
    expect(`${ran('opensc-absent').out}${ran('opensc-absent').err}`).toMatch(/not present/i);
  });

  it('our bridge leaves a reader alone that pcscd has', () => {
    const found = eventsOf('watch-busy').flatMap((event) => (event.event === 'readerFound' ? [event.reader] : []));
    expect(found.find(({ vendorId }) => vendorId === 0x0e0f)?.code).toBe('USB_BUSY');
    expect(ran('opensc-after-watch').out.trim()).toBe('3b:67:00:00:54:53:55:4e:41:47:55');
  });
});

describe.skipIf(missing !== undefined)('a reader that nobody here wrote: QEMU’s usb-ccid', () => {
  it('is what it is: TPDU level, another bulk endpoint', () => {
    expect(ran('qemu-lsusb').out).toMatch(/TPDU level exchange/);
    expect(ran('qemu-lsusb').out).toMatch(/bEndpointAddress\s+0x03\s+EP 3 OUT/);
  });

  it('is driven by our bridge, a whole EMV transaction over T=0 included', () => {
    expect(ran('qemu-certify').status).toBe(0);
    expect(stepsOf('qemu-certify')).toMatchObject({
      descriptor: 'passed',
      atr: 'passed',
      'case-1': 'passed',
      'case-2': 'passed',
      'case-3': 'passed',
      'case-4': 'passed',
      longest: 'passed',
      many: 'passed',
      transaction: 'passed',
    });
  });
});

describe.skipIf(missing !== undefined)('a terminal at that reader', () => {
  it('sells with the card that is in it: the reader announces a PIN pad that it has not, and the next rule of the card holds', () => {
    const { out: printed, err } = ran('qemu-pay');
    expect(printed, err).toContain('"outcome":"approved"');
    const { sale } = z.object({ sale: saleResult }).parse(JSON.parse(printed));
    expect(sale).toMatchObject({ entry: 'contact', scheme: 'mastercard', amountMinor: 1_280 });
    const pan = testCard('mastercard-contact').pan.use((digits) => Buffer.from(digits).toString('latin1'));
    expect(`${printed}${err}`).not.toContain(pan);
  });
});

describe.skipIf(missing !== undefined)('others accept our NFC readers', () => {
  it('nfc-list opens the ACR122U and finds the card', () => {
    const { out: printed } = ran('acr122u-nfc-list');
    expect(printed).toMatch(/ACS \/ ACR122U.* opened/);
    expect(printed).toMatch(/1 ISO14443A passive target\(s\) found/);
    expect(printed).toMatch(/Historical bytes Tk: 54 {2}53 {2}55 {2}4e {2}41 {2}47 {2}55/);
  });

  it('nfc-list finds nothing where nothing lies', () => {
    const { out: printed } = ran('acr122u-nfc-list-empty');
    expect(printed).toMatch(/ACS \/ ACR122U.* opened/);
    expect(printed).toMatch(/0 ISO14443A passive target\(s\) found/);
  });

  it('the kernel’s pn533_usb attaches to the ACR122U', () => {
    expect(ran('acr122u-dmesg').out).toMatch(/NFC: NXP PN532 firmware ver 1\.6 now attached/);
    expect(ran('acr122u-sysfs').out).toMatch(/drivers\/pn533_usb/);
  });

  it('the kernel’s port100 attaches to the RC-S380', () => {
    expect(ran('rcs380-dmesg').out).toMatch(/port100.*NFC: Sony NFC Port-100 Series attached/);
    expect(ran('rcs380-sysfs').out).toMatch(/drivers\/port100/);
  });

  it('our bridge drives both over the usb package', () => {
    for (const name of ['acr122u', 'rcs380']) {
      expect(ran(`${name}-self-test`).status).toBe(0);
      expect(stepsOf(`${name}-self-test`)).toMatchObject({ status: 'passed', 'power-off': 'passed' });
    }
  });
});
