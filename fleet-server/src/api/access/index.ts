export { type Access, openAccess } from './access.ts';
export { type Caller, isPlaceWithin } from './caller.ts';
export type { Person } from './people.ts';
export type { OpenSession } from './sessions.ts';
export type { ApiToken } from './tokens.ts';
