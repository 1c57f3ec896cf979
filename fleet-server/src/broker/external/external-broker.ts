import {
  messages,
  negativeHeadTopic,
  parseEnvelope,
  parseUpTopic,
  parseWith,
  type Serial,
  type TenantId,
} from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { connect, type IPublishPacket } from 'mqtt';
import { DownlinkQueue } from '../downlink.ts';
import { packetLengthMax } from '../frame-guard.ts';
import { isSameDevice, type Lineage } from '../lineage.ts';
import type { Broker, BrokerHandlers } from '../port.ts';
import { openTakeOver, type TakeOverOptions } from './take-over.ts';

/** How an MQTT broker of somebody else is reached. */
export interface ExternalBrokerOptions extends TakeOverOptions {
  readonly world: World;
  readonly tenant: TenantId;
  /** Our own name there: the common name of our certificate and the client id, so that one server holds the session. */
  readonly name: string;
  readonly handlers: BrokerHandlers;
}

/** The external broker as we see it. */
export interface ExternalBroker extends Broker {
  /** Whether we are connected to it. */
  readonly isUp: boolean;
}

interface Known {
  readonly lineage: Lineage;
  readonly isHeard: boolean;
  readonly queue: DownlinkQueue;
}

const reconnectMs = 1_000;

/**
 * Stands on an MQTT 3.1.1 broker that knows terminals by their certificates (`mosquitto.ts` has the rules it must follow). Our
 * session there outlasts our connection: what terminals say while we are away waits, and is acknowledged when it has taken effect.
 */
export function openExternalBroker(options: ExternalBrokerOptions): ExternalBroker {
  const { world, tenant, handlers, name } = options;
  const known = new Map<Serial, Known>();
  const lineages = new Map<Serial, Lineage>();
  const retained = new Map<string, Uint8Array>();
  const takeOver = openTakeOver(options);

  const client = connect(options.url, {
    protocolVersion: 4,
    clientId: name,
    clean: false,
    keepalive: 30,
    reconnectPeriod: reconnectMs,
    resubscribe: false,
    queueQoSZero: false,
    ...options.tls(),
  });
  client.on('reconnect', () => Object.assign(client.options, options.tls()));
  const publish = (topic: string, payload: Uint8Array, retain: boolean, done: () => void): void => {
    // What cannot go now need not go later: hello and pull make up for it.
    if (!client.connected) return done();
    client.publish(topic, Buffer.from(payload), { qos: 1, retain }, done);
  };

  client.on('connect', () => {
    world.log('info', 'externalBrokerConnected', { url: options.url });
    client.subscribe(`tms/v1/${tenant}/+/up/#`, { qos: 1 }, (error) => {
      if (error)
        world.log('error', 'externalBrokerRefused', { fault: fail('MQTT_TOPIC_FORBIDDEN', { cause: error }).fault });
    });
    for (const [topic, payload] of retained) publish(topic, payload, true, () => undefined);
  });
  client.on('error', (cause) =>
    world.log('warn', 'externalBrokerFailed', { fault: fail('CONNECTION_ENDED', { cause }).fault }),
  );
  client.on('close', () => world.log('warn', 'externalBrokerLost', { fault: fail('CONNECTION_ENDED').fault }));

  function forget(serial: Serial): void {
    if (known.delete(serial)) handlers.disconnected(serial);
  }

  /** A terminal says that it is there: as often as it connects, and once more for each time that we subscribe. */
  async function arrived(serial: Serial, lineage: Lineage, isRepeated: boolean): Promise<void> {
    const last = lineages.get(serial);
    lineages.set(serial, lineage);
    if (!isRepeated && last && !isSameDevice(last, lineage))
      handlers.cloneSuspected(serial, { before: `boot ${last.boot}`, now: `boot ${lineage.boot}` });
    const isHeard = await options.isHeard(serial);
    if (!isHeard) handlers.refused('CLIENT_CERTIFICATE_REFUSED');
    const queue = new DownlinkQueue(({ topic, payload }, done) => publish(topic, payload, false, done));
    const isNew = !known.has(serial);
    known.set(serial, { lineage, isHeard, queue });
    if (isHeard && isNew) handlers.connected(serial);
  }

  async function take({ topic, payload, retain }: IPublishPacket): Promise<void> {
    const read = parseUpTopic(topic);
    const bytes = Uint8Array.from(Buffer.from(payload));
    if (read?.tenant !== tenant || bytes.length > packetLengthMax) {
      handlers.refused('MQTT_TOPIC_FORBIDDEN');
      return;
    }
    const { serial } = read;
    if (read.topic.kind === 'presence') {
      const message = parseEnvelope(bytes);
      const body = message.ok ? parseWith(messages.presence, message.value.body) : message;
      if (!message.ok || !body.ok) return;
      const { boot, seq } = message.value;
      if (body.value.state === 'ready') await arrived(serial, { boot, seq }, retain);
      // The will of a boot before this one came late.
      else if (boot >= (known.get(serial)?.lineage.boot ?? 0)) forget(serial);
    }
    // One that we never saw arrive: its presence was lost with the broker.
    const isHeard = known.get(serial)?.isHeard ?? (await options.isHeard(serial));
    if (isHeard) return await handlers.received(serial, read.topic, bytes);
    handlers.refused('CLIENT_CERTIFICATE_REFUSED');
    if (read.topic.kind !== 'presence' || known.has(serial)) takeOver.isStillThere(serial);
  }

  // In order, one after another: our acknowledgement goes out when the message has taken effect.
  client.handleMessage = (packet, done) => {
    take(packet).then(
      () => done(),
      (cause: unknown) => {
        world.log('error', 'externalMessageFailed', { fault: fail('INTERNAL', { cause }).fault });
        // Not acknowledged: the broker sends it again on the next connection.
        client.stream.destroy();
        done();
      },
    );
  };

  return {
    abilities: { clonesSeenAt: 'hello', acknowledged: 'queued' },
    get isUp() {
      return client.connected;
    },
    send(serial, topic, payload) {
      const terminal = known.get(serial);
      if (!terminal?.isHeard || terminal.queue.push({ topic, payload, retain: false, qos: 1 })) return;
      world.log('warn', 'downlinkDropped', { serial, fault: fail('DOWNLINK_TIMEOUT').fault });
      handlers.dropped();
    },
    retain(topic, payload) {
      if (!topic.startsWith(negativeHeadTopic(tenant, ''))) return;
      retained.set(topic, payload);
      publish(topic, payload, true, () => undefined);
    },
    isConnected: (serial) => known.get(serial)?.isHeard ?? false,
    get connections() {
      return known.size;
    },
    get waiting() {
      let count = 0;
      for (const { queue } of known.values()) count += queue.waiting;
      return count;
    },
    serials: () => [...known].filter(([, { isHeard }]) => isHeard).map(([serial]) => serial),
    disconnect(serial) {
      lineages.delete(serial);
      forget(serial);
      takeOver.end(serial);
    },
    async close() {
      await takeOver.close();
      await client.endAsync(false).catch(() => undefined);
    },
  };
}
