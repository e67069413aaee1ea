//! The format of the file: how it is marked, created and brought up to date.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::SqliteOptions;
use super::failure::Failure;
use crate::Durability;

/// Marks the file as a log of ours (`SHEL`: smallhands event log), in the header field that SQLite sets aside for this.
const APPLICATION_ID: i32 = 0x5348_454C;

/// Step `n` takes a file of format `n` to format `n + 1`. Steps are never changed once released, only added.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE stream (
        id        INTEGER PRIMARY KEY,
        name      TEXT    NOT NULL UNIQUE,
        last_seq  INTEGER NOT NULL,
        last_seal BLOB    NOT NULL
    ) STRICT;
    CREATE TABLE event (
        stream  INTEGER NOT NULL REFERENCES stream (id),
        seq     INTEGER NOT NULL,
        at_ms   INTEGER NOT NULL,
        kind    TEXT    NOT NULL,
        version INTEGER NOT NULL,
        payload TEXT    NOT NULL,
        seal    BLOB    NOT NULL,
        PRIMARY KEY (stream, seq)
    ) STRICT;
    CREATE TABLE blob (
        id    TEXT PRIMARY KEY,
        bytes BLOB NOT NULL
    ) STRICT;
    ",
    // Events lie in the tree of their key instead of in a tree of their own beside it: two pages less to write per append.
    "
    CREATE TABLE event_by_key (
        stream  INTEGER NOT NULL REFERENCES stream (id),
        seq     INTEGER NOT NULL,
        at_ms   INTEGER NOT NULL,
        kind    TEXT    NOT NULL,
        version INTEGER NOT NULL,
        payload TEXT    NOT NULL,
        seal    BLOB    NOT NULL,
        PRIMARY KEY (stream, seq)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO event_by_key SELECT stream, seq, at_ms, kind, version, payload, seal FROM event ORDER BY stream, seq;
    DROP TABLE event;
    ALTER TABLE event_by_key RENAME TO event;
    ",
];

/// The format that this program writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = MIGRATIONS.len() as u32;

/// Opens the file and brings it to the current format.
pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Connection, Failure> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy_timeout)?;
    recognise(&connection)?;
    use_write_ahead_log(&connection, options.busy_timeout)?;
    configure(&connection, options)?;
    back_up_older(&connection, path)?;
    migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

/// Refuses what is not ours or too new, before anything is written to it.
fn recognise(connection: &Connection) -> Result<(), Failure> {
    let format = format_of(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID && (tables > 0 || format > 0 || application != 0) {
        return Err(Failure::File("it is a database of another program".into()));
    }
    if format > FORMAT_VERSION {
        return Err(Failure::Newer { found: format, supported: FORMAT_VERSION });
    }
    Ok(())
}

fn format_of(connection: &Connection) -> Result<u32, Failure> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// The switch to write-ahead logging needs the file for itself for a moment, and SQLite reports `busy` at once instead of
/// waiting. Processes that open a new log at the same time therefore take turns here.
fn use_write_ahead_log(connection: &Connection, patience: Duration) -> Result<(), Failure> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Failure::Other(format!("write-ahead logging is refused, journal mode {mode}")));
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < patience => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn configure(connection: &Connection, options: &SqliteOptions) -> Result<(), Failure> {
    let full = options.durability == Durability::Full;
    connection.pragma_update(None, "synchronous", if full { "full" } else { "normal" })?;
    connection.pragma_update(None, "fullfsync", full)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    if let Some(bytes) = options.size_limit {
        let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes / page.max(1)).unwrap_or(i64::MAX).max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

/// Keeps a copy of a file of an older format beside it, as it was, before it is taken to the current one. The copy is whole
/// or absent: it is made under another name first.
fn back_up_older(connection: &Connection, path: &Path) -> Result<(), Failure> {
    let format = format_of(connection)?;
    if format == 0 || format == FORMAT_VERSION {
        return Ok(());
    }
    let backup = backup_of(path, format);
    let unfinished = PathBuf::from(format!("{}.{}", backup.display(), std::process::id()));
    let failed = |error: std::io::Error| Failure::Other(format!("no copy {}: {error}", backup.display()));
    if backup.try_exists().map_err(failed)? {
        return Ok(());
    }
    let _ = fs::remove_file(&unfinished);
    connection.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])?;
    if format_of(&Connection::open(&unfinished)?)? != format {
        // Another process has just made the copy and gone on.
        return fs::remove_file(&unfinished).map_err(failed);
    }
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&unfinished, &backup).map_err(failed)
}

/// Where the copy of a file of this format is kept.
fn backup_of(path: &Path, format: u32) -> PathBuf {
    PathBuf::from(format!("{}.format-{format}.backup", path.display()))
}

/// Takes the file from its format through all later ones, in one transaction. Another process may have been quicker.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Failure> {
    let newest = migrations.len() as u32;
    if format_of(connection)? == newest {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let format = format_of(&transaction)?;
    if format > newest {
        return Err(Failure::Newer { found: format, supported: newest });
    }
    for step in &migrations[format as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_older_file_is_taken_through_every_later_step() {
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x)", "ALTER TABLE a RENAME TO c"];
        let mut connection = Connection::open_in_memory().unwrap();
        for known in 1..=steps.len() {
            migrate(&mut connection, &steps[..known]).unwrap();
            assert_eq!(format_of(&connection).unwrap(), known as u32);
        }
        assert_eq!(tables(&connection), ["b", "c"]);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_at_its_format() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &["CREATE TABLE a (x)"]).unwrap();
        let failed = migrate(&mut connection, &["CREATE TABLE a (x)", "CREATE TABLE b (x)", "nonsense"]);
        assert!(failed.is_err());
        assert_eq!(format_of(&connection).unwrap(), 1);
        assert_eq!(tables(&connection), ["a"]);
    }

    #[test]
    fn a_file_that_another_process_took_further_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).unwrap();
        let refused = migrate(&mut connection, &["CREATE TABLE a (x)"]);
        assert!(matches!(refused, Err(Failure::Newer { found: 2, supported: 1 })), "{refused:?}");
    }
}
