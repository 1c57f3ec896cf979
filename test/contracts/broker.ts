import { connect as connectTls } from 'node:tls';
import type { Broker, BrokerHandlers } from '@tsunagu/fleet-server/broker/index';
import { encodeEnvelope, negativeHeadTopic, upTopic } from '@tsunagu/protocols/fleet';
import { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Holder, tenant, type testAuthority } from './broker-pki.ts';

/** A broker under test. */
export interface BrokerUnderTest {
  readonly broker: Broker;
  readonly port: number;
  readonly authority: ReturnType<typeof testAuthority>;
  /** From now on the terminal does not count, nor does this certificate of it. */
  revoke(holder: Holder): void;
  /** One certificate of a terminal has ended, others of it may count. */
  end(holder: Holder): void;
  /** The server goes away and comes back; for brokers that stay meanwhile. */
  readonly restartServer?: () => Promise<void>;
  close(): Promise<void>;
}

async function until(what: string, look: () => boolean, limitMs = 60_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!look()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What the house relies on, whichever broker stands below it; and where brokers differ, what the port says about it. */
export function brokerContract(name: string, open: (handlers: BrokerHandlers) => Promise<BrokerUnderTest>): void {
  describe(`${name} as the house's broker`, () => {
    const received: { serial: string; kind: string; text: string }[] = [];
    const events: string[] = [];
    let work: (text: string) => Promise<void> = () => Promise.resolve();
    let tested: BrokerUnderTest;
    let one: Holder;
    let other: Holder;
    const clients: MqttClient[] = [];
    let seq = 0;

    beforeAll(async () => {
      tested = await open({
        async received(serial, topic, payload) {
          const text = Buffer.from(payload).toString();
          await work(text);
          received.push({ serial, kind: topic.kind, text });
        },
        connected: (serial) => events.push(`connected ${serial}`),
        disconnected: (serial) => events.push(`disconnected ${serial}`),
        refused: (code) => events.push(`refused ${code}`),
        dropped: () => events.push('dropped'),
        cloneSuspected: (serial) => events.push(`clone ${serial}`),
      });
      one = tested.authority.terminal('CONTRACT-0001');
      other = tested.authority.terminal('CONTRACT-0002');
    });
    afterAll(() => tested?.close());
    afterEach(async () => {
      work = () => Promise.resolve();
      for (const client of clients.splice(0)) await client.endAsync(true).catch(() => undefined);
      await until('all to be gone', () => tested.broker.connections === 0);
      received.length = events.length = 0;
    });

    const envelope = (state: 'ready' | 'lost' | 'disconnected', boot: number) =>
      encodeEnvelope({ v: 1, id: `m-${++seq}`, iat: Date.now(), boot, seq, ct: 'presence', body: { state } });
    const own = (who: Holder, rest: string): string => `tms/v1/${tenant}/${who.serial}/${rest}`;
    const presence = (who: Holder): string => upTopic(tenant, who.serial, { kind: 'presence' });

    /** Connects as a terminal does, with a will, and says nothing. */
    async function connected(who: Holder, boot = 1): Promise<MqttClient> {
      const client = new MqttClient(
        () =>
          connectTls({
            host: '127.0.0.1',
            servername: 'localhost',
            port: tested.port,
            ca: tested.authority.root,
            cert: who.cert,
            key: who.key,
          }),
        {
          protocolVersion: 4,
          clientId: who.serial,
          clean: true,
          keepalive: 30,
          reconnectPeriod: 0,
          will: { topic: presence(who), payload: envelope('lost', boot), qos: 1, retain: true },
        },
      );
      clients.push(client);
      client.on('error', () => undefined);
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('close', () => reject(new Error('closed')));
      });
      return client;
    }
    /** Connects as a terminal does: with its subscriptions, and word that it is ready. */
    async function terminal(who: Holder, boot = 1): Promise<MqttClient> {
      const client = await connected(who, boot);
      await client.subscribeAsync([own(who, 'dn/#'), negativeHeadTopic(tenant, '+')], { qos: 1 });
      await client.publishAsync(presence(who), envelope('ready', boot), { qos: 1, retain: true });
      await until('it to be known', () => tested.broker.isConnected(who.serial));
      return client;
    }
    const said = (text: string): boolean => received.some((message) => message.text === text);
    const hear = (client: MqttClient): string[] => {
      const heard: string[] = [];
      client.on('message', (topic, payload) =>
        heard.push(`${topic.split('/').slice(-2).join('/')} ${payload.toString()}`),
      );
      return heard;
    };

    it('hands over what a terminal says, with its serial, in order', async () => {
      const client = await terminal(one);
      for (let index = 0; index < 20; index++) client.publish(own(one, 'up/hello'), `hello ${index}`, { qos: 1 });
      await until('twenty', () => said('hello 19'));
      const hellos = received.filter(({ kind }) => kind === 'hello');
      expect(hellos.map(({ serial }) => serial)).toEqual(Array(20).fill(one.serial));
      expect(hellos.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, (_, index) => `hello ${index}`));
    });

    it('knows who is there, and says when a terminal goes, on purpose or not', async () => {
      const client = await terminal(one);
      expect([tested.broker.connections, tested.broker.serials()]).toEqual([1, [one.serial]]);
      expect(events).toContain(`connected ${one.serial}`);
      client.stream.destroy();
      await until('it to be gone', () => events.includes(`disconnected ${one.serial}`));
      expect(tested.broker.isConnected(one.serial)).toBe(false);
      const again = await terminal(one);
      await again.publishAsync(presence(one), envelope('disconnected', 1), { qos: 1, retain: true });
      await again.endAsync();
      await until('it to be gone again', () => !tested.broker.isConnected(one.serial));
    });

    it('sends to one terminal and to nobody else, and what is for all to all, also to who comes later', async () => {
      const [mine, others] = [hear(await terminal(one)), hear(await terminal(other))];
      tested.broker.send(one.serial, own(one, 'dn/notify'), Buffer.from('for one'));
      tested.broker.retain(negativeHeadTopic(tenant, 'regular'), Buffer.from('head 1'));
      await until('all of it', () => mine.length === 2 && others.length === 1);
      expect(mine.toSorted()).toEqual(['dn/notify for one', 'neg/regular head 1']);
      expect(others).toEqual(['neg/regular head 1']);
      const late = new MqttClient(
        () =>
          connectTls({
            host: '127.0.0.1',
            servername: 'localhost',
            port: tested.port,
            ca: tested.authority.root,
            ...tested.authority.terminal('CONTRACT-0003'),
          }),
        { protocolVersion: 4, clientId: 'CONTRACT-0003', reconnectPeriod: 0 },
      );
      clients.push(late);
      const heard = hear(late);
      await late.subscribeAsync(negativeHeadTopic(tenant, '+'), { qos: 1 });
      await until('the retained head', () => heard.length === 1);
      expect(heard).toEqual(['neg/regular head 1']);
    });

    it('lets a terminal neither speak for another nor hear it, nor speak for the server', async () => {
      const victim = await terminal(other);
      const victimHears = hear(victim);
      const rogue = await terminal(one);
      const rogueHears = hear(rogue);
      await rogue.subscribeAsync([own(other, 'dn/#'), own(other, 'up/#')], { qos: 1 }).catch(() => undefined);
      await rogue.subscribeAsync(['#', '$SYS/#', `$share/g/${own(other, 'dn/#')}`], { qos: 1 }).catch(() => undefined);
      tested.broker.send(other.serial, own(other, 'dn/notify'), Buffer.from('secret'));
      await until('the victim to have it', () => victimHears.includes('dn/notify secret'));
      for (const topic of [own(other, 'up/hello'), own(other, 'dn/notify'), negativeHeadTopic(tenant, 'regular')]) {
        const forger = await terminal(one);
        forger.publish(topic, 'forged', { qos: 1 });
        // Whether it is cut off or ignored: what comes after it shows that it had its time.
        await new Promise((resolve) => setTimeout(resolve, 100));
        await forger.endAsync(true);
      }
      await victim.publishAsync(own(other, 'up/hello'), 'still here', { qos: 1 });
      await until('the victim to be heard', () => said('still here'));
      expect(received.filter(({ text }) => text === 'forged')).toEqual([]);
      expect(victimHears).not.toContain('dn/notify forged');
      expect(victimHears.some((line) => line.includes('forged'))).toBe(false);
      expect(rogueHears.some((line) => line.includes('secret') || line.includes('still here'))).toBe(false);
    });

    it('lets nobody in without a certificate of the house', async () => {
      const closed = await new Promise<boolean>((resolve) => {
        const socket = connectTls({
          host: '127.0.0.1',
          port: tested.port,
          ca: tested.authority.root,
          servername: 'localhost',
        });
        socket.on('error', () => resolve(true)).on('close', () => resolve(true));
        setTimeout(() => resolve(false), 60_000).unref();
      });
      expect(closed).toBe(true);
    });

    it('takes a reconnect for what it is, and a copy of the terminal for what that is', async () => {
      const first = await terminal(one, 4);
      const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
      await terminal(one, 4);
      await closed;
      await terminal(one, 5);
      expect(events.filter((event) => event.startsWith('clone'))).toEqual([]);
      await terminal(one, 2);
      await until('the alarm', () => events.includes(`clone ${one.serial}`));
      expect(['connect', 'hello']).toContain(tested.broker.abilities.clonesSeenAt);
      tested.broker.disconnect(one.serial);
    });

    it('ends the connection of a terminal whose certificate was revoked, which says no more and hears no more', async () => {
      const revoked = tested.authority.terminal(`CONTRACT-9${tested.port}`);
      const [client, beside] = [await terminal(revoked), await terminal(other)];
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      const beganMs = performance.now();
      tested.revoke(revoked);
      tested.broker.disconnect(revoked.serial);
      await closed;
      console.log(`${name}: a revoked terminal was cut off after ${Math.round(performance.now() - beganMs)} ms`);
      expect(tested.broker.isConnected(revoked.serial)).toBe(false);
      // Whether it is refused, or let in until the broker has read its list: it is out for good.
      for (let isIn = true; isIn; ) {
        if (performance.now() - beganMs > 60_000) throw new Error('it is let in still');
        const again = await connected(revoked).catch(() => undefined);
        isIn = again !== undefined;
        if (!again) break;
        const gone = new Promise<void>((resolve) => again.once('close', () => resolve()));
        await again.publishAsync(own(revoked, 'up/hello'), 'after', { qos: 1 }).catch(() => undefined);
        await gone;
      }
      expect(said('after')).toBe(false);
      expect(tested.broker.isConnected(revoked.serial)).toBe(false);
      // Nobody else noticed, and it was no second device.
      expect([beside.connected, tested.broker.isConnected(other.serial)]).toEqual([true, true]);
      expect(events.filter((event) => event.startsWith('clone'))).toEqual([]);
    });

    it('ends the connection of a terminal that still counts once, and has it back', async () => {
      const client = await terminal(one);
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      tested.broker.disconnect(one.serial);
      await closed;
      const again = await terminal(one);
      // Longer than until somebody who does not count would be cut off again.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      expect([again.connected, tested.broker.isConnected(one.serial)]).toEqual([true, true]);
    });

    it('lets nobody in by a certificate that a next one took the place of, and the terminal with the next one', async () => {
      const before = tested.authority.terminal(`CONTRACT-8${tested.port}`);
      const next = tested.authority.terminal(before.serial);
      const first = await terminal(before);
      tested.end(before);
      const beganMs = performance.now();
      // What is open still ends when the terminal comes with its next one: there is one connection a serial.
      const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
      await terminal(next);
      await closed;
      for (let isIn = true; isIn; ) {
        if (performance.now() - beganMs > 60_000) throw new Error('it is let in still');
        isIn = await terminal(before).then(
          () => true,
          () => false,
        );
      }
      console.log(`${name}: a certificate that ended was refused after ${Math.round(performance.now() - beganMs)} ms`);
      await terminal(next);
    });

    it('means by an acknowledgement what the port says', async () => {
      const client = await terminal(one);
      let effective: (() => void) | undefined;
      work = (text) => (text === 'slow' ? new Promise((resolve) => (effective = resolve)) : Promise.resolve());
      const order: string[] = [];
      const acknowledged = client
        .publishAsync(own(one, 'up/hello'), 'slow', { qos: 1 })
        .then(() => order.push('acknowledged'));
      const isAfterEffect = tested.broker.abilities.acknowledged === 'effective';
      // Where an acknowledgement means that it was done, none comes for as long as it is not.
      await (isAfterEffect ? new Promise((resolve) => setTimeout(resolve, 300)) : acknowledged);
      await until('its turn', () => effective !== undefined);
      order.push('effective');
      effective?.();
      await acknowledged;
      await until('the effect', () => said('slow'));
      expect(order[0]).toBe(isAfterEffect ? 'effective' : 'acknowledged');
    });

    it('keeps for the server what terminals say while it is away, where the broker outlasts it', async () => {
      if (!tested.restartServer) {
        expect(tested.broker.abilities.acknowledged).toBe('effective');
        return;
      }
      const client = await terminal(one);
      const restarted = tested.restartServer();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await client.publishAsync(own(one, 'up/hello'), 'while you were out', { qos: 1 });
      await restarted;
      await until('what was said meanwhile', () => said('while you were out'));
      await until('it to be known again', () => tested.broker.isConnected(one.serial));
    });

    it('goes on for others while one terminal takes nothing off its line', async () => {
      const frozen = await terminal(one);
      frozen.stream.pause();
      const healthy = await terminal(other);
      const heard = hear(healthy);
      for (let index = 0; index < 100; index++)
        tested.broker.send(one.serial, own(one, 'dn/notify'), Buffer.alloc(60_000));
      for (let index = 0; index < 20; index++)
        tested.broker.send(other.serial, own(other, 'dn/notify'), Buffer.from(`${index}`));
      await until('all twenty', () => heard.length === 20);
      expect(heard).toEqual(Array.from({ length: 20 }, (_, index) => `dn/notify ${index}`));
      frozen.stream.destroy();
    });
  });
}
