//! Appending and reading, as statements.

use std::collections::{BTreeMap, BTreeSet};

use postgres::{Client, IsolationLevel, Row, Transaction};
use smallhands_event_log::chain::{EncodedEvent, NO_SEAL, Seal, Sealed};
use smallhands_event_log::{BadBlobId, BlobId, EncodedAppend, LogError, StoredEvent, StreamId};

use crate::connection::Results;
use crate::failure::Failure;

/// Where a stream is while a transaction has it locked.
#[derive(Debug, Clone, Copy)]
struct Head {
    row: i64,
    seq: u64,
    seal: Seal,
    is_changed: bool,
}

/// What a transaction inserts, column by column.
#[derive(Default)]
struct Columns<'a> {
    streams: Vec<i64>,
    seqs: Vec<i64>,
    times: Vec<i64>,
    kinds: Vec<&'a str>,
    versions: Vec<i32>,
    payloads: Vec<&'a str>,
    seals: Vec<Vec<u8>>,
}

/// Appends all in one transaction: a refusal is one append's own, a failure everybody's.
pub(crate) fn append(client: &mut Client, appends: &[EncodedAppend]) -> Result<Results, Failure> {
    let mut transaction = client.transaction()?;
    let mut heads = lock_streams(&mut transaction, appends)?;
    let mut columns = Columns::default();
    let results = appends.iter().map(|append| plan(append, &mut heads, &mut columns)).collect();
    if !columns.seqs.is_empty() {
        columns.insert(&mut transaction)?;
        move_heads(&mut transaction, heads.values().filter(|head| head.is_changed))?;
    }
    transaction.commit()?;
    Ok(results)
}

/// Makes new streams and locks all that are concerned, in the order of their names.
fn lock_streams<'a>(
    transaction: &mut Transaction<'_>,
    appends: &'a [EncodedAppend],
) -> Result<BTreeMap<&'a str, Head>, Failure> {
    let is_new = |append: &&EncodedAppend| append.expected_seq == 0 && !append.events.is_empty();
    let new: BTreeSet<&str> = appends.iter().filter(is_new).map(|append| append.stream.as_str()).collect();
    if !new.is_empty() {
        let insert = transaction.prepare(
            "INSERT INTO stream (name, last_seq, last_seal)
             SELECT name, 0, $2 FROM unnest($1::text[]) WITH ORDINALITY AS new (name, place) ORDER BY place
             ON CONFLICT (name) DO NOTHING",
        )?;
        transaction.execute(&insert, &[&Vec::from_iter(new), &NO_SEAL.as_slice()])?;
    }
    let names: BTreeSet<&str> = appends.iter().map(|append| append.stream.as_str()).collect();
    let rows = transaction.query(
        "SELECT name, id, last_seq, last_seal FROM stream WHERE name = ANY($1) ORDER BY name FOR UPDATE",
        &[&Vec::from_iter(names.iter().copied())],
    )?;
    let mut heads = BTreeMap::new();
    for row in rows {
        let name: &str = row.try_get(0)?;
        let head =
            Head { row: row.try_get(1)?, seq: seq_of(&row, 2)?, seal: seal_of(&row, 3)?, is_changed: false };
        if let Some(name) = names.get(name) {
            heads.insert(*name, head);
        }
    }
    Ok(heads)
}

fn plan<'a>(
    append: &'a EncodedAppend,
    heads: &mut BTreeMap<&'a str, Head>,
    columns: &mut Columns<'a>,
) -> Result<u64, LogError> {
    let EncodedAppend { stream, expected_seq, at_ms, events } = append;
    let head = heads.get_mut(stream.as_str());
    let actual = head.as_ref().map_or(0, |head| head.seq);
    if actual != *expected_seq {
        return Err(LogError::Conflict { stream: stream.clone(), expected: *expected_seq, actual });
    }
    let Some(head) = head.filter(|_| !events.is_empty()) else { return Ok(actual) };
    for EncodedEvent { kind, version, payload } in events {
        head.seq += 1;
        let sealed = Sealed {
            stream: stream.as_str(),
            seq: head.seq,
            at_ms: *at_ms,
            kind,
            version: *version,
            payload,
        };
        head.seal = sealed.seal(&head.seal);
        head.is_changed = true;
        columns.streams.push(head.row);
        columns.seqs.push(head.seq.cast_signed());
        columns.times.push(*at_ms);
        columns.kinds.push(kind);
        columns.versions.push(i32::from(*version));
        columns.payloads.push(payload);
        columns.seals.push(head.seal.to_vec());
    }
    Ok(head.seq)
}

impl Columns<'_> {
    fn insert(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let Self { streams, seqs, times, kinds, versions, payloads, seals } = self;
        transaction.execute(
            "INSERT INTO event (stream, seq, at_ms, kind, version, payload, seal)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::bytea[])",
            &[streams, seqs, times, kinds, versions, payloads, seals],
        )?;
        Ok(())
    }
}

fn move_heads<'a>(
    transaction: &mut Transaction<'_>,
    heads: impl Iterator<Item = &'a Head>,
) -> Result<(), Failure> {
    let (mut rows, mut seqs, mut seals) = (Vec::new(), Vec::new(), Vec::new());
    for head in heads {
        rows.push(head.row);
        seqs.push(head.seq.cast_signed());
        seals.push(head.seal.to_vec());
    }
    transaction.execute(
        "UPDATE stream SET last_seq = new.seq, last_seal = new.seal
         FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS new (id, seq, seal) WHERE stream.id = new.id",
        &[&rows, &seqs, &seals],
    )?;
    Ok(())
}

