import { runFamily } from './key-vectors.ts';

runFamily('mac', { pad: ['padded'], cmac: ['mac'], verifyCmac: [], iso9797: ['mac'], hmacSha256: ['mac'] });
