import { type CommandApdu, type ResponseApdu, response } from '@tsunagu/protocols/apdu';
import { buildTrack2, verifyIssuerAuthenticationData } from '@tsunagu/protocols/emv';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { type DolEntry, decodeTlv, dolDataLength, tlv, valueInDol } from '@tsunagu/protocols/tlv';
import {
  atcBytes,
  type CryptogramKind,
  cryptogramAnswer,
  cryptogramKindOf,
  issuerApplicationData,
  makeCryptogram,
  valuesOf,
} from './cryptogram.ts';
import type { CardProgram } from './program.ts';
import { atRest, type CardState } from './state.ts';
import { sw } from './status.ts';

/** What a command does to a card: its answer, and the state that follows. */
export interface CardStep {
  readonly state: CardState;
  readonly answer: ResponseApdu;
}

type Handler = (program: CardProgram, state: CardState, command: CommandApdu) => CardStep;

const refuse = (state: CardState, status: number): CardStep => ({ state, answer: response(status) });
const give = (state: CardState, data: Uint8Array): CardStep => ({ state, answer: response(sw.done, data) });

/** SELECT by name. EMV 4.3 Book 1, 11.3. */
const select: Handler = (program, state, { p1, p2, data }) => {
  if (p1 !== 0x04 || (p2 !== 0x00 && p2 !== 0x02)) return refuse(state, sw.wrongParameters);
  const fresh = atRest(state.atc);
  const { image } = program;
  if (p2 === 0x00 && Buffer.compare(data, image.directoryName) === 0)
    return give({ ...fresh, phase: 'directory' }, image.directoryFci);
  // A shorter name selects the first application that begins with it; there is one, so "next" finds none.
  const isMatch = data.length >= 5 && Buffer.compare(data, image.aid.subarray(0, data.length)) === 0;
  if (p2 === 0x02 || !isMatch) return refuse(fresh, sw.fileNotFound);
  return give({ ...fresh, phase: 'selected' }, image.fci);
};

/** READ RECORD. EMV 4.3 Book 3, 6.5.11. */
const readRecord: Handler = (program, state, { p1, p2 }) => {
  if ((p2 & 7) !== 4 || p1 === 0) return refuse(state, sw.wrongParameters);
  if (state.phase === 'idle' || state.phase === 'selected') return refuse(state, sw.conditionsNotSatisfied);
  const records = state.phase === 'directory' ? program.image.directoryRecords : program.image.records;
  const found = records.find(({ sfi, record }) => sfi === p2 >> 3 && record === p1);
  return found === undefined ? refuse(state, sw.recordNotFound) : give(state, found.bytes);
};

/** GET PROCESSING OPTIONS: the transaction begins and the counter rises. EMV 4.3 Book 3, 6.5.8. */
const getProcessingOptions: Handler = (program, state, { p1, p2, data }) => {
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'selected' || state.atc >= 0xffff) return refuse(state, sw.conditionsNotSatisfied);
  const read = decodeTlv(data);
  const template = read.ok && read.value.length === 1 ? read.value[0] : undefined;
  if (template?.tag !== 0x83) return refuse(state, sw.wrongData);
  if (template.length !== dolDataLength(program.pdol)) return refuse(state, sw.wrongLength);
  const told = tell(state.told, program.pdol, template.value);
  const initiated: CardState = { ...state, atc: state.atc + 1, told, phase: 'initiated' };
  const { card, image } = program;
  if (card.flow === 'fastGpo') return fastAnswer(program, initiated);
  // M/Chip answers with objects (format 2), the others with the two values (format 1). 6.5.8.4.
  return give(
    initiated,
    card.scheme === 'mastercard'
      ? tlv(0x77, tlv(0x82, image.aip), tlv(0x94, image.afl))
      : tlv(0x80, image.aip, image.afl),
  );
};

/** Visa's fast path: the answer to GPO holds the cryptogram already. EMV Book C-3, 5.2.2.2. */
function fastAnswer(program: CardProgram, state: CardState): CardStep {
  const { card, image } = program;
  const qualifiers = state.told.get(0x9f66);
  // A reader that does not speak this path (bit 6 of byte 1) has to use another interface.
  if (qualifiers === undefined || ((qualifiers[0] ?? 0) & 0x20) === 0) return refuse(state, sw.conditionsNotSatisfied);
  const made = makeCryptogram(program, state, 'ARQC');
  if (made === undefined) return refuse(state, sw.conditionsNotSatisfied);
  const { pan, discretionary, expiry, serviceCode } = card;
  const track2 = unwrap(buildTrack2({ pan, discretionary, expiry: expiry.slice(0, 4), serviceCode }));
  const answer = tlv(
    0x77,
    tlv(0x82, image.aip),
    tlv(0x94, image.afl),
    tlv(0x57, track2),
    tlv(0x9f10, made.issuerApplicationData),
    tlv(0x9f26, made.cryptogram),
    tlv(0x9f27, Uint8Array.of(0x80)),
    tlv(0x9f36, made.atc),
    tlv(0x9f6c, hex(card.ctq ?? '0000')),
  );
  track2.fill(0);
  return give({ ...state, phase: 'ended' }, answer);
}

