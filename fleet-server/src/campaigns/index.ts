export { type Campaigns, openCampaigns } from './campaigns.ts';
export type { CampaignRooms } from './ports.ts';
