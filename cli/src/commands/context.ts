import type { World } from '@tsunagu/protocols/world';
import type { Client } from '../client/index.ts';
import type { Console } from '../console/index.ts';

/** What a command works with. */
export interface Context {
  readonly world: World;
  readonly console: Console;
  readonly client: Client;
  /** Whether the answer is wanted as JSON. */
  readonly json: boolean;
}
