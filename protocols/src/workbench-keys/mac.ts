import { toHex } from '../kit/index.ts';
import { computeMac, type MacAlgorithm, pad, verifyMac } from '../mac/index.ts';
import { bytes, choice, key, numberOf, operation, type Request, refuse, unwrap } from './request.ts';

const cmacOf = (request: Request): MacAlgorithm => ({
  kind: 'CMAC',
  cipher: choice(request, 'cipher', ['AES', 'TDES']),
});

function iso9797Of(request: Request): MacAlgorithm {
  const padding = numberOf(request, 'padding', [1, 2, 3]);
  const cipher = choice(request, 'cipher', ['DES', 'TDES']);
  if (numberOf(request, 'algorithm', [1, 3]) === 1) return { kind: 'ISO9797-1-ALG1', cipher, padding };
  // Algorithm 3 is defined over single DES, with the two keys in one.
  return cipher === 'DES' ? { kind: 'ISO9797-1-ALG3', padding } : refuse({ code: 'INPUT_INVALID', field: 'cipher' });
}

/** The `mac` family of the workbench. */
export const macWorkbench = {
  cmac: operation((request) => ({
    mac: toHex(unwrap(computeMac(cmacOf(request), key(request, 'key'), bytes(request, 'dataHex')))),
  })),
  verifyCmac: operation((request) => {
    unwrap(verifyMac(cmacOf(request), key(request, 'key'), bytes(request, 'dataHex'), bytes(request, 'mac')));
    return {};
  }),
  iso9797: operation((request) => ({
    mac: toHex(unwrap(computeMac(iso9797Of(request), key(request, 'key'), bytes(request, 'dataHex')))),
  })),
  hmacSha256: operation((request) => ({
    mac: toHex(unwrap(computeMac({ kind: 'HMAC-SHA-256' }, key(request, 'key'), bytes(request, 'dataHex')))),
  })),
  pad: operation((request) => ({
    padded: toHex(
      pad(numberOf(request, 'method', [1, 2, 3]), numberOf(request, 'blockSize', [8, 16]), bytes(request, 'dataHex')),
    ),
  })),
};
