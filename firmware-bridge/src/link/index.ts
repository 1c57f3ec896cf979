export { type ContactKeeper, contactInMemory, openContact } from './contact.ts';
export { exchange, type HttpsAnswer, type HttpsFault, type HttpsRequest } from './https.ts';
export { type Body, type Link, type LinkHandlers, type LinkOptions, openLink } from './link.ts';
export {
  dial,
  directNetwork,
  type FleetRoute,
  reroutedNetwork,
  type Endpoints,
  type Network,
  type NetworkFault,
  type Service,
  services,
} from './network.ts';
export { fraction, type Pauses, pauseAfter } from './pauses.ts';
export { type ClientIdentity, type SecureNetwork, secureNetwork } from './secure.ts';
