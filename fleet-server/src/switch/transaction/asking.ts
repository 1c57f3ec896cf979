import {
  type AcquirerKeyReference,
  businessDay,
  type Link,
  type RefusalCode,
  terminalCodec,
  terminalCodecs,
  terminalIdOf,
  terminalLink,
} from '@tsunagu/protocols/acquiring';
import { type DukptKsn, formatKsn } from '@tsunagu/protocols/dukpt';
import type { Serial } from '@tsunagu/protocols/fleet';
import type { DecodedMessage, MessageCodec } from '@tsunagu/protocols/iso8583';
import { type Result, Secret } from '@tsunagu/protocols/kit';
import { readCentreRequest } from '../acquirer-link/request.ts';
import type { SwitchRooms } from '../ports.ts';
import { readRequest, type TerminalRequest } from '../terminal-link/request.ts';

/** What whoever asks gets: an answer (ISO 8583 bytes of the link that it asked over), or a refusal of the frame. */
export type Reply =
  | { readonly answer: Uint8Array }
  | {
      readonly refusal: RefusalCode;
      /** Certainly nothing of it is on disk and nothing was sent on: it may be refused to whoever asks. */
      readonly isUndone?: boolean;
    };

/** How answers are written to whoever asks. */
export interface Face {
  /** Where it came from: `terminals`, or the id of an acquirer link. */
  readonly origin: string;
  readonly codec: MessageCodec;
  /** Elements that an answer repeats. None of them is secret: answers are kept, and in the clear. */
  readonly echo: readonly number[];
  /** DE28 of an answer: the business day on which the other side has to count it; undefined where the link does not say it. */
  readonly stampOf: (nowMs: number) => string | undefined;
  /** The business day on which we count what comes from there. */
  readonly dayOf: (nowMs: number) => string;
}

/** Where terminals come from, as the journal calls it. */
export const terminalsOrigin = 'terminals';

const terminalCalendar = {
  calendar: { cutover: '00:00', offsetMinutes: 540, stamped: false, reconcileAfterMinutes: 0 },
} as const;

/** W3. */
export const terminalFace: Face = {
  origin: terminalsOrigin,
  codec: terminalCodec,
  echo: terminalLink.echoElements,
  stampOf: () => undefined,
  dayOf: (nowMs) => businessDay(terminalCalendar, nowMs),
};

/** W3 with a terminal that can do TDES only. */
const tdesFace: Face = { ...terminalFace, codec: terminalCodecs.tdes };

/** Whether an element of a link holds what nobody may see. */
const isSecret = ({ codec }: Link, number: number): boolean => codec.element(number)?.secret !== undefined;

/** What a centre sent that nobody may see, and wants to have repeated: a copy, for no answer that is kept has it. */
export function secretEcho(link: Link, message: DecodedMessage): { readonly [element: number]: Secret } {
  const echoed: { [element: number]: Secret } = {};
  for (const number of link.profile.echo) {
    const value = isSecret(link, number) ? message.secret(number) : undefined;
    if (value) echoed[number] = value.use((bytes) => Secret.copy(value.kind, bytes));
  }
  return echoed;
}

/** W8. */
export const centreFace = (link: Link): Face => ({
  origin: link.id,
  codec: link.codec,
  echo: link.profile.echo.filter((number) => !isSecret(link, number)),
  stampOf: (nowMs) => (link.calendar.stamped ? businessDay(link, nowMs) : undefined),
  dayOf: (nowMs) => businessDay(link, nowMs),
});

/** Who asks: a terminal under the key of one transaction, whose counter is taken already, or a merchant centre over its link. */
export interface Asking {
  readonly face: Face;
  /** Whose trace numbers they are: a terminal's serial, or a centre's link and acquirer (DE32). */
  readonly key: string;
  readonly serial: Serial | undefined;
  readonly ksn: DukptKsn | undefined;
  /** DE32 towards the issuer. */
  readonly acquirer: string;
  read(decoded: DecodedMessage): Result<TerminalRequest, 'ACQUIRING_MESSAGE_REFUSED'>;
  /** A PIN block, enciphered anew under the PIN key `to`, inside the vault. */
  translatePin(to: string, block: Uint8Array, pan: Secret<'pan'>): Promise<Result<Uint8Array>>;
  /** Whether the keys that it asked under are those for cards of this card company; undefined: of none. */
  isUnderKeysOf(acquirer: string | undefined): Promise<boolean>;
  /** Whether it may sell now. */
  maySell(): Promise<boolean>;
}

/** A terminal that asks. */
export const terminalAsking = (
  rooms: SwitchRooms,
  serial: Serial,
  ksn: DukptKsn,
  under: AcquirerKeyReference | undefined,
): Asking => ({
  face: ksn.scheme === 'aes' ? terminalFace : tdesFace,
  key: serial,
  serial,
  ksn,
  acquirer: terminalLink.acquirerId,
  read: (decoded) => readRequest(decoded, { 41: terminalIdOf(serial) }),
  translatePin: (to, block, pan) => rooms.keys.translatePin(formatKsn(ksn), to, block, pan, under),
  // Its own key serves until it holds those of the company, and never after that. A TDES terminal cannot use them: they are AES.
  isUnderKeysOf: async (acquirer) =>
    under?.acquirer === acquirer ||
    (under === undefined &&
      acquirer !== undefined &&
      (ksn.scheme === 'tdes' || (await rooms.keys.holdsAcquirer?.(serial, acquirer)) !== true)),
  maySell: async () => (await rooms.maySell?.(serial)) !== false,
});

/** Whose trace numbers a message of a centre bears. */
export const centreKey = ({ id }: Link, message: DecodedMessage): string => `${id}/${message.text(32) ?? ''}`;

/** A merchant centre that asks, for the acquirer that its message names. */
export const centreAsking = (rooms: SwitchRooms, link: Link, pinKey: string, decoded: DecodedMessage): Asking => {
  return {
    face: centreFace(link),
    key: centreKey(link, decoded),
    serial: undefined,
    ksn: undefined,
    acquirer: decoded.text(32) ?? '',
    read: (message) => readCentreRequest(message, link),
    translatePin: (to, block, pan) => Promise.resolve(rooms.vault.translatePin({ zone: pinKey }, to, block, pan)),
    // Its link has keys of its own.
    isUnderKeysOf: () => Promise.resolve(true),
    maySell: () => Promise.resolve(true),
  };
};
