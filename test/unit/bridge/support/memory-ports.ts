import { configuration, type Configuration } from '@tsunagu/protocols/fleet';
import { fail, ok, Secret } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import { testCard } from '@tsunagu/protocols/test-cards';
import type { Acquirer, CardSidePorts, StoredReversal } from '@tsunagu/firmware-bridge/payment/index';

/** Ports of a terminal under test, and what they saw, in order. */
export interface MemoryPorts {
  readonly ports: CardSidePorts;
  readonly kept: Map<string, StoredReversal>;
  readonly journal: string[];
  negative: NegativeAnswer | 'list';
  configuration: Configuration;
  failPuts: boolean;
  failRemoves: boolean;
}

const copy = ({ image, pan }: StoredReversal): StoredReversal => ({
  image,
  pan: pan.use((bytes) => Secret.copy('pan', bytes)),
});

const listed = testCard('visa-listed').pan;
const isListed = (pan: Secret<'pan'>): boolean => pan.use((a) => listed.use((b) => Buffer.compare(a, b) === 0));

export function memoryPorts(acquirer: Acquirer): MemoryPorts {
  let stan = 0;
  const kept = new Map<string, StoredReversal>();
  const journal: string[] = [];
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
          journal.push(`keep ${reversal.image.reason}`);
          kept.set(reversal.image.id, copy(reversal));
          return ok(undefined);
        },
        remove: async (id) => {
          await Promise.resolve();
          if (memory.failRemoves) return fail('REVERSAL_NOT_STORED');
          if (kept.delete(id)) journal.push('forget');
          return ok(undefined);
        },
        list: () => Promise.resolve([...kept.values()].map(copy)),
      },
      negative: {
        check: (pan) => (memory.negative === 'list' ? (isListed(pan) ? 'listed' : 'clear') : memory.negative),
      },
      stan: { next: () => Promise.resolve(ok(++stan)) },
      configuration: () => memory.configuration,
      identity: () => ({ terminalId: 'T0000001', merchantId: 'M00000000000001', acquirerId: '39200012345' }),
    },
  };
  return memory;
}
