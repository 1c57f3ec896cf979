import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** The most a packet may hold behind its fixed header: the longest message, its topic and packet id. */
export const packetLengthMax = 65_536 + 512;

/** Flags that a client's packet must carry, by type; undefined: the type does not come from a client. MQTT 3.1.1, 2.2.2. */
const clientFlags: readonly (number | 'any' | undefined)[] = [
  undefined, // 0, reserved
  0, // CONNECT
  undefined, // CONNACK
  'any', // PUBLISH
  0, // PUBACK
  undefined, // PUBREC, PUBREL, PUBCOMP: QoS 2 is not spoken here
  undefined,
  undefined,
  2, // SUBSCRIBE
  undefined, // SUBACK
  2, // UNSUBSCRIBE
  undefined, // UNSUBACK
  0, // PINGREQ
  undefined, // PINGRESP
  0, // DISCONNECT
  undefined, // 15, reserved
];

/**
 * Walks along the packets of one connection, before anything is buffered: the first must be CONNECT, none may be longer than
 * `packetLengthMax`, none of a kind or with flags that a client may not send [MQTT-2.2.2-2].
 */
export class FrameGuard {
  #isFirst = true;
  #state: 'header' | 'length' | 'body' = 'header';
  #length = 0;
  #shift = 0;

  /** Looks at the next bytes of the connection. After a fault the connection is of no more use. */
  accept(bytes: Uint8Array): Result<void, 'MQTT_PACKET_INVALID' | 'MQTT_PACKET_TOO_LARGE'> {
    for (let at = 0; at < bytes.length; ) {
      const byte = bytes[at] ?? 0;
      if (this.#state === 'body') {
        const taken = Math.min(this.#length, bytes.length - at);
        this.#length -= taken;
        at += taken;
        if (this.#length === 0) this.#state = 'header';
        continue;
      }
      at += 1;
      if (this.#state === 'header') {
        if (!this.#isAllowed(byte)) return fail('MQTT_PACKET_INVALID', { field: 'fixedHeader' });
        this.#isFirst = false;
        this.#state = 'length';
        this.#length = 0;
        this.#shift = 0;
        continue;
      }
      this.#length |= (byte & 0x7f) << this.#shift;
      this.#shift += 7;
      if (this.#length > packetLengthMax)
        return fail('MQTT_PACKET_TOO_LARGE', { facts: { length: this.#length, lengthMax: packetLengthMax } });
      if (byte & 0x80) {
        if (this.#shift > 21) return fail('MQTT_PACKET_INVALID', { field: 'remainingLength' });
        continue;
      }
      this.#state = this.#length === 0 ? 'header' : 'body';
    }
    return ok(undefined);
  }

  #isAllowed(byte: number): boolean {
    const type = byte >> 4;
    const flags = clientFlags[type];
    if (this.#isFirst) return type === 1 && flags === (byte & 0x0f);
    if (flags === 'any') return ((byte >> 1) & 3) <= 1;
    return type !== 1 && flags === (byte & 0x0f);
  }
}
