import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { isReaderPlace } from '@tsunagu/firmware-bridge/readers/real';
import { ReaderStation } from '@tsunagu/firmware-bridge/readers/station';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { realCard } from '@tsunagu/protocols/fleet';
import { Secret } from '@tsunagu/protocols/kit';
import { testCard, testCardNames, type TestCardName } from '@tsunagu/protocols/test-cards';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fastWorld } from './support/fast-world.ts';
import { type LoopbackSwitch, loopbackSwitch } from './support/loopback-switch.ts';
import { memoryPorts } from './support/memory-ports.ts';

// A terminal with real readers: cards have no names, somebody puts one in. The devices here are emulated, and the terminal cannot tell.

let centre: LoopbackSwitch;
const opened: TerminalCardSide[] = [];
beforeEach(async () => {
  centre = await loopbackSwitch();
});
afterEach(async () => {
  for (const side of opened.splice(0)) await side.close();
  await centre.close();
});

async function terminal() {
  const { world } = fastWorld();
  const model = modelOf('CT-5100');
  if (model === undefined) throw new Error('no such model');
  const bus = new EmulatedBus(world);
  const memory = await memoryPorts(centre.acquirer);
  const side = await TerminalCardSide.open({ world, model, ports: memory.ports }, new ReaderStation(world, bus));
  opened.push(side);
  const pay = (card = realCard, amountMinor = 1_280) => side.run({ kind: 'sale', card, amountMinor });
  return { world, bus, side, pay, memory };
}

const chip = (name: TestCardName): EmvCard => new EmvCard(testCard(name));
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((done) => setTimeout(done, 2));
};

it.each([
  ['contact', 'visa-contact'],
  ['contactless', 'visa-contactless'],
] as const)('takes the card that comes to its %s reader, and says which way it came', async (kind, name) => {
  const { bus, pay, side } = await terminal();
  const readers = { contact: new EmulatedCcidReader('contact'), contactless: new EmulatedCcidReader('contactless') };
  for (const reader of Object.values(readers)) bus.plug(reader);
  expect(side.cards).toEqual([]);
  const paying = pay();
  // It waits: nothing is there yet.
  await new Promise((done) => setTimeout(done, 20));
  readers[kind].insert(chip(name));
  expect(await paying).toMatchObject({ outcome: 'approved', entry: kind, scheme: 'visa' });
});

it('waits in vain for a card, for a reader, and for one whose name it cannot know', async () => {
  const { bus, pay } = await terminal();
  expect(await pay()).toMatchObject({ outcome: 'refused', reason: 'USB_NOT_FOUND' });
  expect(await pay('visa-contact')).toMatchObject({ outcome: 'refused', reason: 'CARD_NOT_EMULATED' });
  bus.plug(new EmulatedCcidReader('contact'));
  expect(await pay()).toMatchObject({ outcome: 'refused', reason: 'READER_CARD_ABSENT' });
});

it('has the PIN typed on the reader, which sends it to the card by itself', async () => {
  const { bus, pay } = await terminal();
  const reader = new EmulatedCcidReader('pinPad');
  bus.plug(reader);
  const card = testCard('jcb-contact');
  reader.insert(new EmvCard(card));
  const paying = pay(realCard, 20_000);
  await until(() => reader.pinPad?.isAsking === true);
  reader.pinPad?.type(card.pin.use((digits) => Secret.copy('pin', digits)));
  expect(await paying).toMatchObject({ outcome: 'approved' });
});

it('asks for no PIN where there are no keys: the kernel is told so, and the next rule of the card holds', async () => {
  const { bus, pay, side } = await terminal();
  const reader = new EmulatedCcidReader('contact');
  bus.plug(reader);
  reader.insert(chip('jcb-contact'));
  const paid = await pay(realCard, 20_000);
  expect(paid.outcome).not.toBe('failed');
  expect(side.trace().map(({ command }) => command)).not.toContain('VERIFY');
});

it('knows where real readers may be', () => {
  expect(['usb', 'pcsc', 'pcsc:ACS ACR122U 00 00'].every(isReaderPlace)).toBe(true);
  expect(['', 'pcsc:', 'usb:1', 'emulated'].some(isReaderPlace)).toBe(false);
});

it('`reader` is for a terminal that has real readers', async () => {
  const { world } = fastWorld();
  const model = modelOf('CT-5100');
  if (model === undefined) throw new Error('no such model');
  const { ports } = await memoryPorts(centre.acquirer);
  const side = await TerminalCardSide.open({ world, model, ports });
  opened.push(side);
  for (const card of ['reader', 'reader-stripe'])
    expect(await side.run({ kind: 'sale', card, amountMinor: 100 })).toMatchObject({
      outcome: 'refused',
      reason: 'READERS_EMULATED',
    });
});

// Above every limit up to which a card asks for nothing.
const cvmAmount = 60_000;
const emvCards = testCardNames.filter((name) => /-(contact|contactless)$/.test(name));
it.each(emvCards)('%s at a real reader without keys: no PIN is asked for, and the payment is decided', async (name) => {
  const { bus, pay, memory, side } = await terminal();
  memory.configuration = { ...memory.configuration, contactlessLimitMinor: 1_000_000, amountMaxMinor: 1_000_000 };
  const reader = new EmulatedCcidReader(name.endsWith('contactless') ? 'contactless' : 'contact');
  bus.plug(reader);
  reader.insert(chip(name));
  const sale = await pay(realCard, cvmAmount);
  // Online PIN and PIN to the card need keys that are not there: signature, nothing, or a no that says why.
  if (sale.outcome === 'failed')
    // It wants to be inserted, and no such reader hangs here; or it is of a scheme that this model does not take.
    expect(['CARD_OTHER_INTERFACE', 'NO_COMMON_APPLICATION']).toContain(sale.reason);
  else expect(['approved', 'declined', 'refused'], JSON.stringify(sale)).toContain(sale.outcome);
  const kept = memory.ports.sales.all();
  if (sale.outcome === 'approved') expect(kept).toHaveLength(1);
  for (const { verification } of kept) expect(['none', 'signature']).toContain(verification);
  expect(side.trace().map(({ command }) => command)).not.toContain('VERIFY');
  expect(centre.received.every((request) => request.fields[52] === undefined)).toBe(true);
  if (sale.outcome !== 'approved') expect(sale.reason ?? sale.actionCode).toMatch(/^[A-Z0-9_]+$/);
});
