import { runFamily } from './key-vectors.ts';

runFamily('dukpt-tdes', {
  transaction: [
    'ik',
    'transactionKey',
    'pinKey',
    'macRequestKey',
    'macResponseKey',
    'dataRequestKey',
    'dataResponseKey',
    'clearPinBlock',
    'encryptedPinBlock',
    'macRequest',
    'macRequestTruncated4',
    'macResponse',
    'macResponseTruncated4',
    'cmacRequest',
    'cmacResponse',
    'encryptedDataRequest',
    'encryptedDataResponse',
  ],
  initialFutureKeys: ['ik', 'futureKeys'],
  advanceKsn: ['nextKsn', 'exhausted'],
  validateKsn: ['valid'],
});
