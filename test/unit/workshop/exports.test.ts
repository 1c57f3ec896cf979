import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { parseAddress } from '@tsunagu/firmware-bridge/export/address';
import { CardLine } from '@tsunagu/firmware-bridge/export/card-line';
import { converse } from '@tsunagu/firmware-bridge/export/peer';
import { ExportedDevice } from '@tsunagu/firmware-bridge/export/usbip/exported-device';
import { type UsbipEvent, UsbipServer } from '@tsunagu/firmware-bridge/export/usbip/server';
import { VpcdCard } from '@tsunagu/firmware-bridge/export/vpcd/vpcd-card';
import { VscardCard } from '@tsunagu/firmware-bridge/export/vscard/vscard-card';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { concat, hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import {
  encodeOperation,
  encodeRequest,
  takeOperationReply,
  takeReply,
  type UsbipReply,
  type UsbipRequest,
} from '@tsunagu/protocols/usbip';
import { encodeVpcdFrame, takeVpcdFrame } from '@tsunagu/protocols/vpcd';
import { encodeVscard, takeVscard, undefinedReader, vscardInit } from '@tsunagu/protocols/vscard';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, describe, expect, it } from 'vitest';

const world = systemWorld(() => undefined);
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A connection whose bytes are waited for. */
class Line {
  readonly socket: Socket;
  #unread: Uint8Array = new Uint8Array(0);
  #wake = (): void => undefined;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#unread = concat(this.#unread, chunk);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
    closing.push(() => socket.destroy());
  }

  async next<T>(
    take: (bytes: Uint8Array) => { readonly message: T; readonly lengthBytes: number } | undefined,
  ): Promise<T> {
    for (;;) {
      const taken = take(this.#unread);
      if (taken !== undefined) {
        this.#unread = this.#unread.subarray(taken.lengthBytes);
        return taken.message;
      }
      if (this.isClosed) throw new Error('closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }
}

const nothing = new Uint8Array(0);
const submit = (
  seqnum: number,
  endpoint: number,
  direction: 'in' | 'out',
  lengthBytes: number,
  more: { readonly setup?: string; readonly data?: Uint8Array } = {},
): UsbipRequest => ({
  type: 'submit',
  seqnum,
  deviceId: 0x10002,
  direction,
  endpoint,
  transferFlags: 0,
  lengthBytes,
  interval: 0,
  setup: hex(more.setup ?? '0000000000000000'),
  data: more.data ?? nothing,
});

async function exported() {
  const reader = new EmulatedCcidReader('contact');
  const device = new ExportedDevice(reader, 1);
  const events: UsbipEvent[] = [];
  const server = new UsbipServer(world, [device], (event) => events.push(event));
  const port = unwrap(await server.listen({ host: '127.0.0.1', port: 0 }));
  closing.push(() => server.close());
  const dial = async (): Promise<Line> => {
    const socket = connect(port, '127.0.0.1');
    const line = new Line(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    return line;
  };
  const operate = async (operation: Parameters<typeof encodeOperation>[0]) => {
    const line = await dial();
    line.socket.write(encodeOperation(operation));
    return { line, reply: await line.next((bytes) => unwrap(takeOperationReply(bytes))) };
  };
  const say = (line: Line, request: UsbipRequest): void => void line.socket.write(encodeRequest(request));
  const hear = (line: Line, direction: 'in' | 'out' = 'in'): Promise<UsbipReply> =>
    line.next((bytes) => unwrap(takeReply(bytes, () => direction)));
  return { reader, device, events, server, port, dial, operate, say, hear };
}

describe('a reader over USB/IP', () => {
  it('is listed, imported once, and free again when the client has gone', async () => {
    const { operate, events } = await exported();
    const { reply } = await operate({ type: 'listDevices' });
    expect(reply).toMatchObject({
      type: 'devices',
      devices: [{ device: { busId: '1-1', vendorId: 0x0e0f, productId: 4 }, interfaces: [{ interfaceClass: 0x0b }] }],
    });
    expect((await operate({ type: 'importDevice', busId: '1-2' })).reply).toMatchObject({ type: 'refused' });
    const first = await operate({ type: 'importDevice', busId: '1-1' });
    expect(first.reply.type).toBe('imported');
    expect((await operate({ type: 'importDevice', busId: '1-1' })).reply).toMatchObject({ type: 'refused' });
    first.line.socket.destroy();
    while (!events.some(({ type }) => type === 'released')) await new Promise((done) => setTimeout(done, 5));
    expect((await operate({ type: 'importDevice', busId: '1-1' })).reply.type).toBe('imported');
  });

  it('answers control requests, keeps reads waiting, and takes them back', async () => {
    const { reader, operate, say, hear } = await exported();
    const { line } = await operate({ type: 'importDevice', busId: '1-1' });
    say(line, submit(1, 0, 'in', 18, { setup: '8006000100001200' }));
    const descriptor = await hear(line);
    expect(descriptor).toMatchObject({ type: 'submitted', seqnum: 1, status: 0, actualLength: 18 });
    say(line, submit(2, 0, 'in', 8, { setup: 'C0FF000000000800' }));
    expect(await hear(line)).toMatchObject({ seqnum: 2, status: -32, actualLength: 0 });
    say(line, submit(3, 3, 'in', 8));
    say(line, { type: 'unlink', seqnum: 4, deviceId: 0x10002, unlinkSeqnum: 3 });
    expect(await hear(line)).toEqual({ type: 'unlinked', seqnum: 4, status: -104 });
    say(line, { type: 'unlink', seqnum: 5, deviceId: 0x10002, unlinkSeqnum: 1 });
    expect(await hear(line)).toEqual({ type: 'unlinked', seqnum: 5, status: 0 });
    say(line, submit(6, 3, 'in', 8));
    reader.insert(new EmvCard(testCard('visa-contact')));
    expect(await hear(line)).toMatchObject({ seqnum: 6, status: 0, data: hex('5003') });
  });

  it('gives a long answer in whole packets, and fails a buffer that would overflow', async () => {
    const { reader, operate, say, hear } = await exported();
    reader.insert(new EmvCard(testCard('visa-contact')));
    const { line } = await operate({ type: 'importDevice', busId: '1-1' });
    const powerOn = hex('62000000000001000000');
    say(line, submit(1, 1, 'out', 10, { data: powerOn }));
    expect(await hear(line, 'out')).toMatchObject({ seqnum: 1, status: 0, actualLength: 10 });
    say(line, submit(2, 2, 'in', 5));
    expect(await hear(line)).toMatchObject({ seqnum: 2, status: -75 });
    const select = hex('6F1400000000020000 00 00A404000E315041592E5359532E444446303100');
    say(line, submit(3, 1, 'out', select.length, { data: select }));
    expect(await hear(line, 'out')).toMatchObject({ seqnum: 3, status: 0 });
    say(line, submit(4, 2, 'in', 512));
    expect(await hear(line)).toMatchObject({ seqnum: 4, status: 0 });
  });

  it('a pulled cable ends the connection, and nothing can be imported until it is back', async () => {
    const { device, operate, say } = await exported();
    const { line } = await operate({ type: 'importDevice', busId: '1-1' });
    say(line, submit(1, 2, 'in', 512));
    device.unplug();
    await line.closed();
    expect((await operate({ type: 'listDevices' })).reply).toMatchObject({ devices: [] });
    expect((await operate({ type: 'importDevice', busId: '1-1' })).reply).toMatchObject({ type: 'refused' });
    device.plug();
    expect((await operate({ type: 'importDevice', busId: '1-1' })).reply.type).toBe('imported');
  });

  it.each([
    ['another version', '0100800500000000', 'USBIP_VERSION_UNSUPPORTED'],
    ['another operation', '0111800900000000', 'USBIP_INVALID'],
    ['HTTP', toHex(Buffer.from('GET / HTTP/1.1\r\n\r\n')), 'USBIP_VERSION_UNSUPPORTED'],
  ])('refuses %s and says why', async (_name, bytes, code) => {
    const { dial, events } = await exported();
    const line = await dial();
    line.socket.write(hex(bytes));
    await line.closed();
    expect(events).toMatchObject([{ type: 'refused', code }]);
  });

  it('refuses a transfer whose length lies, or of another device', async () => {
    for (const request of [{ ...submit(1, 2, 'in', 1 << 30) }, { ...submit(1, 2, 'in', 64), deviceId: 99 }] as const) {
      const { operate, say, events } = await exported();
      const { line } = await operate({ type: 'importDevice', busId: '1-1' });
      say(line, request);
      await line.closed();
      expect(events.map(({ type }) => type)).toContain('refused');
    }
  });

  it('says that the address is taken', async () => {
    const { port } = await exported();
    const other = new UsbipServer(world, [], () => undefined);
    expect(await other.listen({ host: '127.0.0.1', port })).toMatchObject({ fault: { code: 'EXPORT_ADDRESS_TAKEN' } });
  });
});

const atr = hex('3B6700005453554E414755');
const directory = '00A404000E315041592E5359532E4444463031';

async function listening(): Promise<{
  readonly port: number;
  readonly accepted: Promise<Line>;
  readonly server: Server;
}> {
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  const accepted = new Promise<Line>((resolve) => server.once('connection', (socket) => resolve(new Line(socket))));
  return { port: (server.address() as AddressInfo).port, accepted, server };
}

describe('a card in the virtual reader of pcscd', () => {
  const frame = (bytes: Uint8Array) => {
    const taken = takeVpcdFrame(bytes);
    return taken === undefined ? undefined : { message: toHex(taken.payload), lengthBytes: taken.lengthBytes };
  };

  it('tells its ATR, answers commands however they are cut, and ends when the reader closes', async () => {
    const { port, accepted } = await listening();
    const peer = { host: '127.0.0.1', port };
    const events: string[] = [];
    const card = new VpcdCard(new EmvCard(testCard('visa-contact')), atr, 'peer', ({ event }) => events.push(event));
    const ended = converse(world, peer, card, { reconnect: false, signal: new AbortController().signal });
    const line = await accepted;
    line.socket.write(encodeVpcdFrame(Uint8Array.of(1)));
    line.socket.write(encodeVpcdFrame(Uint8Array.of(4)));
    expect(await line.next(frame)).toBe(toHex(atr));
    for (const byte of encodeVpcdFrame(hex(`${directory}00`))) line.socket.write(Uint8Array.of(byte));
    expect(await line.next(frame)).toMatch(/^6F.*9000$/);
    line.socket.write(concat(encodeVpcdFrame(hex(directory)), encodeVpcdFrame(hex('00C0000000'))));
    expect(await line.next(frame)).toMatch(/^61..$/);
    expect(await line.next(frame)).toMatch(/^6F.*9000$/);
    line.socket.end();
    expect(await ended).toMatchObject({ ok: true });
    expect(events).toEqual([
      'cardConnected',
      'cardPower',
      'cardCommand',
      'cardCommand',
      'cardCommand',
      'cardDisconnected',
    ]);
  });

  it('ends with a fault on what is no request, and when nobody listens', async () => {
    const { port, accepted, server } = await listening();
    const peer = { host: '127.0.0.1', port };
    const card = (): VpcdCard => new VpcdCard(new EmvCard(testCard('visa-contact')), atr, 'peer', () => undefined);
    const signal = new AbortController().signal;
    const ended = converse(world, peer, card(), { reconnect: false, signal });
    (await accepted).socket.write(encodeVpcdFrame(Uint8Array.of(9)));
    expect(await ended).toMatchObject({ fault: { code: 'VPCD_INVALID' } });
    await new Promise((resolve) => server.close(resolve));
    expect(await converse(world, peer, card(), { reconnect: false, signal })).toMatchObject({
      fault: { code: 'EXPORT_PEER_UNREACHABLE' },
    });
  });

  it('waits for its reader and comes back, and leaves when told', async () => {
    const { port, server } = await listening();
    const stop = new AbortController();
    const events: string[] = [];
    const card = new VpcdCard(new EmvCard(testCard('visa-contact')), atr, 'peer', ({ event }) => events.push(event));
    const lines: Line[] = [];
    server.on('connection', (socket) => lines.push(new Line(socket)));
    const ended = converse(world, { host: '127.0.0.1', port }, card, { reconnect: true, signal: stop.signal });
    while (lines.length < 1) await new Promise((done) => setTimeout(done, 10));
    lines[0]?.socket.destroy();
    while (lines.length < 2) await new Promise((done) => setTimeout(done, 10));
    stop.abort();
    expect(await ended).toMatchObject({ ok: true });
    await lines[1]?.closed();
    expect(events.filter((event) => event === 'cardConnected').length).toBe(2);
  });
});

describe('a card in QEMU’s reader', () => {
  it('introduces itself, is inserted, speaks T=0, and is taken out at the end', async () => {
    const { port, accepted } = await listening();
    const stop = new AbortController();
    const card = new VscardCard(new EmvCard(testCard('visa-contact')), atr, 'peer', () => undefined);
    const ended = converse(world, { host: '127.0.0.1', port }, card, { reconnect: false, signal: stop.signal });
    const line = await accepted;
    const next = (): ReturnType<typeof line.next<{ type: string; payload: Uint8Array }>> =>
      line.next((bytes) => unwrap(takeVscard(bytes)));
    const say = (type: 'error' | 'apdu', readerId: number, payload: Uint8Array): void =>
      void line.socket.write(encodeVscard({ type, readerId, payload }));
    expect(await next()).toEqual(vscardInit());
    line.socket.write(encodeVscard(vscardInit()));
    expect((await next()).type).toBe('readerAdd');
    say('error', 0, new Uint8Array(4));
    expect(await next()).toMatchObject({ type: 'atr', payload: atr });
    say('apdu', 0, hex(directory));
    const announced = toHex((await next()).payload);
    expect(announced).toMatch(/^61..$/);
    say('apdu', 0, hex(`00C00000${announced.slice(2)}`));
    expect(toHex((await next()).payload)).toMatch(/^6F.*9000$/);
    // A record asked for with any length is answered with the exact one, and comes when that is asked for.
    say('apdu', 0, hex('00B2010C00'));
    const exact = toHex((await next()).payload);
    expect(exact).toMatch(/^6C..$/);
    say('apdu', 0, hex(`00B2010C${exact.slice(2)}`));
    expect(toHex((await next()).payload)).toMatch(/^70.*9000$/);
    stop.abort();
    expect((await next()).type).toBe('cardRemove');
    expect((await next()).type).toBe('readerRemove');
    expect(await ended).toMatchObject({ ok: true });
  });

  it('gives up when QEMU refuses the reader', async () => {
    const { port, accepted } = await listening();
    const card = new VscardCard(new EmvCard(testCard('visa-contact')), atr, 'peer', () => undefined);
    const signal = new AbortController().signal;
    const ended = converse(world, { host: '127.0.0.1', port }, card, { reconnect: false, signal });
    (await accepted).socket.write(encodeVscard({ type: 'error', readerId: undefinedReader, payload: hex('00000002') }));
    expect(await ended).toMatchObject({ fault: { code: 'VSCARD_INVALID' } });
  });
});

describe('a card behind a driver that passes bytes on', () => {
  const line = (): CardLine => {
    const made = new CardLine(new EmvCard(testCard('visa-contact')));
    made.reset();
    return made;
  };
  const say = (on: CardLine, apdu: string): string => toHex(on.exchange(hex(apdu)) ?? nothing);

  it('corrects a length that is too small, runs the command once, and gives the answer in parts', () => {
    const card = line();
    const whole = say(card, `${directory}00`);
    expect(say(card, directory)).toMatch(/^61..$/);
    const first = say(card, '00C0000005');
    expect(first.slice(0, 10)).toBe(whole.slice(0, 10));
    expect(first.slice(-4, -2)).toBe('61');
    expect(first.slice(0, 10) + say(card, '00C0000000')).toBe(whole);
    expect(say(card, '00C0000000')).not.toMatch(/9000$/);
    expect(say(card, '00B2010C02')).toMatch(/^6C..$/);
  });

  it('says of broken commands that their length is wrong', () => {
    for (const apdu of ['00', '00A4', '00A40400FF', '00A404000531'])
      expect(say(line(), apdu)).toMatch(/^6[0-9A-F]{3}$/);
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1:3240', { host: '127.0.0.1', port: 3240 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:3240', { host: '::1', port: 3240 }],
  ])('%s', (text, address) => expect(unwrap(parseAddress(text))).toEqual(address));
  it.each(['', '3240', '127.0.0.1', ':3240', '127.0.0.1:99999', '::1:3240', 'a b:c'])('not "%s"', (text) =>
    expect(parseAddress(text)).toMatchObject({ fault: { code: 'EXPORT_ADDRESS_INVALID' } }),
  );
});
