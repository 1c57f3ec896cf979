export { applyDelta } from './delta.ts';
export { download, type DownloadFault } from './download.ts';
export { artefactPath } from './install.ts';
export { sharedLine, type SharedLine } from './line.ts';
export { httpSource, type RangeRead, type RangeSource, serverSource } from './range-source.ts';
export { rollbackCounterRecord } from './rollback-counter.ts';
export {
  bootSoftware,
  hardwareRevision,
  type InstallStep,
  type Software,
  type SoftwareFault,
  type SoftwareSource,
} from './software.ts';
export { softwareTrust, type SoftwareTrust } from './trust.ts';
export {
  bootSlots,
  commitTrial,
  factoryState,
  revertTrial,
  runningSlot,
  type SlotContent,
  type SlotName,
  type SlotState,
  spareSlot,
  stageImage,
} from './slots.ts';
export { misreading } from './misreading.ts';
