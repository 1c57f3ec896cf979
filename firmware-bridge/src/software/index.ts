export { bootSoftware, type InstallStep, type Software, type SoftwareFault } from './software.ts';
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
