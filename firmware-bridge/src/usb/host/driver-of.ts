import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * The kernel driver that holds an interface (Linux): `usbfs` when it is another process, undefined when nobody or unknown.
 * @param bus as the `usb` package names it; its digits are the bus number
 */
export async function driverOf(
  root: string,
  bus: string,
  address: number,
  interfaceNumber: number,
): Promise<string | undefined> {
  const busNumber = Number.parseInt(bus, 10);
  for (const name of await readdir(root).catch(() => [])) {
    if (name.includes(':')) continue;
    if ((await numberIn(join(root, name, 'busnum'))) !== busNumber) continue;
    if ((await numberIn(join(root, name, 'devnum'))) !== address) continue;
    const configuration = (await numberIn(join(root, name, 'bConfigurationValue'))) ?? 1;
    const link = join(root, `${name}:${configuration}.${interfaceNumber}`, 'driver');
    const target = await readlink(link).catch(() => undefined);
    return target === undefined ? undefined : basename(target);
  }
  return undefined;
}

const numberIn = async (path: string): Promise<number | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number.parseInt(text, 10);
};
