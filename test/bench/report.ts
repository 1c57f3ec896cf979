/** What a bench hands to the runner. */
export interface BenchReport {
  readonly name: string;
  /** Operations a second, unless the name says otherwise. */
  readonly figures: Readonly<Record<string, number>>;
  /** Ours to a peer or bound; above 1 ours is faster. */
  readonly ratios: Readonly<Record<string, number>>;
  /** The least that a ratio should be, for those that are promised. */
  readonly goals?: Readonly<Record<string, number>>;
  /** The most that a figure or a ratio should be, for those that are promised. */
  readonly limits?: Readonly<Record<string, number>>;
  /** What the peers and bounds are. */
  readonly peers: Readonly<Record<string, string>>;
}
