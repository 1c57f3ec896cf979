// Verifies an assessor's pack. Needs Node.js and this folder, nothing else: `node verify.mjs [--signer KID] [--holders KID,KID]`.
// Exit 0 when nothing is wrong. What is signed is checked against keys that the pack names: compare their ids with a list that came another way.
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const read = (name) => readFileSync(join(folder, name), 'utf8');
const lines = (name) =>
  read(name)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
/** RFC 8785, for the values that occur here. */
const canonical = (value) =>
  value === null || typeof value !== 'object'
    ? JSON.stringify(value)
    : Array.isArray(value)
      ? `[${value.map(canonical).join(',')}]`
      : `{${Object.entries(value)
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
          .join(',')}}`;
const isSigned = (purpose, payload, { kid, sig }, publicKey) => {
  const der = Buffer.from(publicKey, 'base64');
  if (sha256(der).slice(0, 16) !== kid) return false;
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, Buffer.from(`${purpose}\n${payload}`, 'utf8'), key, Buffer.from(sig, 'base64url'));
};

const findings = [];
const find = (file, about, says) => {
  const finding = `${file}: ${about}: ${says}`;
  if (!findings.includes(finding)) findings.push(finding);
};
const guarded = (file, work) => {
  try {
    return work();
  } catch (error) {
    find(file, '-', `unreadable: ${error.message}`);
    return 0;
  }
};

let manifest;
try {
  manifest = JSON.parse(read('manifest.json'));
  if (typeof manifest.files !== 'object' || manifest.files === null) throw new Error('it names no files');
} catch (error) {
  console.log(`manifest.json: -: unreadable: ${error.message}`);
  console.log('without its manifest nothing of the pack can be verified: 1 findings');
  process.exit(1);
}
// Whoever takes out what speaks against a step takes its hash out of the manifest, too.
const sealed =
  'devices.jsonl steps.jsonl inspections.jsonl keys.jsonl releases.jsonl wipes.jsonl deaths.jsonl reports.jsonl house.jsonl runs.jsonl custody.jsonl audit.jsonl edges.json clauses.json'.split(
    ' ',
  );
for (const name of [...sealed, 'seal.json', 'verify.mjs'])
  if (!(name in manifest.files)) find(name, '-', 'is not in the manifest');
for (const [name, { sha256: stated }] of Object.entries(manifest.files))
  guarded(
    name,
    () => sha256(readFileSync(join(folder, name))) === stated || find(name, '-', 'changed after the pack was written'),
  );

for (const name of readdirSync(folder))
  if (name !== 'manifest.json' && !(name in manifest.files)) find(name, '-', 'is no part of the pack');

/** What follows an option of the command line; undefined where it is not there. */
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
// The house signed what it showed, each file to its last line: a manifest that was mended does not mend this.
const signer = guarded('seal.json', () => {
  const { document, publicKey } = JSON.parse(read('seal.json'));
  if (!isSigned('tsunagu-key-record-v1', document.payload, document, publicKey)) {
    find('seal.json', '-', 'not signed by its house');
    return document.kid;
  }
  const seal = JSON.parse(document.payload);
  if (seal.record !== 'pack') find('seal.json', '-', 'is no seal of a pack');
  if (seal.from !== manifest.from || seal.to !== manifest.to)
    find('seal.json', '-', `is of ${seal.from} to ${seal.to}, and not of the days that the manifest names`);
  for (const name of sealed)
    guarded(name, () => {
      if (seal.files?.[name]?.sha256 !== sha256(readFileSync(join(folder, name))))
        find(name, '-', 'is not what the house signed');
    });
  const trusted = option('--signer');
  if (trusted !== undefined && trusted !== document.kid) find('seal.json', document.kid, 'is not the signer to trust');
  return document.kid;
});

