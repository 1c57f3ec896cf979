import type { DeathCertificate, KeyEnd } from './end-of-life.ts';

type Verdict = NonNullable<DeathCertificate['massBalance']>['verdict'];
type Method = Extract<DeathCertificate['wipe'], { by: 'destruction' }>['method'];
type Material = keyof NonNullable<NonNullable<DeathCertificate['recycling']>['materialGrams']>;
type Pair = readonly [head: string, value: string];

interface Words {
  readonly title: string;
  readonly clause: string;
  readonly terminal: string;
  readonly model: string;
  readonly at: string;
  readonly by: string;
  readonly approvedBy: string;
  readonly wipe: string;
  readonly sworn: (job: string, at: string) => string;
  readonly destroyed: (method: string, at: string, photo: string) => string;
  readonly methods: Readonly<Record<Method, string>>;
  readonly owed: string;
  readonly nothingWaits: (job: string) => string;
  readonly declared: (words: string, since: string, waiting: number, became: string) => string;
  readonly keys: (count: number) => string;
  readonly keyHeads: readonly [slot: string, usage: string, kcv: string, id: string, at: string, how: string];
  readonly ends: Readonly<Record<KeyEnd, string>>;
  readonly neverLoaded: string;
  readonly masses: string;
  readonly battery: string;
  readonly materials: Readonly<Record<Material, string>>;
  readonly receipt: string;
  readonly sum: string;
  readonly sumOf: (receiptGrams: number, modelGrams: number | null, toleranceGrams: number | null) => string;
  readonly verdict: string;
  readonly verdicts: Readonly<Record<Verdict, string>>;
  readonly harvested: string;
  readonly replacedBy: string;
  readonly earlier: (count: number) => string;
  readonly signed: (kid: string) => string;
}

const en: Words = {
  title: 'Certificate of death',
  clause: 'PCI PIN 3.1, requirement 31; PCI DSS 4.0.1, 9.4.7',
  terminal: 'Terminal',
  model: 'Model',
  at: 'Scrapped',
  by: 'By',
  approvedBy: 'Second person',
  wipe: 'Proof of wipe',
  sworn: (job, at) => `sworn to by the terminal ${at}, job ${job}`,
  destroyed: (method, at, photo) => `its secure part was ${method} ${at}, photo ${photo}`,
  methods: { shredded: 'shredded', crushed: 'crushed', drilled: 'drilled' },
  owed: 'Undelivered sales',
  nothingWaits: (job) => `none, by its report, job ${job}`,
  declared: (words, since, waiting, became) =>
    `silent since ${since}: ${words}. ${waiting} waited${became === '' ? '' : `: ${became}`}`,
  keys: (count) => `Keys that it had: ${count}. None of them counts.`,
  keyHeads: ['Slot', 'Usage', 'Check value', 'Key id', 'Ended', 'How'],
  ends: {
    wipe: 'wiped',
    destruction: 'destroyed with its secure part',
    release: 'released by its key host',
    replaced: 'replaced by the next',
    erasure: 'slot emptied',
    withdrawn: 'withdrawn, in doubt',
    unstated: 'destroyed; how was not kept',
  },
  neverLoaded: 'made for it, never loaded',
  masses: 'Batteries and materials',
  battery: 'batteries',
  materials: { plastic: 'plastic', metal: 'metal', boards: 'boards', display: 'display', other: 'other' },
  receipt: 'Recycler’s receipt',
  sum: 'In all',
  sumOf: (receipt, model, tolerance) =>
    `${receipt} g${model === null ? '' : `, the model ${model} g ± ${tolerance ?? 0} g`}`,
  verdict: 'Mass balance',
  verdicts: {
    within: 'as the model',
    short: 'short: parts are missing, or went another way',
    heavy: 'heavy: it was not this terminal alone',
    unweighed: 'materials were not weighed',
    'model-unknown': 'nobody knows what the model weighs',
  },
  harvested: 'Parts taken out',
  replacedBy: 'Its vendor sent instead',
  earlier: (count) => `${count} more before these`,
  signed: (kid) =>
    `The signed original is its JSON, by key ${kid}; this is its print. Check it: tsunagu keys verify FILE`,
};

