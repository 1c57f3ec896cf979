import { runFamily } from './key-vectors.ts';

runFamily('dukpt-aes', {
  workingKeys: ['initialKey', 'derivationKey', 'workingKeys'],
  updateKey: ['initialKey', 'derivationKey', 'updateKey'],
  transaction: [
    'initialKey',
    'derivationKey',
    'pinField',
    'panField',
    'pinKey',
    'encryptedPinBlock',
    'cmacRequest',
    'cmacResponse',
    'hmacSha256Request',
    'hmacSha256Response',
    'encryptedDataRequest',
    'encryptedDataResponse',
  ],
  advanceKsn: ['nextKsn', 'exhausted'],
  validateKsn: ['valid'],
  legacyKsn: ['initialKeyId', 'transactionCounter', 'internalKsn'],
});
