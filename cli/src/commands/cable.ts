import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { claimBundle, parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { cableFiles, type CableOrder, cablesState, type CablesState } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';
import { emulatedTerminal } from './emulated-terminal.ts';

const lookMs = 50;
const looksMax = 60;

/** `tsunagu emulate cable SERIAL pull|plug READER`: the USB cable of an emulated reader of a running house. */
export async function moveCable(
  console: Console,
  world: Pick<World, 'id' | 'timers'>,
  data: string,
  serial: string,
  wanted: Omit<CableOrder, 'id'>,
  json: boolean,
): Promise<ExitCode> {
  if (wanted.does === 'plug' && wanted.atTransfer !== undefined) {
    printFault(console, { code: 'OPTION_INVALID', field: '--at-transfer' }, json);
    return exit.usage;
  }
  const folder = emulatedTerminal(data, serial);
  const moved = folder.ok ? await move(world, folder.value, { id: world.id(), ...wanted }) : folder;
  if (!moved.ok) {
    printFault(console, moved.fault, json);
    return exit.failed;
  }
  const texts = console.texts.workshop.cables;
  if (json) console.out(JSON.stringify({ serial, ...wanted, readers: moved.value.readers }));
  else {
    const { reader, does, atTransfer } = wanted;
    const name = texts.readers[reader];
    console.out(atTransfer === undefined ? texts[does](serial, name) : texts.armed(serial, name, atTransfer));
    console.err(
      console.paint(
        'muted',
        Object.entries(moved.value.readers)
          .map(([kind, state]) => `${kind}: ${texts.states[state]}`)
          .join('   '),
      ),
    );
  }
  return exit.ok;
}

/** Leaves the order where the bridge looks for it, and waits until it was done. */
async function move(
  world: Pick<World, 'timers'>,
  folder: string,
  order: CableOrder,
): Promise<Result<CablesState, 'MODEL_HAS_NO_READER' | 'CABLE_NOT_MOVED'>> {
  const claim = parseJson(claimBundle, await readFile(join(folder, 'claim.json'), 'utf8').catch(() => ''));
  const readers = claim.ok ? modelOf(claim.value.model)?.readers : undefined;
  if (readers !== undefined && !readers.includes(order.reader))
    return fail('MODEL_HAS_NO_READER', { facts: { reader: order.reader, readers: readers.join(' ') } });
  const file = join(folder, cableFiles.order);
  await writeFile(`${file}.new`, JSON.stringify(order), { mode: 0o600 });
  await rename(`${file}.new`, file);
  for (let looks = 0; looks < looksMax; looks++) {
    await world.timers.sleep(lookMs);
    const text = await readFile(join(folder, cableFiles.state), 'utf8').catch(() => '');
    const state = parseJson(cablesState, text);
    if (state.ok && state.value.done === order.id) return ok(state.value);
  }
  // It was not done, and is not done later either.
  await rm(file, { force: true });
  return fail('CABLE_NOT_MOVED', { facts: { reader: order.reader } });
}
