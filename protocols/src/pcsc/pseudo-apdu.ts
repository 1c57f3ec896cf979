import { command, type CommandApdu } from '../apdu/index.ts';

/** What a host asks of a contactless reader with class FF. PC/SC part 3, 3.2.2. */
export type PseudoCommand =
  /** UID of type A, PUPI of type B, IDm of FeliCa. */
  | { readonly type: 'getUid' }
  /** Historical bytes of an ISO 14443-4 card. */
  | { readonly type: 'getHistoricalBytes' }
  | { readonly type: 'loadKey'; readonly structure: number; readonly number: number; readonly key: Uint8Array }
  | {
      readonly type: 'authenticate';
      readonly block: number;
      /** 60 key A, 61 key B. */
      readonly keyType: number;
      readonly keyNumber: number;
    }
  | { readonly type: 'readBinary'; readonly block: number; readonly length: number }
  | { readonly type: 'updateBinary'; readonly block: number; readonly data: Uint8Array }
  /** Data objects of a transparent session; 3.2.3. */
  | { readonly type: 'manageSession' | 'transparentExchange' | 'switchProtocol'; readonly objects: Uint8Array };

/** Writes a pseudo-APDU. */
export function encodePseudoCommand(pseudo: PseudoCommand): CommandApdu {
  switch (pseudo.type) {
    case 'getUid':
      return command(0xff, 0xca, 0x00, 0x00, undefined, 256);
    case 'getHistoricalBytes':
      return command(0xff, 0xca, 0x01, 0x00, undefined, 256);
    case 'loadKey':
      return command(0xff, 0x82, pseudo.structure, pseudo.number, pseudo.key);
    case 'authenticate': {
      const { block, keyType, keyNumber } = pseudo;
      return command(0xff, 0x86, 0, 0, Uint8Array.of(1, block >> 8, block & 0xff, keyType, keyNumber));
    }
    case 'readBinary':
      return command(0xff, 0xb0, pseudo.block >> 8, pseudo.block & 0xff, undefined, pseudo.length);
    case 'updateBinary':
      return command(0xff, 0xd6, pseudo.block >> 8, pseudo.block & 0xff, pseudo.data);
    case 'manageSession':
      return command(0xff, 0xc2, 0, 0, pseudo.objects, 256);
    case 'transparentExchange':
      return command(0xff, 0xc2, 0, 1, pseudo.objects, 256);
    case 'switchProtocol':
      return command(0xff, 0xc2, 0, 2, pseudo.objects, 256);
  }
}

/** Reads a pseudo-APDU, as an emulated reader does; undefined when the class is not FF or the reader does not know it (SW 6A81). */
export function readPseudoCommand(apdu: CommandApdu): PseudoCommand | undefined {
  if (apdu.cla !== 0xff) return undefined;
  const { ins, p1, p2, data, le } = apdu;
  const block = (p1 << 8) | p2;
  switch (ins) {
    case 0xca:
      if (p2 !== 0 || p1 > 1 || data.length > 0) return undefined;
      return { type: p1 === 0 ? 'getUid' : 'getHistoricalBytes' };
    case 0x82:
      return { type: 'loadKey', structure: p1, number: p2, key: data };
    case 0x86: {
      const [version, high, low, keyType, keyNumber] = data;
      if (p1 !== 0 || p2 !== 0 || data.length !== 5 || version !== 1) return undefined;
      const where = ((high ?? 0) << 8) | (low ?? 0);
      return { type: 'authenticate', block: where, keyType: keyType ?? 0, keyNumber: keyNumber ?? 0 };
    }
    case 0xb0:
      return data.length > 0 ? undefined : { type: 'readBinary', block, length: le ?? 256 };
    case 0xd6:
      return { type: 'updateBinary', block, data };
    case 0xc2: {
      const type = p1 === 0 ? sessions[p2] : undefined;
      return type === undefined ? undefined : { type, objects: data };
    }
    default:
      return undefined;
  }
}

const sessions = ['manageSession', 'transparentExchange', 'switchProtocol'] as const;
