//! Events as rows: written with their seals, verified when read.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::failure::Failure;
use crate::chain::{EncodedEvent, NO_SEAL, Seal, Sealed};
use crate::{LogError, StoredEvent, StreamId};

/// Where a stream ends.
pub(super) struct Head {
    /// The row of the stream; 0 while it has none.
    row: i64,
    pub seq: u64,
    seal: Seal,
}

impl Head {
    /// Of a stream that does not exist yet.
    pub const NEW: Self = Self { row: 0, seq: 0, seal: NO_SEAL };

    /// Where `stream` ends, if it exists.
    pub fn of(transaction: &Transaction<'_>, stream: &StreamId) -> Result<Option<Self>, Failure> {
        let mut statement =
            transaction.prepare_cached("SELECT id, last_seq, last_seal FROM stream WHERE name = ?1")?;
        let head = statement
            .query_row([stream.as_str()], |row| {
                Ok(Self { row: row.get(0)?, seq: row.get(1)?, seal: row.get(2)? })
            })
            .optional()?;
        Ok(head)
    }
}

pub(super) fn write_events(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    head: Head,
    at_ms: i64,
    events: &[EncodedEvent],
) -> Result<u64, Failure> {
    let row = if head.seq == 0 { insert_stream(transaction, stream)? } else { head.row };
    let (mut seq, mut seal) = (head.seq, head.seal);
    let mut insert = transaction.prepare_cached(
        "INSERT INTO event (stream, seq, at_ms, kind, version, payload, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for EncodedEvent { kind, version, payload } in events {
        seq += 1;
        let sealed = Sealed { stream: stream.as_str(), seq, at_ms, kind, version: *version, payload };
        seal = sealed.seal(&seal);
        insert.execute(params![row, seq, at_ms, kind, version, payload, seal])?;
    }
    transaction
        .prepare_cached("UPDATE stream SET last_seq = ?2, last_seal = ?3 WHERE id = ?1")?
        .execute(params![row, seq, seal])?;
    Ok(seq)
}

fn insert_stream(transaction: &Transaction<'_>, stream: &StreamId) -> Result<i64, Failure> {
    transaction
        .prepare_cached("INSERT INTO stream (name, last_seq, last_seal) VALUES (?1, 0, ?2)")?
        .execute(params![stream.as_str(), NO_SEAL])?;
    Ok(transaction.last_insert_rowid())
}

/// Reads and verifies the events after `after`, up to `last`, and returns the seal of the last one. `head` says where the
/// stream ends, so a lost tail is noticed too.
pub(super) fn read_sealed(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    head: &Head,
    after: u64,
    last: u64,
) -> Result<(Vec<StoredEvent>, Seal), Failure> {
    if head.seq <= after {
        return Ok((Vec::new(), head.seal));
    }
    let mut statement = transaction.prepare_cached(
        "SELECT seq, at_ms, kind, version, payload, seal FROM event WHERE stream = ?1 AND seq >= ?2 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![head.row, after])?;
    let mut seal = if after == 0 { NO_SEAL } else { first_seal(rows.next()?, stream, after)? };
    let mut events = Vec::new();
    for seq in after + 1..=head.seq.min(last) {
        let row = rows.next()?.ok_or_else(|| damaged(stream, seq, "it is missing"))?;
        let (event, stored_seal) = verify(row, stream, seq, &seal)?;
        events.push(event);
        seal = stored_seal;
    }
    if last >= head.seq && seal != head.seal {
        return Err(damaged(stream, head.seq, "the stream ends with another seal"));
    }
    Ok((events, seal))
}

/// The seal of the event at which reading continues, taken on trust: it was verified when it was read.
fn first_seal(row: Option<&Row<'_>>, stream: &StreamId, seq: u64) -> Result<Seal, Failure> {
    let row = row.ok_or_else(|| damaged(stream, seq, "it is missing"))?;
    if row.get_ref(0)?.as_i64().ok() != i64::try_from(seq).ok() {
        return Err(damaged(stream, seq, "it is missing"));
    }
    seal_of(row).ok_or_else(|| damaged(stream, seq, "its seal is not readable"))
}

fn verify(
    row: &Row<'_>,
    stream: &StreamId,
    seq: u64,
    previous: &Seal,
) -> Result<(StoredEvent, Seal), Failure> {
    let broken = |detail: &str| damaged(stream, seq, detail);
    let unreadable = || broken("its fields are not readable");
    let found = row.get_ref(0)?.as_i64().map_err(|_| unreadable())?;
    if u64::try_from(found).ok() != Some(seq) {
        return Err(broken("it is missing"));
    }
    let at_ms = row.get_ref(1)?.as_i64().map_err(|_| unreadable())?;
    let kind = row.get_ref(2)?.as_str().map_err(|_| unreadable())?;
    let version = row.get_ref(3)?.as_i64().ok().and_then(|v| u16::try_from(v).ok()).ok_or_else(unreadable)?;
    let payload = row.get_ref(4)?.as_str().map_err(|_| unreadable())?;
    let stored_seal = seal_of(row).ok_or_else(|| broken("its seal is not readable"))?;
    let sealed = Sealed { stream: stream.as_str(), seq, at_ms, kind, version, payload };
    let event = sealed.open(previous, &stored_seal).map_err(|detail| broken(&detail))?;
    Ok((event, stored_seal))
}

fn seal_of(row: &Row<'_>) -> Option<Seal> {
    match row.get_ref(5) {
        Ok(ValueRef::Blob(bytes)) => bytes.try_into().ok(),
        _ => None,
    }
}

fn damaged(stream: &StreamId, seq: u64, detail: &str) -> Failure {
    Failure::Log(LogError::Corrupt { stream: stream.clone(), seq, detail: detail.to_owned() })
}
