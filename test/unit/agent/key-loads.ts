import type { KeyLoad } from '@tsunagu/protocols/fleet';
import { checkValue } from '@tsunagu/protocols/kcv';
import { type Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { wrapKeyBlock } from '@tsunagu/protocols/tr31';
import type { World } from '@tsunagu/protocols/world';

const attributes = {
  dukpt: { keyUsage: 'B1', modeOfUse: 'X' },
  negative: { keyUsage: 'M6', modeOfUse: 'C' },
  'negative/2': { keyUsage: 'M6', modeOfUse: 'C' },
} as const;

/** A key as the server's vault sends it. */
export function keyLoadOf(
  slot: keyof typeof attributes,
  kbpk: Secret<'key'>,
  key: Secret<'key'>,
  world: World,
  initialKeyId?: Uint8Array,
): KeyLoad {
  const keyBlock = unwrap(
    wrapKeyBlock(kbpk, {
      attributes: {
        versionId: 'D',
        algorithm: 'A',
        keyVersion: '00',
        exportability: 'N',
        reserved: '00',
        ...attributes[slot],
      },
      ...(initialKeyId && { optionalBlocks: [{ id: 'IK', data: toHex(initialKeyId) }] }),
      key,
      entropy: (length) => world.entropy(length),
    }),
  );
  return { slot, keyBlock, kcv: toHex(unwrap(checkValue('AES', 'cmac', key))) };
}
