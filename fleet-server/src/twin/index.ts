export { type CampaignLayers, openCampaignLayers } from './campaign-layers.ts';
export type { Documents, LayerFault, Writing } from './documents.ts';
export type { Drift } from './drift.ts';
export { twinField } from './fields.ts';
export type { Reports } from './reports.ts';
export {
  changeValues,
  checkEffective,
  differencesOf,
  type Effective,
  effectiveOf,
  isNewer,
  type Layer,
  type Said,
} from './rules.ts';
export { openTwin, type Twin, type TwinRooms } from './twin.ts';
