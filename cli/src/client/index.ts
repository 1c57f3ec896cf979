export { type Access, dataFolder, findAccess } from './access.ts';
export { type Client, type LiveHandlers, type LiveStream, openClient } from './client.ts';
