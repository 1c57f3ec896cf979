import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { serverProcess } from '@tsunagu/protocols/fleet';
import { buildAuthorityCertificate } from '@tsunagu/protocols/x509';
import { expect, test } from 'vitest';

/** One whole handshake with a TLS server in a process of its own. Prints how many session tickets came. */
const handshake = `
const tls = require('node:tls');
const server = tls.createServer({ ...JSON.parse(process.argv[1]), minVersion: 'TLSv1.3' }, (socket) => socket.end('.'));
server.listen(0, '127.0.0.1', () => {
  let tickets = 0;
  const client = tls.connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false });
  client.on('session', () => tickets++).resume();
  client.on('close', () => (server.close(), console.log(tickets)));
});`;

test('a server that is started as it should be hands out one session ticket: it is written with the certificate in it', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = { commonName: 'server' };
  const life = { now: Date.now(), lifeMs: 3_600_000 };
  const cert = buildAuthorityCertificate('root', { name, publicKey }, life, { name, privateKey }, randomBytes);
  const material = JSON.stringify({ cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) });
  const tickets = (flags: readonly string[]): string =>
    execFileSync(process.execPath, [...flags, '-e', handshake, material], { encoding: 'utf8' }).trim();
  expect(tickets(serverProcess.flags)).toBe('1');
  expect(tickets([])).toBe('2');
});
