// Loaded before a program (`node --import`): it ends by SIGKILL at one named write, before that is made or when it is on the medium. A power cut
// knows no other moments.
//   DIES_AT='table swaps prepared before'   the commit after a row of "swaps" got this value
//   DIES_AT='file jobs.sealed 2 after'      the second time that this file of a terminal is put in place, or taken away
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';

const die = () => process.kill(process.pid, 'SIGKILL');
const [kind, name, ...rest] = (process.env.DIES_AT ?? '').split(' ');
const when = rest.pop();
const [value] = rest;
let left = Number(value ?? 1);

if (kind === 'table') {
  const { Statement } = createRequire(import.meta.url)('sqlite3');
  const { run } = Statement.prototype;
  let isWritten = false;
  Statement.prototype.run = function (values, done) {
    const isIt = /^(?:insert into|update) "(\w+)"/.exec(this.sql)?.[1] === name;
    if (isIt && (value === undefined || values.includes(value))) isWritten = true;
    if (this.sql !== 'COMMIT' || !isWritten) return run.call(this, values, done);
    if (when === 'before') die();
    return run.call(this, values, die);
  };
}
if (kind === 'file') {
  for (const act of ['rename', 'rm']) {
    const real = fs.promises[act];
    fs.promises[act] = async (...paths) => {
      const isIt = String(act === 'rm' ? paths[0] : paths[1]).endsWith(`/${name}`) && --left === 0;
      if (isIt && when === 'before') die();
      await real(...paths);
      if (isIt) die();
    };
  }
  syncBuiltinESMExports();
}
