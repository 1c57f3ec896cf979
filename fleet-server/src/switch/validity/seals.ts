import { Secret, unwrap } from '@tsunagu/protocols/kit';
import type { CheckedCard } from '@tsunagu/protocols/validity';
import type { SwitchVault } from '../ports.ts';
import type { CardRow, FileRow } from './tables.ts';

/** What stands sealed by the vault: the data key of a file, and its cards until their issuers have answered. */
export interface Seals {
  sealKey(file: string, key: Secret<'key'>): Uint8Array;
  keyOf(file: Pick<FileRow, 'id' | 'data_key'>): Secret<'key'>;
  sealCard(file: string, sequence: number, card: CheckedCard): Uint8Array;
  cardOf(row: CardRow): CheckedCard;
}

/** The seals of a vault, each bound to its file and place. */
export function openSeals(vault: Pick<SwitchVault, 'seal' | 'open'>): Seals {
  const ofFile = (file: string): string => `switch/validity/${file}`;
  const ofCard = (file: string, sequence: number): string => `${ofFile(file)}/${sequence}`;
  return {
    sealKey: (file, key) => key.use((bytes) => vault.seal(ofFile(file), Uint8Array.from(bytes))),
    keyOf: ({ id, data_key }) => Secret.take('key', Uint8Array.from(unwrap(vault.open(ofFile(id), data_key)))),
    sealCard(file, sequence, { pan, expiry }) {
      const content = pan.use((digits) => Buffer.concat([Buffer.from(expiry ?? '0000', 'latin1'), digits]));
      const sealed = vault.seal(ofCard(file, sequence), content);
      content.fill(0);
      return sealed;
    },
    cardOf({ file, sequence, card }) {
      if (card === null) throw new Error('a card that was answered is not kept');
      const content = unwrap(vault.open(ofCard(file, sequence), card));
      const expiry = Buffer.from(content.subarray(0, 4)).toString('latin1');
      const pan = Secret.copy('pan', content, 4);
      content.fill(0);
      return { pan, expiry: expiry === '0000' ? undefined : expiry };
    },
  };
}
