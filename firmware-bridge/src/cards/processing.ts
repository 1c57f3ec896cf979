import { buildTrack2, signFdda } from '@tsunagu/protocols/emv';
import { concat, hex, unwrap } from '@tsunagu/protocols/kit';
import { decodeTlv, dolDataLength, tlv } from '@tsunagu/protocols/tlv';
import { type CryptogramKind, cryptogramKinds } from './cryptogram-kind.ts';
import { makeCryptogram } from './cryptogram.ts';
import { type CardProgram, hasFault } from './program.ts';
import { draw } from './random.ts';
import { mayApprove } from './risk.ts';
import { type CardState, recall, remember } from './state.ts';
import { sw } from './status.ts';
import { type CardStep, give, type Handler, refuse, tell } from './step.ts';

/** GET PROCESSING OPTIONS: the transaction begins and the counter rises. EMV 4.3 Book 3, 6.5.8. */
export const getProcessingOptions: Handler = (program, state, { p1, p2, data }) => {
  if (p1 !== 0 || p2 !== 0) return refuse(state, sw.wrongParameters);
  const { atc } = recall(state);
  if (state.phase !== 'selected' || atc >= 0xffff) return refuse(state, sw.conditionsNotSatisfied);
  const read = decodeTlv(data);
  const template = read.ok && read.value.length === 1 ? read.value[0] : undefined;
  if (template?.tag !== 0x83) return refuse(state, sw.wrongData);
  if (template.length !== dolDataLength(program.pdol)) return refuse(state, sw.wrongLength);
  const sent = Uint8Array.from(template.value);
  const told = tell(state.told, program.pdol, sent);
  const before = recall(state);
  const initiated = remember({ ...state, told, sent, before, phase: 'initiated' }, { atc: atc + 1 });
  const { card, image } = program;
  if (card.flow === 'fastGpo') return fastAnswer(program, initiated);
  return give(
    initiated,
    card.answerFormat === 2 ? tlv(0x77, tlv(0x82, image.aip), tlv(0x94, image.afl)) : tlv(0x80, image.aip, image.afl),
  );
};

/** Bits of the terminal transaction qualifiers (9F66). EMV Book A, table 5-4. */
const ttq = { emvMode: 0x20, offlineOnly: 0x08, onlinePin: 0x04, signature: 0x02, odaOnline: 0x01 } as const;
const ttq2 = { onlineRequired: 0x80, cvmRequired: 0x40 } as const;

/** The fast path of Visa and UnionPay: the answer to GPO holds the cryptogram already. EMV Books C-3, 5.2.2.2, and C-7. */
function fastAnswer(program: CardProgram, state: CardState): CardStep {
  const { card, image } = program;
  const [capabilities = 0, demands = 0] = state.told.get(0x9f66) ?? [];
  // A reader that does not speak this path has to use another interface.
  if ((capabilities & ttq.emvMode) === 0) return refuse(state, sw.conditionsNotSatisfied);
  const qualifiers = qualifiersOf(program, capabilities, demands);
  const kind = decideFast(program, state, capabilities, demands);
  const isSigned = kind === 'TC' || (kind === 'ARQC' && (capabilities & ttq.odaOnline) !== 0);
  const drawn = draw(program, state, 4);
  const cardAuthenticationData = concat(Uint8Array.of(1), drawn.number, qualifiers);
  const signing: CardState = {
    ...drawn.state,
    cardAuthenticationData,
    signed: { ...state.signed, dda: isSigned && program.signer !== undefined },
  };
  const made = makeCryptogram(program, signing, { first: kind });
  if (made === undefined) return refuse(state, sw.conditionsNotSatisfied);
  const signature = signing.signed.dda ? fastSignature(program, signing, made.atc) : undefined;
  const { pan, discretionary, expiry, serviceCode } = card;
  const track2 = unwrap(buildTrack2({ pan, discretionary, expiry: expiry.slice(0, 4), serviceCode }));
  const answer = tlv(
    0x77,
    tlv(0x82, image.aip),
    tlv(0x94, image.afl),
    tlv(0x57, track2),
    tlv(0x9f10, made.issuerApplicationData),
    tlv(0x9f26, made.cryptogram),
    tlv(0x9f27, Uint8Array.of(cryptogramKinds[kind])),
    tlv(0x9f36, made.atc),
    tlv(0x9f6c, qualifiers),
    signature === undefined ? new Uint8Array(0) : tlv(0x9f4b, signature),
  );
  track2.fill(0);
  const ended: CardState = { ...signing, phase: 'ended' };
  const { offlineCount } = recall(ended);
  return give(kind === 'TC' ? remember(ended, { offlineCount: offlineCount + 1 }) : ended, answer);
}

/** Approves offline when the reader lets it and the card may; declines where nobody can ask the issuer. EMV Book C-3, 5.2. */
function decideFast(program: CardProgram, state: CardState, capabilities: number, demands: number): CryptogramKind {
  const isOfflineOnly = (capabilities & ttq.offlineOnly) !== 0;
  if (recall(state).isBlocked) return 'AAC';
  const mayStayOffline = (demands & ttq2.onlineRequired) === 0;
  if (mayStayOffline && mayApprove(program, state, isOfflineOnly)) return 'TC';
  return isOfflineOnly ? 'AAC' : 'ARQC';
}

/** The card transaction qualifiers (9F6C), the holder's verification chosen when the reader demands one. EMV Book C-3, 5.7. */
function qualifiersOf({ card }: CardProgram, capabilities: number, demands: number): Uint8Array {
  const qualifiers = hex(card.ctq ?? '0000');
  if ((demands & ttq2.cvmRequired) === 0) return qualifiers;
  const chosen = card.fastCvm?.find((method) => (capabilities & ttq[method]) !== 0);
  if (chosen !== undefined) qualifiers[0] = (qualifiers[0] ?? 0) | (chosen === 'onlinePin' ? 0x80 : 0x40);
  return qualifiers;
}

/** Fast dynamic data authentication, version 1. EMV Book C-3, annex C. */
function fastSignature(program: CardProgram, state: CardState, atc: Uint8Array): Uint8Array | undefined {
  const { signer } = program;
  const told = (tag: number, length: number): Uint8Array => state.told.get(tag) ?? new Uint8Array(length);
  const number = told(0x9f37, 4);
  return signer === undefined || state.cardAuthenticationData === undefined
    ? undefined
    : signFdda(signer, atc, {
        unpredictableNumber: hasFault(program, 'ignoresUnpredictableNumber')
          ? new Uint8Array(4)
          : hasFault(program, 'wrongDynamicHash')
            ? number.map((byte) => byte ^ 0x55)
            : number,
        amount: told(0x9f02, 6),
        currency: told(0x5f2a, 2),
        cardAuthenticationData: state.cardAuthenticationData,
      });
}
