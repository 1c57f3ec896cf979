import type { FaultCode, WorkOrder } from './order.ts';

/** Carbon dioxide that making a terminal costs: kilograms of CO2 equivalent a kilogram of device. An assumption (small electronics, published life cycle studies say 20 to 60). */
export const co2KgPerKg = 40;

/** A finished stay in the workshop. */
export interface FinishedWork {
  readonly order: WorkOrder;
  readonly days: number;
  readonly massGrams: number;
  /** null: it lies on its shelf yet. */
  readonly cameOf: 'redeployed' | 'scrapped' | null;
}

/** The figures of a workshop over a time. Ratios are between 0 and 1; null where there is nothing to divide by. */
export interface WorkshopFigures {
  readonly finished: number;
  /** Of those that left the workshop, how many went back into the field. */
  readonly reuseRate: number | null;
  readonly noFaultFoundRate: number | null;
  readonly repairYield: readonly { readonly fault: FaultCode; readonly tried: number; readonly repaired: number }[];
  readonly costYenPerRedeployment: number | null;
  readonly daysPerRedeployment: number | null;
  readonly wasteAvoidedKg: number;
  readonly co2AvoidedKg: number;
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Reckons the figures. The cost of what was not redeployed is borne by what was. */
export function figuresOf(work: readonly FinishedWork[]): WorkshopFigures {
  const again = work.filter(({ cameOf }) => cameOf === 'redeployed');
  const faults = [...new Set(work.flatMap(({ order: { fault } }) => (fault ? [fault] : [])))].toSorted();
  const kg = total(again.map(({ massGrams }) => massGrams)) / 1_000;
  return {
    finished: work.length,
    reuseRate: ratio(again.length, work.filter(({ cameOf }) => cameOf !== null).length),
    noFaultFoundRate: ratio(work.filter(({ order }) => order.outcome === 'no-fault-found').length, work.length),
    repairYield: faults.map((fault) => {
      const tried = work.filter(({ order }) => order.fault === fault);
      return { fault, tried: tried.length, repaired: tried.filter(({ order }) => order.outcome === 'repaired').length };
    }),
    costYenPerRedeployment: ratio(total(work.map(({ order }) => order.costYen)), again.length),
    daysPerRedeployment: ratio(total(again.map(({ days }) => days)), again.length),
    wasteAvoidedKg: kg,
    co2AvoidedKg: kg * co2KgPerKg,
  };
}
