import {
  type AesDukptState,
  aesInitialKey,
  type DukptScheme,
  formatKsn,
  initialiseAesTerminal,
  initialiseTdesTerminal,
  parseAesTerminal,
  parseTdesKsn,
  parseTdesTerminal,
  serialiseAesTerminal,
  serialiseTdesTerminal,
  takeAesTransactionKey,
  takeTdesTransactionKey,
  type TdesDukptState,
  tdesInitialKey,
  type TransactionKey,
} from '@tsunagu/protocols/dukpt';
import { ok, type Result, type Secret } from '@tsunagu/protocols/kit';

/** A terminal's future keys, of the scheme that its model can do. */
export type DukptState =
  | { readonly scheme: 'aes'; readonly state: AesDukptState }
  | { readonly scheme: 'tdes'; readonly state: TdesDukptState };

/** The scheme of an initial key by its id: 8 bytes or 10. */
export const schemeOfId = (initialKeyId: Uint8Array): DukptScheme => (initialKeyId.length === 10 ? 'tdes' : 'aes');

/** Fills the registers from an initial key, which the caller then destroys. X9.24-3:2017, 6.4 and C.3.1. */
export function initialiseDukpt(
  key: Secret<'key'>,
  initialKeyId: Uint8Array,
): Result<DukptState, 'KEY_LENGTH_INVALID' | 'KSN_LENGTH_INVALID'> {
  if (schemeOfId(initialKeyId) === 'aes') {
    const initial = aesInitialKey(key, initialKeyId);
    return initial.ok ? ok({ scheme: 'aes', state: initialiseAesTerminal(initial.value) }) : initial;
  }
  const ksn = parseTdesKsn(initialKeyId);
  if (!ksn.ok) return ksn;
  const initial = tdesInitialKey(key, ksn.value);
  return initial.ok ? ok({ scheme: 'tdes', state: initialiseTdesTerminal(initial.value) }) : initial;
}

/** Writes the state for the sealed store. */
export const serialiseDukpt = ({ scheme, state }: DukptState): Secret<'key'> =>
  scheme === 'aes' ? serialiseAesTerminal(state) : serialiseTdesTerminal(state);

/** Reads what `serialiseDukpt` wrote; the initial key's id tells which scheme it was. */
export function parseDukpt(stored: Secret<'key'>, scheme: DukptScheme): Result<DukptState, 'DUKPT_STATE_INVALID'> {
  const read = scheme === 'aes' ? parseAesTerminal(stored) : parseTdesTerminal(stored);
  if (!read.ok) return read;
  return ok('initialKsn' in read.value ? { scheme: 'tdes', state: read.value } : { scheme: 'aes', state: read.value });
}

/** The next transaction key and the state to store before it is used. X9.24-3:2017, 6.4 and C.3.2. */
export function takeDukpt({
  scheme,
  state,
}: DukptState): Result<
  { readonly transactionKey: TransactionKey; readonly next: DukptState },
  'DUKPT_COUNTER_EXHAUSTED'
> {
  if (scheme === 'aes') {
    const taken = takeAesTransactionKey(state);
    if (!taken.ok) return taken;
    return ok({ transactionKey: taken.value.transactionKey, next: { scheme, state: taken.value.next } });
  }
  const taken = takeTdesTransactionKey(state);
  if (!taken.ok) return taken;
  return ok({ transactionKey: taken.value.transactionKey, next: { scheme, state: taken.value.next } });
}

/** The KSN of the next transaction; its counter is 0 when the last key is spent. */
export const nextKsn = ({ scheme, state }: DukptState): Uint8Array =>
  formatKsn({
    scheme,
    initialKeyId: scheme === 'aes' ? state.initialKeyId : state.initialKsn,
    counter: state.counter ?? 0,
  });
