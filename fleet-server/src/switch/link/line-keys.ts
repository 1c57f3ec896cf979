import {
  freshZoneKeys,
  isZoneFrame,
  type Link,
  linkMacOf,
  openZoneFrame,
  readZoneKeys,
  sealZoneFrame,
  wipeZoneKeys,
  writeZoneKeys,
  type ZoneKeys,
  zoneFrame,
  zoneMac,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  type MacFunction,
  type MacOptions,
  type Message,
  sealMac,
  sealWritten,
  verifyMac,
} from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result, type Secret, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';

/** What the zone of a link has: the key that protects its keys, and the PIN key that goes along with an exchange, wrapped. */
export interface Zone {
  readonly kbpk: Secret<'key'>;
  readonly pinKeyBlock: () => string;
  /** For an end that is handed its keys: takes the PIN key of the zone, and owns it. */
  readonly takePinKey?: (key: Secret<'key'>) => void;
}

/**
 * The working keys of one connection: in force, offered and not taken yet, and the ones before, which messages on their way still bear.
 */
export class LineKeys {
  readonly #world: Pick<World, 'entropy'>;
  readonly #link: Link;
  readonly #zone: Zone;
  readonly #macOptions: MacOptions;
  #inForce: ZoneKeys | undefined;
  #offered: ZoneKeys | undefined;
  #before: ZoneKeys | undefined;

  constructor(world: Pick<World, 'entropy'>, link: Link, zone: Zone) {
    this.#world = world;
    this.#link = link;
    this.#zone = zone;
    const { mac } = link.profile;
    this.#macOptions = {
      lengthBytes: mac?.lengthBytes ?? 8,
      ...(mac?.element !== undefined && { element: mac.element }),
    };
  }

  get isKeyed(): boolean {
    return this.#inForce !== undefined;
  }

  /** Makes fresh keys and writes them for DE53 and DE96. */
  offer(): { 53: Uint8Array; 96: Uint8Array } {
    const entropy = (lengthBytes: number): Uint8Array => this.#world.entropy(lengthBytes);
    wipeZoneKeys(this.#offered);
    this.#offered = freshZoneKeys(this.#link, entropy) ?? {};
    return {
      53: Uint8Array.of(1),
      96: writeZoneKeys(this.#link, this.#zone.kbpk, this.#offered, entropy, [this.#zone.pinKeyBlock()]),
    };
  }

  /** Takes keys that the far side made; they count once they are adopted. */
  take(blocks: Uint8Array): Result<true, 'LINK_KEYS_INVALID'> {
    const read = readZoneKeys(this.#link, this.#zone.kbpk, blocks);
    if (!read.ok) return read;
    if (read.value.pin && this.#zone.takePinKey) this.#zone.takePinKey(read.value.pin);
    else read.value.pin?.wipe();
    wipeZoneKeys(this.#offered);
    this.#offered = { mac: read.value.mac, data: read.value.data };
    return ok(true);
  }

  adopt(): void {
    if (this.#offered === undefined) return;
    wipeZoneKeys(this.#before);
    [this.#before, this.#inForce, this.#offered] = [this.#inForce, this.#offered, undefined];
  }

  wipe(): void {
    for (const keys of [this.#inForce, this.#offered, this.#before]) wipeZoneKeys(keys);
    this.#inForce = this.#offered = this.#before = undefined;
  }

  /**
   * The bytes of a message under the keys in force: with its MAC, and enciphered where the link wants it. An answer to an exchange of keys bears the MAC
   * of the new ones (`offered`), which proves that they are there; messages that carry keys go in the clear, for their keys are wrapped.
   */
  seal(message: Message, how: { readonly bare?: boolean; readonly offered?: boolean } = {}): Uint8Array {
    const { codec } = this.#link;
    const keys = how.offered === true ? this.#offered : this.#inForce;
    const mac = how.bare === true || this.#isExempt(message.mti) ? undefined : keys?.mac;
    const bytes = mac
      ? unwrap(sealMac(codec, message, this.#macUnder(mac), this.#macOptions))
      : unwrap(codec.encode(message));
    return how.bare === true || how.offered === true ? bytes : this.#enciphered(bytes);
  }

  /** As `seal`, for a message that is written already, without its MAC. */
  sealWritten(written: Uint8Array, mti: string): Uint8Array {
    const mac = this.#isExempt(mti) ? undefined : this.#inForce?.mac;
    return this.#enciphered(
      mac
        ? unwrap(sealWritten(this.#link.codec, written, this.#macUnder(mac), this.#macOptions))
        : new Uint8Array(written),
    );
  }

  #enciphered(bytes: Uint8Array): Uint8Array {
    const data = this.#inForce?.data;
    if (!this.#link.session.encrypt || data === undefined) return bytes;
    const sealed = sealZoneFrame(data, this.#world.entropy(zoneFrame.nonceBytes), bytes);
    bytes.fill(0);
    return sealed;
  }

  /** The message in a frame: deciphered where it is enciphered. ACQUIRING_FRAME_NOT_AUTHENTIC when it is under no key of this connection. */
  open(bytes: Uint8Array): Result<Uint8Array, 'ACQUIRING_FRAME_NOT_AUTHENTIC'> {
    if (!isZoneFrame(bytes)) return ok(bytes);
    for (const { data } of this.#all()) {
      const opened = data && openZoneFrame(data, bytes);
      if (opened?.ok) return opened;
    }
    return fail('ACQUIRING_FRAME_NOT_AUTHENTIC');
  }

  /** Whether a message bears the MAC of one of the keys of this connection, or needs none. */
  isGenuine(message: DecodedMessage): boolean {
    if (this.#link.profile.mac === undefined || this.#isExempt(message.mti)) return true;
    return this.#all().some(
      ({ mac }) => mac !== undefined && verifyMac(message, this.#macUnder(mac), this.#macOptions).ok,
    );
  }

  #all(): readonly ZoneKeys[] {
    return [this.#inForce, this.#offered, this.#before].filter((keys) => keys !== undefined);
  }

  #isExempt(mti: string): boolean {
    return this.#link.profile.mac?.exempt.includes(mti) === true;
  }

  #macUnder(key: Secret<'key'>): MacFunction {
    return zoneMac(key, linkMacOf(this.#link));
  }
}
