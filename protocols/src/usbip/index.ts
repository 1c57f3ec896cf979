export { deviceRecordBytes, type UsbipDevice, type UsbipInterface, usbSpeeds } from './device-record.ts';
export {
  encodeOperation,
  encodeOperationReply,
  type Taken,
  takeOperation,
  takeOperationReply,
  type UsbipCode,
  type UsbipOperation,
  type UsbipOperationReply,
  usbipVersion,
} from './operations.ts';
export {
  encodeReply,
  encodeRequest,
  takeReply,
  takeRequest,
  transferBytesMax,
  type UsbipReply,
  type UsbipRequest,
  usbipStatus,
} from './transfers.ts';
