import assert from 'node:assert/strict';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import type { UsbDeviceModel } from '@tsunagu/firmware-bridge/usb/emulated/device-model';
import {
  readConfiguration,
  type UsbDevice,
  type UsbDeviceInfo,
  type UsbPlugEvent,
  type UsbTransport,
} from '@tsunagu/firmware-bridge/usb/port';
import { findCcidInterfaces } from '@tsunagu/protocols/ccid';
import { type Result, unwrap } from '@tsunagu/protocols/kit';

/** A transport under test, and the hands that plug devices into its bus. */
export interface TransportBench {
  readonly transport: UsbTransport;
  /** Resolves when the device has been put there; it may take a while to be listed. */
  plug(model: UsbDeviceModel): Promise<void>;
  unplug(): Promise<void>;
  close(): Promise<void>;
}

/** `describe` and `it` of vitest or of `node:test`. */
export interface Registers {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

const product = { vendorId: 0x0e0f, productId: 0x0004 } as const;
const endpoints = { bulkOut: 1, bulkIn: 2, interruptIn: 3 } as const;
const getSlotStatus = (seq: number): Uint8Array => Uint8Array.of(0x65, 0, 0, 0, 0, 0, seq, 0, 0, 0);
const patienceMs = 60_000;

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < end, `waited for ${what} in vain`);
    await new Promise((turn) => setTimeout(turn, 5));
  }
}

const findReader = (transport: UsbTransport): Promise<UsbDeviceInfo> =>
  until('the reader', async () =>
    unwrap(await transport.list()).find(
      ({ vendorId, productId }) => vendorId === product.vendorId && productId === product.productId,
    ),
  );

const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.fault.code);

/**
 * What every USB transport does. Needs an emulated CCID reader behind a bus of the transport's kind, and nothing of a test
 * runner but what is handed in: it also runs in a guest kernel.
 */
