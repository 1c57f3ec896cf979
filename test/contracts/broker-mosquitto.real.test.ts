import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  type ExternalBroker,
  keepMosquittoFiles,
  openExternalBroker,
  writeMosquittoFolder,
} from '@tsunagu/fleet-server/broker/index';
import type { Serial } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { describe, expect, it } from 'vitest';
import { brokerContract, type BrokerUnderTest } from './broker.ts';
import { type Holder, tenant, testAuthority } from './broker-pki.ts';

const program = '/usr/sbin/mosquitto';
const isHere = existsSync(program);
if (!isHere) console.log('skipped: no mosquitto here (Debian package mosquitto)');

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

describe.skipIf(!isHere)('a broker that nobody here wrote', () => {
  brokerContract('mosquitto', async (handlers) => {
    const authority = testAuthority();
    const folder = mkdtempSync(join(tmpdir(), 'tsunagu-mosquitto-'));
    const port = await freePort();
    const name = 'fleet-server.demo';
    await writeMosquittoFolder(folder, {
      tenant,
      host: '127.0.0.1',
      port,
      user: userInfo().username,
      serverName: name,
    });
    const world = systemWorld(() => undefined);
    const ended: Holder[] = [];
    const tls = { ...authority.server(), root: authority.root };
    const files = await keepMosquittoFiles(world, folder, () =>
      Promise.resolve({ tls, lists: [authority.list(ended)] }),
    );
    const mosquitto: ChildProcess = spawn(program, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
    const own = authority.link(name);
    const revoked = new Set<Serial>();
    const connect = async (): Promise<ExternalBroker> => {
      const broker = openExternalBroker({
        world,
        tenant,
        url: `mqtts://127.0.0.1:${port}`,
        name,
        tls: () => ({ ...own, ca: authority.root }),
        isHeard: (serial) => Promise.resolve(!revoked.has(serial)),
        standIn: (serial) => ok(authority.link(serial)),
        handlers,
      });
      for (let tries = 0; !broker.isUp; tries++) {
        if (tries > 500) throw new Error('mosquitto is not there');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return broker;
    };
    let broker = await connect();
    const tested: BrokerUnderTest = {
      get broker() {
        return broker;
      },
      port,
      authority,
      revoke(holder) {
        revoked.add(holder.serial);
        tested.end(holder);
      },
      end(holder) {
        ended.push(holder);
        files.changed();
      },
      async restartServer() {
        await broker.close();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        broker = await connect();
      },
      async close() {
        await broker.close();
        await files.close();
        mosquitto.kill('SIGTERM');
        await new Promise((resolve) => mosquitto.once('exit', resolve));
        rmSync(folder, { recursive: true, force: true });
      },
    };
    return tested;
  });

  it('is what the suite ran on', () => expect(isHere).toBe(true));
});
