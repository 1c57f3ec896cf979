import { configuration, type Configuration } from '@tsunagu/protocols/fleet';
import { fail, ok, type Secret, unwrap } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import { testCard } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import type { CardSidePorts, ReversalImage } from '@tsunagu/firmware-bridge/payment/index';
import { openAdviceStore, openSaleStore, openTraceStore } from '@tsunagu/firmware-bridge/sales/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { type Acquirer, openCardVault } from '@tsunagu/firmware-bridge/secure/index';
import { MemoryFiles } from '../../agent/memory-files.ts';

/** Ports of a terminal under test, and what they saw, in order. Sales and advices lie in a real sealed store on a fake disk. */
export interface MemoryPorts {
  readonly ports: CardSidePorts;
  readonly kept: Map<string, ReversalImage>;
  readonly journal: string[];
  negative: NegativeAnswer | 'list';
  configuration: Configuration;
  failPuts: boolean;
  failRemoves: boolean;
}

const listed = testCard('visa-listed').pan;
const isListed = (pan: Secret<'pan'>): boolean => pan.use((a) => listed.use((b) => Buffer.compare(a, b) === 0));

export async function memoryPorts(acquirer: Acquirer): Promise<MemoryPorts> {
  let stan = 0;
  const kept = new Map<string, ReversalImage>();
  const journal: string[] = [];
  const world = systemWorld(() => undefined);
  const store = unwrap(await openSealedStore(new MemoryFiles(), world));
  const sales = unwrap(await openSaleStore(store));
  const memory: MemoryPorts = {
    kept,
    journal,
    negative: 'list',
    configuration: configuration.parse({ answerTimeoutMs: 8_000 }),
    failPuts: false,
    failRemoves: false,
    ports: {
      acquirer: {
        exchange: async (message, options) => {
          journal.push(`send ${message.mti}`);
          const answer = await acquirer.exchange(message, options);
          journal.push(answer.ok ? `answer ${answer.value.mti}` : answer.fault.code);
          return answer;
        },
      },
      reversals: {
        put: async (reversal) => {
          await Promise.resolve();
          if (memory.failPuts) return fail('REVERSAL_NOT_STORED');
          journal.push(`keep ${reversal.reason}`);
          kept.set(reversal.id, reversal);
          return ok(undefined);
        },
        remove: async (id) => {
          await Promise.resolve();
          if (memory.failRemoves) return fail('REVERSAL_NOT_STORED');
          if (kept.delete(id)) journal.push('forget');
          return ok(undefined);
        },
        putAside: (id, why) => {
          const one = kept.get(id);
          if (one) kept.set(id, { ...one, refused: why });
          return Promise.resolve(ok(undefined));
        },
        list: () => Promise.resolve([...kept.values()].filter(({ refused }) => refused === undefined)),
        aside: () => [...kept.values()].filter(({ refused }) => refused !== undefined),
        isLost: false,
        restore: () => Promise.resolve(ok(undefined)),
      },
      negative: {
        check: (pan) => (memory.negative === 'list' ? (isListed(pan) ? 'listed' : 'clear') : memory.negative),
      },
      offline: {
        allowance: () => ({ freshness: 'fresh', amountLeftMinor: 500_000 }),
        approvedOffline: () => Promise.resolve(ok(undefined)),
      },
      standing: { isTurnedAway: false, keep: () => Promise.resolve() },
      vault: unwrap(await openCardVault(store, world)),
      sales,
      advices: unwrap(await openAdviceStore(store, sales)),
      traces: await openTraceStore(store, world),
      report: () => Promise.resolve(),
      stan: { next: () => Promise.resolve(ok(++stan)) },
      configuration: () => memory.configuration,
      identity: () => ({ terminalId: 'T0000001', merchantId: 'M00000000000001', acquirerId: '39200012345' }),
    },
  };
  return memory;
}