const ja: Words = {
  title: '端末廃棄証明書',
  clause: 'PCI PIN 3.1 要件31、PCI DSS 4.0.1 9.4.7',
  terminal: '端末',
  model: '機種',
  at: '廃棄日時',
  by: '担当',
  approvedBy: '第二の承認者',
  wipe: '消去証明',
  sworn: (job, at) => `端末自身の署名による ${at} ジョブ ${job}`,
  destroyed: (method, at, photo) => `セキュア部を${method} ${at} 写真 ${photo}`,
  methods: { shredded: '破砕', crushed: '圧壊', drilled: '穿孔' },
  owed: '未送信取引',
  nothingWaits: (job) => `なし(端末の報告、ジョブ ${job})`,
  declared: (words, since, waiting, became) =>
    `${since} から無応答: ${words}。未送信 ${waiting} 件${became === '' ? '' : `: ${became}`}`,
  keys: (count) => `保持していた鍵: ${count} 件。有効な鍵はありません。`,
  keyHeads: ['スロット', '用途', '検査値', '鍵ID', '終了日時', '方法'],
  ends: {
    wipe: '消去',
    destruction: 'セキュア部と共に破壊',
    release: '鍵ホストから解除',
    replaced: '次の鍵に更新',
    erasure: 'スロットを消去',
    withdrawn: '疑義により無効化',
    unstated: '破棄(方法の記録なし)',
  },
  neverLoaded: '未注入',
  masses: '電池と材料',
  battery: '電池',
  materials: { plastic: 'プラスチック', metal: '金属', boards: '基板', display: '画面', other: 'その他' },
  receipt: '再資源化受領書',
  sum: '合計',
  sumOf: (receipt, model, tolerance) =>
    `${receipt} g${model === null ? '' : `(機種 ${model} g ± ${tolerance ?? 0} g)`}`,
  verdict: '質量収支',
  verdicts: {
    within: '機種どおり',
    short: '不足(部品の取外し、または別経路)',
    heavy: '超過(他の物を含む)',
    unweighed: '材料は未計量',
    'model-unknown': '機種の質量不明',
  },
  harvested: '取外し部品',
  replacedBy: 'メーカー交換品',
  earlier: (count) => `ほか ${count} 件`,
  signed: (kid) => `署名付きの正本はJSONです(鍵 ${kid})。本書はその印刷です。検証: tsunagu keys verify ファイル`,
};

const sworn = ({ wipe, wipeRecord }: DeathCertificate, words: Words): string => {
  if (wipe === null) return '-';
  return wipe.by === 'job'
    ? words.sworn(wipe.job, wipeRecord?.at ?? '')
    : words.destroyed(words.methods[wipe.method], wipe.at ?? '', wipe.photo);
};
const owed = ({ nothingOwed: said }: DeathCertificate, words: Words): string => {
  if (said === null) return '-';
  return said.by === 'job'
    ? words.nothingWaits(said.job)
    : words.declared(said.words, said.silentSince ?? '', said.waiting ?? 0, said.became ?? '');
};

/** A certificate of death in words, for paper and screens. */
export interface DeathInWords {
  readonly title: string;
  readonly clause: string;
  readonly facts: readonly Pair[];
  readonly keysTitle: string;
  readonly keyHeads: readonly string[];
  readonly keys: readonly (readonly string[])[];
  readonly massTitle: string;
  readonly masses: readonly Pair[];
  readonly signed: string;
}

/** What a certificate of death says, in the reader's language; `kid`: whose signature its record bears. */
export function deathInWords(death: DeathCertificate, kid: string, language: 'ja' | 'en'): DeathInWords {
  const words = { en, ja }[language];
  const { serial, model, at, by, approvedBy, keys, earlierKeys, recycling, massBalance, harvested, replacedBy } = death;
  const grams = (value: number): string => `${value} g`;
  const weighed = Object.entries(recycling?.materialGrams ?? {}).flatMap(([material, mass]): Pair[] =>
    isMaterial(material) ? [[words.materials[material], grams(mass)]] : [],
  );
  return {
    title: words.title,
    clause: words.clause,
    facts: [
      [words.terminal, serial],
      [words.model, model],
      [words.at, at],
      [words.by, by],
      [words.approvedBy, approvedBy ?? '-'],
      [words.wipe, sworn(death, words)],
      [words.owed, owed(death, words)],
      ...(harvested.length > 0 ? [[words.harvested, harvested.join(', ')] as const] : []),
      ...(replacedBy === null ? [] : [[words.replacedBy, replacedBy] as const]),
    ],
    keysTitle: words.keys(keys.length + earlierKeys),
    keyHeads: words.keyHeads,
    keys: [
      ...keys.map(({ slot, usage, kcv, initialKeyId, id, loadedAt, endedAt, end, job }) => [
        slot,
        usage,
        kcv,
        initialKeyId ?? id,
        endedAt ?? '-',
        [loadedAt === null && words.neverLoaded, [words.ends[end], job].filter(Boolean).join(' ')]
          .filter(Boolean)
          .join(', '),
      ]),
      ...(earlierKeys > 0 ? [[words.earlier(earlierKeys)]] : []),
    ],
    massTitle: words.masses,
    masses:
      recycling === null || massBalance === null
        ? []
        : [
            [words.receipt, `${recycling.recycler} ${recycling.receipt}`],
            [words.battery, grams(recycling.batteryGrams)],
            ...weighed,
            [words.sum, words.sumOf(massBalance.receiptGrams, massBalance.modelGrams, massBalance.toleranceGrams)],
            [words.verdict, words.verdicts[massBalance.verdict]],
          ],
    signed: words.signed(kid),
  };
}

const isMaterial = (name: string): name is Material => Object.hasOwn(en.materials, name);
