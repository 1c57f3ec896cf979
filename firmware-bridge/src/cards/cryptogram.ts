import { generateCryptogram, signCda, type ValueOf } from '@tsunagu/protocols/emv';
import { concat } from '@tsunagu/protocols/kit';
import { tlv } from '@tsunagu/protocols/tlv';
import { type CryptogramKind, cryptogramKinds } from './cryptogram-kind.ts';
import { type CardProgram, hasFault } from './program.ts';
import { draw } from './random.ts';
import { issuerApplicationData, type ResultKinds } from './results.ts';
import { type CardState, recall } from './state.ts';

/** A cryptogram with all that is told about it. */
export interface MadeCryptogram {
  readonly kind: CryptogramKind;
  readonly cryptogram: Uint8Array;
  readonly issuerApplicationData: Uint8Array;
  readonly atc: Uint8Array;
}

export const atcBytes = (atc: number): Uint8Array => Uint8Array.of(atc >> 8, atc & 0xff);

/** Where a cryptogram's input comes from: what the terminal told, and what the card holds. */
export function valuesOf({ image }: CardProgram, state: CardState, issuerData: Uint8Array): ValueOf {
  const atc = atcBytes(recall(state).atc);
  return (tag) => {
    if (tag === 0x82) return image.aip;
    if (tag === 0x9f36) return atc;
    if (tag === 0x9f10) return issuerData;
    return state.told.get(tag);
  };
}

/** Makes a cryptogram; undefined when the terminal left out what it is made of. */
export function makeCryptogram(
  program: CardProgram,
  state: CardState,
  kinds: ResultKinds,
  dynamicNumber?: Uint8Array,
): MadeCryptogram | undefined {
  const issuerData = issuerApplicationData(program, state, kinds);
  // M/Chip tells the first two bytes of the number that it signs.
  if (dynamicNumber !== undefined && program.card.scheme === 'mastercard')
    issuerData.set(dynamicNumber.subarray(0, 2), 8);
  const made = generateCryptogram(program.card.profile, program.keys, valuesOf(program, state, issuerData));
  if (!made.ok) return undefined;
  const cryptogram = made.value;
  if (hasFault(program, 'wrongCryptogram')) cryptogram[0] = (cryptogram[0] ?? 0) ^ 0xff;
  const kind = kinds.second ?? kinds.first;
  return { kind, cryptogram, issuerApplicationData: issuerData, atc: atcBytes(recall(state).atc) };
}

/** Answer to GENERATE AC without a signature: values (80) or objects (77). EMV 4.3 Book 3, 6.5.5.4. */
export function plainAnswer({ card }: CardProgram, made: MadeCryptogram): Uint8Array {
  const cid = Uint8Array.of(cryptogramKinds[made.kind]);
  if (card.answerFormat === 1) return tlv(0x80, cid, made.atc, made.cryptogram, made.issuerApplicationData);
  return tlv(
    0x77,
    tlv(0x9f27, cid),
    tlv(0x9f36, made.atc),
    tlv(0x9f26, made.cryptogram),
    tlv(0x9f10, made.issuerApplicationData),
  );
}

/** A number to be signed, and the state that follows. EMV 4.3 Book 2, 6.5.1 (ICC dynamic number, 2 to 8 bytes). */
export const drawDynamicNumber = (
  program: CardProgram,
  state: CardState,
): { readonly state: CardState; readonly number: Uint8Array } => draw(program, state, 8);

/**
 * Answer to GENERATE AC with a signature (CDA): always objects, and the cryptogram stands inside the signature alone.
 * The transaction data hash covers what the terminal sent (PDOL, CDOL1, CDOL2), then the objects of this answer without 9F4B.
 *
 * @see EMV 4.3 Book 2, 6.6.1
 */
export function signedAnswer(
  program: CardProgram,
  state: CardState,
  made: MadeCryptogram,
  dynamicNumber: Uint8Array,
): Uint8Array | undefined {
  const { signer } = program;
  const told = state.told.get(0x9f37);
  if (signer === undefined || told === undefined) return undefined;
  const unpredictableNumber = hasFault(program, 'ignoresUnpredictableNumber')
    ? new Uint8Array(4)
    : hasFault(program, 'wrongDynamicHash')
      ? told.map((byte) => byte ^ 0x55)
      : told;
  const information = cryptogramKinds[made.kind];
  const before = concat(tlv(0x9f27, Uint8Array.of(information)), tlv(0x9f36, made.atc));
  const behind = tlv(0x9f10, made.issuerApplicationData);
  const wrong = hasFault(program, 'wrongTransactionHash') ? Uint8Array.of(0) : new Uint8Array(0);
  const transactionData = concat(state.sent, before, behind, wrong);
  const signature = signCda(
    signer,
    dynamicNumber,
    made.cryptogram,
    { unpredictableNumber, cryptogramInformation: information, transactionData },
    state.relay,
  );
  return tlv(0x77, before, tlv(0x9f4b, signature), behind);
}
