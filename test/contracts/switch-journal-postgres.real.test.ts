import { openSwitchNode, type SwitchNode } from '@tsunagu/fleet-server/switch/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll } from 'vitest';
import { Postgres } from './postgres.ts';
import { switchJournalContract } from './switch-journal.ts';

let server: Postgres | undefined;
let node: SwitchNode | undefined;
afterAll(async () => {
  await node?.close();
  await server?.stop();
});

switchJournalContract({
  name: 'PostgreSQL',
  async open() {
    server = await Postgres.start(31_992, ['fsync = off']);
    const options = { urls: [server.url()], node: 'one', standingBy: () => undefined };
    node = unwrap(
      await openSwitchNode(
        systemWorld(() => undefined),
        options,
      ),
    );
    return { ...node.store, close: () => Promise.resolve() };
  },
});
