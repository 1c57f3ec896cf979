import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unwrap } from '@tsunagu/protocols/kit';
import { openClient } from 'tsunagu/client/index';
import { draftFirst, draftTargets, openKeyring, readPublished, targetFor } from 'tsunagu/signing/index';
import { patientMs, type TestHouse } from './support.ts';

type Requirements = Parameters<typeof targetFor>[1];

/** Somebody with the signing keys of a house's software, which lie in a folder of his own. */
export async function person(house: TestHouse, dataDir: string, keys: string) {
  const { token } = JSON.parse(readFileSync(join(dataDir, 'access.json'), 'utf8')) as { token: string };
  const client = openClient({ url: house.house.managementUrl, token }, house.world, patientMs);
  const keyring = unwrap(await openKeyring(house.world, keys, {}));
  return {
    client,
    keyring,
    async init(rootKeys = 1, rootThreshold = 1) {
      unwrap(
        await client.publishSoftware(
          unwrap(await draftFirst(house.world, client, keyring, { rootKeys, rootThreshold })),
        ),
      );
    },
    /** Uploads an image and signs it into the targets. @returns its digest */
    async publish(image: Uint8Array, more: Requirements = {}): Promise<string> {
      const { digest } = unwrap(await client.uploadSoftware(image));
      const { path, file } = unwrap(targetFor(image, more));
      const published = unwrap(await readPublished(client));
      const draft = draftTargets(house.world, published, keyring, (listed) => ({ ...listed, [path]: file }));
      unwrap(await client.publishSoftware(draft));
      return digest;
    },
  };
}