const holders = new Map();
const custody = guarded('custody.jsonl', () => {
  const heads = new Map();
  let count = 0;
  for (const line of lines('custody.jsonl')) {
    for (const each of line.holders ?? []) holders.set(each.kid, each);
    if (!line.handover) continue;
    count += 1;
    const { payload, giver, receiver } = line.handover;
    const body = JSON.parse(payload);
    const head = heads.get(body.serial) ?? { seq: 0, hash: '0'.repeat(64), holder: null };
    const about = `${body.serial} ${body.seq}`;
    const [from, to] = [holders.get(body.from), holders.get(body.to)];
    if (!from || !to || body.from === body.to) find('custody.jsonl', about, 'a hand is not known');
    else if (
      giver.kid !== body.from ||
      receiver.kid !== body.to ||
      !isSigned('tsunagu-custody-v1', payload, giver, from.publicKey) ||
      !isSigned('tsunagu-custody-v1', payload, receiver, to.publicKey)
    )
      find('custody.jsonl', about, 'not signed by both hands');
    else if (body.seq !== head.seq + 1 || body.prev !== head.hash)
      find('custody.jsonl', about, 'does not continue its chain');
    else if (head.holder !== null && head.holder !== body.from && holders.get(head.holder)?.successor !== body.from)
      find('custody.jsonl', about, 'given by somebody who did not have it');
    else if (
      [from, to].some(({ revokedAt }) => revokedAt !== undefined && Date.parse(body.at) >= Date.parse(revokedAt))
    )
      find('custody.jsonl', about, 'signed by a hand that was revoked');
    heads.set(body.serial, { seq: body.seq, hash: sha256(canonical(line.handover)), holder: body.to });
  }
  return count;
});
const trustedHands = option('--holders');
if (trustedHands !== undefined)
  for (const { kid, name } of holders.values())
    if (!trustedHands.split(',').includes(kid)) find('custody.jsonl', kid, `the hand of ${name} is not on the list`);

/** The statement of a terminal that its certificate bears out; undefined when it does not. */
const sworn = (serial, { statement, signature, certificate }) => {
  const { subject, publicKey } = new X509Certificate(certificate);
  const isTheirs =
    subject.split('\n').includes(`CN=${serial}`) &&
    verify('sha256', Buffer.from(statement, 'utf8'), publicKey, Buffer.from(signature, 'base64'));
  return isTheirs ? JSON.parse(statement) : undefined;
};

const wiped = new Map();
const wipes = guarded('wipes.jsonl', () => {
  let count = 0;
  for (const { serial, job, ...proof } of lines('wipes.jsonl')) {
    count += 1;
    const said = sworn(serial, proof);
    if (said?.serial === serial && said.job === job && said.keys === 0) wiped.set(job, serial);
    else
      find(
        'wipes.jsonl',
        `${serial} ${job}`,
        said ? 'is not what the terminal swore to' : 'not signed by its terminal',
      );
  }
  return count;
});

// What terminals reported of themselves: tests, and what waits in them.
const reported = new Map();
guarded('reports.jsonl', () => {
  for (const { job, serial, type, report } of lines('reports.jsonl')) {
    const { reversals, advices, sales } = report.diagnostics?.queues ?? {};
    const isClear = type === 'terminal.diagnose' && reversals + advices + sales === 0;
    const isPassed = type === 'terminal.test' && report.selfTest?.every(({ result }) => result !== 'failed') === true;
    reported.set(job, { serial, isClear, isPassed });
  }
});

// Certificates of death, each signed by the house by itself: what they say has to be what the rest of the pack says.
const certified = new Map();
const deaths = guarded('deaths.jsonl', () => {
  let count = 0;
  for (const { serial, record } of lines('deaths.jsonl')) {
    count += 1;
    const say = (what) => find('deaths.jsonl', serial, what);
    if (!isSigned('tsunagu-key-record-v1', record.document.payload, record.document, record.publicKey)) {
      say('not signed by its house');
      continue;
    }
    if (record.document.kid !== signer) say('signed by another than sealed the pack');
    const { record: kind, death } = JSON.parse(record.document.payload);
    if (kind !== 'death' || death.serial !== serial) {
      say('is of another terminal, or no certificate of death');
      continue;
    }
    certified.set(serial, death);
    if (
      death.wipe?.by === 'job' &&
      (death.wipeRecord?.serial !== serial ||
        death.wipeRecord.job !== death.wipe.job ||
        wiped.get(death.wipe.job) !== serial)
    )
      say('no terminal swore to this wipe');
  }
  return count;
});

