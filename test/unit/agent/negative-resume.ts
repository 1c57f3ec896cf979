import { ContainerDownload } from '@tsunagu/firmware-bridge/negative/fetch';
import { unwrap } from '@tsunagu/protocols/kit';
import {
  containerRoot,
  encodeContainer,
  openContainer,
  readStepNodes,
  leavesOf,
  stepNodes,
} from '@tsunagu/protocols/negative';
import { negativeNames } from '@tsunagu/protocols/fleet';
import { expect } from 'vitest';
import { randomHashes } from '../../negative/lists.ts';
import { lists, open, server, world } from './negative-terminal.ts';

/** A download of a list of so many cards that can be broken after any byte. */
export async function breakingDownload(count: number) {
  const bytes = encodeContainer(randomHashes(21, count, 40, 2));
  const container = unwrap(openContainer(bytes));
  const root = containerRoot(container);
  const name = negativeNames.container(Buffer.from(root).toString('hex'));
  server.negativeParts.set(name, bytes);
  const manifest = lists.manifestOf(1, { root, size: bytes.length, count: container.count });
  const steps = unwrap(readStepNodes(stepNodes(leavesOf(container)), root));
  const { network, stop } = await open();
  stop.abort();
  const source = { network, host: '127.0.0.1', timers: world.timers };
  return {
    size: bytes.length,
    headEnd: container.parts.at(-1)?.end ?? 0,
    /** Breaks after `cut` bytes and resumes; how many bytes were proven by then. The second request asks for no byte that was. */
    async resumes(cut: number): Promise<number> {
      const download = new ContainerDownload(manifest, steps);
      server.onArtefact = (_, __, response) => {
        server.onArtefact = undefined;
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, cut), () => response.destroy());
        if (cut === 0) response.destroy();
        return true;
      };
      server.artefactRequests.length = 0;
      expect((await download.run(source)).ok, `cut after ${cut}`).toBe(false);
      const { proven } = download;
      expect(proven, `cut after ${cut}`).toBeLessThanOrEqual(cut);
      const whole = unwrap(await download.run(source));
      expect(Buffer.from(whole).equals(bytes), `cut after ${cut}`).toBe(true);
      expect(server.artefactRequests.at(-1)?.range).toBe(proven > 0 ? `bytes=${proven}-` : undefined);
      return proven;
    },
  };
}
