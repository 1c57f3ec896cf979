import {
  openAcquirerStanding,
  openReversalStore,
  openStanCounter,
  stansOf,
} from '@tsunagu/firmware-bridge/acquiring/index';
import type { CardWallet } from '@tsunagu/firmware-bridge/cards/index';
import { TerminalCardSide } from '@tsunagu/firmware-bridge/payment/index';
import type { EmulatedRcs380 } from '@tsunagu/firmware-bridge/readers/emulated/rcs380-device';
import { openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import { openAdviceStore, openSaleStore, openTraceStore } from '@tsunagu/firmware-bridge/sales/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { type Acquirer, type CardAuthorities, openCardVault } from '@tsunagu/firmware-bridge/secure/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { configuration, type Configuration, type SaleResult } from '@tsunagu/protocols/fleet';
import { fail, ok, type Secret, unwrap } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { OfflineAllowance } from '@tsunagu/protocols/negative/authority';
import { testCard } from '@tsunagu/protocols/test-cards';
import type { World } from '@tsunagu/protocols/world';
import { MemoryFiles } from '../agent/memory-files.ts';
import { fastWorld } from '../bridge/support/fast-world.ts';

/** A terminal's card side on a fake disk: real sealed store, real stores, real secure part; its power can fail at any write. */
export interface Booted {
  readonly side: TerminalCardSide;
  readonly files: MemoryFiles;
  readonly lines: readonly { readonly level: string; readonly event: string }[];
  readonly ports: Parameters<typeof TerminalCardSide.open>[0]['ports'];
  readonly world: World;
  /** What was counted as approved offline, in the order of the sales. */
  readonly counted: readonly number[];
  /** What was told of payments that nobody waited for. */
  readonly reported: readonly SaleResult[];
  /** Waits until nothing is due any more. */
  drained(): Promise<void>;
}

export interface BootOptions {
  readonly files?: MemoryFiles;
  readonly acquirer: (isAlive: () => boolean) => Acquirer;
  readonly failAt?: number;
  readonly model?: string;
  readonly configuration?: Partial<Configuration>;
  readonly negative?: () => NegativeAnswer;
  readonly allowance?: OfflineAllowance;
  readonly canCount?: boolean;
  readonly identity?: { readonly terminalId: string; readonly merchantId: string };
  readonly factor?: number;
  readonly authorities?: CardAuthorities | undefined;
  /** Where its cards are between two contacts: another boot finds them there. */
  readonly wallet?: CardWallet;
  /** Changes what happens at the FeliCa antenna. */
  readonly antenna?: (felica: EmulatedRcs380) => void;
}

export async function boot(options: BootOptions): Promise<Booted> {
  const files = options.files ?? new MemoryFiles();
  const { world, lines } = fastWorld(options.factor ?? 400);
  const model = modelOf(options.model ?? 'CT-5100');
  if (model === undefined) throw new Error('no such model');
  const { failAt = Number.POSITIVE_INFINITY } = options;
  const isAlive = (): boolean => files.changes < failAt;
  const store = unwrap(await openSealedStore(files, world));
  const listed = testCard('visa-listed').pan;
  const counted: number[] = [];
  const reported: SaleResult[] = [];
  const reversals = unwrap(await openReversalStore(store));
  const sales = unwrap(await openSaleStore(store));
  const advices = unwrap(await openAdviceStore(store, sales));
  const used = stansOf(sales.all(), advices.entries(), await reversals.list());
  const ports: Booted['ports'] = {
    acquirer: options.acquirer(isAlive),
    reversals,
    negative: {
      check: (pan: Secret<'pan'>): NegativeAnswer =>
        options.negative?.() ?? (pan.use((a) => listed.use((b) => Buffer.compare(a, b))) === 0 ? 'listed' : 'clear'),
    },
    offline: {
      allowance: () => options.allowance ?? { freshness: 'fresh', amountLeftMinor: 500_000 },
      approvedOffline: (amountMinor: number) => {
        counted.push(amountMinor);
        return Promise.resolve(options.canCount === false ? fail('STORE_WRITE_FAILED') : ok(undefined));
      },
    },
    standing: unwrap(await openAcquirerStanding(store, world)),
    vault: unwrap(await openCardVault(store, world)),
    sales,
    advices,
    traces: await openTraceStore(store, world),
    report: (sale) => {
      reported.push(sale);
      return Promise.resolve();
    },
    stan: unwrap(await openStanCounter(store, world, used)),
    configuration: () =>
      configuration.parse({
        answerTimeoutMs: 8_000,
        floorLimitMinor: 10_000,
        ...options.configuration,
      }),
    identity: () => ({
      terminalId: 'T0000001',
      merchantId: 'M00000000000001',
      acquirerId: '39200012345',
      ...options.identity,
    }),
  };
  const station = openEmulatedStation(world, model);
  if (station.emulated.felica) options.antenna?.(station.emulated.felica);
  const side = await TerminalCardSide.open(
    { world, model, ports, wallet: options.wallet, authorities: options.authorities },
    station,
  );
  return {
    side,
    files,
    lines,
    counted,
    reported,
    ports,
    world,
    async drained() {
      for (let tries = 0; tries < 30_000; tries++) {
        const waiting = await ports.reversals.list();
        if (waiting.length === 0 && ports.advices.entries().every(({ state }) => state === 'refused')) return;
        side.wake();
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      throw new Error('something is due for ever');
    },
  };
}
