/** Tables of inspections. */
export interface InspectionTables {
  /** How often the terminals of a shop are looked at. */
  readonly inspection_plans: {
    merchant: string;
    shop: string;
    every_days: number;
    planned_at: number;
    planned_by: string;
  };
  /** Reports, each signed by its technician. Rows are never changed. */
  readonly inspections: {
    id: string;
    serial: string;
    /** By the technician's clock, milliseconds since 1970. */
    at: number;
    by_kid: string;
    surface: string;
    /** JSON array of findings. */
    findings: string;
    delivered_at: number;
    delivered_by: string;
    /** JSON of the signed document. */
    document: string;
  };
}
