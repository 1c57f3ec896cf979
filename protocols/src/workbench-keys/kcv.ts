import { checkValue, desKeyKind, fullCheckValue, isDegenerate, withOddParity } from '../kcv/index.ts';
import { toHex } from '../kit/index.ts';
import { bytes, bytesOf, choice, integer, key, operation, refuse, unwrap } from './request.ts';

/** The `kcv` family of the workbench. */
export const kcvWorkbench = {
  kcv: operation((request) => {
    const algorithm = choice(request, 'algorithm', ['TDES', 'AES']);
    const method = choice(request, 'method', ['legacy', 'cmac']);
    const secret = key(request, 'key');
    return {
      kcv: toHex(unwrap(checkValue(algorithm, method, secret, integer(request, 'length')))),
      fullValue: toHex(unwrap(fullCheckValue(algorithm, method, secret))),
    };
  }),
  adjustOddParity: operation((request) => ({ adjusted: toHex(withOddParity(desKey(bytes(request, 'key'), 8))) })),
  degenerateTdesKey: operation((request) => ({ degenerate: isDegenerate(desKey(bytes(request, 'key'), 16)) })),
  weakDesKey: operation((request) => ({ kind: desKeyKind(bytesOf(request, 'key', 8)) })),
};

const desKey = (value: Uint8Array, fewest: 8 | 16): Uint8Array =>
  value.length >= fewest && value.length <= 24 && value.length % 8 === 0
    ? value
    : refuse({ code: 'KEY_LENGTH_INVALID', field: 'key', facts: { lengthBytes: value.length } });
