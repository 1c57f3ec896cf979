import {
  type UsbipDevice,
  type UsbipInterface,
  type UsbipReply,
  type UsbipRequest,
  usbipStatus,
  usbSpeeds,
} from '@tsunagu/protocols/usbip';
import type { UsbDeviceModel } from '../../usb/emulated/device-model.ts';
import type { ControlSetup } from '../../usb/port.ts';

/** Reads that a host may leave waiting, and transfers that may wait for reads: more is a peer or a device out of step. */
const waitingMax = 256;
const overflow = -75;
const nothing = new Uint8Array(0);

type Submit = Extract<UsbipRequest, { readonly type: 'submit' }>;

interface Pipe {
  readonly packetBytes: number;
  readonly transfers: Uint8Array[];
  readonly reads: Submit[];
}

/**
 * An emulated device as a kernel elsewhere drives it: requests in, replies out, no socket. One host at a time.
 *
 * @see Linux, Documentation/usb/usbip_protocol
 */
export class ExportedDevice {
  readonly model: UsbDeviceModel;
  readonly busId: string;
  readonly #number: number;
  #pipes = new Map<number, Pipe>();
  #host: { readonly reply: (reply: UsbipReply) => void; readonly end: () => void } | undefined;
  #isPlugged = true;

  /** @param number makes the bus id: `1-number` */
  constructor(model: UsbDeviceModel, number: number) {
    this.model = model;
    this.#number = number;
    this.busId = `1-${number}`;
  }

  get isPlugged(): boolean {
    return this.#isPlugged;
  }

  get isImported(): boolean {
    return this.#host !== undefined;
  }

  /** How the device is listed. */
  get record(): { readonly device: UsbipDevice; readonly interfaces: readonly UsbipInterface[] } {
    const { device, configuration, speed, interfaceCount } = this.model.descriptors;
    return {
      device: {
        path: `/sys/devices/platform/tsunagu/usb1/${this.busId}`,
        busId: this.busId,
        busNumber: 1,
        deviceNumber: this.#number + 1,
        speed: usbSpeeds[speed],
        vendorId: this.model.vendorId,
        productId: this.model.productId,
        deviceBcd: (device[12] ?? 0) | ((device[13] ?? 0) << 8),
        deviceClass: device[4] ?? 0,
        deviceSubclass: device[5] ?? 0,
        deviceProtocol: device[6] ?? 0,
        configurationValue: configuration[5] ?? 1,
        configurationCount: device[17] ?? 1,
        interfaceCount,
      },
      interfaces: interfacesOf(configuration),
    };
  }

