import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { claimBundle, portOf, portOffsets } from '@tsunagu/protocols/fleet';
import { connect as connectMqtt } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type House, startHouse, until } from './house.ts';
import { enrolRogue, postEnrolment } from './rogue.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ args: ['--sale-every-seconds', '3600'] });
}, 180_000);
afterAll(async () => {
  await house?.stop();
});

const undisturbed = async (): Promise<void> => {
  const { code } = await house.cli('sale', 'CT5100-0001', '--amount', '500', '--card', 'visa-contact');
  expect(code).toBe(0);
};

/** Sends bytes to a port and waits until the far side closes; tells how long that took. */
const sendRaw = (port: number, bytes: Uint8Array, timeoutMs: number): Promise<{ closed: boolean; ms: number }> =>
  new Promise((resolve) => {
    const started = performance.now();
    const socket = connectTcp(port, '127.0.0.1', () => socket.write(bytes));
    const end = (closed: boolean): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve({ closed, ms: performance.now() - started });
    };
    const deadline = setTimeout(() => end(false), timeoutMs);
    socket
      .on('close', () => end(true))
      .on('error', () => end(true))
      .resume();
  });

const listeners = (
  ['management', 'metrics', 'fleet', 'fleetWebSocket', 'device', 'acquiring', 'cardCompany', 'relay'] as const
).filter((name) => name in portOffsets);

describe.each(listeners)('the %s port', (name) => {
  test('answers garbage with a closed connection, and nothing else is disturbed', async () => {
    const { closed } = await sendRaw(portOf(house.portBase, name), randomBytes(2_000), 60_000);
    expect(closed).toBe(true);
  });

  test('cuts off what is oversized', async () => {
    const { closed } = await sendRaw(
      portOf(house.portBase, name),
      Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nx: '), Buffer.alloc(3_000_000, 0x41)]),
      60_000,
    );
    expect(closed).toBe(true);
  });

  test('does not wait for ever for the rest of what was half sent', async () => {
    const start =
      name === 'management' || name === 'metrics'
        ? Buffer.from('POST /api/v1/sessions HTTP/1.1\r\nHos')
        : Buffer.from('1603010200010001', 'hex');
    const { closed } = await sendRaw(portOf(house.portBase, name), start, 60_000);
    expect(closed).toBe(true);
  });
});

describe('terminals that misbehave', () => {
  test.each(['fleet', 'fleetWebSocket', 'acquiring'] as const)(
    'no certificate: the %s port lets nobody in',
    async (name) => {
      const refused = await new Promise<boolean>((resolve) => {
        const socket: TLSSocket = connectTls(
          { port: portOf(house.portBase, name), host: '127.0.0.1', rejectUnauthorized: false },
          () => socket.write('hello'),
        );
        socket
          .on('error', () => resolve(true))
          .on('close', () => resolve(true))
          .resume();
        setTimeout(() => resolve(false), 60_000);
      });
      expect(refused).toBe(true);
      await until(() => /CLIENT_CERTIFICATE|TLS_HANDSHAKE_FAILED/.test(house.logs()), 60_000);
    },
  );

  test('a bad certificate request is refused by its code, and the claim stays good', async () => {
    const serial = 'ROGUE-0001';
    const registered = await house.api('/api/v1/terminals', {
      method: 'POST',
      headers: { 'idempotency-key': serial },
      body: JSON.stringify({ serial, model: 'CT-5100', place: { merchant: 'm', shop: 's' } }),
    });
    const claim = claimBundle.parse((registered.body as { claim: unknown }).claim);
    const agreementKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'der' })
      .toString('base64');
    const csr = randomBytes(200).toString('base64');
    const proof = createHmac('sha256', Buffer.from(claim.claimSecret, 'base64'))
      .update(`tsunagu-claim-v1\n${serial}\n${csr}\n${agreementKey}`)
      .digest('base64');
    const { status, body } = await postEnrolment(house, {
      tenant: claim.tenant,
      serial,
      model: 'CT-5100',
      csr,
      agreementKey,
      proof,
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).toMatchObject({ code: 'CSR_INVALID' });
  });

  test('a terminal that publishes on another’s topic is cut off, and the other never notices', async () => {
    const rogue = await enrolRogue(house, 'ROGUE-0002');
    const client = connectMqtt({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port: portOf(house.portBase, 'fleet'),
      protocolVersion: 4,
      clientId: 'ROGUE-0002',
      cert: rogue.cert,
      key: rogue.key,
      ca: rogue.ca,
      reconnectPeriod: 0,
      servername: 'localhost',
    });
    await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject));
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.publish(`tms/v1/${rogue.tenant}/CT5100-0001/up/hello`, '{}', { qos: 1 });
    await closed;
    client.end(true);
    await until(() => house.logs().includes('MQTT_TOPIC_FORBIDDEN'), 60_000);
    await undisturbed();
  });

  test('bytes that are no frame get a stable code at the switch, and the neighbours go on', async () => {
    const rogue = await enrolRogue(house, 'ROGUE-0003');
    const socket = connectTls({
      port: portOf(house.portBase, 'acquiring'),
      host: '127.0.0.1',
      ca: rogue.ca,
      cert: rogue.cert,
      key: rogue.key,
      servername: 'localhost',
    });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject));
    const answered = new Promise<Buffer>((resolve) => {
      socket.once('data', resolve);
      socket.once('close', () => resolve(Buffer.alloc(0)));
    });
    socket.write(Buffer.concat([Buffer.from([0, 60]), randomBytes(60)]));
    await answered;
    socket.destroy();
    await until(() => /"ACQUIRING_[A-Z_]+|FRAME_[A-Z_]+|SWITCH_[A-Z_]+/.test(house.logs()), 60_000);
    await undisturbed();
  });
});
