import { fileURLToPath } from 'node:url';

/**
 * How the process of the fleet server is started. The supervisor, whoever starts the server alone, and the benches start it alike;
 * started otherwise it works, and says so in its log.
 */
export const serverProcess = {
  /**
   * Of Node. What is young has room until its transaction is over: a sale costs a tenth less than with the 16 MB that Node gives.
   * The heap may double before it is marked anew. V8 reckons the next limit from how fast it marks: beside a busy neighbour it takes itself to be
   * slow, and lets the heap grow by a tenth. A fleet that comes back then has the whole heap marked every 125 connections (every 500 with this),
   * and the more terminals are there, the longer each takes.
   * V8 allocates what it takes to live long among the old at once. What it learns in a busy spell, when most of what is young is in hand, holds for good: a sale
   * then leaves 13 kB that nobody needs for the marking of the heap, and all that these point to.
   * What Node has no option for of TLS stands in a file of OpenSSL's. (A getter: browsers load this file, and have no paths.)
   */
  get flags(): readonly string[] {
    const tls = fileURLToPath(new URL('../../server-tls.cnf', import.meta.url));
    return [
      '--max-semi-space-size=32',
      '--heap-growing-percent=100',
      '--no-allocation-site-pretenuring',
      `--openssl-config=${tls}`,
    ];
  },
  /**
   * Of glibc's allocator; other systems pay no heed. Node reads each TLS connection into 64 KiB of its own and touches a few of them. Out of
   * the common heap these lie on what handshakes before them have used, and more of it stays resident with each reconnect. From the
   * system, page by page, a connection costs what it touches. For that the heap may not grow by more than a buffer takes (`TOP_PAD`: the
   * allocator looks there first). A process may have 65,530 mappings (`vm.max_map_count`), and V8 ends without one: at `MMAP_MAX` the
   * allocator goes back to its heap.
   */
  environment: { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TOP_PAD_: '32768', MALLOC_MMAP_MAX_: '48000' },
} as const;
