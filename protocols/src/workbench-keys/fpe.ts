import { encryptFf1 } from '../fpe/index.ts';
import { bytes, integer, key, operation, refuse, text, unwrap } from './request.ts';

/** The `fpe` family of the workbench. */
export const fpeWorkbench = {
  ff1: operation((request) => {
    const alphabet = text(request, 'alphabet');
    if ([...alphabet].length !== integer(request, 'radix')) refuse({ code: 'FPE_ALPHABET_INVALID', field: 'radix' });
    const parameters = { key: key(request, 'key'), tweak: bytes(request, 'tweak'), alphabet };
    return { ciphertext: unwrap(encryptFf1(parameters, text(request, 'plaintext'))) };
  }),
};
