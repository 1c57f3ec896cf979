export { type HouseBrokerOptions, type OpenedBroker, openHouseBroker } from './house-broker.ts';
export { type BrokerOptions, type OpenBroker, openAedesBroker } from './aedes-broker.ts';
export { type ExternalBroker, type ExternalBrokerOptions, openExternalBroker } from './external/external-broker.ts';
export { type MosquittoSetting, mosquittoRules, writeMosquittoFolder } from './external/mosquitto.ts';
export { FrameGuard, packetLengthMax } from './frame-guard.ts';
export { Gate, type GateLimits, gateLimits } from './gate.ts';
export { isSameDevice, type Lineage, lineageOf } from './lineage.ts';
export type { Broker, BrokerAbilities, BrokerHandlers } from './port.ts';
export { openTicketKeys, type TicketKeys, ticketKeys, ticketLifeMs } from './ticket-keys.ts';
