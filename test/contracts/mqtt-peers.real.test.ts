import type { ShownCertificate } from '@tsunagu/fleet-server/identity/index';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenBroker, openAedesBroker } from '@tsunagu/fleet-server/broker/index';
import { negativeHeadTopic, parseTerminalUri } from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tenant, testAuthority } from './broker-pki.ts';

const isHere = spawnSync('mosquitto_pub', ['--help']).error === undefined;
if (!isHere) console.log('skipped: no mosquitto_pub here (Debian package mosquitto-clients)');

describe.skipIf(!isHere)('mosquitto_pub and mosquitto_sub at our broker', () => {
  const authority = testAuthority();
  const one = authority.terminal('PEER-0001');
  const received: string[] = [];
  const refused: string[] = [];
  let broker: OpenBroker;
  let folder: string;
  let common: string[];

  beforeAll(async () => {
    broker = unwrap(
      await openAedesBroker({
        world: systemWorld(() => undefined),
        tenant,
        host: '127.0.0.1',
        ports: { fleet: 0, fleetWebSocket: 0 },
        tls: { ...authority.server(), ca: [authority.root] },
        admit(certificate: ShownCertificate | undefined) {
          const named = parseTerminalUri((certificate?.subjectAltName ?? '').replace('URI:', ''));
          return Promise.resolve(named ? ok(named.serial) : fail('CLIENT_CERTIFICATE_REFUSED'));
        },
        handlers: {
          received(serial, topic, payload) {
            received.push(`${serial} ${topic.kind} ${Buffer.from(payload).toString()}`);
            return Promise.resolve();
          },
          connected: () => undefined,
          disconnected: () => undefined,
          refused: (code) => refused.push(code),
          dropped: () => undefined,
          cloneSuspected: () => undefined,
        },
      }),
    );
    folder = mkdtempSync(join(tmpdir(), 'tsunagu-peers-'));
    const files = { ca: authority.root, cert: one.cert, key: one.key };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
    common = ['-h', 'localhost', '-p', String(broker.ports.fleet), '-V', 'mqttv311', '-i', one.serial];
    for (const [option, name] of [
      ['--cafile', 'ca'],
      ['--cert', 'cert'],
      ['--key', 'key'],
    ] as const)
      common.push(option, join(folder, name));
  });
  afterAll(async () => {
    await broker?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const topic = (rest: string): string => `tms/v1/${tenant}/${one.serial}/${rest}`;
  const publish = (...args: string[]): Promise<number> =>
    new Promise((resolve) =>
      execFile('mosquitto_pub', [...common, ...args], { timeout: 10_000 }, (error) =>
        resolve(typeof error?.code === 'number' ? error.code : error ? -1 : 0),
      ),
    );
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let tries = 0; !isSo(); tries++) {
      if (tries > 6_000) throw new Error('waited in vain');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  test('a message of QoS 0 and of QoS 1 arrives; one of QoS 2 and one for elsewhere do not', async () => {
    expect(await publish('-t', topic('up/hello'), '-m', 'zero', '-q', '0')).toBe(0);
    expect(await publish('-t', topic('up/hello'), '-m', 'one', '-q', '1')).toBe(0);
    await until(() => received.length === 2);
    await publish('-t', topic('up/hello'), '-m', 'two', '-q', '2');
    await publish('-t', `tms/v1/${tenant}/PEER-0002/up/hello`, '-m', 'forged', '-q', '1');
    await until(() => refused.includes('MQTT_PACKET_INVALID') && refused.includes('MQTT_TOPIC_FORBIDDEN'));
    expect(received).toEqual([`${one.serial} hello zero`, `${one.serial} hello one`]);
  });

  test('a subscriber hears its downlink and the retained head, and its will is spoken when it is killed', async () => {
    broker.retain(negativeHeadTopic(tenant, 'regular'), Buffer.from('head'));
    const heard: string[] = [];
    const subscriber: ChildProcess = spawn(
      'mosquitto_sub',
      common.concat(
        ['-t', topic('dn/#'), '-t', negativeHeadTopic(tenant, '+'), '-q', '1', '-F', '%r %p'],
        ['--will-topic', topic('up/presence'), '--will-payload', 'gone', '--will-qos', '1'],
      ),
    );
    subscriber.stdout?.setEncoding('utf8').on('data', (text: string) => heard.push(...text.trim().split('\n')));
    await until(() => heard.includes('1 head'));
    broker.send(one.serial, topic('dn/notify'), Buffer.from('work'));
    await until(() => heard.includes('0 work'));
    subscriber.kill('SIGKILL');
    await until(() => received.includes(`${one.serial} presence gone`));
    expect(broker.isConnected(one.serial)).toBe(false);
  });
});
