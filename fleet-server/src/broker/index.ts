export { type BrokerOptions, type OpenBroker, openAedesBroker } from './aedes-broker.ts';
export { FrameGuard, packetLengthMax } from './frame-guard.ts';
export type { Broker, BrokerHandlers } from './port.ts';
