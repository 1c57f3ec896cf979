import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type FileRoomError, openFileRoom } from './file/file-room.ts';
import { openPkcs11Room, type Pkcs11RoomError } from './pkcs11/pkcs11-room.ts';
import { parsePkcs11Uri } from './pkcs11/uri.ts';
import type { Vault } from './port.ts';
import type { VaultHead } from './port.ts';
import { openVault } from './vault.ts';

/** Opens the vault in this file, or makes one. `seen`: how far it was when the store last heard of it. */
export async function openFileVault(
  path: string,
  passphrase: string,
  world: Pick<World, 'entropy'>,
  seen?: VaultHead,
): Promise<Result<Vault, FileRoomError>> {
  const room = await openFileRoom(path, passphrase, world, seen);
  return room.ok ? ok(await openVault(room.value, world)) : room;
}

/**
 * Opens the vault in a token.
 *
 * @param uri RFC 7512: `pkcs11:token=NAME?module-path=FILE`. OPTION_INVALID for one that cannot be read, or that holds a PIN.
 * @param pin of the token's user.
 */
export async function openPkcs11Vault(
  uri: string,
  pin: string,
  world: Pick<World, 'entropy'>,
): Promise<Result<Vault, Pkcs11RoomError | 'OPTION_INVALID'>> {
  const where = parsePkcs11Uri(uri);
  if (!where) return fail('OPTION_INVALID', { field: 'vault' });
  const room = await openPkcs11Room(where, pin, world);
  return room.ok ? ok(await openVault(room.value, world)) : room;
}
