// The bound: TLS of Node with client certificates, and the same four bytes for every CONNECT. One process; says its port on stdout.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

const { root, issuing, server } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const connack = Buffer.of(0x20, 2, 0, 0);
const tls = createServer(
  { ...server, ca: [root, issuing], minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true },
  (socket) => {
    socket.once('data', () => socket.write(connack));
    socket.on('error', () => socket.destroy());
  },
);
tls.listen({ port: Number(process.argv[3]), host: '0.0.0.0', backlog: 4_096 }, () => process.stdout.write('ready\n'));
