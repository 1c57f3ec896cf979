export {
  type LinkCredentials,
  linkCredentials,
  linkCredentialsPath,
  type OwnCredentials,
  type PreparedLink,
  prepareLink,
  prepareLinks,
} from './link/credentials.ts';
export { readLinks } from './link/link-files.ts';
export { openSwitchNode, type SwitchNode, type SwitchNodeOptions } from './node.ts';
export type { Operator, SwitchFigures } from './operator/operator.ts';
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
export type { ValidityDesk } from './validity/desk.ts';
export { openSwitch, type Switch, type SwitchOptions } from './switch.ts';
export type { ServerCredentials } from './terminal-link/listener.ts';
export { heardAtSwitch } from './journal/heard.ts';
