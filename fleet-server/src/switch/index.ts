export type { IssuerCredentials } from './issuer-link/credentials.ts';
export {
  type LinkCredentials,
  type IssuerLinkCredentials,
  linkCredentials,
  linkCredentialsPath,
  prepareIssuerLink,
} from './issuer-link/link-credentials.ts';
export type { SalesBefore, SaleTotals } from './journal/sale-line.ts';
export {
  type Admit,
  noMetrics,
  type SwitchAlarm,
  type SwitchKeys,
  type SwitchMetrics,
  type SwitchRooms,
  type SwitchVault,
} from './ports.ts';
export { openSwitch, type Switch, type SwitchOptions } from './switch.ts';
export type { ServerCredentials } from './terminal-link/listener.ts';
