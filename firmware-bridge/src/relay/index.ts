export { type ArtefactCache, openArtefactCache } from './artefact-cache.ts';
export { openChunkStore } from './chunk-store.ts';
export { openNamedParts } from './named-parts.ts';
export { parentLists, parentSource } from './parent-source.ts';
export { type Relay, type RelayOptions, openRelay } from './relay.ts';
export { relayedNetwork } from './relayed-network.ts';
