import { defineErrors } from './define.ts';

/** Custody, swaps, the refurbish workshop, inspections and the assessor's pack. */
export const lifeErrors = defineErrors({
  CUSTODY_INVALID: {
    en: { says: 'This is no hand-over.', next: 'Make it with tsunagu custody offer and accept.' },
    ja: { says: '受渡し記録ではありません。', next: 'tsunagu custody offer と accept で作成してください。' },
  },
  CUSTODY_HOLDER_UNKNOWN: {
    en: {
      says: 'A hand of the hand-over is not registered, or gives to itself.',
      next: 'Register its key: tsunagu custody holder NAME --key FILE.',
    },
    ja: {
      says: '受渡しの当事者が未登録か、同一人物です。',
      next: '鍵を登録してください: tsunagu custody holder 名前 --key ファイル',
    },
  },
  CUSTODY_HOLDER_REVOKED: {
    en: {
      says: 'A hand of the hand-over was revoked: its key was lost. A lost key can write any date, so nothing that it signed is taken any more.',
      next: 'Make it anew with the key that took its place: tsunagu custody holders.',
    },
    ja: {
      says: '受渡しの当事者の鍵は失効しています。紛失した鍵は任意の日付で署名できるため、受け付けられません。',
      next: '後継の鍵で作り直してください: tsunagu custody holders',
    },
  },
  CUSTODY_NOT_AUTHENTIC: {
    en: {
      says: 'A signature of the hand-over is not of the key of its hand, or the text was changed after it was signed.',
      next: 'Do not take the terminal on. Make the hand-over anew, with both present.',
    },
    ja: {
      says: '受渡しの署名が当事者の鍵のものではないか、署名後に変更されています。',
      next: '端末を受け取らず、双方立会いで作り直してください。',
    },
  },
  CUSTODY_CHAIN_BROKEN: {
    en: {
      says: 'The hand-over does not continue the chain: its number or the hash that it stands on is another.',
      next: 'Deliver what is missing first (tsunagu custody deliver), or make it anew after the newest: tsunagu custody show SERIAL.',
    },
    ja: {
      says: '受渡しが記録の連鎖に続いていません(番号またはハッシュの不一致)。',
      next: '未送信の記録を先に送るか(tsunagu custody deliver)、最新の記録に続けて作り直してください。',
    },
  },
  CUSTODY_GAP: {
    en: {
      says: 'Whoever gives the terminal away is not who had it last.',
      next: 'Find the hand-over in between. If there is none, quarantine the terminal and investigate.',
    },
    ja: {
      says: '渡し手が直前の保管者と一致しません。',
      next: '間の受渡し記録を確認し、なければ端末を隔離して調査してください。',
    },
  },
  CUSTODY_BAG_MISMATCH: {
    en: {
      says: 'The bag is not the one that was sent.',
      next: 'Do not open it and do not sign. Report it (tsunagu custody mismatch SERIAL): the terminal is quarantined and gets no keys.',
    },
    ja: {
      says: '封印袋が発送時のものと一致しません。',
      next: '開封も署名もせず報告してください(tsunagu custody mismatch シリアル)。端末は隔離され、鍵注入されません。',
    },
  },
  CUSTODY_BAG_UNSAID: {
    en: {
      says: 'The offer names a bag, and nobody said which bag came.',
      next: 'Read the number off the bag that is in front of you, and give it with --bag.',
    },
    ja: {
      says: '封印袋付きの引渡しですが、届いた袋の番号が指定されていません。',
      next: '手元の袋の番号を読み取り、--bag で指定してください。',
    },
  },
  CUSTODY_OTHER_HAND: {
    en: {
      says: 'The offer is made to another hand than the one whose key this is. Nothing was signed.',
      next: 'Sign with the key of the hand that is named (tsunagu custody holders), or have the terminal offered to yours.',
    },
    ja: {
      says: 'この引渡しは、別の当事者宛てです。署名していません。',
      next: '宛先の当事者(tsunagu custody holders)の鍵で署名するか、あなた宛てに作り直してもらってください。',
    },
  },
  CUSTODY_SAME_HAND: {
    en: {
      says: 'A hand-over goes from one hand to another, and this one would stay in the same.',
      next: 'Give the key id of whoever takes the terminal with --to: tsunagu custody holders.',
    },
    ja: {
      says: '渡し手と受け手が同じです。',
      next: '受け手の鍵IDを --to で指定してください: tsunagu custody holders',
    },
  },
  SWAP_UNKNOWN: {
    en: { says: 'There is no such swap.', next: 'See which there are: tsunagu swap list.' },
    ja: { says: '該当する交換がありません。', next: '一覧: tsunagu swap list' },
  },
  SWAP_OPEN: {
    en: {
      says: 'One of the two units is in a swap already.',
      next: 'Finish or abort that one first: tsunagu swap list.',
    },
    ja: {
      says: 'どちらかの端末が別の交換の途中です。',
      next: '先にその交換を完了または中止してください: tsunagu swap list',
    },
  },
  SWAP_UNFIT: {
    en: {
      says: 'The old unit has to be deployed and the new one in transit, two units apart.',
      next: 'See where they are: tsunagu lifecycle show SERIAL.',
    },
    ja: {
      says: '旧端末は設置済み、新端末は輸送中である必要があります。',
      next: '状態を確認してください: tsunagu lifecycle show シリアル',
    },
  },
  SWAP_TOO_LATE: {
    en: {
      says: 'The new unit sells already: this swap cannot be taken back.',
      next: 'Swap the other way round, or return the old unit.',
    },
    ja: { says: '新端末が稼働済みのため中止できません。', next: '逆方向の交換を行うか、旧端末を返却してください。' },
  },
  INSPECTION_INVALID: {
    en: {
      says: 'This is no report of an inspection, or not signed by a registered technician in their own name.',
      next: 'Register the technician’s key (tsunagu custody holder NAME --key FILE) and make the report with it: tsunagu inspect do.',
    },
    ja: {
      says: '点検報告ではないか、登録済み技術者本人の署名ではありません。',
      next: '技術者の鍵を登録し(tsunagu custody holder 名前 --key ファイル)、tsunagu inspect do で作成してください。',
    },
  },
  INSPECTION_FOUND: {
    en: {
      says: 'An inspection found something: another seal, another number of cables, a case that is not intact, or no photo.',
      next: 'Look at it (tsunagu inspect list). If it is true, quarantine the terminal and investigate.',
    },
    ja: {
      says: '点検で相違が見つかりました(封印、接続数、筐体、写真)。',
      next: 'tsunagu inspect list で確認し、事実であれば端末を隔離して調査してください。',
    },
  },
  CUSTODY_DWELL: {
    en: {
      says: 'A terminal stays longer than it should where it is.',
      next: 'Ask whoever has it: tsunagu custody show SERIAL. If nobody has it, mark it lost.',
    },
    ja: {
      says: '端末が想定より長く滞留しています。',
      next: '保管者に確認してください(tsunagu custody show シリアル)。所在不明なら紛失扱いにしてください。',
    },
  },
  WORK_UNKNOWN: {
    en: { says: 'There is no such work order.', next: 'See which there are: tsunagu workshop list.' },
    ja: { says: '該当する整備指示がありません。', next: '一覧: tsunagu workshop list' },
  },
  WORK_OPEN: {
    en: { says: 'The terminal has an open work order already.', next: 'Go on with that one: tsunagu workshop list.' },
    ja: { says: 'この端末には未完了の整備指示があります。', next: 'その指示を続けてください: tsunagu workshop list' },
  },
  WORK_CLOSED: {
    en: { says: 'The work order is closed.', next: 'Open a new one when the terminal comes in again.' },
    ja: { says: '整備指示は完了しています。', next: '再入庫時に新しい指示を作成してください。' },
  },
  WORK_AT_VENDOR: {
    en: { says: 'The terminal is at its vendor.', next: 'Note that it came back first: rma-in.' },
    ja: { says: '端末はメーカー修理中です。', next: '先に返却を記録してください: rma-in' },
  },
  WORK_NOT_READY: {
    en: {
      says: 'The work order is not ready for this: what “wants” names is missing.',
      next: 'Do first what is named; the grade is A, B or C, and none for what is beyond repair.',
    },
    ja: {
      says: '前提が不足しています。不足は「wants」に示します。',
      next: '示された作業を先に行ってください(等級はA・B・C、修理不能は none)。',
    },
  },
  WORK_PART_UNKNOWN: {
    en: {
      says: 'No such part lies there: it was not harvested from that terminal, or it was fitted already.',
      next: 'Note where it was harvested first (part-harvested), or fit a bought one from stock, without --from: tsunagu workshop stock list.',
    },
    ja: {
      says: '該当する部品がありません(その端末から取外し記録がないか、既に使用済みです)。',
      next: '先に取外しを記録するか(part-harvested)、--from を付けず在庫品として記録してください: tsunagu workshop stock list',
    },
  },
  WORK_REPLACEMENT_UNNAMED: {
    en: {
      says: 'What came back replaced is another unit, and its serial is not named; or one is named, and nothing was replaced.',
      next: 'Name it: tsunagu workshop note ID rma-in --outcome replaced --replacement SERIAL --cost-yen YEN, with the proof of wipe of the old one and that it owes nothing (as for tsunagu lifecycle move SERIAL scrap).',
    },
    ja: {
      says: '交換品の場合は新しい端末のシリアルが必要です(交換でない場合は指定できません)。',
      next: '指定してください: tsunagu workshop note ID rma-in --outcome replaced --replacement シリアル --cost-yen 金額。旧端末の消去証明と未送信取引なしの証拠も必要です(tsunagu lifecycle move シリアル scrap と同じ)。',
    },
  },
  STOCK_BELOW_ZERO: {
    en: {
      says: 'Fewer of this part lie in stock than would be taken.',
      next: 'Note what was delivered (tsunagu workshop stock note PART received --count N --receipt NUMBER), count again (… counted --count N), or name the terminal that it was harvested from (--from SERIAL).',
    },
    ja: {
      says: '在庫数が不足しています。',
      next: '入荷を記録するか(tsunagu workshop stock note 部品番号 received --count 数 --receipt 番号)、棚卸しするか(… counted --count 数)、取外し元の端末を指定してください(--from シリアル)。',
    },
  },
  STOCK_UNCHANGED: {
    en: {
      says: 'An adjustment by 0 changes nothing.',
      next: 'Say how many more or fewer there are; that the count was right is: counted.',
    },
    ja: { says: '増減0の調整はできません。', next: '増減数を指定してください。棚卸しの結果は counted で記録します。' },
  },
  STOCK_TOO_LARGE: {
    en: { says: 'More of a part than a stock can hold.', next: 'Look at the number; max says how many it can be.' },
    ja: { says: '在庫数の上限を超えます。', next: '数を確認してください。上限は max のとおりです。' },
  },
  STOCK_LOW: {
    en: {
      says: 'Fewer of this bought part lie there than the minimum.',
      next: 'Order some, and note what came: tsunagu workshop stock note PART received --count N --receipt NUMBER. All that are low: tsunagu workshop stock list --low.',
    },
    ja: {
      says: '購入部品の在庫が下限を下回りました。',
      next: '発注し、入庫を記録してください: tsunagu workshop stock note 部品番号 received --count 数 --receipt 番号。不足の一覧: tsunagu workshop stock list --low',
    },
  },
  STOCK_UNKNOWN: {
    en: {
      says: 'Nobody ever noted a stock of this part.',
      next: 'See which parts there are: tsunagu workshop stock list.',
    },
    ja: { says: 'この部品の在庫記録がありません。', next: '一覧: tsunagu workshop stock list' },
  },
  WORK_TEST_FOREIGN: {
    en: {
      says: 'The test at the bench was not made for this work order, or it was noted before.',
      next: 'Test this terminal now, and name the work order: tsunagu bridge attest --nonce WORK-ORDER --out FILE.',
    },
    ja: {
      says: '作業台試験がこの作業指示のためのものではないか、既に記録済みです。',
      next: 'この端末を今試験し、作業指示番号を指定してください: tsunagu bridge attest --nonce 作業指示 --out ファイル',
    },
  },
  WORK_TEST_UNVOUCHED: {
    en: {
      says: 'The test at the bench is signed by a key that is not registered here.',
      next: 'An administrator registers the key of the bench: tsunagu custody holder BENCH --key FILE.',
    },
    ja: {
      says: '作業台試験の署名鍵が登録されていません。',
      next: '管理者が作業台の鍵を登録してください: tsunagu custody holder 作業台名 --key ファイル',
    },
  },
  WIPE_UNKNOWN: {
    en: {
      says: 'The terminal has not sworn to a wipe.',
      next: 'Order one (tsunagu workshop wipe FILE), have a second person approve it, and let the terminal connect.',
    },
    ja: {
      says: '端末からの消去証明がありません。',
      next: '消去を指示し(tsunagu workshop wipe ファイル)、第二の承認を得て、端末を接続してください。',
    },
  },
  SHOP_UNKNOWN: {
    en: {
      says: 'No terminal stands in a shop of this name.',
      next: 'Write merchant and shop as they stand in tsunagu terminals; the shops of that merchant, or of that name, are named with the refusal.',
    },
    ja: {
      says: 'その名前の店舗に端末がありません。',
      next: '加盟店名と店舗名を tsunagu terminals の表示どおりに入力してください。近い店舗名がエラーに示されます。',
    },
  },
  DEATH_UNKNOWN: {
    en: { says: 'The terminal was not scrapped.', next: 'See where it is: tsunagu lifecycle show SERIAL.' },
    ja: { says: 'この端末は廃棄されていません。', next: '状態を確認してください: tsunagu lifecycle show シリアル' },
  },
  DEATH_IN_DOUBT: {
    en: {
      says: 'The terminal was scrapped, and is not any more: it, or one like it, was heard of. Nothing is certified.',
      next: 'Look into it, and scrap it again when it is clear: tsunagu lifecycle show SERIAL.',
    },
    ja: {
      says: '廃棄後に通信が確認されたため、廃棄状態ではありません。証明書は発行できません。',
      next: '調査し、解明後に改めて廃棄してください: tsunagu lifecycle show シリアル',
    },
  },
});
