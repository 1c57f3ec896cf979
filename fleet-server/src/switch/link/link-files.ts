import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultLinks, type Link, parseLink } from '@tsunagu/protocols/acquiring';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';

/** The most link files that are read, and the most bytes of one. */
const filesMax = 256;
const bytesMax = 262_144;

/**
 * The links of a house: the shipped ones, and those of `DIR/links/*.json`, which take the place of one with the same id. A file that describes no
 * link is logged and left out, and so is a second one with an id: all others run.
 *
 * @param refused hears of each file that is left out, and of the link that it names, as far as it can be read
 */
export async function readLinks(
  world: Pick<World, 'log'>,
  dataFolder: string,
  refused: (file: string, fault: Fault<'LINK_FILE_INVALID'>, id?: string) => void = () => undefined,
): Promise<readonly Link[]> {
  const folder = join(dataFolder, 'links');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const found = new Map<string, Link>();
  const refuse = (file: string, field: string, id?: string): void => {
    const { fault } = fail('LINK_FILE_INVALID', { field, facts: { file } });
    world.log('error', 'linkFileRefused', { fault });
    refused(file, fault, id);
  };
  for (const name of names.slice(0, filesMax)) {
    const text = await readFile(join(folder, name), 'utf8');
    const json = text.length > bytesMax ? undefined : jsonOf(text);
    const parsed = json === undefined ? fail('PROFILE_INVALID', { field: 'file' }) : parseLink(json);
    if (!parsed.ok) refuse(name, String(parsed.fault.field ?? ''), idOf(json) ?? name.slice(0, -'.json'.length));
    else if (found.has(parsed.value.id)) refuse(name, 'id');
    else found.set(parsed.value.id, parsed.value);
  }
  for (const name of names.slice(filesMax)) refuse(name, 'count');
  return [...defaultLinks.filter(({ id }) => !found.has(id)), ...found.values()];
}

/** As `readLinks`, for who wants some by name. LINK_FILE_INVALID: the file of it describes none. */
export async function readLinksByName(
  world: Pick<World, 'log'>,
  dataFolder: string,
): Promise<(id: string) => Result<Link, 'LINK_UNKNOWN' | 'LINK_FILE_INVALID'>> {
  const refused = new Map<string, Fault<'LINK_FILE_INVALID'>>();
  const links = await readLinks(world, dataFolder, (_, fault, id) => {
    if (id !== undefined) refused.set(id, fault);
  });
  return (id) => {
    const link = links.find((known) => known.id === id);
    const bad = refused.get(id);
    if (link) return ok(link);
    return bad ? fail('LINK_FILE_INVALID', bad) : fail('LINK_UNKNOWN', { facts: { link: id } });
  };
}

const named = z.looseObject({ id: z.string() });
const idOf = (json: unknown): string | undefined => named.safeParse(json).data?.id;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
