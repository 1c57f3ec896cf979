// Runs in the guest: a cable that is pulled in the middle of a transaction, and put back. Prints one JSON object.
import { readFileSync, writeSync } from 'node:fs';
import { openReader } from '@tsunagu/firmware-bridge/readers/families';
import type { ChipReader } from '@tsunagu/firmware-bridge/readers/port';
import { HostUsb } from '@tsunagu/firmware-bridge/usb/host/transport';
import { rehearse } from '@tsunagu/firmware-bridge/workshop/rehearsal';
import { hex, toHex } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { attach } from './attach.ts';

const world = systemWorld(() => undefined);
const usb = new HostUsb(world);
const wanted = { vendorId: 0x0e0f, productId: 0x0004 };
const [emulatorSays = ''] = process.argv.slice(2);
/** Says a line to the emulator's standard input, which the shell that started us has opened, and waits until it was done. */
async function hand(line: string, event: string): Promise<void> {
  const done = (): number => readFileSync(emulatorSays, 'utf8').split(`"${event}"`).length;
  const before = done();
  writeSync(3, `${line}\n`);
  while (done() === before) await world.timers.sleep(100);
}

async function find(): Promise<ChipReader> {
  for (let tries = 0; tries < 100; tries++) {
    const listed = await usb.list();
    const info = listed.ok
      ? listed.value.find(({ vendorId, productId }) => vendorId === wanted.vendorId && productId === wanted.productId)
      : undefined;
    const opened = info === undefined ? undefined : await openReader(world, usb, info);
    if (opened?.ok === true && opened.value.kind !== 'stripe') return opened.value;
    await world.timers.sleep(200);
  }
  throw new Error('the reader does not come');
}

const said = (result: { readonly ok: boolean; readonly fault?: { readonly code: string } }): string =>
  result.ok ? 'ok' : (result.fault?.code ?? '');

const aid = hex('A0000000031010');
const events: string[] = [];
const watch = usb.watch(({ type, device }) => {
  if (device.vendorId === wanted.vendorId) events.push(type);
});
const before = await find();
const atr = await before.powerOn();
const whole = await rehearse(before, aid);
await before.powerOn();
const selected = await before.transmit(hex('00A4040007A000000003101000'));
await hand('fault unplug', 'faultSet');
const cut = await before.transmit(hex('80A80000028300 00'));
const after = await before.transmit(hex('80A80000028300 00'));
await before.close();
await world.timers.sleep(2_500);
await hand('plug', 'cablePlugged');
const attached = await attach(world.timers, '1-1').then(
  () => 0,
  ({ code }: { readonly code: unknown }) => code,
);
const again = await find();
const atrAgain = await again.powerOn();
const wholeAgain = await rehearse(again, aid);
await again.powerOff();
await again.close();
await world.timers.sleep(2_500);
watch.cancel();
await usb.close();
console.log(
  JSON.stringify({
    atr: atr.ok ? toHex(atr.value) : said(atr),
    whole: said(whole),
    selected: selected.ok ? toHex(selected.value.subarray(-2)) : said(selected),
    cut: said(cut),
    after: said(after),
    attached,
    atrAgain: atrAgain.ok ? toHex(atrAgain.value) : said(atrAgain),
    wholeAgain: said(wholeAgain),
    events,
  }),
);
process.exit(0);