/** GENERATE AC, first and second. EMV 4.3 Book 3, 6.5.5; card action analysis is the card's own affair (Book 3, 10.8). */
const generateAc: Handler = (program, state, { p1, p2, data }) => {
  const asked = cryptogramKindOf(p1);
  // Bit 5 asks for a signed answer (CDA), which this card does not give.
  if (p2 !== 0 || asked === undefined || (p1 & 0x3f) !== 0) return refuse(state, sw.wrongParameters);
  if (state.phase === 'initiated') return firstCryptogram(program, state, asked, data);
  if (state.phase === 'awaitingIssuer') return secondCryptogram(program, state, asked, data);
  return refuse(state, sw.conditionsNotSatisfied);
};

function firstCryptogram(program: CardProgram, state: CardState, asked: CryptogramKind, data: Uint8Array): CardStep {
  if (data.length !== dolDataLength(program.cdol1)) return refuse(state, sw.wrongLength);
  const told = tell(state.told, program.cdol1, data);
  // The card may ask for more than the terminal does, never for less: it wants each sale to be seen by its issuer.
  const kind = asked === 'AAC' ? 'AAC' : 'ARQC';
  const waits = kind === 'ARQC' && program.card.flow === 'contact';
  const next: CardState = { ...state, told, phase: waits ? 'awaitingIssuer' : 'ended' };
  const made = makeCryptogram(program, next, kind);
  if (made === undefined) return refuse(state, sw.wrongData);
  const kept: CardState = waits ? { ...next, arqc: made.cryptogram } : next;
  return give(kept, cryptogramAnswer(program, made));
}

function secondCryptogram(program: CardProgram, state: CardState, asked: CryptogramKind, data: Uint8Array): CardStep {
  if (asked === 'ARQC') return refuse(state, sw.wrongParameters);
  if (data.length !== dolDataLength(program.cdol2)) return refuse(state, sw.wrongLength);
  const inList = valueInDol(program.cdol2, data, 0x91);
  // M/Chip gets the issuer's answer inside CDOL2; zeros stand for none.
  const authenticated =
    inList?.some((byte) => byte !== 0) === true ? authenticateIssuer(program, state, inList) : state;
  const told = tell(authenticated.told, program.cdol2, data);
  const next: CardState = { ...authenticated, told, phase: 'ended' };
  // A sale counts only when the issuer itself has said yes.
  const kind = asked === 'TC' && next.issuerAuthentication === 'passed' ? 'TC' : 'AAC';
  const made = makeCryptogram(program, next, 'ARQC', kind);
  return made === undefined ? refuse(state, sw.wrongData) : give(next, cryptogramAnswer(program, made));
}

/** EXTERNAL AUTHENTICATE: once in a transaction, after the ARQC. EMV 4.3 Book 3, 6.5.4. */
const externalAuthenticate: Handler = (program, state, { p1, p2, data }) => {
  if (((program.image.aip[0] ?? 0) & 0x04) === 0) return refuse(state, sw.instructionUnknown);
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  if (state.phase !== 'awaitingIssuer' || state.issuerAuthentication !== 'none')
    return refuse(state, sw.conditionsNotSatisfied);
  if (data.length < 8 || data.length > 16) return refuse(state, sw.wrongLength);
  const next = authenticateIssuer(program, state, data);
  return refuse(next, next.issuerAuthentication === 'passed' ? sw.done : sw.authenticationFailed);
};

function authenticateIssuer(program: CardProgram, state: CardState, data: Uint8Array): CardState {
  const { arqc } = state;
  if (arqc === undefined) return { ...state, issuerAuthentication: 'failed' };
  const values = valuesOf(program, state, issuerApplicationData(program, state, 'ARQC', undefined));
  // A list pads a short answer with zeros: method 1 has ten bytes.
  const answer = program.card.profile.arpc.method === 1 ? data.subarray(0, 10) : data;
  const checked = verifyIssuerAuthenticationData(program.card.profile, program.keys, values, arqc, answer);
  return { ...state, issuerAuthentication: checked.ok ? 'passed' : 'failed' };
}

/** GET DATA: the counter alone; other objects are the issuer's. EMV 4.3 Book 3, 6.5.7. */
const getData: Handler = (_program, state, { p1, p2 }) => {
  if (state.phase === 'idle' || state.phase === 'directory') return refuse(state, sw.conditionsNotSatisfied);
  return p1 === 0x9f && p2 === 0x36 ? give(state, tlv(0x9f36, atcBytes(state.atc))) : refuse(state, sw.dataNotFound);
};

/** Instructions by class. ISO/IEC 7816-4; EMV 4.3 Book 3, table 5. */
const interindustry: Readonly<Record<number, Handler>> = { 0xa4: select, 0xb2: readRecord, 0x82: externalAuthenticate };
const proprietary: Readonly<Record<number, Handler>> = { 0xa8: getProcessingOptions, 0xae: generateAc, 0xca: getData };

/** What an emulated card does with a command. */
export function obey(program: CardProgram, state: CardState, command: CommandApdu): CardStep {
  const instructions = command.cla === 0x00 ? interindustry : command.cla === 0x80 ? proprietary : undefined;
  if (instructions === undefined) return refuse(state, sw.classUnknown);
  const handler = instructions[command.ins];
  return handler === undefined ? refuse(state, sw.instructionUnknown) : handler(program, state, command);
}

/** Adds the objects of a built list to what the terminal told before; the newest value counts. */
function tell(
  before: ReadonlyMap<number, Uint8Array>,
  entries: readonly DolEntry[],
  data: Uint8Array,
): ReadonlyMap<number, Uint8Array> {
  const told = new Map(before);
  for (const { tag } of entries) {
    const value = valueInDol(entries, data, tag);
    if (value !== undefined) told.set(tag, Uint8Array.from(value));
  }
  return told;
}
