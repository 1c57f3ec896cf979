export {
  type BulkIn,
  bulkInTypes,
  type ClockStatus,
  type CommandStatus,
  decodeBulkIn,
  encodeBulkIn,
  type IccStatus,
} from './bulk-in.ts';
export {
  type BulkOut,
  bulkOutTypes,
  type ChainPlace,
  chainPlaces,
  decodeBulkOut,
  encodeBulkOut,
  type MechanicalFunction,
  mechanicalFunctions,
  type PowerSelect,
  powerSelects,
} from './bulk-out.ts';
export {
  type CcidInterface,
  type ClassDescriptor,
  decodeClassDescriptor,
  type ExchangeLevel,
  encodeClassDescriptor,
  exchangeLevelOf,
  featuresOf,
  findCcidInterfaces,
  type ReaderFeature,
  readerFeatures,
} from './class-descriptor.ts';
export { type CcidCode, headerBytes, messageBytesMax } from './header.ts';
export { decodeInterrupt, encodeInterrupt, type Interrupt, type SlotChange } from './interrupt.ts';
export {
  type ClockStop,
  decodeParameters,
  encodeParameters,
  type Protocol,
  type SlotParameters,
} from './parameters.ts';
export {
  decodePinOperation,
  encodePinOperation,
  type PinModification,
  type PinOperation,
  type PinVerification,
} from './pin-entry.ts';
export { writePins } from './pin-format.ts';
export { BulkInAssembler } from './reassembly.ts';
export { type SlotError, slotErrorMeaning, slotErrors } from './slot-errors.ts';
