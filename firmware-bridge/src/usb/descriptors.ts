import { concat } from '@tsunagu/protocols/kit';

/** A descriptor's type byte. USB 2.0, table 9-5. */
export const descriptorTypes = { device: 1, configuration: 2, string: 3, interface: 4, endpoint: 5 } as const;

/** An endpoint of an interface. */
export interface UsbEndpoint {
  /** Number, with bit 7 set for IN. */
  readonly address: number;
  readonly type: 'bulk' | 'interrupt';
  /** wMaxPacketSize. */
  readonly packetBytes: number;
  readonly interfaceNumber: number;
}

/** What a device is, as its maker writes it down. */
export interface UsbIdentity {
  readonly vendorId: number;
  readonly productId: number;
  /** bcdDevice: the device's own version. */
  readonly releaseBcd: number;
  readonly speed: UsbSpeed;
  readonly manufacturer: string;
  readonly product: string;
  readonly serial?: string;
  /** Numbered from 0 in this order. */
  readonly interfaces: readonly {
    readonly class: number;
    readonly subclass: number;
    readonly protocol: number;
    /** Class descriptors, between interface and endpoints. */
    readonly classDescriptor?: Uint8Array;
    readonly endpoints: readonly (Omit<UsbEndpoint, 'interfaceNumber'> & { readonly interval?: number })[];
  }[];
}

/** How fast a device talks: 12 or 480 Mbit/s. */
export type UsbSpeed = 'full' | 'high';

/** All that a host learns of a device by GET_DESCRIPTOR, and what follows from it. */
export interface UsbDescriptors {
  readonly speed: UsbSpeed;
  /** 18 bytes. */
  readonly device: Uint8Array;
  /** The one configuration, with all that belongs to it; its value is 1. */
  readonly configuration: Uint8Array;
  /** String descriptors by index; 0 lists the languages. */
  readonly strings: readonly Uint8Array[];
  readonly interfaceCount: number;
  readonly endpoints: readonly UsbEndpoint[];
}

const english = 0x0409;
const little = (value: number): readonly [number, number] => [value & 0xff, value >> 8];

/** Writes the descriptors of a device with one configuration. USB 2.0, 9.6. */
export function describeDevice(identity: UsbIdentity): UsbDescriptors {
  const texts = [identity.manufacturer, identity.product, ...(identity.serial === undefined ? [] : [identity.serial])];
  const { vendorId, productId, releaseBcd, interfaces, speed } = identity;
  const serialIndex = identity.serial === undefined ? 0 : 3;
  const ids = [...little(vendorId), ...little(productId), ...little(releaseBcd)];
  const parts = concat(
    ...interfaces.flatMap((face, number) => [
      Uint8Array.of(9, 4, number, 0, face.endpoints.length, face.class, face.subclass, face.protocol, 0),
      face.classDescriptor ?? new Uint8Array(0),
      ...face.endpoints.map(({ address, type, packetBytes, interval }) =>
        Uint8Array.of(7, 5, address, type === 'bulk' ? 2 : 3, ...little(packetBytes), interval ?? 0),
      ),
    ]),
  );
  return {
    speed,
    device: Uint8Array.of(18, 1, 0x00, 0x02, 0, 0, 0, 64, ...ids, 1, 2, serialIndex, 1),
    // Bus powered, 100 mA.
    configuration: concat(Uint8Array.of(9, 2, ...little(9 + parts.length), interfaces.length, 1, 0, 0x80, 50), parts),
    strings: [Uint8Array.of(4, 3, ...little(english)), ...texts.map(stringDescriptor)],
    interfaceCount: interfaces.length,
    endpoints: interfaces.flatMap(({ endpoints }, interfaceNumber) =>
      endpoints.map(({ address, type, packetBytes }) => ({ address, type, packetBytes, interfaceNumber })),
    ),
  };
}

/** UTF-16LE, at most 126 units. USB 2.0, 9.6.7. */
function stringDescriptor(text: string): Uint8Array {
  const units = Buffer.from(text.slice(0, 126), 'utf16le');
  return Uint8Array.of(2 + units.length, 3, ...units);
}
