/** SQLSTATE of a write of a node that was deposed. The class is ours: those of the standard begin with 0 to 4 and A to H. */
export const fencedState = 'TS001';

/**
 * Who may write: one row with the epoch, which only grows, and until when its holder was heard. `tsunagu_hold_epoch` fails a transaction of an older epoch, and
 * holds the row until the transaction ends, so that a new epoch cannot begin between the check and the commit. The lock is one on the key (the
 * epoch is unique): renewing the tenure, which leaves the key alone, does not wait for it.
 */
export const tenureSchema = `
  SELECT pg_advisory_lock(hashtext('tsunagu_tenure'));
  CREATE TABLE IF NOT EXISTS tsunagu_tenure (
    name text PRIMARY KEY,
    epoch bigint NOT NULL UNIQUE,
    holder text NOT NULL,
    renewed_at timestamptz NOT NULL
  );
  INSERT INTO tsunagu_tenure VALUES ('switch', 0, '', '-infinity') ON CONFLICT DO NOTHING;
  CREATE OR REPLACE FUNCTION tsunagu_hold_epoch(mine bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM FROM tsunagu_tenure WHERE name = 'switch' AND epoch = mine FOR KEY SHARE;
    IF NOT FOUND THEN RAISE EXCEPTION 'another node writes by now' USING ERRCODE = '${fencedState}'; END IF;
  END $$;
  SELECT pg_advisory_unlock(hashtext('tsunagu_tenure'))`;