const steps = guarded('steps.jsonl', () => {
  const edges = new Map(JSON.parse(read('edges.json')).map((edge) => [`${edge.from} ${edge.to}`, edge]));
  const states = new Map();
  const bags = new Set();
  const ended = new Map();
  let count = 0;
  for (const step of lines('steps.jsonl')) {
    const { serial, from, to, at, approvedBy, by, evidence } = step;
    if (to === 'scrap') ended.set(serial, step);
    count += 1;
    const about = `${serial} ${from} → ${to} (${at})`;
    if (states.has(serial) && states.get(serial) !== from) find('steps.jsonl', about, `it was ${states.get(serial)}`);
    states.set(serial, to);
    if (from === null || evidence === null) continue;
    const edge = edges.get(`${from} ${to}`);
    if (!edge) find('steps.jsonl', about, 'no such edge');
    for (const item of edge?.evidence ?? [])
      if (item === 'secondPerson' ? approvedBy === null || approvedBy === by : evidence[item] === undefined)
        find('steps.jsonl', about, `${item} is missing`);
    const { wipeProof } = evidence;
    if (wipeProof?.by === 'job' && wiped.get(wipeProof.job) !== serial)
      find('steps.jsonl', about, 'no terminal swore to this wipe');
    const { nothingOwed, tests } = evidence;
    const isReported = ({ job }, what) => reported.get(job)?.serial === serial && reported.get(job)[what];
    if (nothingOwed?.by === 'job' && wiped.get(nothingOwed.job) !== serial && !isReported(nothingOwed, 'isClear'))
      find('steps.jsonl', about, 'no report says that nothing waits in it');
    if (tests?.by === 'job' && !isReported(tests, 'isPassed')) find('steps.jsonl', about, 'no report of a passed test');
    const isOnAWord = evidence.nothingOwed?.by === 'declaration' || evidence.wipeProof?.by === 'destruction';
    if (isOnAWord && (approvedBy === null || approvedBy === by)) find('steps.jsonl', about, 'secondPerson is missing');
    if (edge?.bag === 'closed' && evidence.bagNumber !== undefined) {
      if (bags.has(evidence.bagNumber)) find('steps.jsonl', about, `bag ${evidence.bagNumber} was used before`);
      bags.add(evidence.bagNumber);
    }
  }
  guarded('keys.jsonl', () => {
    for (const { serial, slot, state, id } of lines('keys.jsonl')) {
      if (states.get(serial) !== 'scrap') continue;
      if (state === 'allocated' || state === 'loaded')
        find('keys.jsonl', `${serial} ${slot}`, 'a live key in a scrapped unit');
      const death = certified.get(serial);
      if (death?.earlierKeys === 0 && !death.keys.some((key) => key.id === id))
        find('deaths.jsonl', serial, `does not name the key ${id} of ${slot}`);
    }
  });
  guarded('deaths.jsonl', () => {
    for (const [serial, { at, by, approvedBy, evidence }] of ended) {
      if (states.get(serial) !== 'scrap') continue;
      const death = certified.get(serial);
      if (!death) find('deaths.jsonl', serial, 'was scrapped, and has no certificate of death: it is in doubt');
      else if (
        death.at !== at ||
        death.by !== by ||
        death.approvedBy !== approvedBy ||
        canonical([death.wipe, death.nothingOwed, death.recycling]) !==
          canonical([evidence?.wipeProof ?? null, evidence?.nothingOwed ?? null, evidence?.recycling ?? null])
      )
        find('deaths.jsonl', serial, 'does not say what the step to its end says');
    }
    for (const serial of certified.keys())
      if (states.get(serial) !== 'scrap') find('deaths.jsonl', serial, 'was not scrapped');
  });
  return count;
});

const runs = guarded('runs.jsonl', () => {
  let count = 0;
  for (const { id, record } of lines('runs.jsonl')) {
    count += 1;
    const say = (what) => find('runs.jsonl', id, what);
    if (!isSigned('tsunagu-key-record-v1', record.document.payload, record.document, record.publicKey)) {
      say('not signed by its house');
      continue;
    }
    const { run } = JSON.parse(record.document.payload);
    if (run.id !== id) say('the record of another run');
    const listed = run.devices.filter(({ isListed }) => isListed).map(({ serial }) => serial);
    if (sha256(listed.sort().join('\n')) !== run.digest) say('the manifest is not the one that was authorised');
    if (run.state !== 'proposed' && (run.authorisedBy === null || run.authorisedBy === run.orderedBy))
      say('authorised by one person alone');
    const ended = (state) => run.devices.filter((device) => device.state === state).length;
    const submitted = run.devices.length - ended('listed');
    if (run.state === 'closed' && submitted !== ended('keyed') + ended('rejected') + ended('investigated'))
      say('closed, and does not balance');
    for (const { serial, state, isListed } of run.devices)
      if (state === 'keyed' && !isListed) say(`${serial} was keyed and was not on the manifest`);
  }
  return count;
});