  get deviceId(): number {
    return (1 << 16) | (this.#number + 1);
  }

  /** A host takes the device: from now on its transfers are answered through `reply`. */
  import(reply: (reply: UsbipReply) => void, end: () => void): void {
    this.#pipes = new Map(
      this.model.descriptors.endpoints
        .filter(({ address }) => (address & 0x80) !== 0)
        .map(({ address, packetBytes }) => [address & 0x0f, { packetBytes, transfers: [], reads: [] }]),
    );
    this.#host = { reply, end };
    this.model.plugged({ send: (endpoint, transfer) => this.#arrive(endpoint, transfer), unplug: () => this.unplug() });
  }

  /** The host has let go: its connection ended. */
  release(): void {
    if (this.#host === undefined) return;
    this.#host = undefined;
    this.#pipes.clear();
    this.model.unplugged();
  }

  /** Pulls the cable, whatever goes on. */
  unplug(): void {
    this.#isPlugged = false;
    const host = this.#host;
    this.release();
    host?.end();
  }

  /** Puts the cable back: the device can be imported again. */
  plug(): void {
    this.#isPlugged = true;
  }

  /** Does what the host asks. Replies may come at once, or when the device has something to say. */
  request(request: UsbipRequest): void {
    if (request.type === 'unlink') return this.#unlink(request.seqnum, request.unlinkSeqnum);
    if (request.endpoint === 0) return this.#control(request);
    if (request.direction === 'out') {
      const isThere = this.model.descriptors.endpoints.some(({ address }) => address === request.endpoint);
      const isTaken = isThere && this.model.bulkOut(request.endpoint, request.data);
      return this.#submitted(request, isTaken ? usbipStatus.done : usbipStatus.stalled, request.data.length, nothing);
    }
    const pipe = this.#pipes.get(request.endpoint);
    if (pipe === undefined || pipe.reads.length >= waitingMax || this.model.isHalted(0x80 | request.endpoint))
      return this.#submitted(request, usbipStatus.stalled, 0, nothing);
    pipe.reads.push(request);
    this.#deliver(pipe);
  }

  #arrive(endpoint: number, transfer: Uint8Array): void {
    const pipe = this.#pipes.get(endpoint);
    if (pipe === undefined || pipe.transfers.length >= waitingMax) return;
    pipe.transfers.push(transfer);
    this.#deliver(pipe);
  }

  #deliver(pipe: Pipe): void {
    while (pipe.reads.length > 0 && pipe.transfers.length > 0) {
      const read = pipe.reads.shift();
      const transfer = pipe.transfers.shift();
      if (read === undefined || transfer === undefined) return;
      const room = read.lengthBytes;
      if (transfer.length <= room) {
        this.#submitted(read, usbipStatus.done, transfer.length, transfer);
      } else if (room > 0 && room % pipe.packetBytes === 0) {
        // A buffer of whole packets takes those, and the rest stays for the next read.
        pipe.transfers.unshift(transfer.subarray(room));
        this.#submitted(read, usbipStatus.done, room, transfer.subarray(0, room));
      } else this.#submitted(read, overflow, 0, nothing);
    }
  }

  #control(request: Submit): void {
    const setup = readSetup(request.setup);
    const answer = setup === undefined ? undefined : this.model.control(setup, request.data);
    if (answer === undefined) return this.#submitted(request, usbipStatus.stalled, 0, nothing);
    const given = request.direction === 'in' ? answer.subarray(0, request.lengthBytes) : nothing;
    const moved = request.direction === 'in' ? given.length : request.data.length;
    this.#submitted(request, usbipStatus.done, moved, given);
  }

  #unlink(seqnum: number, unlinkSeqnum: number): void {
    for (const { reads } of this.#pipes.values()) {
      const at = reads.findIndex((read) => read.seqnum === unlinkSeqnum);
      if (at < 0) continue;
      reads.splice(at, 1);
      this.#host?.reply({ type: 'unlinked', seqnum, status: usbipStatus.reset });
      return;
    }
    this.#host?.reply({ type: 'unlinked', seqnum, status: usbipStatus.done });
  }

  #submitted({ seqnum }: Submit, status: number, actualLength: number, data: Uint8Array): void {
    this.#host?.reply({ type: 'submitted', seqnum, status, actualLength, data });
  }
}

const types = ['standard', 'class', 'vendor'] as const;
const recipients = ['device', 'interface', 'endpoint'] as const;

/** The eight bytes of a control request; undefined for types and recipients that USB reserves. USB 2.0, table 9-2. */
function readSetup(bytes: Uint8Array): ControlSetup | undefined {
  const [kind = 0, request = 0] = bytes;
  const type = types[(kind >> 5) & 3];
  const recipient = recipients[kind & 0x1f];
  if (type === undefined || recipient === undefined) return undefined;
  const value = (bytes[2] ?? 0) | ((bytes[3] ?? 0) << 8);
  const index = (bytes[4] ?? 0) | ((bytes[5] ?? 0) << 8);
  return { type, recipient, request, value, index };
}

/** Class, subclass and protocol of each interface of a configuration. USB 2.0, 9.6.5. */
function interfacesOf(configuration: Uint8Array): readonly UsbipInterface[] {
  const interfaces: UsbipInterface[] = [];
  for (let at = 0; at + 2 <= configuration.length; at += Math.max(2, configuration[at] ?? 0)) {
    if (configuration[at + 1] !== 4 || configuration[at + 3] !== 0) continue;
    const [interfaceClass = 0, interfaceSubclass = 0, interfaceProtocol = 0] = configuration.subarray(at + 5, at + 8);
    interfaces.push({ interfaceClass, interfaceSubclass, interfaceProtocol });
  }
  return interfaces;
}
