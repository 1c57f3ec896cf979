import { type Secret, secretPan, toHex } from '../kit/index.ts';
import {
  clearPinBlock,
  decipherPin,
  encipherPinBlock03,
  encipherPinBlock4,
  isPinBlockFormat,
  isTranslationPermitted,
  type PinBlockFormat,
  panField03,
  panField4,
  pinField02,
  pinField13,
  pinField4,
  readClearPinBlock,
  readPinField,
} from '../pinblock/index.ts';
import {
  type Answer,
  bytes,
  has,
  key,
  type Operation,
  object,
  operation,
  type Request,
  refuse,
  text,
  unwrap,
} from './request.ts';

type Entropy = (lengthBytes: number) => Uint8Array;

function formatOf(request: Request): PinBlockFormat {
  const { format } = request;
  return isPinBlockFormat(format) ? format : refuse({ code: 'PINBLOCK_FORMAT_UNKNOWN', field: 'format' });
}

function fillingOf(request: Request, entropy: Entropy): { readonly fill?: string; readonly entropy: Entropy } {
  return has(request, 'fill') ? { fill: text(request, 'fill'), entropy } : { entropy };
}

const randomOf = (request: Request, entropy: Entropy): Uint8Array =>
  has(request, 'random') ? bytes(request, 'random') : entropy(8);

function encode(request: Request, entropy: Entropy): Answer {
  const format = formatOf(request);
  const pin = text(request, 'pin');
  const secret = has(request, 'key') ? key(request, 'key') : undefined;
  if (format === 4) {
    const pinField = unwrap(pinField4(pin, randomOf(request, entropy)));
    const panField = unwrap(panField4(text(request, 'pan')));
    const fields = { pinField: toHex(pinField), panField: toHex(panField) };
    return secret === undefined
      ? fields
      : { ...fields, encryptedPinBlock: toHex(unwrap(encipherPinBlock4(secret, pinField, panField))) };
  }
  const filling = fillingOf(request, entropy);
  const pan = format === 0 || format === 3 ? text(request, 'pan') : undefined;
  const clear = unwrap(clearPinBlock(format, pin, pan, filling));
  return {
    ...(format === 0 ? { pinField: toHex(unwrap(pinField02(0, pin))) } : {}),
    ...(pan === undefined ? {} : { panField: toHex(unwrap(panField03(pan))) }),
    clearPinBlock: toHex(clear),
    ...(secret === undefined ? {} : { encryptedPinBlock: toHex(unwrap(encipherPinBlock03(secret, clear))) }),
  };
}

function decoded(request: Request): Secret<'pin'> {
  const format = formatOf(request);
  const pan = has(request, 'pan') ? text(request, 'pan') : undefined;
  if (has(request, 'encryptedPinBlock')) {
    const secretPanOf = pan === undefined ? undefined : secretPan(pan);
    return unwrap(decipherPin(format, key(request, 'key'), bytes(request, 'encryptedPinBlock'), secretPanOf));
  }
  if (format === 4) return unwrap(readPinField(4, bytes(request, 'pinField')));
  return unwrap(readClearPinBlock(format, bytes(request, 'clearPinBlock'), pan));
}

const asText = (pin: Secret<'pin'>): string => pin.use((digits) => Buffer.from(digits).toString('latin1'));

function translate(request: Request, entropy: Entropy): Answer {
  const from = object(request, 'from');
  const to = object(request, 'to');
  if (!isTranslationPermitted(formatOf(from), formatOf(to))) refuse({ code: 'PINBLOCK_TRANSLATION_FORBIDDEN' });
  const pan = has(request, 'pan') ? { pan: text(request, 'pan') } : {};
  const pin = asText(
    decoded({ format: from['format'], key: from['key'], encryptedPinBlock: text(from, 'encryptedPinBlock'), ...pan }),
  );
  key(to, 'key');
  return { encryptedPinBlock: encode({ ...to, pin, ...pan }, entropy)['encryptedPinBlock'] };
}

/** The `pinblock` family of the workbench. */
export const pinblockWorkbench = (entropy: Entropy): Record<string, Operation> => ({
  encode: operation((request) => encode(request, entropy)),
  encodePinField: operation((request) => {
    const format = formatOf(request);
    const pin = text(request, 'pin');
    const filling = fillingOf(request, entropy);
    if (format === 4) return { pinField: toHex(unwrap(pinField4(pin, randomOf(request, entropy)))) };
    const field = format === 0 || format === 2 ? pinField02(format, pin) : pinField13(format, pin, filling);
    return { pinField: toHex(unwrap(field)) };
  }),
  encodePanField: operation((request) => {
    const format = formatOf(request);
    if (format === 1 || format === 2) return refuse({ code: 'PINBLOCK_FORMAT_UNKNOWN', field: 'format' });
    const pan = text(request, 'pan');
    return { panField: toHex(unwrap(format === 4 ? panField4(pan) : panField03(pan))) };
  }),
  decode: operation((request) => ({ pin: asText(decoded(request)) })),
  translate: operation((request) => translate(request, entropy)),
});
