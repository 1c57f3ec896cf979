import { toHex } from '../kit/index.ts';
import {
  deriveBlockKeys,
  isKbpkStrongEnough,
  isVersionId,
  type KeyAttributes,
  type OptionalBlock,
  readHeader,
  unwrapKeyBlock,
  wrapExactly,
} from '../tr31/index.ts';
import { bytes, key, list, object, operation, type Request, refuse, shown, text, unwrap } from './request.ts';

const optionalBlocksOf = (request: Request): OptionalBlock[] =>
  list(request, 'optionalBlocks').map((_, index, all) => {
    const block = object({ block: all[index] }, 'block');
    return { id: text(block, 'id'), data: text(block, 'data') };
  });

function attributesOf(request: Request): KeyAttributes {
  const header = object(request, 'header');
  const versionId = text(header, 'versionId');
  if (!isVersionId(versionId)) return refuse({ code: 'TR31_VERSION_UNKNOWN', field: 'versionId' });
  return {
    versionId,
    keyUsage: text(header, 'keyUsage'),
    algorithm: text(header, 'algorithm'),
    modeOfUse: text(header, 'modeOfUse'),
    keyVersion: text(header, 'keyVersion'),
    exportability: text(header, 'exportability'),
    reserved: text(header, 'reserved'),
  };
}

/** The `tr31` family of the workbench: syntax and cryptography, and no opinion on usages. */
export const tr31Workbench = {
  unwrap: operation((request) => {
    const {
      key: unwrapped,
      keyLengthBits,
      header,
      optionalBlocks,
    } = unwrap(unwrapKeyBlock(key(request, 'kbpk'), text(request, 'keyBlock'), { rules: 'syntaxAndCryptography' }));
    return { key: shown(unwrapped), keyLengthBits, header, optionalBlocks };
  }),
  wrap: operation((request) => {
    const kbpk = key(request, 'kbpk');
    const attributes = attributesOf(request);
    const secret = key(request, 'key');
    if (!isKbpkStrongEnough(attributes, kbpk.length, secret.length)) refuse({ code: 'TR31_KBPK_TOO_WEAK' });
    const padding = bytes(request, 'padding');
    return { keyBlock: unwrap(wrapExactly(kbpk, attributes, optionalBlocksOf(request), secret, padding)) };
  }),
  parseHeader: operation((request) => {
    const header = text(request, 'headerString');
    const { header: read, optionalBlocks } = unwrap(readHeader(header));
    const { length } = read.headerString;
    if (length !== header.length) refuse({ code: 'TR31_LENGTH_INVALID', offset: length });
    return { headerLength: length, optionalBlocks };
  }),
  deriveKeys: operation((request) => {
    const versionId = text(request, 'versionId');
    if (!isVersionId(versionId)) return refuse({ code: 'TR31_VERSION_UNKNOWN', field: 'versionId' });
    const { encryption, authentication } = unwrap(deriveBlockKeys(versionId, bytes(request, 'kbpk')));
    return { kbek: toHex(encryption), kbak: toHex(authentication) };
  }),
};