const releases = guarded('releases.jsonl', () => {
  let count = 0;
  for (const { serial, job, at, next, gone, protectionKey, orderedBy, approvedBy, ...proof } of lines(
    'releases.jsonl',
  )) {
    count += 1;
    const say = (what) => find('releases.jsonl', `${serial} ${job}`, what);
    const said = sworn(serial, proof);
    if (!said) {
      say('not signed by its terminal');
      continue;
    }
    const isSame =
      said.serial === serial &&
      said.job === job &&
      said.protectionKey === protectionKey &&
      (said.next === null) === (next === null) &&
      canonical(said.gone) === canonical(gone);
    if (!isSame) say('is not what the terminal swore to');
    if (said.next === null && said.left !== 0) say('unbound, and has keys left');
    if (approvedBy === null || approvedBy === orderedBy) say('ordered by one person alone');
    if (next !== null) continue;
    const dead = new Set(gone.map(({ slot, kcv }) => `${slot} ${kcv}`));
    for (const { serial: of, slot, kcv, state, allocatedAt } of lines('keys.jsonl'))
      if (
        of === serial &&
        dead.has(`${slot} ${kcv}`) &&
        slot !== 'negative' &&
        Date.parse(allocatedAt) <= Date.parse(at) &&
        (state === 'allocated' || state === 'loaded')
      )
        say(`${slot} ${kcv} is gone, and counts in the ledger`);
  }
  return count;
});

const inspections = guarded('inspections.jsonl', () => {
  let count = 0;
  for (const { document } of lines('inspections.jsonl')) {
    count += 1;
    const body = JSON.parse(document.payload);
    const holder = holders.get(document.kid);
    if (
      !holder ||
      body.by !== document.kid ||
      !isSigned('tsunagu-inspection-v1', document.payload, document, holder.publicKey)
    )
      find('inspections.jsonl', `${body.serial} ${body.id}`, 'not signed by its technician');
  }
  return count;
});

const audit = guarded('audit.jsonl', () => {
  let [prev, seq, key, covered] = [undefined, 0, undefined, 0];
  const hashes = new Map();
  for (const line of lines('audit.jsonl')) {
    if (line.log) key = line.key;
    if (line.entry) {
      const hash = sha256(canonical(line.entry));
      if (hash !== line.hash || (prev !== undefined && (line.entry.prev !== prev || line.entry.seq !== seq + 1)))
        find('audit.jsonl', String(line.entry.seq), 'does not continue the chain');
      [prev, seq] = [hash, line.entry.seq];
      hashes.set(seq, hash);
    }
    if (line.head) {
      const head = JSON.parse(line.head.payload);
      if (
        !isSigned('tsunagu-audit-head-v1', line.head.payload, line.head, key.publicKey) ||
        (hashes.has(head.seq) && hashes.get(head.seq) !== head.hash)
      )
        find('audit.jsonl', `head ${head.seq}`, 'is not of this log');
      else covered = Math.max(covered, head.seq);
    }
  }
  if (covered > seq) find('audit.jsonl', `${seq + 1}-${covered}`, 'were signed for and are missing');
  if (seq > covered) find('audit.jsonl', String(seq), 'nobody signed for the end of the log');
  return seq;
});

guarded('house.jsonl', () => {
  for (const { firstKeys } of lines('house.jsonl'))
    if (firstKeys !== 'in-runs')
      console.log(
        'note: when this pack was written, terminals got their first keys outside injection runs (PCI PIN 3.1, 30-3 not enforced)',
      );
});

for (const finding of findings) console.log(finding);
console.log(`pack of ${manifest.from} to ${manifest.to}, sealed by ${signer}: compare it with another source`);
console.log(
  `${steps} steps, ${custody} hand-overs, ${inspections} inspections, ${runs} injection runs, ${releases} releases from key hosts, ${wipes} wipes, ${deaths} certificates of death, ${audit} audit entries: ${findings.length === 0 ? 'nothing is wrong' : `${findings.length} findings`}`,
);
process.exit(findings.length === 0 ? 0 : 1);
