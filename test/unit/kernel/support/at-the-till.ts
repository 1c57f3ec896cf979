import { modelOf } from '@tsunagu/protocols/catalogue';
import { caKeyHash, CaKeyTable } from '@tsunagu/protocols/emv';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { testCaKeys } from '@tsunagu/protocols/test-cards';
import {
  type KernelSettings,
  type KernelTerminal,
  type KernelTransaction,
  kernelTerminalOf,
  transactionTypes,
} from '@tsunagu/firmware-bridge/kernel/index';

/** The test CA's keys as a terminal holds them. */
export const testKeys: CaKeyTable = unwrap(
  CaKeyTable.load(testCaKeys().map((key) => ({ ...key, hash: caKeyHash(key) }))),
);

export const settings: KernelSettings = {
  terminalId: 'T0000001',
  merchantId: 'M00000000000001',
  floorLimitMinor: 10_000,
  caKeys: testKeys,
};

/** A terminal of the catalogue under test: CT-5100, offline with online capability, floor limit 10,000 yen. */
export function terminalWith(change: Partial<KernelSettings> = {}, modelId = 'CT-5100'): KernelTerminal {
  const model = modelOf(modelId);
  if (model === undefined) throw new Error('no such model');
  return kernelTerminalOf(model, { ...settings, ...change });
}

/** A sale of 1,280 yen on 2026-11-23. */
export const sale: KernelTransaction = {
  type: transactionTypes.purchase,
  amountMinor: 1_280,
  amountOtherMinor: 0,
  date: '261123',
  time: '110000',
  unpredictableNumber: hex('12345678'),
  sequenceCounter: 1,
  isForcedOnline: false,
};
