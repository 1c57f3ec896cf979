/** SQLSTATE of a write of a node that was deposed. The class is ours: those of the standard begin with 0 to 4 and A to H. */
export const fencedState = 'TS001';

/**
 * Who may write: one row with the epoch, which only grows, when its holder was last heard, and the server's process behind the connection over which it is.
 * `tsunagu_hold_epoch` fails a transaction of an older epoch, and
 * holds the row until the transaction ends, so that a new epoch cannot begin between the check and the commit. The lock is one on the key (the
 * epoch is unique): renewing the tenure, which leaves the key alone, does not wait for it.
 */
export const tenureSchema = `
  SELECT pg_advisory_lock(hashtext('tsunagu_tenure'));
  CREATE TABLE IF NOT EXISTS tsunagu_tenure (
    name text PRIMARY KEY,
    epoch bigint NOT NULL UNIQUE,
    holder text NOT NULL,
    renewed_at timestamptz NOT NULL,
    session integer NOT NULL
  );
  INSERT INTO tsunagu_tenure VALUES ('switch', 0, '', '-infinity', 0) ON CONFLICT DO NOTHING;
  CREATE OR REPLACE FUNCTION tsunagu_hold_epoch(mine bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM FROM tsunagu_tenure WHERE name = 'switch' AND epoch = mine FOR KEY SHARE;
    IF NOT FOUND THEN RAISE EXCEPTION 'another node writes by now' USING ERRCODE = '${fencedState}'; END IF;
  END $$;
  SELECT pg_advisory_unlock(hashtext('tsunagu_tenure'))`;

/**
 * Takes the tenure that nobody holds: whoever had it was not heard for $2 milliseconds, or its connection is gone, which the server sees at
 * once when a process dies. Time is the server's.
 */
export const takeSql = `
  UPDATE tsunagu_tenure
  SET epoch = epoch + 1, holder = $1, renewed_at = clock_timestamp(), session = pg_backend_pid()
  WHERE name = 'switch' AND (
    renewed_at < clock_timestamp() - $2 * interval '1 ms'
    OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = session AND datname = current_database())
  )
  RETURNING epoch`;
export const renewSql = "UPDATE tsunagu_tenure SET renewed_at = clock_timestamp() WHERE name = 'switch' AND epoch = $1";
export const releaseSql = "UPDATE tsunagu_tenure SET renewed_at = '-infinity' WHERE name = 'switch' AND epoch = $1";
