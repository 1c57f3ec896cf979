/**
 * What we use of a device of the `usb` package 3.1.0. The last argument of the transfers, a timeout in milliseconds, exists
 * there and is missing from the WebUSB types. Its getters (`configuration`, `serialNumber`, `productName`) open the device and
 * block the thread: they are left out here, so that nothing can touch them.
 */
export interface HostDevice {
  readonly vendorId: number;
  readonly productId: number;
  readonly bus: string;
  readonly address: number;
  open(): Promise<void>;
  close(): Promise<void>;
  claimInterface(interfaceNumber: number): Promise<void>;
  releaseInterface(interfaceNumber: number): Promise<void>;
  detachKernelDriver(interfaceNumber: number): Promise<void>;
  controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult>;
  controlTransferOut(setup: USBControlTransferParameters, data: Uint8Array<ArrayBuffer>): Promise<USBOutTransferResult>;
  clearHalt(direction: USBDirection, endpoint: number): Promise<void>;
  transferIn(endpoint: number, length: number, timeoutMs?: number): Promise<USBInTransferResult>;
  transferOut(endpoint: number, data: Uint8Array<ArrayBuffer>, timeoutMs?: number): Promise<USBOutTransferResult>;
}

/** What we use of the package. */
export interface UsbPackage {
  getDevices(): Promise<readonly HostDevice[]>;
  addEventListener(type: 'connect' | 'disconnect', listener: () => void): void;
  removeEventListener(type: 'connect' | 'disconnect', listener: () => void): void;
}

/** The package, loaded at the first use and not before: a machine without USB never loads it. */
export async function loadUsbPackage(): Promise<UsbPackage> {
  const { WebUSB } = await import('usb');
  return new WebUSB({ allowAllDevices: true });
}
