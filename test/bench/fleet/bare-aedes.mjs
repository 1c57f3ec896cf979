// The peer: aedes as it comes, over the same TLS. One process; says its port on stdout.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';

const { root, issuing, server } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const aedes = await Aedes.createBroker({ maxClientsIdLength: 64 });
const tls = createServer(
  { ...server, ca: [root, issuing], minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true },
  (socket) => void aedes.handle(socket),
);
tls.listen({ port: Number(process.argv[3]), host: '0.0.0.0', backlog: 4_096 }, () => process.stdout.write('ready\n'));
