import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { Command } from 'commander';
import { runEmulator, say } from './emulation/program.ts';
import { tapped } from './emulation/tap.ts';
import { LedgerOracle } from './ledger-oracle/oracle.ts';

/**
 * The ledger oracle as a process of its own: takes what emulators on both sides of the switch show it, keeps it in memory, and says a verdict (one JSON
 * line) for each line on its standard input, and when it ends.
 */
const program = new Command('ledger-oracle').option('--port <port>', 'port of the loopback to listen on', '0').parse();
const options = program.opts<{ port: string }>();
const world = systemWorld(() => undefined);
const oracle = new LedgerOracle();
const verdict = (): void => say({ event: 'verdict', ...oracle.verdict() });

function start(): Promise<Result<{ readonly port: number; close(): Promise<void> }>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      const read = parseJson(tapped, line);
      if (read.ok) oracle.take(read.value);
    });
  });
  const port = Number(options.port);
  return new Promise((resolve) => {
    server.once('error', (cause: Error) =>
      resolve(fail('PORT_TAKEN', { facts: { port, name: 'ledger-oracle' }, cause })),
    );
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(
        ok({
          port: typeof address === 'object' && address ? address.port : port,
          close: () =>
            new Promise((closed) => {
              verdict();
              server.close(() => closed());
              for (const socket of sockets) socket.destroy();
            }),
        }),
      );
    });
  });
}

const started = await runEmulator(world, start, ({ port }) => ({ port }));
if (started) createInterface({ input: process.stdin }).on('line', verdict);