/// Reads and verifies the events after `after`, up to `last`, and returns the seal of the last one.
pub(crate) fn read(
    client: &mut Client,
    stream: &StreamId,
    after: u64,
    last: u64,
) -> Result<(Vec<StoredEvent>, Seal), Failure> {
    let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let mut transaction = snapshot.start()?;
    let head = transaction
        .query_opt("SELECT id, last_seq, last_seal FROM stream WHERE name = $1", &[&stream.as_str()])?;
    let Some(head) = head else { return Ok((Vec::new(), NO_SEAL)) };
    let (id, end, end_seal): (i64, u64, Seal) = (head.try_get(0)?, seq_of(&head, 1)?, seal_of(&head, 2)?);
    if end <= after {
        return Ok((Vec::new(), end_seal));
    }
    let rows = transaction.query(
        "SELECT seq, at_ms, kind, version, payload, seal FROM event
         WHERE stream = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq",
        &[&id, &signed(after), &signed(last)],
    )?;
    let mut rows = rows.iter();
    let missing = |seq| damaged(stream, seq, "it is missing".into());
    let mut seal = NO_SEAL;
    if after > 0 {
        // Taken on trust: it was verified when it was read.
        let first = rows.next().filter(|row| seq_of(row, 0).is_ok_and(|seq| seq == after));
        seal = seal_of(first.ok_or_else(|| missing(after))?, 5)?;
    }
    let mut events = Vec::new();
    for seq in after + 1..=end.min(last) {
        let row = rows.next().ok_or_else(|| missing(seq))?;
        let (event, its_seal) = open(row, stream, seq, &seal)?;
        events.push(event);
        seal = its_seal;
    }
    if last >= end && seal != end_seal {
        return Err(damaged(stream, end, "the stream ends with another seal".into()));
    }
    Ok((events, seal))
}

fn open(row: &Row, stream: &StreamId, seq: u64, previous: &Seal) -> Result<(StoredEvent, Seal), Failure> {
    if seq_of(row, 0)? != seq {
        return Err(damaged(stream, seq, "it is missing".into()));
    }
    let version = u16::try_from(row.try_get::<_, i32>(3)?);
    let version = version.map_err(|_| damaged(stream, seq, "its version is not readable".into()))?;
    let seal = seal_of(row, 5)?;
    let (at_ms, kind, payload) = (row.try_get(1)?, row.try_get(2)?, row.try_get(4)?);
    let sealed = Sealed { stream: stream.as_str(), seq, at_ms, kind, version, payload };
    let event = sealed.open(previous, &seal).map_err(|detail| damaged(stream, seq, detail))?;
    Ok((event, seal))
}

pub(crate) fn streams(client: &mut Client, prefix: &str) -> Result<Vec<StreamId>, Failure> {
    let rows = client.query(
        "SELECT name FROM stream WHERE last_seq > 0 AND starts_with(name, $1) ORDER BY name",
        &[&prefix],
    )?;
    let name = |row: &Row| {
        StreamId::new(row.try_get::<_, String>(0)?).map_err(|bad| Failure::Schema(bad.to_string()))
    };
    rows.iter().map(name).collect()
}

/// Has the server write down everything that it has confirmed, by a small change that it must write down.
pub(crate) fn flush(client: &mut Client) -> Result<(), Failure> {
    let mut transaction = client.transaction()?;
    transaction
        .batch_execute("SET LOCAL synchronous_commit = on; UPDATE log_format SET version = version")?;
    Ok(transaction.commit()?)
}

pub(crate) fn put_blob(client: &mut Client, id: &BlobId, bytes: &[u8]) -> Result<(), Failure> {
    let insert = "INSERT INTO blob (id, bytes) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    client.execute(insert, &[&id.as_str(), &bytes])?;
    Ok(())
}

pub(crate) fn get_blob(client: &mut Client, id: &BlobId) -> Result<Option<Vec<u8>>, Failure> {
    let row = client.query_opt("SELECT bytes FROM blob WHERE id = $1", &[&id.as_str()])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(crate) fn blobs(client: &mut Client) -> Result<Vec<BlobId>, Failure> {
    let rows = client.query("SELECT id FROM blob ORDER BY id", &[])?;
    let id = |row: &Row| {
        let name: &str = row.try_get(0)?;
        name.parse().map_err(|bad: BadBlobId| Failure::Schema(bad.to_string()))
    };
    rows.iter().map(id).collect()
}

fn seq_of(row: &Row, column: usize) -> Result<u64, Failure> {
    let seq: i64 = row.try_get(column)?;
    u64::try_from(seq).map_err(|_| Failure::Schema(format!("an event's number is {seq}")))
}

fn seal_of(row: &Row, column: usize) -> Result<Seal, Failure> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| Failure::Schema(format!("a seal has {} bytes", bytes.len())))
}

fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn damaged(stream: &StreamId, seq: u64, detail: String) -> Failure {
    Failure::Log(LogError::Corrupt { stream: stream.clone(), seq, detail })
}
