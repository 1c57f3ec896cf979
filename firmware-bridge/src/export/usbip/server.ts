import { createServer, type Server, type Socket } from 'node:net';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  encodeOperationReply,
  encodeReply,
  takeOperation,
  takeRequest,
  transferBytesMax,
  type UsbipCode,
} from '@tsunagu/protocols/usbip';
import type { World } from '@tsunagu/protocols/world';
import type { Address } from '../address.ts';
import type { ExportedDevice } from './exported-device.ts';

/** Clients at once. */
const connectionsMax = 16;
/** A client that has not said what it wants within this time is let go. */
const operationMs = 10_000;
/** Answers that a client does not read: more than this and it is let go. */
const unsentBytesMax = 4 * 1024 * 1024;
/** What the kernel calls a device that is in use, and one that is not there. */
const statuses = { busy: 2, noDevice: 4 } as const;

/** What happens at the server, for whoever runs it. */
export type UsbipEvent =
  | { readonly type: 'imported' | 'released'; readonly busId: string; readonly peer: string }
  | { readonly type: 'refused'; readonly peer: string; readonly code: UsbipCode };

/**
 * Lends emulated devices to any Linux kernel (`usbip attach`). There is no authentication on this wire: whoever reaches
 * the port has the reader, which is why the default is the loopback.
 */
export class UsbipServer {
  readonly #world: World;
  readonly #devices: readonly ExportedDevice[];
  readonly #onEvent: (event: UsbipEvent) => void;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(world: World, devices: readonly ExportedDevice[], onEvent: (event: UsbipEvent) => void) {
    this.#world = world;
    this.#devices = devices;
    this.#onEvent = onEvent;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    this.#server.maxConnections = connectionsMax;
  }

  /** @returns the port, which differs from the one asked for when that was 0 */
  listen({ host, port }: Address): Promise<Result<number, 'EXPORT_ADDRESS_TAKEN'>> {
    return new Promise((resolve) => {
      const failed = (cause: Error): void =>
        resolve(fail('EXPORT_ADDRESS_TAKEN', { cause, facts: { host, port, reason: cause.message } }));
      this.#server.once('error', failed);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (cause) => this.#world.log('warn', 'usbipServerFailed', { reason: cause.message }));
        const address = this.#server.address();
        resolve(ok(typeof address === 'object' && address !== null ? address.port : port));
      });
    });
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    let device: ExportedDevice | undefined;
    let unread: Uint8Array = new Uint8Array(0);
    const deadline = this.#world.timers.after(operationMs, () => socket.destroy());
    const write = (bytes: Uint8Array): void => {
      if (!socket.destroyed) socket.write(bytes);
      if (socket.writableLength > unsentBytesMax) socket.destroy();
    };
    const refuse = (code: UsbipCode): void => {
      this.#onEvent({ type: 'refused', peer, code });
      socket.destroy();
    };
    const importDevice = (busId: string): void => {
      const wanted = this.#devices.find((one) => one.busId === busId && one.isPlugged);
      if (wanted === undefined || wanted.isImported) {
        const status = wanted === undefined ? statuses.noDevice : statuses.busy;
        return void socket.end(encodeOperationReply({ type: 'refused', operation: 'importDevice', status }));
      }
      deadline.cancel();
      device = wanted;
      write(encodeOperationReply({ type: 'imported', device: wanted.record.device }));
      wanted.import(
        (reply) => write(encodeReply(reply)),
        () => socket.destroy(),
      );
      this.#onEvent({ type: 'imported', busId, peer });
    };
    /** Takes one message off what is unread; false when there is no whole one. */
    const step = (): boolean => {
      if (socket.destroyed) return false;
      if (device === undefined) {
        const taken = takeOperation(unread);
        if (!taken.ok) return refuse(taken.fault.code), false;
        if (taken.value === undefined) return false;
        unread = unread.subarray(taken.value.lengthBytes);
        if (taken.value.message.type === 'importDevice') importDevice(taken.value.message.busId);
        else {
          const plugged = this.#devices.filter(({ isPlugged }) => isPlugged).map(({ record }) => record);
          socket.end(encodeOperationReply({ type: 'devices', devices: plugged }));
        }
        return true;
      }
      const taken = takeRequest(unread);
      if (!taken.ok) return refuse(taken.fault.code), false;
      if (taken.value === undefined) return false;
      unread = unread.subarray(taken.value.lengthBytes);
      if (taken.value.message.deviceId !== device.deviceId) return refuse('USBIP_INVALID'), false;
      device.request(taken.value.message);
      return true;
    };
    socket.on('data', (chunk) => {
      unread = unread.length === 0 ? chunk : concat(unread, chunk);
      // Each step takes at least a header's bytes off, so this ends.
      while (step());
      if (unread.length > 2 * transferBytesMax) refuse('USBIP_TOO_LONG');
    });
    socket.on('error', (cause) => this.#world.log('debug', 'usbipConnectionFailed', { peer, reason: cause.message }));
    socket.on('close', () => {
      deadline.cancel();
      this.#sockets.delete(socket);
      if (device === undefined) return;
      device.release();
      this.#onEvent({ type: 'released', busId: device.busId, peer });
    });
  }
}
