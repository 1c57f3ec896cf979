export { type Relay, type RelayOptions, openRelay } from './relay.ts';
export { relayedNetwork } from './relayed-network.ts';
