import { cbcEncrypt } from '../cipher/index.ts';
import {
  advanceTdesKsn,
  deriveTdesInitialKey,
  deriveTdesTransactionKey,
  deriveTdesWorkingKey,
  formatTdesKsn,
  initialiseTdesTerminal,
  isUsableTdesKsn,
  parseTdesKsn,
  type TdesKeyUsage,
} from '../dukpt/index.ts';
import { toHex } from '../kit/index.ts';
import { computeMac, type MacAlgorithm } from '../mac/index.ts';
import { clearPinBlock, encipherPinBlock03 } from '../pinblock/index.ts';
import { bytes, bytesOf, key, numberOf, operation, refuse, shown, text, unwrap } from './request.ts';

const retail: MacAlgorithm = { kind: 'ISO9797-1-ALG3', padding: 1 };
const tdesCmac: MacAlgorithm = { kind: 'CMAC', cipher: 'TDES' };
const nothingToDraw = (): never => {
  throw new Error('format 0 draws nothing');
};

/** The `dukpt-tdes` family of the workbench. */
export const dukptTdesWorkbench = {
  transaction: operation((request) => {
    const ksn = unwrap(parseTdesKsn(bytes(request, 'ksn')));
    const initialKey = unwrap(deriveTdesInitialKey(key(request, 'bdk'), ksn));
    const transactionKey = unwrap(deriveTdesTransactionKey(initialKey, ksn.counter));
    const format = numberOf(request, 'pinBlockFormat', [0]);
    const clearBlock = unwrap(
      clearPinBlock(format, text(request, 'pin'), text(request, 'pan'), { entropy: nothingToDraw }),
    );
    const data = bytes(request, 'macDataHex');
    const iv = bytesOf(request, 'iv', 8);
    const clear = bytes(request, 'clearData');
    if (clear.length % 8 !== 0) refuse({ code: 'CIPHER_DATA_LENGTH_INVALID', field: 'clearData' });
    const working = {
      pin: deriveTdesWorkingKey(transactionKey, 'pinEncryption'),
      macRequest: deriveTdesWorkingKey(transactionKey, 'macRequest'),
      macResponse: deriveTdesWorkingKey(transactionKey, 'macResponse'),
      dataRequest: deriveTdesWorkingKey(transactionKey, 'dataRequest'),
      dataResponse: deriveTdesWorkingKey(transactionKey, 'dataResponse'),
    };
    const mac = (algorithm: MacAlgorithm, usage: TdesKeyUsage & keyof typeof working): string =>
      toHex(unwrap(computeMac(algorithm, working[usage], data)));
    const encrypted = (usage: TdesKeyUsage & keyof typeof working): string =>
      working[usage].use((secret) => toHex(cbcEncrypt('TDES', secret, iv, clear)));
    const macRequest = mac(retail, 'macRequest');
    const macResponse = mac(retail, 'macResponse');
    return {
      ik: shown(initialKey.key),
      transactionKey: shown(transactionKey.key),
      pinKey: shown(working.pin),
      macRequestKey: shown(working.macRequest),
      macResponseKey: shown(working.macResponse),
      dataRequestKey: shown(working.dataRequest),
      dataResponseKey: shown(working.dataResponse),
      clearPinBlock: toHex(clearBlock),
      encryptedPinBlock: toHex(unwrap(encipherPinBlock03(working.pin, clearBlock))),
      macRequest,
      macResponse,
      macRequestTruncated4: macRequest.slice(0, 8),
      macResponseTruncated4: macResponse.slice(0, 8),
      cmacRequest: mac(tdesCmac, 'macRequest'),
      cmacResponse: mac(tdesCmac, 'macResponse'),
      encryptedDataRequest: encrypted('dataRequest'),
      encryptedDataResponse: encrypted('dataResponse'),
    };
  }),
  initialFutureKeys: operation((request) => {
    const ksn = unwrap(parseTdesKsn(bytes(request, 'initialKsn')));
    if (ksn.counter !== 0) refuse({ code: 'DUKPT_COUNTER_INVALID', field: 'initialKsn' });
    const initialKey = unwrap(deriveTdesInitialKey(key(request, 'bdk'), ksn));
    const { futureKeys } = initialiseTdesTerminal(initialKey);
    const fromTop = [...futureKeys].toSorted(([a], [b]) => b - a);
    return { ik: shown(initialKey.key), futureKeys: fromTop.map(([, secret]) => shown(secret)) };
  }),
  advanceKsn: operation((request) => {
    const next = advanceTdesKsn(unwrap(parseTdesKsn(bytes(request, 'ksn'))));
    return { nextKsn: next.ok ? toHex(formatTdesKsn(next.value)) : null, exhausted: !next.ok };
  }),
  validateKsn: operation((request) => ({ valid: isUsableTdesKsn(unwrap(parseTdesKsn(bytes(request, 'ksn')))) })),
};