export function transportContract(
  name: string,
  open: () => Promise<TransportBench>,
  { describe, it }: Registers,
): void {
  const withBench = (work: (bench: TransportBench, model: EmulatedCcidReader) => Promise<void>) => async () => {
    const bench = await open();
    try {
      const model = new EmulatedCcidReader('contact');
      await bench.plug(model);
      await work(bench, model);
    } finally {
      await bench.close();
    }
  };
  const withDevice = (work: (device: UsbDevice, bench: TransportBench, model: EmulatedCcidReader) => Promise<void>) =>
    withBench(async (bench, model) => {
      const device = unwrap(await bench.transport.open((await findReader(bench.transport)).id));
      try {
        await work(device, bench, model);
      } finally {
        await device.close();
      }
    });

  describe(`the contract of a USB transport: ${name}`, () => {
    it(
      'lists a device, and knows no other id',
      withBench(async ({ transport }) => {
        const info = await findReader(transport);
        assert.deepEqual([info.vendorId, info.productId], [product.vendorId, product.productId]);
        assert.equal(codeOf(await transport.open('no such device')), 'USB_NOT_FOUND');
      }),
    );

    it(
      'reads the configuration descriptor, with the class descriptor in it',
      withDevice(async (device) => {
        const [ccid] = findCcidInterfaces(unwrap(await readConfiguration(device)));
        assert.deepEqual([ccid?.bulkOut, ccid?.bulkIn, ccid?.interruptIn], [1, 2, 3]);
      }),
    );

    it(
      'says that a device stalls a request that it does not know',
      withDevice(async (device) => {
        const setup = { type: 'class', recipient: 'interface', request: 0x42, value: 0, index: 0 } as const;
        unwrap(await device.claim(0));
        assert.equal(codeOf(await device.controlIn(setup, 8)), 'USB_STALLED');
        assert.equal(codeOf(await device.controlOut(setup, new Uint8Array(0))), 'USB_STALLED');
      }),
    );

    it(
      'moves bytes both ways over claimed endpoints alone',
      withDevice(async (device) => {
        assert.equal((await device.bulkOut(endpoints.bulkOut, getSlotStatus(1), 1_000)).ok, false);
        unwrap(await device.claim(0));
        for (let seq = 2; seq < 6; seq++) {
          unwrap(await device.bulkOut(endpoints.bulkOut, getSlotStatus(seq), 1_000));
          const answer = unwrap(await device.bulkIn(endpoints.bulkIn, 512, 5_000));
          assert.deepEqual([answer[0], answer[6], answer.length], [0x81, seq, 10]);
        }
      }),
    );

    it(
      'ends a read that nothing answers, and is fit for the next one',
      withDevice(async (device) => {
        unwrap(await device.claim(0));
        assert.equal(codeOf(await device.bulkIn(endpoints.bulkIn, 512, 100)), 'USB_TIMEOUT');
        unwrap(await device.bulkOut(endpoints.bulkOut, getSlotStatus(9), 1_000));
        assert.equal(unwrap(await device.bulkIn(endpoints.bulkIn, 512, 5_000))[6], 9);
      }),
    );

    it(
      'refuses a second read at one endpoint, and reads two endpoints at once',
      withDevice(async (device, _bench, model) => {
        unwrap(await device.claim(0));
        const hint = device.interruptIn(endpoints.interruptIn, 64, 10_000);
        assert.equal(codeOf(await device.interruptIn(endpoints.interruptIn, 64, 100)), 'USB_TRANSFER_FAILED');
        unwrap(await device.bulkOut(endpoints.bulkOut, getSlotStatus(3), 1_000));
        assert.equal(unwrap(await device.bulkIn(endpoints.bulkIn, 512, 5_000))[6], 3);
        const historicalBytes = new Uint8Array(0);
        model.insert({ historicalBytes, reset: () => undefined, transmit: () => undefined });
        assert.equal(unwrap(await hint)[0], 0x50);
      }),
    );

    it(
      'halts an endpoint and clears it',
      withDevice(async (device) => {
        const index = 0x80 | endpoints.bulkIn;
        const halt = { type: 'standard', recipient: 'endpoint', request: 3, value: 0, index } as const;
        unwrap(await device.claim(0));
        unwrap(await device.controlOut(halt, new Uint8Array(0)));
        assert.equal(codeOf(await device.bulkIn(endpoints.bulkIn, 512, 1_000)), 'USB_STALLED');
        unwrap(await device.clearHalt('in', endpoints.bulkIn));
        unwrap(await device.bulkOut(endpoints.bulkOut, getSlotStatus(4), 1_000));
        assert.equal(unwrap(await device.bulkIn(endpoints.bulkIn, 512, 5_000))[6], 4);
      }),
    );

    it(
      'gives an interface back when it is closed',
      withBench(async ({ transport }) => {
        const { id } = await findReader(transport);
        const first = unwrap(await transport.open(id));
        unwrap(await first.claim(0));
        await first.close();
        await first.close();
        const second = unwrap(await transport.open(id));
        unwrap(await second.claim(0));
        unwrap(await second.bulkOut(endpoints.bulkOut, getSlotStatus(5), 1_000));
        assert.equal(unwrap(await second.bulkIn(endpoints.bulkIn, 512, 5_000))[6], 5);
        await second.close();
      }),
    );

    it(
      'ends a read when the device is unplugged, and tells of it',
      withBench(async (bench) => {
        const { transport } = bench;
        const { id } = await findReader(transport);
        const events: UsbPlugEvent[] = [];
        const watch = transport.watch((event) => events.push(event));
        const device = unwrap(await transport.open(id));
        unwrap(await device.claim(0));
        const read = device.bulkIn(endpoints.bulkIn, 512, 60_000);
        // The watch compares with what it saw first.
        await new Promise((turn) => setTimeout(turn, 50));
        await bench.unplug();
        assert.equal(codeOf(await read), 'USB_UNPLUGGED');
        assert.equal((await device.bulkOut(endpoints.bulkOut, getSlotStatus(1), 1_000)).ok, false);
        await device.close();
        await until('the event', () => Promise.resolve(events.find(({ type }) => type === 'unplugged')));
        await bench.plug(new EmulatedCcidReader('contact'));
        const plugged = await until('the other event', () =>
          Promise.resolve(
            events.find(({ type, device: info }) => type === 'plugged' && info.vendorId === product.vendorId),
          ),
        );
        assert.notEqual(plugged.device.id, id);
        watch.cancel();
      }),
    );
  });
}
